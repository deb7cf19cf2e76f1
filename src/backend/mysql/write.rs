//! Writes what was decided: many rows to an insert, many updates to a message, each message of bounded size.
//!
//! An update that is guarded by what was read must find exactly one row; anything else is a fault of ours or damage,
//! and nothing of the batch is kept. Inserts take no duplicate for an answer: a row that is there already is another
//! transaction's, and the batch is decided anew.

use std::collections::{BTreeMap, BTreeSet};

use actors::domain::commit::{ChangedOrder, Changes, NewOrder, StockWrite};
use actors::domain::id::{KeyScope, ScopedKey, SkuId};
use actors::domain::limits::KEY_LIFETIME;
use actors::domain::order::OrderState;
use actors::domain::payment::{RefundReason, RefundStatus};
use actors::domain::stock::Sku;
use actors::domain::time::Timestamp;
use mysql_async::Value;

use super::call::{Connection, MESSAGE_BYTES_MAX};
use super::fault::Fault;
use super::held;
use super::sql::{Argument, Sql, money, push_list};
use crate::backend::snapshot;

/// Writes all changes, in the order of their fields. `known` are the SKUs that are there already.
pub(super) async fn write(
    connection: &mut Connection,
    changes: &Changes,
    known: &BTreeSet<SkuId>,
    now: Timestamp,
) -> Result<(), Fault> {
    let mut updates = Updates::default();
    changes.cleared_keys.iter().for_each(|key| updates.clear_key(key, now));
    changes.goods.iter().for_each(|sku| updates.put_goods(sku, known.contains(&sku.sku_id)));
    changes.stock.iter().for_each(|stock| updates.write_stock(stock, now));
    updates.run(connection, "write stock").await?;
    insert_orders(connection, &changes.new_orders).await?;
    let mut updates = Updates::default();
    changes.changed_orders.iter().for_each(|changed| updates.write_order(changed));
    updates.run(connection, "update orders").await?;
    insert_events(connection, changes).await?;
    insert_flow(connection, changes).await?;
    insert_payments(connection, changes).await?;
    let mut updates = Updates::default();
    updates.write_refunds(changes, now);
    updates.statements.extend(held::writes(changes).map(|sql| (sql.text, Expected::Any)));
    updates.write_done(changes, now);
    updates.run(connection, "write refunds, counts and progress").await
}

/// What a statement has to find.
#[derive(Clone, Copy)]
enum Expected {
    /// One row of this table, which nobody else can have changed.
    One(&'static str),
    /// One row, unless another transaction came first.
    OneIfFirst,
    /// Whatever is there.
    Any,
}

/// Statements that are sent together.
#[derive(Default)]
pub(super) struct Updates {
    statements: Vec<(String, Expected)>,
}

impl Updates {
    /// Adds a statement that is to find one row of `table`.
    pub(super) fn add<const N: usize>(&mut self, table: &'static str, template: &str, arguments: [Argument; N]) {
        self.statements.push((Sql::new(table, template, arguments).text, Expected::One(table)));
    }

    /// Clears a key that is past its lifetime, and no other: another node may have put it to use again.
    fn clear_key(&mut self, scoped: &ScopedKey, now: Timestamp) {
        let (template, owner) = match &scoped.scope {
            KeyScope::PlaceOrder(user_id) => (
                "UPDATE order_info SET idempotency_key = NULL, body_hash = NULL \
                 WHERE user_id = ? AND idempotency_key = ? AND create_time <= ?",
                user_id.as_str(),
            ),
            KeyScope::ChangeStock(sku_id) => (
                "UPDATE stock_flow SET idempotency_key = NULL, body_hash = NULL \
                 WHERE sku_id = ? AND idempotency_key = ? AND create_time <= ?",
                sku_id.as_str(),
            ),
        };
        let latest = now.minus(KEY_LIFETIME).millis();
        let values: [Argument; 3] = [owner.into(), scoped.key.as_str().into(), latest.into()];
        self.statements.push((Sql::new("clear key", template, values).text, Expected::OneIfFirst));
    }

