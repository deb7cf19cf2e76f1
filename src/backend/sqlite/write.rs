//! Writes what was decided: one prepared statement per table, row by row, which is as fast as many rows at once here.
//!
//! An update that is guarded by what was read must hit exactly one row; anything else is a fault of ours or damage,
//! and nothing of the batch is kept.

use actors::domain::commit::{ChangedOrder, Changes, NewOrder, RefundedOrder, StockKeyRecord, StockWrite};
use actors::domain::event::OrderEvent;
use actors::domain::id::{KeyScope, OrderId, PaymentId, ScopedKey};
use actors::domain::order::OrderState;
use actors::domain::payment::{Payment, RefundReason, RefundStatus};
use actors::domain::stock::{FlowEntry, Sku};
use actors::domain::time::Timestamp;
use rusqlite::{Connection, params};

use super::fault::Fault;
use super::unfiled::View;
use super::{held, queries};
use crate::backend::snapshot;

/// The rows of what was inserted.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Of the last new order.
    pub(super) last_order: Option<i64>,
    /// Of the events, in their order.
    pub(super) events: Vec<i64>,
}

/// Writes all changes, in the order of their fields.
pub(super) fn write(connection: &Connection, view: &View, changes: &Changes, now: Timestamp) -> Result<Written, Fault> {
    changes.cleared_keys.iter().try_for_each(|key| clear_key(connection, view, key))?;
    changes.goods.iter().try_for_each(|sku| put_goods(connection, sku))?;
    changes.stock.iter().try_for_each(|stock| update_stock(connection, stock, now))?;
    let mut written = insert_orders(connection, &changes.new_orders)?;
    for changed in &changes.changed_orders {
        written.events.push(update_order(connection, changed)?);
    }
    changes.flow.iter().try_for_each(|entry| insert_flow(connection, entry))?;
    changes.stock_keys.iter().try_for_each(|record| write_stock_key(connection, record))?;
    changes.payments.iter().try_for_each(|payment| insert_payment(connection, payment))?;
    changes.refunded_orders.iter().try_for_each(|refunded| refund_payment(connection, refunded, now))?;
    changes.settled_refunds.iter().try_for_each(|payment_id| settle_refund(connection, payment_id, now))?;
    changes.lifted_limits.iter().try_for_each(|sku_id| held::drop_counts(connection, sku_id))?;
    changes.purchase_counts.iter().try_for_each(|count| held::write_count(connection, count))?;
    for (group, position) in &changes.positions {
        move_position(connection, group, *position, now)?;
    }
    for ((group, order_id), version) in &changes.done {
        note_done(connection, group, *order_id, *version, now)?;
    }
    Ok(written)
}

fn clear_key(connection: &Connection, view: &View, scoped: &ScopedKey) -> Result<(), Fault> {
    let key = scoped.key.as_str();
    match &scoped.scope {
        KeyScope::PlaceOrder(user_id) => {
            let order_id = queries::order_under(connection, view, user_id, &scoped.key)?;
            let order_id = order_id.map(|order_id| order_id.to_string());
            let sql = "UPDATE order_info SET idempotency_key = NULL, body_hash = NULL \
                 WHERE order_id = ?1 AND idempotency_key = ?2";
            one_row("order_info", connection.prepare_cached(sql)?.execute(params![order_id, key])?)?;
            // Not there if the order is not filed.
            let sql = "DELETE FROM order_key WHERE user_id = ?1 AND idempotency_key = ?2";
            connection.prepare_cached(sql)?.execute([user_id.as_str(), key])?;
            Ok(())
        }
        KeyScope::ChangeStock(sku_id) => {
            let sql = "UPDATE stock_flow SET idempotency_key = NULL, body_hash = NULL \
                 WHERE sku_id = ?1 AND idempotency_key = ?2";
            one_row("stock_flow", connection.prepare_cached(sql)?.execute([sku_id.as_str(), key])?)
        }
    }
}

fn put_goods(connection: &Connection, sku: &Sku) -> Result<(), Fault> {
    let goods = &sku.goods;
    let window = goods.payment_window.map(|window| signed(window.as_secs())).transpose()?;
    let put = "INSERT INTO sku_info \
             (sku_id, name, sku_price, status, payment_window_s, purchase_limit, create_time, update_time) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
         ON CONFLICT (sku_id) DO UPDATE SET name = excluded.name, sku_price = excluded.sku_price, \
             status = excluded.status, payment_window_s = excluded.payment_window_s, \
             purchase_limit = excluded.purchase_limit, update_time = excluded.update_time";
    connection.prepare_cached(put)?.execute(params![
        sku.sku_id.as_str(),
        goods.name,
        goods.price.ten_thousandths(),
        goods.on_sale,
        window,
        goods.purchase_limit,
        sku.created_at.millis(),
        sku.updated_at.millis(),
    ])?;
    // An existing stock row is not the catalogue's to touch; a new one starts empty, whatever the batch does to it next.
    let start = "INSERT INTO sku_stock_info \
             (sku_id, total, available, reserved, sold, version, flow_seq, create_time, update_time) \
         VALUES (?1, 0, 0, 0, 0, 1, 0, ?2, ?2) ON CONFLICT (sku_id) DO NOTHING";
    connection.prepare_cached(start)?.execute(params![sku.sku_id.as_str(), sku.created_at.millis()])?;
    Ok(())
}

