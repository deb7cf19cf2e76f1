//! What users hold of SKUs with a purchase limit: by the counts that are kept of it, or else summed up.
//!
//! Read after the SKUs' stock rows were locked: whatever changes what is held has to lock them, too.

use std::collections::{BTreeMap, BTreeSet};

use actors::domain::commit::{Changes, Held, Purchase, PurchaseCount, Purchases};
use actors::domain::id::{SkuId, UserId};
use actors::domain::limits::ORDERS_SUMMED_MAX;
use actors::domain::stock::Sku;
use mysql_async::Row;

use super::call::Connection;
use super::fault::Fault;
use super::queries::{IDS_MAX, by_pairs};
use super::rows::Columns;
use super::sql::{Sql, list};

const COUNTS: &str = "SELECT user_id, sku_id, units FROM purchase_count FORCE INDEX (PRIMARY) WHERE ";
const COUNT: &str = "(sku_id = ? AND user_id = ?)";
const ORDERS: &str = "SELECT user_id, COUNT(*) FROM order_info FORCE INDEX (idx_order_info_user_id) \
     WHERE user_id IN ? GROUP BY user_id";
/// Begins with the orders of the users.
const BY_USER: &str = "SELECT o.user_id, d.sku_id, SUM(d.quantity) \
     FROM order_info o FORCE INDEX (idx_order_info_user_id) \
     STRAIGHT_JOIN order_detail_info d FORCE INDEX (PRIMARY) ON d.order_id = o.order_id AND d.sku_id IN ? \
     WHERE o.user_id IN ? AND o.order_status <> 5 GROUP BY o.user_id, d.sku_id";
/// Begins with the orders of the SKUs.
const BY_SKU: &str = "SELECT o.user_id, d.sku_id, SUM(d.quantity) \
     FROM order_detail_info d FORCE INDEX (idx_order_detail_info_sku_id) \
     STRAIGHT_JOIN order_info o FORCE INDEX (PRIMARY) ON o.order_id = d.order_id \
     WHERE d.sku_id IN ? AND o.user_id IN ? AND o.order_status <> 5 GROUP BY o.user_id, d.sku_id";

const WRITE_COUNT: &str = "INSERT INTO purchase_count (sku_id, user_id, units) VALUES (?, ?, ?) \
     ON DUPLICATE KEY UPDATE units = ?";
const DROP_COUNTS: &str = "DELETE FROM purchase_count WHERE sku_id = ?";

/// Units that users hold of SKUs.
type Units = BTreeMap<Purchase, u64>;

/// Reads what users hold of SKUs with a limit.
pub(super) async fn load(
    connection: &mut Connection,
    Purchases { wanted, shrinking }: Purchases,
    skus: &BTreeMap<SkuId, Sku>,
) -> Result<BTreeMap<Purchase, Held>, Fault> {
    let counted = counts(connection, &(&wanted | &shrinking)).await?;
    let mut uncounted: BTreeMap<UserId, BTreeSet<SkuId>> = BTreeMap::new();
    for (user_id, sku_id) in wanted.into_iter().filter(|purchase| !counted.contains_key(purchase)) {
        uncounted.entry(user_id).or_default().insert(sku_id);
    }
    let mut held: BTreeMap<_, _> =
        counted.into_iter().map(|(purchase, units)| (purchase, Held::counted(units))).collect();
    let orders = orders_of(connection, &uncounted.keys().collect::<Vec<_>>()).await?;
    let orders_of = |user_id: &UserId| orders.get(user_id).copied().unwrap_or(0);
    let (many, few): (BTreeMap<_, _>, BTreeMap<_, _>) =
        uncounted.into_iter().partition(|(user_id, _)| has_many(orders_of(user_id)));
    let mut sums = Units::new();
    // The few orders of all of them at once, and what of that was not asked for is left out.
    let sku_ids: BTreeSet<&SkuId> = few.values().flatten().collect();
    sum_up(connection, BY_USER, &few.keys().collect::<Vec<_>>(), &sku_ids, &mut sums).await?;
    for (user_id, sku_ids) in &many {
        // Through the user's orders or through the SKU's, whichever are fewer: no SKU has more lines than entries in its
        // stock flow.
        let lines_max = |sku_id: &SkuId| skus.get(sku_id).map_or(0, |sku| sku.flow_seq);
        let (by_user, by_sku): (BTreeSet<_>, BTreeSet<_>) =
            sku_ids.iter().partition(|sku_id| lines_max(sku_id) >= orders_of(user_id));
        sum_up(connection, BY_USER, &[user_id], &by_user, &mut sums).await?;
        sum_up(connection, BY_SKU, &[user_id], &by_sku, &mut sums).await?;
    }
    for (user_id, sku_ids) in many.into_iter().chain(few) {
        let has_many = has_many(orders_of(&user_id));
        for sku_id in sku_ids {
            let purchase = (user_id.clone(), sku_id);
            let units = sums.get(&purchase).copied().unwrap_or(0);
            held.insert(purchase, Held::summed(units, has_many));
        }
    }
    Ok(held)
}