    fn put_goods(&mut self, sku: &Sku, is_known: bool) {
        let goods = &sku.goods;
        let window = goods.payment_window.map(|window| window.as_secs());
        let id = || Argument::from(sku.sku_id.as_str());
        let (name, price) = (goods.name.as_str().into(), money(goods.price).into());
        let (limit, updated) = (goods.purchase_limit.into(), sku.updated_at.millis().into());
        if is_known {
            let update = "UPDATE sku_info SET name = ?, sku_price = ?, status = ?, payment_window_s = ?, \
                 purchase_limit = ?, update_time = ? WHERE sku_id = ?";
            self.add("sku_info", update, [name, price, goods.on_sale.into(), window.into(), limit, updated, id()]);
            return;
        }
        let created = || Argument::from(sku.created_at.millis());
        let insert = "INSERT INTO sku_info (name, sku_price, status, payment_window_s, purchase_limit, update_time, \
             sku_id, create_time) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
        let row = [name, price, goods.on_sale.into(), window.into(), limit, updated, id(), created()];
        self.add("sku_info", insert, row);
        // It starts empty, whatever the batch does to it next.
        let start = "INSERT INTO sku_stock_info (sku_id, total, available, reserved, sold, version, flow_seq, \
             create_time, update_time) VALUES (?, 0, 0, 0, 0, 1, 0, ?, ?)";
        self.add("sku_stock_info", start, [id(), created(), created()]);
    }

    fn write_stock(&mut self, stock: &StockWrite, now: Timestamp) {
        let update = "UPDATE sku_stock_info SET total = ?, available = ?, reserved = ?, sold = ?, version = ?, \
             flow_seq = ?, update_time = ? WHERE sku_id = ? AND version = ?";
        let level = &stock.level;
        let values = [
            level.total.into(),
            level.available.into(),
            level.reserved.into(),
            level.sold.into(),
            level.version.into(),
            stock.flow_seq.into(),
            now.millis().into(),
            stock.sku_id.as_str().into(),
            stock.from_version.into(),
        ];
        self.add("sku_stock_info", update, values);
    }

    /// The key is not written: it may have been cleared in this very batch, or by another node.
    fn write_order(&mut self, ChangedOrder { order, from_version, event }: &ChangedOrder) {
        let update = "UPDATE order_info SET order_status = ?, version = ?, expires_at = ?, order_source = ?, remark = ?, \
             cancel_reason = ?, cancel_text = ?, refund_due = ?, refund_reason = ?, is_delete = ?, update_by = ?, \
             update_time = ? WHERE order_id = ? AND version = ?";
        let (cancel_reason, cancel_text) = match &order.state {
            OrderState::Cancelled { reason, text } => (Some(reason.name()), text.as_deref()),
            _ => (None, None),
        };
        let values = [
            order.status().code().into(),
            order.version.into(),
            order.expires_at().map(Timestamp::millis).into(),
            order.source.as_deref().into(),
            order.remark.as_deref().into(),
            cancel_reason.into(),
            cancel_text.into(),
            order.refund.map(|refund| money(refund.due)).into(),
            order.refund.map(|refund| refund.reason.name()).into(),
            order.is_deleted.into(),
            event.by.as_str().into(),
            order.updated_at.millis().into(),
            order.order_id.to_string().into(),
            (*from_version).into(),
        ];
        self.add("order_info", update, values);
    }

    fn write_refunds(&mut self, changes: &Changes, now: Timestamp) {
        for refunded in &changes.refunded_orders {
            let update = "UPDATE payment_info SET refund_reason = ?, refund_status = ?, refund_time = ?, \
                 update_time = ? WHERE paid_order_id = ? AND refund_status IS NULL";
            let refund = &refunded.refund;
            let (reason, status, at) = (refund.reason.name(), refund.status.name(), refund.at.millis());
            let order_id = refunded.order_id.to_string();
            let values = [reason.into(), status.into(), at.into(), now.millis().into(), order_id.into()];
            self.add("payment_info", update, values);
        }
        for payment_id in &changes.settled_refunds {
            let update = "UPDATE payment_info SET refund_status = ?, update_time = ? \
                 WHERE payment_id = ? AND refund_status = ?";
            let (from, to) = (RefundStatus::Due.name(), RefundStatus::Done.name());
            let values = [to.into(), now.millis().into(), payment_id.as_str().into(), from.into()];
            self.add("payment_info", update, values);
        }
    }

