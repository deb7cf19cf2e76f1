-- What is sold and how much of it there is.
--
-- Contract: every SKU has one row in sku_info and one in sku_stock_info, made together. A stock row always adds up,
-- no count is ever negative, and its version grows by one with every committed change and never restarts.
-- Ids and keys are ascii and compared by their bytes, so case matters; texts are utf8mb4. Money is DECIMAL(18,4), times
-- are milliseconds since 1970, UTC, as integers, so that no server's or session's time zone has a say.
-- A table's rows are kept in the order of its id: rows are locked by it, in its order.

CREATE TABLE IF NOT EXISTS sku_info (
    sku_id           VARCHAR(32)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name             VARCHAR(250)  NOT NULL,
    sku_price        DECIMAL(18,4) NOT NULL,
    -- 0: off sale, 1: on sale
    status           TINYINT       NOT NULL,
    -- null: the shop's default
    payment_window_s INT UNSIGNED,
    -- null: no limit
    purchase_limit   INT UNSIGNED,
    create_time      BIGINT        NOT NULL,
    update_time      BIGINT        NOT NULL,
    PRIMARY KEY (sku_id),
    CONSTRAINT sku_status_is_known CHECK (status IN (0, 1)),
    CONSTRAINT sku_price_is_not_negative CHECK (sku_price >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS sku_stock_info (
    sku_id      VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    total       BIGINT NOT NULL,
    available   BIGINT NOT NULL,
    reserved    BIGINT NOT NULL,
    sold        BIGINT NOT NULL,
    version     BIGINT NOT NULL,
    -- the number of the latest entry of the SKU's stock flow
    flow_seq    BIGINT NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT NOT NULL,
    PRIMARY KEY (sku_id),
    CONSTRAINT available_is_not_negative CHECK (available >= 0),
    CONSTRAINT reserved_is_not_negative CHECK (reserved >= 0),
    CONSTRAINT sold_is_not_negative CHECK (sold >= 0),
    CONSTRAINT stock_adds_up CHECK (total = available + reserved + sold)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Everything that happened to a SKU's stock except the reserves: those are read back from order_detail_info, whose
-- flow_seq counts on with seq, so that together they number a SKU's entries from 1 without a gap.
CREATE TABLE IF NOT EXISTS stock_flow (
    sku_id             VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    seq                BIGINT       NOT NULL,
    -- restock, reduce, confirm, release, return
    kind               VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- by how much available changed; a confirm, which leaves it as it was, has the units confirmed, negative
    `change`           BIGINT       NOT NULL,
    available_before   BIGINT       NOT NULL,
    available_after    BIGINT       NOT NULL,
    order_id           VARCHAR(26)  CHARACTER SET ascii COLLATE ascii_bin,
    reason             TEXT,
    -- of keyed changes only: the key while it is kept, the digest of the body, and the level as it was answered
    idempotency_key    VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin,
    body_hash          BINARY(16),
    answered_total     BIGINT,
    answered_available BIGINT,
    answered_reserved  BIGINT,
    answered_sold      BIGINT,
    answered_version   BIGINT,
    create_by          VARCHAR(64)  NOT NULL,
    create_time        BIGINT       NOT NULL,
    -- Pages a SKU's stock flow; finds the entry of a keyed change. One number is used once.
    PRIMARY KEY (sku_id, seq),
    -- Looks up the key of a stock change. One key makes one change; rows without a key do not meet.
    UNIQUE KEY uk_stock_flow_key (sku_id, idempotency_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
