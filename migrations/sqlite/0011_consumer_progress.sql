-- What consumer groups have done of a stream that may deliver again.
--
-- Contract: one row per group and order; the version never goes back. Times are milliseconds since 1970.

CREATE TABLE consumer_progress (
    consumer_group TEXT    NOT NULL,
    order_id       TEXT    NOT NULL,
    -- the highest version whose effect is done
    version        INTEGER NOT NULL,
    update_time    INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, order_id)
) WITHOUT ROWID;