    fn write_done(&mut self, changes: &Changes, now: Timestamp) {
        for ((group, order_id), version) in &changes.done {
            // Assigned from left to right: the time first, while the version is still the earlier one.
            let upsert = "INSERT INTO consumer_progress (consumer_group, order_id, version, update_time) \
                 VALUES (?, ?, ?, ?) ON DUPLICATE KEY UPDATE update_time = IF(version < ?, ?, update_time), \
                 version = GREATEST(version, ?)";
            let (version, now) = (*version, now.millis());
            let (group, order_id) = (group.as_ref().into(), order_id.to_string().into());
            let values: [Argument; 7] =
                [group, order_id, version.into(), now.into(), version.into(), now.into(), version.into()];
            self.statements.push((Sql::new("consumer_progress", upsert, values).text, Expected::Any));
        }
    }

    /// Sends them.
    pub(super) async fn run(self, connection: &mut Connection, what: &'static str) -> Result<(), Fault> {
        let (mut message, mut expected) = (String::new(), Vec::new());
        for (statement, one) in self.statements {
            if message.len() + statement.len() > MESSAGE_BYTES_MAX {
                send(connection, what, std::mem::take(&mut message), std::mem::take(&mut expected)).await?;
            }
            if !message.is_empty() {
                message.push(';');
            }
            message.push_str(&statement);
            expected.push(one);
        }
        send(connection, what, message, expected).await
    }
}

async fn send(
    connection: &mut Connection,
    what: &'static str,
    text: String,
    expected: Vec<Expected>,
) -> Result<(), Fault> {
    if expected.is_empty() {
        return Ok(());
    }
    let found = connection.run(Sql { what, text }).await?;
    for (index, expected) in expected.into_iter().enumerate() {
        let changed = found.get(index).copied().unwrap_or(0);
        match expected {
            Expected::One(table) if changed != 1 => return Err(Fault::Guard { table, changed, wanted: 1 }),
            Expected::OneIfFirst if changed != 1 => return Err(Fault::Overtaken),
            _ => {}
        }
    }
    Ok(())
}

/// Rows for one table, inserted as many at a time as a message takes.
struct Rows<'a> {
    connection: &'a mut Connection,
    table: &'static str,
    head: &'static str,
    text: String,
    rows: u64,
}

impl<'a> Rows<'a> {
    fn into(connection: &'a mut Connection, table: &'static str, head: &'static str) -> Self {
        Self { connection, table, head, text: String::new(), rows: 0 }
    }

    async fn push(&mut self, row: &[Value]) -> Result<(), Fault> {
        if self.text.len() > MESSAGE_BYTES_MAX {
            self.send().await?;
        }
        self.text.push_str(if self.rows == 0 { self.head } else { "," });
        push_list(&mut self.text, row);
        self.rows += 1;
        Ok(())
    }

    async fn send(&mut self) -> Result<(), Fault> {
        let (wanted, text) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.text));
        if wanted == 0 {
            return Ok(());
        }
        let changed = self.connection.run(Sql { what: self.table, text }).await?.iter().sum();
        if changed == wanted { Ok(()) } else { Err(Fault::Guard { table: self.table, changed, wanted }) }
    }
}

async fn insert_orders(connection: &mut Connection, placed: &[NewOrder]) -> Result<(), Fault> {
    let head = "INSERT INTO order_info (order_id, order_source, user_id, order_status, amount, is_delete, version, \
         expires_at, remark, room_id, idempotency_key, body_hash, create_by, update_by, create_time, update_time) VALUES ";
    let mut orders = Rows::into(connection, "order_info", head);
    for NewOrder { order, event } in placed {
        let row = [
            order.order_id.to_string().into(),
            order.source.as_deref().into(),
            order.user_id.as_str().into(),
            order.status().code().into(),
            money(order.amount),
            order.is_deleted.into(),
            order.version.into(),
            order.expires_at().map(Timestamp::millis).into(),
            order.remark.as_deref().into(),
            order.room_id.as_deref().into(),
            order.key.as_ref().map(|key| key.key.as_str()).into(),
            order.key.as_ref().map(|key| key.body_hash.as_bytes().to_vec()).into(),
            event.by.as_str().into(),
            event.by.as_str().into(),
            order.created_at.millis().into(),
            order.updated_at.millis().into(),
        ];
        orders.push(&row).await?;
    }
    orders.send().await?;
    let head = "INSERT INTO order_detail_info (order_id, sku_id, item_name, quantity, unit_price, item_amount, flow_seq, \
         available_after, create_by, create_time) VALUES ";
    let mut lines = Rows::into(connection, "order_detail_info", head);
    for NewOrder { order, event } in placed {
        for line in &order.lines {
            let row = [
                order.order_id.to_string().into(),
                line.sku_id.as_str().into(),
                line.name.as_str().into(),
                line.quantity.into(),
                money(line.unit_price),
                money(line.amount),
                line.flow_seq.into(),
                line.available_after.into(),
                event.by.as_str().into(),
                order.created_at.millis().into(),
            ];
            lines.push(&row).await?;
        }
    }
    lines.send().await
}

