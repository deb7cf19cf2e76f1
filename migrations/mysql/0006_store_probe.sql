-- Where the readiness check proves that writing works.
--
-- Contract: empty for everyone to see. The check puts a row in and rolls it back.

CREATE TABLE IF NOT EXISTS store_probe (
    id     BIGINT         NOT NULL AUTO_INCREMENT,
    filler VARBINARY(255) NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