fn update_stock(connection: &Connection, stock: &StockWrite, now: Timestamp) -> Result<(), Fault> {
    let sql = "UPDATE sku_stock_info SET total = ?3, available = ?4, reserved = ?5, sold = ?6, version = ?7, \
         flow_seq = ?8, update_time = ?9 WHERE sku_id = ?1 AND version = ?2";
    let level = &stock.level;
    let changed = connection.prepare_cached(sql)?.execute(params![
        stock.sku_id.as_str(),
        signed(stock.from_version)?,
        level.total,
        level.available,
        level.reserved,
        level.sold,
        signed(level.version)?,
        signed(stock.flow_seq)?,
        now.millis(),
    ])?;
    one_row("sku_stock_info", changed)
}

fn insert_orders(connection: &Connection, placed: &[NewOrder]) -> Result<Written, Fault> {
    let mut into_orders = connection.prepare_cached(
        "INSERT INTO order_info (order_id, order_source, user_id, order_status, amount, is_delete, version, \
             expires_at, remark, room_id, idempotency_key, body_hash, create_by, update_by, create_time, update_time) \
         VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?13, ?13)",
    )?;
    let mut into_lines = connection.prepare_cached(
        "INSERT INTO order_detail_info (order_id, sku_id, item_name, quantity, unit_price, item_amount, flow_seq, \
             available_after, create_by, create_time) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    let mut written = Written::default();
    for NewOrder { order, event } in placed {
        let order_id = order.order_id.to_string();
        into_orders.execute(params![
            order_id,
            order.source,
            order.user_id.as_str(),
            order.status().code(),
            order.amount.ten_thousandths(),
            order.version,
            order.expires_at().map(Timestamp::millis),
            order.remark,
            order.room_id,
            order.key.as_ref().map(|key| key.key.as_str()),
            order.key.as_ref().map(|key| key.body_hash.as_bytes()),
            event.by,
            order.created_at.millis(),
        ])?;
        written.last_order = Some(connection.last_insert_rowid());
        for line in &order.lines {
            into_lines.execute(params![
                order_id,
                line.sku_id.as_str(),
                line.name,
                line.quantity,
                line.unit_price.ten_thousandths(),
                line.amount.ten_thousandths(),
                signed(line.flow_seq)?,
                line.available_after,
                event.by,
                order.created_at.millis(),
            ])?;
        }
        written.events.push(insert_event(connection, event, Some(&snapshot::write(order)?))?);
    }
    Ok(written)
}

fn update_order(connection: &Connection, changed: &ChangedOrder) -> Result<i64, Fault> {
    // The key is not written: it may have been cleared in this very batch.
    let sql = "UPDATE order_info SET order_status = ?3, version = ?4, expires_at = ?5, order_source = ?6, remark = ?7, \
             cancel_reason = ?8, cancel_text = ?9, refund_due = ?10, refund_reason = ?11, is_delete = ?12, \
             update_by = ?13, update_time = ?14 \
         WHERE order_id = ?1 AND version = ?2";
    let ChangedOrder { order, from_version, event } = changed;
    let (cancel_reason, cancel_text) = match &order.state {
        OrderState::Cancelled { reason, text } => (Some(reason.name()), text.as_deref()),
        _ => (None, None),
    };
    let rows = connection.prepare_cached(sql)?.execute(params![
        order.order_id.to_string(),
        from_version,
        order.status().code(),
        order.version,
        order.expires_at().map(Timestamp::millis),
        order.source,
        order.remark,
        cancel_reason,
        cancel_text,
        order.refund.map(|refund| refund.due.ten_thousandths()),
        order.refund.map(|refund| refund.reason.name()),
        order.is_deleted,
        event.by,
        order.updated_at.millis(),
    ])?;
    one_row("order_info", rows)?;
    insert_event(connection, event, None)
}

fn insert_event(connection: &Connection, event: &OrderEvent, answered: Option<&str>) -> Result<i64, Fault> {
    let sql = "INSERT INTO order_event \
             (order_id, version, event_type, order_status, reason, answered, create_by, create_time) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    connection.prepare_cached(sql)?.execute(params![
        event.order_id.to_string(),
        event.version,
        event.event_type.name(),
        event.status.code(),
        event.reason,
        answered,
        event.by,
        event.at.millis(),
    ])?;
    Ok(connection.last_insert_rowid())
}

