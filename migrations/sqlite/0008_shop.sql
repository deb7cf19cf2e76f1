-- What the amounts in all other tables are worth.
--
-- Contract: one row, written by the first start. The currency never changes, and its fraction digits only grow: with
-- fewer, amounts that are stored would be written as others. Times are milliseconds since 1970.

CREATE TABLE shop_info (
    id              INTEGER PRIMARY KEY,
    currency        TEXT    NOT NULL,
    currency_digits INTEGER NOT NULL,
    create_time     INTEGER NOT NULL,
    update_time     INTEGER NOT NULL,
    CONSTRAINT there_is_one_shop CHECK (id = 1)
);
