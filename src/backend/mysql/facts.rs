//! Reads under the row locks what the rules need to decide a batch.
//!
//! Rows are locked in one order everywhere, so that transactions wait for each other and not in a circle: stock rows by
//! SKU, orders by id, payments by id.

use std::collections::{BTreeMap, BTreeSet};

use actors::domain::commit::{Facts, Mutation, Needs, Purchases};
use actors::domain::id::OrderId;
use actors::domain::order::OrderLine;

use super::call::Connection;
use super::fault::Fault;
use super::held;
use super::queries::{self, IDS_MAX, ids};
use super::rows::Columns;
use super::sql::{Sql, list};
use crate::backend::rows::{self, order_columns, payment_columns, sku_columns};

/// The goods' row is locked with the stock row, and by nobody who has not that one.
const LOCK_STOCK: &str = concat!(
    "SELECT ",
    sku_columns!(),
    " FROM sku_stock_info s FORCE INDEX (PRIMARY) STRAIGHT_JOIN sku_info i ON i.sku_id = s.sku_id \
     WHERE s.sku_id IN ? ORDER BY s.sku_id FOR UPDATE"
);
const LOCK_ORDERS: &str = concat!(
    "SELECT ",
    order_columns!(),
    " FROM order_info FORCE INDEX (PRIMARY) WHERE order_id IN ? ORDER BY order_id FOR UPDATE"
);
const LOCK_PAYMENTS: &str = concat!(
    "SELECT ",
    payment_columns!(),
    " FROM payment_info FORCE INDEX (PRIMARY) WHERE payment_id IN ? ORDER BY payment_id FOR UPDATE"
);

/// What is known before the transaction: what a batch needs, and the lines of its orders, which never change.
pub(super) struct Before {
    needs: Needs,
    lines: BTreeMap<OrderId, Vec<OrderLine>>,
}

/// Reads what never changes, before the transaction: the lines of the orders name more SKUs to lock.
pub(super) async fn prepare(connection: &mut Connection, mutations: &[Mutation]) -> Result<Before, Fault> {
    let mut needs = Needs::of(mutations);
    let order_ids: Vec<OrderId> = needs.orders.iter().copied().collect();
    let lines = queries::lines(connection, &order_ids).await?;
    for (_, lines) in lines.iter().filter(|(order_id, _)| needs.moving.contains(order_id)) {
        needs.skus.extend(lines.iter().map(|line| line.sku_id.clone()));
    }
    Ok(Before { needs, lines })
}

/// Locks and reads everything else. Its first statement is the one that waits for other transactions.
pub(super) async fn load(
    connection: &mut Connection,
    Before { needs, mut lines }: Before,
    mutations: &[Mutation],
) -> Result<Facts, Fault> {
    let mut facts = Facts::default();
    for sku_ids in chunks(&needs.skus) {
        let sql = Sql::new("lock stock", LOCK_STOCK, [list(sku_ids.iter().map(|sku_id| sku_id.as_str()))]);
        let found = connection.all(sql, |row| rows::sku(&mut Columns::of(row))).await?;
        facts.skus.extend(found.into_iter().map(|sku| (sku.sku_id.clone(), sku)));
    }
    for order_ids in chunks(&needs.orders) {
        let order_ids: Vec<OrderId> = order_ids.into_iter().copied().collect();
        let sql = Sql::new("lock orders", LOCK_ORDERS, [ids(&order_ids)]);
        for mut order in connection.all(sql, |row| rows::order(&mut Columns::of(row))).await? {
            // An order that came in between may have lines whose stock is not locked.
            order.lines = lines.remove(&order.order_id).ok_or(Fault::Overtaken)?;
            facts.orders.insert(order.order_id, order);
        }
    }
    for payment_ids in chunks(&needs.payments) {
        let payment_ids = list(payment_ids.iter().map(|payment_id| payment_id.as_str()));
        let sql = Sql::new("lock payments", LOCK_PAYMENTS, [payment_ids]);
        let found = connection.all(sql, |row| rows::payment(&mut Columns::of(row))).await?;
        facts.payments.extend(found.into_iter().map(|payment| (payment.payment_id.clone(), payment)));
    }
    let keys: Vec<_> = needs.keys.into_iter().collect();
    facts.keys = queries::keys(connection, &keys).await?;
    let purchases = Purchases::of(mutations, &facts.skus, &facts.orders);
    facts.held = held::load(connection, purchases, &facts.skus).await?;
    Ok(facts)
}

/// A set in its order, in parts that one statement names.
fn chunks<T>(set: &BTreeSet<T>) -> Vec<Vec<&T>> {
    let all: Vec<&T> = set.iter().collect();
    all.chunks(IDS_MAX).map(<[_]>::to_vec).collect()
}
