-- Orders and their lines, which are their reservations too.
--
-- Contract: an order and its lines are inserted together and lines never change. Status codes are 1 submitted, 2 paid,
-- 3 shipped, 4 completed, 5 cancelled; version grows by one with every committed change.
-- Money is in ten-thousandths, times are milliseconds since 1970, both UTC and integer.

CREATE TABLE order_info (
    id              INTEGER PRIMARY KEY,
    order_id        TEXT    NOT NULL,
    order_source    TEXT,
    user_id         TEXT    NOT NULL,
    order_status    INTEGER NOT NULL,
    amount          INTEGER NOT NULL,
    is_delete       INTEGER NOT NULL,
    version         INTEGER NOT NULL,
    -- when the order is cancelled unless paid; null once it is no longer submitted
    expires_at      INTEGER,
    remark          TEXT,
    room_id         TEXT,
    -- the key while it is kept, and the digest of the body that came with it
    idempotency_key TEXT,
    body_hash       BLOB,
    -- customer, shop, payment_timeout
    cancel_reason   TEXT,
    cancel_text     TEXT,
    -- the sum owed back and the latest reason
    refund_due      INTEGER,
    refund_reason   TEXT,
    create_by       TEXT    NOT NULL,
    update_by       TEXT    NOT NULL,
    create_time     INTEGER NOT NULL,
    update_time     INTEGER NOT NULL
);

-- Reads and updates an order; lists all orders, newest first.
CREATE UNIQUE INDEX uk_order_info_order_id ON order_info (order_id);

-- Looks up the key of a placement. One key makes one order.
CREATE UNIQUE INDEX uk_order_info_key ON order_info (user_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

-- Lists a user's orders, newest first; counts what a user holds of a SKU with a purchase limit.
CREATE INDEX idx_order_info_user_id ON order_info (user_id, order_id);

-- Lists the orders of one status, newest first.
CREATE INDEX idx_order_info_status ON order_info (order_status, order_id);

-- Finds the submitted orders whose deadline has passed, earliest first.
CREATE INDEX idx_order_info_due ON order_info (expires_at) WHERE order_status = 1;

CREATE TABLE order_detail_info (
    id              INTEGER PRIMARY KEY,
    order_id        TEXT    NOT NULL,
    sku_id          TEXT    NOT NULL,
    item_name       TEXT    NOT NULL,
    quantity        INTEGER NOT NULL,
    unit_price      INTEGER NOT NULL,
    item_amount     INTEGER NOT NULL,
    -- the reserve's number in the SKU's stock flow, and the units available right after it
    flow_seq        INTEGER NOT NULL,
    available_after INTEGER NOT NULL,
    create_by       TEXT    NOT NULL,
    create_time     INTEGER NOT NULL
);

-- Reads the lines of an order. One SKU has one line in an order.
CREATE UNIQUE INDEX uk_order_detail_info_order_id_sku_id ON order_detail_info (order_id, sku_id);

-- Lists the orders of a SKU, newest first; sums up what the orders hold of it.
CREATE INDEX idx_order_detail_info_sku_id ON order_detail_info (sku_id, order_id);
