//! Look-ups by id and key, used under the row locks and by readers alike: many at once, in statements of bounded size.

use std::collections::BTreeMap;

use actors::domain::commit::KeyRecord;
use actors::domain::event::OrderEvent;
use actors::domain::id::{KeyScope, OrderId, ScopedKey, SkuId};
use actors::domain::limits::KEY_LOOKUP_MAX;
use actors::domain::order::{Order, OrderLine};
use actors::domain::stock::Sku;
use actors::domain::time::Timestamp;
use mysql_async::Row;

use super::call::Connection;
use super::fault::Fault;
use super::rows::Columns;
use super::sql::{Argument, Sql, list};
use crate::backend::rows::{self, event_columns, line_columns, order_columns, sku_columns};

/// Ids named in one statement.
pub(super) const IDS_MAX: usize = KEY_LOOKUP_MAX;

const ORDERS: &str = concat!("SELECT ", order_columns!(), " FROM order_info WHERE order_id IN ?");
const LINES: &str = concat!(
    "SELECT order_id, ",
    line_columns!(),
    " FROM order_detail_info WHERE order_id IN ? ORDER BY order_id, sku_id"
);
const EVENTS: &str = concat!("SELECT ", event_columns!(), " FROM order_event WHERE order_id = ? ORDER BY version");
const ANSWERS: &str = "SELECT order_id, answered FROM order_event WHERE version = 1 AND order_id IN ?";
const SKUS: &str = concat!(
    "SELECT ",
    sku_columns!(),
    " FROM sku_stock_info s STRAIGHT_JOIN sku_info i ON i.sku_id = s.sku_id WHERE s.sku_id IN ?"
);
/// Every key is a pair, which neither server looks up by a list of pairs; so each is a condition of its own.
const ORDER_KEYS: &str = "SELECT o.user_id, o.idempotency_key, o.body_hash, o.create_time, e.answered \
     FROM order_info o FORCE INDEX (uk_order_info_key) \
     LEFT JOIN order_event e ON e.order_id = o.order_id AND e.version = 1 WHERE ";
const ORDER_KEY: &str = "(o.user_id = ? AND o.idempotency_key = ?)";
const STOCK_KEYS: &str = "SELECT sku_id, idempotency_key, body_hash, create_time, answered_total, answered_available, \
     answered_reserved, answered_sold, answered_version FROM stock_flow FORCE INDEX (uk_stock_flow_key) WHERE ";
const STOCK_KEY: &str = "(sku_id = ? AND idempotency_key = ?)";
const DUE: &str = "SELECT order_id, expires_at FROM order_info FORCE INDEX (idx_order_info_due) \
     WHERE expires_at <= ? ORDER BY expires_at LIMIT ?";

/// The orders with their lines, deleted or not.
pub(super) async fn orders(
    connection: &mut Connection,
    order_ids: &[OrderId],
) -> Result<BTreeMap<OrderId, Order>, Fault> {
    let mut orders = BTreeMap::new();
    for order_ids in order_ids.chunks(IDS_MAX) {
        let sql = Sql::new("read orders", ORDERS, [ids(order_ids)]);
        let found = connection.all(sql, |row| rows::order(&mut Columns::of(row))).await?;
        orders.extend(found.into_iter().map(|order| (order.order_id, order)));
    }
    let found: Vec<OrderId> = orders.keys().copied().collect();
    for (order_id, lines) in lines(connection, &found).await? {
        if let Some(order) = orders.get_mut(&order_id) {
            order.lines = lines;
        }
    }
    Ok(orders)
}

/// The lines of orders. They come with the order and never change.
pub(super) async fn lines(
    connection: &mut Connection,
    order_ids: &[OrderId],
) -> Result<BTreeMap<OrderId, Vec<OrderLine>>, Fault> {
    let mut lines: BTreeMap<OrderId, Vec<OrderLine>> = BTreeMap::new();
    for order_ids in order_ids.chunks(IDS_MAX) {
        let sql = Sql::new("read lines", LINES, [ids(order_ids)]);
        let found = connection.all(sql, |row| {
            let mut columns = Columns::of(row);
            Ok((columns.id()?, rows::line(&mut columns)?))
        });
        for (order_id, line) in found.await? {
            lines.entry(order_id).or_default().push(line);
        }
    }
    Ok(lines)
}

/// An order's events, by version.
pub(super) async fn events(connection: &mut Connection, order_id: OrderId) -> Result<Vec<OrderEvent>, Fault> {
    let sql = Sql::new("read events", EVENTS, [order_id.to_string().into()]);
    connection.all(sql, |row| rows::event(&mut Columns::of(row))).await
}

