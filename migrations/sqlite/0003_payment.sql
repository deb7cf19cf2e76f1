-- Payments: notices of money already captured, each recorded once and for ever.
--
-- Contract: a payment ends as paid (reason null) or as refund due. The payment that paid an order becomes refund due
-- when that order is cancelled later. Money is in ten-thousandths, times are milliseconds since 1970.

CREATE TABLE payment_info (
    id            INTEGER PRIMARY KEY,
    payment_id    TEXT    NOT NULL,
    order_id      TEXT    NOT NULL,
    amount        INTEGER NOT NULL,
    -- how the notice was answered, the same in every repeat of it; null: the order was paid by it
    reason        TEXT,
    -- why the sum is owed back, if it is: as answered, or because the order was cancelled later
    refund_reason TEXT,
    -- null: nothing is owed back; due; done
    refund_status TEXT,
    create_time   INTEGER NOT NULL,
    update_time   INTEGER NOT NULL
);

-- Looks up a payment whose notice may be a repeat.
CREATE UNIQUE INDEX uk_payment_info_payment_id ON payment_info (payment_id);

-- Finds the payment that paid an order, to owe it back. An order is paid once.
CREATE UNIQUE INDEX uk_payment_info_paid_order ON payment_info (order_id) WHERE reason IS NULL;
