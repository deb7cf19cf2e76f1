//! Reads under the write lock what the rules need to decide a batch.

use actors::domain::commit::{Facts, Mutation, Needs, Purchases};
use rusqlite::Connection;

use super::fault::Fault;
use super::unfiled::View;
use super::{held, queries};

/// Reads everything that `mutations` need: orders first, for their lines name more SKUs.
pub(super) fn load(connection: &Connection, view: &View, mutations: &[Mutation]) -> Result<Facts, Fault> {
    let mut needs = Needs::of(mutations);
    let mut facts = Facts::default();
    for order_id in &needs.orders {
        facts.orders.extend(queries::order(connection, *order_id)?.map(|order| (*order_id, order)));
    }
    needs.add_lines_of(facts.orders.values());
    for sku_id in needs.skus {
        facts.skus.extend(queries::sku(connection, &sku_id)?.map(|sku| (sku_id, sku)));
    }
    for key in needs.keys {
        facts.keys.extend(queries::key(connection, view, &key)?.map(|record| (key, record)));
    }
    for payment_id in needs.payments {
        facts.payments.extend(queries::payment(connection, &payment_id)?.map(|payment| (payment_id, payment)));
    }
    let purchases = Purchases::of(mutations, &facts.skus, &facts.orders);
    facts.held = held::load(connection, view, purchases, &facts.skus)?;
    Ok(facts)
}
