//! Look-ups by id and key, used under the write lock and by readers alike.

use actors::domain::commit::KeyRecord;
use actors::domain::event::OrderEvent;
use actors::domain::id::{IdempotencyKey, KeyScope, OrderId, PaymentId, ScopedKey, SkuId, UserId};
use actors::domain::order::{Order, OrderLine};
use actors::domain::payment::Payment;
use actors::domain::stock::Sku;
use actors::domain::time::Timestamp;
use rusqlite::{Connection, Params, Row, params};

use super::fault::Fault;
use super::rows::Columns;
use super::unfiled::View;
use crate::backend::rows::{self, event_columns, line_columns, order_columns, payment_columns, sku_columns};

const ORDER: &str = concat!("SELECT ", order_columns!(), " FROM order_info WHERE order_id = ?1");
const LINES: &str = concat!("SELECT ", line_columns!(), " FROM order_detail_info WHERE order_id = ?1 ORDER BY sku_id");
const EVENTS: &str = concat!("SELECT ", event_columns!(), " FROM order_event WHERE order_id = ?1 ORDER BY version");
const ANSWER: &str = "SELECT answered FROM order_event WHERE order_id = ?1 AND version = 1";
const SKU: &str = concat!(
    "SELECT ",
    sku_columns!(),
    " FROM sku_info i JOIN sku_stock_info s ON s.sku_id = i.sku_id WHERE i.sku_id = ?1"
);
const ORDER_KEY: &str = "SELECT order_id FROM order_key WHERE user_id = ?1 AND idempotency_key = ?2";
const KEYED_ORDER: &str = "SELECT o.body_hash, o.create_time, e.answered FROM order_info o \
         LEFT JOIN order_event e ON e.order_id = o.order_id AND e.version = 1 \
         WHERE o.order_id = ?1 AND o.idempotency_key = ?2";
const STOCK_KEY: &str = "SELECT body_hash, create_time, answered_total, answered_available, answered_reserved, \
         answered_sold, answered_version FROM stock_flow WHERE sku_id = ?1 AND idempotency_key = ?2";
const PAYMENT: &str = concat!("SELECT ", payment_columns!(), " FROM payment_info WHERE payment_id = ?1");
// Left to itself the planner takes all submitted orders by their status and sorts them.
const DUE: &str = "SELECT order_id, expires_at FROM order_info INDEXED BY idx_order_info_due \
     WHERE order_status = 1 AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2";

/// The order with its lines, deleted or not.
pub(super) fn order(connection: &Connection, order_id: OrderId) -> Result<Option<Order>, Fault> {
    let order_id = order_id.to_string();
    let order = first(connection, ORDER, [&order_id], |row| rows::order(&mut Columns::of(row)))?;
    let Some(order) = order else { return Ok(None) };
    Ok(Some(Order { lines: lines(connection, &order_id)?, ..order }))
}

fn lines(connection: &Connection, order_id: &str) -> Result<Vec<OrderLine>, Fault> {
    all(connection, LINES, [order_id], |row| rows::line(&mut Columns::of(row)))
}

/// The order as it was first answered.
pub(super) fn answer(connection: &Connection, order_id: OrderId) -> Result<Option<Order>, Fault> {
    first(connection, ANSWER, [order_id.to_string()], |row| rows::answered(&mut Columns::of(row)))
}

/// The order's events, by version.
pub(super) fn events(connection: &Connection, order_id: OrderId) -> Result<Vec<OrderEvent>, Fault> {
    all(connection, EVENTS, [order_id.to_string()], |row| rows::event(&mut Columns::of(row)))
}

/// The SKU with its stock row.
pub(super) fn sku(connection: &Connection, sku_id: &SkuId) -> Result<Option<Sku>, Fault> {
    first(connection, SKU, [sku_id.as_str()], |row| rows::sku(&mut Columns::of(row)))
}

/// The key's digest, time and stored answer.
pub(super) fn key(connection: &Connection, view: &View, scoped: &ScopedKey) -> Result<Option<KeyRecord>, Fault> {
    match &scoped.scope {
        KeyScope::PlaceOrder(user_id) => match order_under(connection, view, user_id, &scoped.key)? {
            Some(order_id) => keyed_order(connection, order_id, &scoped.key),
            None => Ok(None),
        },
        KeyScope::ChangeStock(sku_id) => stock_key(connection, sku_id, &scoped.key),
    }
}

/// The order that was placed under a key.
pub(super) fn order_under(
    connection: &Connection,
    view: &View,
    user_id: &UserId,
    key: &IdempotencyKey,
) -> Result<Option<OrderId>, Fault> {
    match view.order_of(user_id, key) {
        Some(order_id) => Ok(Some(order_id)),
        None => first(connection, ORDER_KEY, [user_id.as_str(), key.as_str()], |row| Columns::of(row).id()),
    }
}

fn keyed_order(connection: &Connection, order_id: OrderId, key: &IdempotencyKey) -> Result<Option<KeyRecord>, Fault> {
    first(connection, KEYED_ORDER, [&order_id.to_string(), key.as_str()], |row| {
        rows::order_record(&mut Columns::of(row))
    })
}

fn stock_key(connection: &Connection, sku_id: &SkuId, key: &IdempotencyKey) -> Result<Option<KeyRecord>, Fault> {
    first(connection, STOCK_KEY, [sku_id.as_str(), key.as_str()], |row| rows::stock_record(&mut Columns::of(row)))
}

/// The payment with this id.
pub(super) fn payment(connection: &Connection, payment_id: &PaymentId) -> Result<Option<Payment>, Fault> {
    first(connection, PAYMENT, [payment_id.as_str()], |row| rows::payment(&mut Columns::of(row)))
}

/// Submitted orders whose deadline is `until` or earlier, earliest first.
pub(super) fn due(connection: &Connection, until: Timestamp, limit: usize) -> Result<Vec<(OrderId, Timestamp)>, Fault> {
    all(connection, DUE, [until.millis(), limit_of(limit)], |row| {
        let mut columns = Columns::of(row);
        Ok((columns.id()?, columns.time()?))
    })
}

/// The highest version that a consumer group has done of an order; none of most.
pub(super) fn done(connection: &Connection, group: &str, order_id: OrderId) -> Result<Option<u32>, Fault> {
    const SQL: &str = "SELECT version FROM consumer_progress WHERE consumer_group = ?1 AND order_id = ?2";
    first(connection, SQL, params![group, order_id.to_string()], |row| Columns::of(row).number())
}

/// The first row of a query, read by `read`.
pub(super) fn first<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

/// Every row of a query, read by `read`.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

/// A limit as SQLite takes it.
pub(super) fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::plan;
    use super::*;

    #[test]
    fn every_look_up_goes_by_an_index_and_sorts_nothing() {
        let connection = plan::tables();
        let table = [
            (ORDER, "uk_order_info_order_id"),
            (LINES, "uk_order_detail_info_order_id_sku_id"),
            (EVENTS, "uk_order_event_order_id_version"),
            (SKU, "uk_sku_stock_info_sku_id"),
            (ORDER_KEY, "order_key USING PRIMARY KEY"),
            (KEYED_ORDER, "uk_order_info_order_id"),
            (STOCK_KEY, "uk_stock_flow_key"),
            (PAYMENT, "uk_payment_info_payment_id"),
            (DUE, "idx_order_info_due"),
        ];
        for (sql, index) in table {
            plan::assert_goes_by(&connection, sql, index);
        }
    }
}
