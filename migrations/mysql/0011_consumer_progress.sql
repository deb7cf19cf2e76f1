-- Events that were not handed on yet, and what consumer groups have done of the stream they went to.
--
-- Contract: a row of unpublished_event is written in the transaction of its event and removed once the event is handed on;
-- whoever hands it on holds its lock meanwhile. Ids only tell what waits longest. Of consumer_progress there is one row
-- per group and order; the version never goes back. Times are milliseconds since 1970, UTC, as integers.

CREATE TABLE IF NOT EXISTS unpublished_event (
    id       BIGINT       NOT NULL AUTO_INCREMENT,
    order_id VARCHAR(26)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version  INT UNSIGNED NOT NULL,
    PRIMARY KEY (id),
    -- Tells the lowest version of an order that waits.
    UNIQUE KEY uk_unpublished_event_order_id_version (order_id, version)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS consumer_progress (
    consumer_group VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    order_id       VARCHAR(26)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- the highest version whose effect is done
    version        INT UNSIGNED NOT NULL,
    update_time    BIGINT       NOT NULL,
    PRIMARY KEY (consumer_group, order_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
