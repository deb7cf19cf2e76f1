-- How far orders are filed under their users and keys.
--
-- Contract: nothing is left to do here. SQLite files orders later, in order; on MySQL the indexes of order_info take
-- them as they come.

DO 0;
