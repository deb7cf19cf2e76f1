-- Orders and their lines, which are their reservations too.
--
-- Contract: an order and its lines are inserted together and lines never change. Status codes are 1 submitted, 2 paid,
-- 3 shipped, 4 completed, 5 cancelled; version grows by one with every committed change.
-- Money is DECIMAL(18,4), times are milliseconds since 1970, UTC, as integers.

CREATE TABLE IF NOT EXISTS order_info (
    order_id        VARCHAR(26)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    order_source    VARCHAR(32),
    user_id         VARCHAR(32)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    order_status    TINYINT       NOT NULL,
    amount          DECIMAL(18,4) NOT NULL,
    is_delete       TINYINT       NOT NULL,
    version         INT UNSIGNED  NOT NULL,
    -- when the order is cancelled unless paid; null once it is no longer submitted
    expires_at      BIGINT,
    remark          VARCHAR(500),
    room_id         VARCHAR(64),
    -- the key while it is kept, and the digest of the body that came with it
    idempotency_key VARCHAR(64)   CHARACTER SET ascii COLLATE ascii_bin,
    body_hash       BINARY(16),
    -- customer, shop, payment_timeout
    cancel_reason   VARCHAR(16)   CHARACTER SET ascii COLLATE ascii_bin,
    cancel_text     TEXT,
    -- the sum owed back and the latest reason
    refund_due      DECIMAL(18,4),
    refund_reason   VARCHAR(16)   CHARACTER SET ascii COLLATE ascii_bin,
    create_by       VARCHAR(64)   NOT NULL,
    update_by       VARCHAR(64)   NOT NULL,
    create_time     BIGINT        NOT NULL,
    update_time     BIGINT        NOT NULL,
    -- Reads, locks and updates an order; lists all orders, newest first.
    PRIMARY KEY (order_id),
    -- Looks up the key of a placement. One key makes one order; orders without a key do not meet.
    UNIQUE KEY uk_order_info_key (user_id, idempotency_key),
    -- Lists a user's orders, newest first; counts what a user holds of a SKU with a purchase limit.
    KEY idx_order_info_user_id (user_id, order_id),
    -- Lists the orders of one status, newest first.
    KEY idx_order_info_status (order_status, order_id),
    -- Finds the submitted orders whose deadline has passed, earliest first: only they have one.
    KEY idx_order_info_due (expires_at),
    CONSTRAINT order_status_is_known CHECK (order_status BETWEEN 1 AND 5),
    CONSTRAINT only_submitted_orders_expire CHECK ((order_status = 1) = (expires_at IS NOT NULL)),
    CONSTRAINT key_and_digest_go_together CHECK ((idempotency_key IS NULL) = (body_hash IS NULL)),
    CONSTRAINT order_amount_is_not_negative CHECK (amount >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS order_detail_info (
    order_id        VARCHAR(26)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    sku_id          VARCHAR(32)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    item_name       VARCHAR(250)  NOT NULL,
    quantity        INT UNSIGNED  NOT NULL,
    unit_price      DECIMAL(18,4) NOT NULL,
    item_amount     DECIMAL(18,4) NOT NULL,
    -- the reserve's number in the SKU's stock flow, and the units available right after it
    flow_seq        BIGINT        NOT NULL,
    available_after BIGINT        NOT NULL,
    create_by       VARCHAR(64)   NOT NULL,
    create_time     BIGINT        NOT NULL,
    -- Reads the lines of an order. One SKU has one line in an order.
    PRIMARY KEY (order_id, sku_id),
    -- Lists the orders of a SKU, newest first; sums up what the orders hold of it.
    KEY idx_order_detail_info_sku_id (sku_id, order_id),
    -- Finds the reserves among a SKU's stock flow, newest first: an order's lines carry their number in it.
    KEY idx_order_detail_info_flow (sku_id, flow_seq),
    CONSTRAINT quantity_is_positive CHECK (quantity > 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