/// In the order in which the batch tells of them.
/// Events, each with its place in the outbox.
async fn insert_events(connection: &mut Connection, changes: &Changes) -> Result<(), Fault> {
    let head = "INSERT INTO order_event (order_id, version, event_type, order_status, reason, answered, create_by, \
         create_time) VALUES ";
    let mut events = Rows::into(connection, "order_event", head);
    for (index, event) in changes.events().enumerate() {
        let answered = changes.new_orders.get(index).map(|new| snapshot::write(&new.order)).transpose()?;
        let row = [
            event.order_id.to_string().into(),
            event.version.into(),
            event.event_type.name().into(),
            event.status.code().into(),
            event.reason.as_deref().into(),
            answered.into(),
            event.by.as_str().into(),
            event.at.millis().into(),
        ];
        events.push(&row).await?;
    }
    events.send().await?;
    let head = "INSERT INTO unpublished_event (order_id, version) VALUES ";
    let mut unpublished = Rows::into(connection, "unpublished_event", head);
    for event in changes.events() {
        unpublished.push(&[event.order_id.to_string().into(), event.version.into()]).await?;
    }
    unpublished.send().await
}

/// Entries of the stock flow, each with its key if it has one.
async fn insert_flow(connection: &mut Connection, changes: &Changes) -> Result<(), Fault> {
    let head = "INSERT INTO stock_flow (sku_id, seq, kind, `change`, available_before, available_after, order_id, reason, \
         idempotency_key, body_hash, answered_total, answered_available, answered_reserved, answered_sold, \
         answered_version, create_by, create_time) VALUES ";
    let mut entries = Rows::into(connection, "stock_flow", head);
    let keys: BTreeMap<_, _> = changes.stock_keys.iter().map(|record| ((&record.sku_id, record.seq), record)).collect();
    for entry in &changes.flow {
        let record = keys.get(&(&entry.sku_id, entry.seq));
        let level = record.map(|record| &record.level);
        let row = [
            entry.sku_id.as_str().into(),
            entry.seq.into(),
            entry.kind.name().into(),
            entry.change.into(),
            entry.available_before.into(),
            entry.available_after.into(),
            entry.order_id.map(|order_id| order_id.to_string()).into(),
            entry.reason.as_deref().into(),
            record.map(|record| record.key.as_str()).into(),
            record.map(|record| record.body_hash.as_bytes().to_vec()).into(),
            level.map(|level| level.total).into(),
            level.map(|level| level.available).into(),
            level.map(|level| level.reserved).into(),
            level.map(|level| level.sold).into(),
            level.map(|level| level.version).into(),
            entry.by.as_str().into(),
            entry.at.millis().into(),
        ];
        entries.push(&row).await?;
    }
    entries.send().await
}

async fn insert_payments(connection: &mut Connection, changes: &Changes) -> Result<(), Fault> {
    let head = "INSERT INTO payment_info (payment_id, order_id, amount, reason, refund_reason, refund_status, \
         refund_time, create_time, update_time) VALUES ";
    let mut payments = Rows::into(connection, "payment_info", head);
    for payment in &changes.payments {
        let row = [
            payment.payment_id.as_str().into(),
            payment.order_id.to_string().into(),
            money(payment.amount),
            payment.answered.map(RefundReason::name).into(),
            payment.refund.map(|refund| refund.reason.name()).into(),
            payment.refund.map(|refund| refund.status.name()).into(),
            payment.refund.map(|refund| refund.at.millis()).into(),
            payment.at.millis().into(),
            payment.at.millis().into(),
        ];
        payments.push(&row).await?;
    }
    payments.send().await
}
