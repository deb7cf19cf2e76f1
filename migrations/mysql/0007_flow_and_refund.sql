-- What reading a SKU's stock flow and listing refunds take.
--
-- Contract: nothing is left to do here. The numbers and names are those of the migrations for SQLite; on MySQL
-- idx_order_detail_info_flow, refund_time and idx_payment_info_refund are there from 0002 and 0003 on.

DO 0;
