-- Where the orders and the keys of a user are found.
--
-- Contract: users and keys come in no order, so an order that is put here at once rewrites a page of each table for
-- itself alone. That was most of what a commit cost. New orders are therefore filed later, many at a time and sorted by
-- user: every order whose order_info.id is filed_to or less has its row in order_by_user and, while its key is kept, in
-- order_key; a later one may have them. Whoever looks here looks through the later ones too.

CREATE TABLE order_by_user (
    user_id  TEXT NOT NULL,
    order_id TEXT NOT NULL,
    -- Lists a user's orders, newest first; counts what a user holds of a SKU with a purchase limit.
    PRIMARY KEY (user_id, order_id)
) WITHOUT ROWID;

CREATE TABLE order_key (
    user_id         TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    order_id        TEXT NOT NULL,
    -- Looks up the key of a placement. One key makes one order.
    PRIMARY KEY (user_id, idempotency_key)
) WITHOUT ROWID;

-- One row.
CREATE TABLE order_filing (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    filed_to INTEGER NOT NULL
);

INSERT INTO order_by_user (user_id, order_id) SELECT user_id, order_id FROM order_info ORDER BY user_id, order_id;

INSERT INTO order_key (user_id, idempotency_key, order_id)
    SELECT user_id, idempotency_key, order_id FROM order_info WHERE idempotency_key IS NOT NULL
    ORDER BY user_id, idempotency_key;

INSERT INTO order_filing (id, filed_to) SELECT 1, coalesce(max(id), 0) FROM order_info;

DROP INDEX uk_order_info_key;
DROP INDEX idx_order_info_user_id;
