-- Payments: notices of money already captured, each recorded once and for ever.
--
-- Contract: a payment ends as paid (reason null) or as refund due. The payment that paid an order becomes refund due
-- when that order is cancelled later; refund_time is set whenever refund_status is, and tells since when.
-- Money is DECIMAL(18,4), times are milliseconds since 1970, UTC, as integers.

CREATE TABLE IF NOT EXISTS payment_info (
    payment_id    VARCHAR(64)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    order_id      VARCHAR(26)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    amount        DECIMAL(18,4) NOT NULL,
    -- how the notice was answered, the same in every repeat of it; null: the order was paid by it
    reason        VARCHAR(16)   CHARACTER SET ascii COLLATE ascii_bin,
    -- why the sum is owed back, if it is: as answered, or because the order was cancelled later
    refund_reason VARCHAR(16)   CHARACTER SET ascii COLLATE ascii_bin,
    -- null: nothing is owed back; due; done
    refund_status VARCHAR(8)    CHARACTER SET ascii COLLATE ascii_bin,
    refund_time   BIGINT,
    create_time   BIGINT        NOT NULL,
    update_time   BIGINT        NOT NULL,
    -- the order, if it was paid by this payment: what an index on some of the rows would take
    paid_order_id VARCHAR(26)   CHARACTER SET ascii COLLATE ascii_bin
        GENERATED ALWAYS AS (CASE WHEN reason IS NULL THEN order_id END) STORED,
    -- Looks up a payment whose notice may be a repeat.
    PRIMARY KEY (payment_id),
    -- Finds the payment that paid an order, to owe it back. An order is paid once.
    UNIQUE KEY uk_payment_info_paid_order (paid_order_id),
    -- Lists payments that are or were owed back, the one that is longest so first.
    KEY idx_payment_info_refund (refund_status, refund_time, payment_id),
    CONSTRAINT refund_is_whole CHECK (
        (refund_reason IS NULL) = (refund_status IS NULL) AND (refund_status IS NULL) = (refund_time IS NULL))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