fn has_many(orders: u64) -> bool {
    orders > ORDERS_SUMMED_MAX as u64
}

/// The counts that are kept of these purchases.
async fn counts(connection: &mut Connection, purchases: &BTreeSet<Purchase>) -> Result<Units, Fault> {
    let pairs: Vec<_> = purchases.iter().map(|(user_id, sku_id)| [sku_id.as_str(), user_id.as_str()]).collect();
    let mut counts = Units::new();
    for pairs in pairs.chunks(IDS_MAX) {
        counts.extend(connection.all(by_pairs("read purchase counts", COUNTS, COUNT, pairs), units).await?);
    }
    Ok(counts)
}

/// How many orders the users have, cancelled or not.
async fn orders_of(connection: &mut Connection, user_ids: &[&UserId]) -> Result<BTreeMap<UserId, u64>, Fault> {
    let mut orders = BTreeMap::new();
    for user_ids in user_ids.chunks(IDS_MAX) {
        let users = list(user_ids.iter().map(|user_id| user_id.as_str()));
        let found = connection.all(Sql::new("count orders", ORDERS, [users]), |row| {
            let mut columns = Columns::of(row);
            Ok((columns.id()?, columns.count()?))
        });
        orders.extend(found.await?);
    }
    Ok(orders)
}

/// Sums up what the users hold of the SKUs, of every pair that there is.
async fn sum_up(
    connection: &mut Connection,
    template: &str,
    user_ids: &[&UserId],
    sku_ids: &BTreeSet<&SkuId>,
    sums: &mut Units,
) -> Result<(), Fault> {
    let sku_ids: Vec<&SkuId> = sku_ids.iter().copied().collect();
    for user_ids in user_ids.chunks(IDS_MAX) {
        for sku_ids in sku_ids.chunks(IDS_MAX) {
            let skus = list(sku_ids.iter().map(|sku_id| sku_id.as_str()));
            let users = list(user_ids.iter().map(|user_id| user_id.as_str()));
            sums.extend(connection.all(Sql::new("sum up purchases", template, [skus, users]), units).await?);
        }
    }
    Ok(())
}

/// What a batch writes of counts: those of a SKU whose limit is lifted go first.
pub(super) fn writes(changes: &Changes) -> impl Iterator<Item = Sql> {
    let drop = |sku_id: &SkuId| Sql::new("drop purchase counts", DROP_COUNTS, [sku_id.as_str().into()]);
    let write = |PurchaseCount { user_id, sku_id, units }: &PurchaseCount| {
        let values = [sku_id.as_str().into(), user_id.as_str().into(), (*units).into(), (*units).into()];
        Sql::new("write purchase count", WRITE_COUNT, values)
    };
    changes.lifted_limits.iter().map(drop).chain(changes.purchase_counts.iter().map(write))
}

fn units(row: &Row) -> Result<(Purchase, u64), Fault> {
    let mut columns = Columns::of(row);
    Ok(((columns.id()?, columns.id()?), columns.count()?))
}
