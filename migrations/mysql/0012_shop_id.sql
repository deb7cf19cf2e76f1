-- Which shop this database is, told apart from every other: what is shared beside it (a ledger) is bound to it.
--
-- Contract: one row, written by the first node that comes; the id is random and never changes. A copy of the database is
-- the same shop. Times are milliseconds since 1970, UTC.

CREATE TABLE IF NOT EXISTS shop_identity (
    id          TINYINT     NOT NULL,
    shop_id     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    create_time BIGINT      NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT there_is_one_identity CHECK (id = 1)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
