-- What users with many orders hold of SKUs with a purchase limit.
--
-- Contract: units is the sum of the user's lines of the SKU in orders not cancelled. A row exists only while its SKU has a
-- limit, and only from the first time on that it was wanted of a user with many orders; then it is never missing, also
-- at zero. Whatever changes it moves the SKU's stock too, so it is read and written under the lock of the stock row.

CREATE TABLE IF NOT EXISTS purchase_count (
    sku_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    user_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    units   BIGINT      NOT NULL,
    -- Tells what a user holds of a SKU; finds the rows of a SKU whose limit is lifted.
    PRIMARY KEY (sku_id, user_id),
    CONSTRAINT units_are_not_negative CHECK (units >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
