-- Order events.
--
-- Contract: one row per committed change of an order, in the transaction of that change; per order the versions run
-- from 1 without a gap. Ids are handed out before their transactions commit, so they become visible out of order: with
-- several nodes they are no positions in a log. Times are milliseconds since 1970, UTC, as integers.

CREATE TABLE IF NOT EXISTS order_event (
    id           BIGINT       NOT NULL AUTO_INCREMENT,
    order_id     VARCHAR(26)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version      INT UNSIGNED NOT NULL,
    event_type   VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    order_status TINYINT      NOT NULL,
    reason       TEXT,
    -- of version 1 only: the order as it was answered, as json, for replays under its key
    answered     MEDIUMTEXT,
    create_by    VARCHAR(64)  NOT NULL,
    create_time  BIGINT       NOT NULL,
    PRIMARY KEY (id),
    -- Reads an order's events; reads what a placement was answered. One version has one event.
    UNIQUE KEY uk_order_event_order_id_version (order_id, version)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