fn insert_flow(connection: &Connection, entry: &FlowEntry) -> Result<(), Fault> {
    let sql = "INSERT INTO stock_flow (sku_id, seq, kind, change, available_before, available_after, order_id, \
             reason, create_by, create_time) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    connection.prepare_cached(sql)?.execute(params![
        entry.sku_id.as_str(),
        signed(entry.seq)?,
        entry.kind.name(),
        entry.change,
        entry.available_before,
        entry.available_after,
        entry.order_id.map(|order_id| order_id.to_string()),
        entry.reason,
        entry.by,
        entry.at.millis(),
    ])?;
    Ok(())
}

fn write_stock_key(connection: &Connection, record: &StockKeyRecord) -> Result<(), Fault> {
    let sql = "UPDATE stock_flow SET idempotency_key = ?3, body_hash = ?4, answered_total = ?5, \
             answered_available = ?6, answered_reserved = ?7, answered_sold = ?8, answered_version = ?9 \
         WHERE sku_id = ?1 AND seq = ?2 AND idempotency_key IS NULL";
    let level = &record.level;
    let changed = connection.prepare_cached(sql)?.execute(params![
        record.sku_id.as_str(),
        signed(record.seq)?,
        record.key.as_str(),
        record.body_hash.as_bytes(),
        level.total,
        level.available,
        level.reserved,
        level.sold,
        signed(level.version)?,
    ])?;
    one_row("stock_flow", changed)
}

fn insert_payment(connection: &Connection, payment: &Payment) -> Result<(), Fault> {
    let sql = "INSERT INTO payment_info \
             (payment_id, order_id, amount, reason, refund_reason, refund_status, refund_time, create_time, \
             update_time) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)";
    connection.prepare_cached(sql)?.execute(params![
        payment.payment_id.as_str(),
        payment.order_id.to_string(),
        payment.amount.ten_thousandths(),
        payment.answered.map(RefundReason::name),
        payment.refund.map(|refund| refund.reason.name()),
        payment.refund.map(|refund| refund.status.name()),
        payment.refund.map(|refund| refund.at.millis()),
        payment.at.millis(),
    ])?;
    Ok(())
}

fn refund_payment(connection: &Connection, refunded: &RefundedOrder, now: Timestamp) -> Result<(), Fault> {
    let sql = "UPDATE payment_info SET refund_reason = ?2, refund_status = ?3, refund_time = ?4, update_time = ?5 \
         WHERE order_id = ?1 AND reason IS NULL AND refund_status IS NULL";
    let RefundedOrder { order_id, refund } = refunded;
    let changed = connection.prepare_cached(sql)?.execute(params![
        order_id.to_string(),
        refund.reason.name(),
        refund.status.name(),
        refund.at.millis(),
        now.millis(),
    ])?;
    one_row("payment_info", changed)
}

fn settle_refund(connection: &Connection, payment_id: &PaymentId, now: Timestamp) -> Result<(), Fault> {
    let sql = "UPDATE payment_info SET refund_status = ?2, update_time = ?3 \
         WHERE payment_id = ?1 AND refund_status = ?4";
    let (from, to) = (RefundStatus::Due.name(), RefundStatus::Done.name());
    let changed = connection.prepare_cached(sql)?.execute(params![payment_id.as_str(), to, now.millis(), from])?;
    one_row("payment_info", changed)
}

fn move_position(connection: &Connection, group: &str, position: u64, now: Timestamp) -> Result<(), Fault> {
    let sql = "INSERT INTO consumer_position (consumer_group, position, update_time) VALUES (?1, ?2, ?3) \
         ON CONFLICT (consumer_group) DO UPDATE SET position = excluded.position, update_time = excluded.update_time \
         WHERE excluded.position > position";
    connection.prepare_cached(sql)?.execute(params![group, signed(position)?, now.millis()])?;
    Ok(())
}

fn note_done(
    connection: &Connection,
    group: &str,
    order_id: OrderId,
    version: u32,
    now: Timestamp,
) -> Result<(), Fault> {
    let sql = "INSERT INTO consumer_progress (consumer_group, order_id, version, update_time) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (consumer_group, order_id) DO UPDATE SET version = excluded.version, \
         update_time = excluded.update_time WHERE excluded.version > version";
    connection.prepare_cached(sql)?.execute(params![group, order_id.to_string(), version, now.millis()])?;
    Ok(())
}

fn one_row(table: &'static str, changed: usize) -> Result<(), Fault> {
    if changed == 1 { Ok(()) } else { Err(Fault::Guard { table, changed }) }
}

pub(super) fn signed(count: u64) -> Result<i64, Fault> {
    i64::try_from(count).map_err(|_| Fault::Damaged(format!("{count} is more than the tables hold")))
}
