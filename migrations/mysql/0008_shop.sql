-- What the amounts in all other tables are worth.
--
-- Contract: one row, written by the first node that comes. The currency never changes, and its fraction digits only
-- grow: with fewer, amounts that are stored would be written as others. Times are milliseconds since 1970, UTC.

CREATE TABLE IF NOT EXISTS shop_info (
    id              TINYINT     NOT NULL,
    currency        VARCHAR(16) NOT NULL,
    currency_digits TINYINT     NOT NULL,
    create_time     BIGINT      NOT NULL,
    update_time     BIGINT      NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT there_is_one_shop CHECK (id = 1)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