/// Orders as they were first answered.
pub(super) async fn answers(
    connection: &mut Connection,
    order_ids: &[OrderId],
) -> Result<BTreeMap<OrderId, Order>, Fault> {
    let mut answers = BTreeMap::new();
    for order_ids in order_ids.chunks(IDS_MAX) {
        let sql = Sql::new("read answers", ANSWERS, [ids(order_ids)]);
        let found = connection.all(sql, |row| {
            let mut columns = Columns::of(row);
            Ok((columns.id()?, rows::answered(&mut columns)?))
        });
        answers.extend(found.await?);
    }
    Ok(answers)
}

/// The SKUs with their stock rows.
pub(super) async fn skus(connection: &mut Connection, sku_ids: &[SkuId]) -> Result<BTreeMap<SkuId, Sku>, Fault> {
    let mut skus = BTreeMap::new();
    for sku_ids in sku_ids.chunks(IDS_MAX) {
        let sql = Sql::new("read skus", SKUS, [list(sku_ids.iter().map(SkuId::as_str))]);
        let found = connection.all(sql, |row| rows::sku(&mut Columns::of(row))).await?;
        skus.extend(found.into_iter().map(|sku| (sku.sku_id.clone(), sku)));
    }
    Ok(skus)
}

/// The keys that are there, with digest, time and stored answer.
pub(super) async fn keys(
    connection: &mut Connection,
    keys: &[ScopedKey],
) -> Result<BTreeMap<ScopedKey, KeyRecord>, Fault> {
    let (mut of_orders, mut of_stock) = (Vec::new(), Vec::new());
    for scoped in keys {
        let key = scoped.key.as_str();
        match &scoped.scope {
            KeyScope::PlaceOrder(user_id) => of_orders.push([user_id.as_str(), key]),
            KeyScope::ChangeStock(sku_id) => of_stock.push([sku_id.as_str(), key]),
        }
    }
    let mut records = BTreeMap::new();
    for pairs in of_orders.chunks(IDS_MAX) {
        let sql = by_pairs("read order keys", ORDER_KEYS, ORDER_KEY, pairs);
        records.extend(connection.all(sql, order_key).await?);
    }
    for pairs in of_stock.chunks(IDS_MAX) {
        let sql = by_pairs("read stock keys", STOCK_KEYS, STOCK_KEY, pairs);
        records.extend(connection.all(sql, stock_key).await?);
    }
    Ok(records)
}

/// A select by pairs of ids or keys.
pub(super) fn by_pairs(what: &'static str, select: &str, pair: &str, pairs: &[[&str; 2]]) -> Sql {
    let template = format!("{select}{}", vec![pair; pairs.len()].join(" OR "));
    Sql::new(what, &template, pairs.iter().flatten().map(|text| Argument::from(*text)))
}

fn order_key(row: &Row) -> Result<(ScopedKey, KeyRecord), Fault> {
    let mut columns = Columns::of(row);
    let key = ScopedKey { scope: KeyScope::PlaceOrder(columns.id()?), key: columns.id()? };
    Ok((key, rows::order_record(&mut columns)?))
}

fn stock_key(row: &Row) -> Result<(ScopedKey, KeyRecord), Fault> {
    let mut columns = Columns::of(row);
    let key = ScopedKey { scope: KeyScope::ChangeStock(columns.id()?), key: columns.id()? };
    Ok((key, rows::stock_record(&mut columns)?))
}

/// Submitted orders whose deadline is `until` or earlier, earliest first.
pub(super) async fn due(
    connection: &mut Connection,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<(OrderId, Timestamp)>, Fault> {
    let sql = Sql::new("read deadlines", DUE, [until.millis().into(), limit.into()]);
    let read = |row: &Row| {
        let mut columns = Columns::of(row);
        Ok((columns.id()?, columns.time()?))
    };
    connection.all(sql, read).await
}

/// The highest version that a consumer group has done, of those of the orders that it has done anything of.
pub(super) async fn done(
    connection: &mut Connection,
    group: &str,
    order_ids: &[OrderId],
) -> Result<BTreeMap<OrderId, u32>, Fault> {
    const SQL: &str = "SELECT order_id, version FROM consumer_progress WHERE consumer_group = ? AND order_id IN ?";
    if order_ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = Sql::new("read progress", SQL, [group.into(), ids(order_ids)]);
    let read = |row: &Row| {
        let mut columns = Columns::of(row);
        Ok((columns.id()?, columns.number()?))
    };
    Ok(connection.all(sql, read).await?.into_iter().collect())
}

/// Order ids, for `IN`.
pub(super) fn ids(order_ids: &[OrderId]) -> Argument {
    list(order_ids.iter().map(OrderId::to_string))
}
