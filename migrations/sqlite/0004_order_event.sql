-- Order events, which are also the log that consumers read, and how far each consumer group has come.
--
-- Contract: one row per committed change of an order, in the transaction of that change; per order the versions run
-- from 1 without a gap. There is one writer, so ids grow in the order of the commits and are positions in the log.
-- Times are milliseconds since 1970.

CREATE TABLE order_event (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id     TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    event_type   TEXT    NOT NULL,
    order_status INTEGER NOT NULL,
    reason       TEXT,
    -- of version 1 only: the order as it was answered, as json, for replays under its key
    answered     TEXT,
    create_by    TEXT    NOT NULL,
    create_time  INTEGER NOT NULL
);

-- Reads an order's events; reads what a placement was answered. One version has one event.
CREATE UNIQUE INDEX uk_order_event_order_id_version ON order_event (order_id, version);

CREATE TABLE consumer_position (
    consumer_group TEXT    PRIMARY KEY,
    -- the id of the last event whose effect is done
    position       INTEGER NOT NULL,
    update_time    INTEGER NOT NULL
) WITHOUT ROWID;
