-- What is sold and how much of it there is.
--
-- Contract: every SKU has one row in sku_info and one in sku_stock_info, made together. A stock row always adds up,
-- no count is ever negative, and its version grows by one with every committed change and never restarts.
-- Money is in ten-thousandths, times are milliseconds since 1970, both UTC and integer.

CREATE TABLE sku_info (
    id               INTEGER PRIMARY KEY,
    sku_id           TEXT    NOT NULL,
    name             TEXT    NOT NULL,
    sku_price        INTEGER NOT NULL,
    -- 0: off sale, 1: on sale
    status           INTEGER NOT NULL,
    -- null: the shop's default
    payment_window_s INTEGER,
    -- null: no limit
    purchase_limit   INTEGER,
    create_time      INTEGER NOT NULL,
    update_time      INTEGER NOT NULL
);

-- Reads a SKU by its id; lists SKUs by id.
CREATE UNIQUE INDEX uk_sku_info_sku_id ON sku_info (sku_id);

CREATE TABLE sku_stock_info (
    id          INTEGER PRIMARY KEY,
    sku_id      TEXT    NOT NULL,
    total       INTEGER NOT NULL,
    available   INTEGER NOT NULL,
    reserved    INTEGER NOT NULL,
    sold        INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    -- the number of the latest entry of the SKU's stock flow
    flow_seq    INTEGER NOT NULL,
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    CONSTRAINT available_is_not_negative CHECK (available >= 0),
    CONSTRAINT reserved_is_not_negative CHECK (reserved >= 0),
    CONSTRAINT sold_is_not_negative CHECK (sold >= 0),
    CONSTRAINT stock_adds_up CHECK (total = available + reserved + sold)
);

-- Reads and updates the stock row of a SKU.
CREATE UNIQUE INDEX uk_sku_stock_info_sku_id ON sku_stock_info (sku_id);

-- Everything that happened to a SKU's stock except the reserves: those are read back from order_detail_info, whose
-- flow_seq counts on with seq, so that together they number a SKU's entries from 1 without a gap.
CREATE TABLE stock_flow (
    id                 INTEGER PRIMARY KEY,
    sku_id             TEXT    NOT NULL,
    seq                INTEGER NOT NULL,
    -- restock, reduce, confirm, release, return
    kind               TEXT    NOT NULL,
    -- by how much available changed; a confirm, which leaves it as it was, has the units confirmed, negative
    change             INTEGER NOT NULL,
    available_before   INTEGER NOT NULL,
    available_after    INTEGER NOT NULL,
    order_id           TEXT,
    reason             TEXT,
    -- of keyed changes only: the key while it is kept, the digest of the body, and the level as it was answered
    idempotency_key    TEXT,
    body_hash          BLOB,
    answered_total     INTEGER,
    answered_available INTEGER,
    answered_reserved  INTEGER,
    answered_sold      INTEGER,
    answered_version   INTEGER,
    create_by          TEXT    NOT NULL,
    create_time        INTEGER NOT NULL
);

-- Finds the entry of a keyed change to write its key to. One number is used once.
CREATE UNIQUE INDEX uk_stock_flow_sku_id_seq ON stock_flow (sku_id, seq);

-- Looks up the key of a stock change. One key makes one change.
CREATE UNIQUE INDEX uk_stock_flow_key ON stock_flow (sku_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
