//! What users hold of SKUs with a purchase limit: by the count that is kept of it, or else summed up.

use std::collections::BTreeMap;

use actors::domain::commit::{Held, Purchase, PurchaseCount, Purchases};
use actors::domain::id::{SkuId, UserId};
use actors::domain::limits::ORDERS_SUMMED_MAX;
use actors::domain::stock::Sku;
use rusqlite::{Connection, Params, params};

use super::fault::Fault;
use super::queries::{all, first, limit_of};
use super::rows::Columns;
use super::unfiled::View;
use super::write::signed;

const COUNT: &str = "SELECT units FROM purchase_count WHERE sku_id = ?1 AND user_id = ?2";
const WRITE_COUNT: &str = "INSERT INTO purchase_count (sku_id, user_id, units) VALUES (?1, ?2, ?3) \
     ON CONFLICT (sku_id, user_id) DO UPDATE SET units = excluded.units";
const DROP_COUNTS: &str = "DELETE FROM purchase_count WHERE sku_id = ?1";
const FILED: &str = "SELECT 1 FROM order_by_user WHERE user_id = ?1 LIMIT ?2";
// Whose orders are few and whose may be a million is known, so the join order is ours to say.
const OF_USER: &str = "SELECT d.sku_id, d.quantity FROM order_by_user u \
     CROSS JOIN order_info o ON o.order_id = u.order_id AND o.order_status <> 5 \
     CROSS JOIN order_detail_info d ON d.order_id = u.order_id \
     WHERE u.user_id = ?1";
const OF_UNFILED: &str = "SELECT d.sku_id, d.quantity FROM order_info o \
     CROSS JOIN order_detail_info d ON d.order_id = o.order_id \
     WHERE o.order_id = ?2 AND o.order_status <> 5 \
     AND NOT EXISTS (SELECT 1 FROM order_by_user u WHERE u.user_id = ?1 AND u.order_id = ?2)";
const OF_SKU: &str = "SELECT d.sku_id, d.quantity FROM order_detail_info d \
     CROSS JOIN order_info o ON o.order_id = d.order_id AND o.user_id = ?1 AND o.order_status <> 5 \
     WHERE d.sku_id = ?2";

/// What a user holds of some SKUs.
type Sums = BTreeMap<SkuId, u64>;

/// Reads what users hold of SKUs with a limit.
pub(super) fn load(
    connection: &Connection,
    view: &View,
    purchases: Purchases,
    skus: &BTreeMap<SkuId, Sku>,
) -> Result<BTreeMap<Purchase, Held>, Fault> {
    let mut held = BTreeMap::new();
    for purchase in purchases.shrinking {
        held.extend(count(connection, &purchase)?.map(|units| (purchase, Held::counted(units))));
    }
    let mut uncounted: BTreeMap<UserId, Sums> = BTreeMap::new();
    for purchase in purchases.wanted {
        if let Some(units) = count(connection, &purchase)? {
            held.insert(purchase, Held::counted(units));
        } else {
            uncounted.entry(purchase.0).or_default().insert(purchase.1, 0);
        }
    }
    for (user_id, mut sums) in uncounted {
        let has_many = sum_up(connection, view, &user_id, &mut sums, skus)?;
        let summed = |(sku_id, units)| ((user_id.clone(), sku_id), Held::summed(units, has_many));
        held.extend(sums.into_iter().map(summed));
    }
    Ok(held)
}

/// Sums up what a user holds of each of the SKUs, and tells whether the user has many orders: through those orders, all
/// SKUs at once, or for a SKU that has moved less often than the user has ordered, through the SKU's.
fn sum_up(
    connection: &Connection,
    view: &View,
    user_id: &UserId,
    sums: &mut Sums,
    skus: &BTreeMap<SkuId, Sku>,
) -> Result<bool, Fault> {
    // No SKU has more lines than entries in its stock flow.
    let lines_max =
        |sku_id: &SkuId| skus.get(sku_id).map_or(0, |sku| usize::try_from(sku.flow_seq).unwrap_or(usize::MAX));
    let enough = sums.keys().map(lines_max).fold(ORDERS_SUMMED_MAX, usize::max);
    let unfiled = view.orders_of(user_id);
    let filed = all(connection, FILED, params![user_id.as_str(), limit_of(enough.saturating_add(1))], |_| Ok(()))?;
    let orders = filed.len() + unfiled.len();
    let (mut by_user, by_sku): (Sums, Sums) =
        std::mem::take(sums).into_iter().partition(|(sku_id, _)| lines_max(sku_id) >= orders);
    if !by_user.is_empty() {
        add(connection, OF_USER, [user_id.as_str()], &mut by_user)?;
        for order_id in unfiled {
            add(connection, OF_UNFILED, [user_id.as_str(), &order_id.to_string()], &mut by_user)?;
        }
    }
    *sums = by_user;
    for (sku_id, units) in by_sku {
        let mut sum = Sums::from([(sku_id.clone(), units)]);
        add(connection, OF_SKU, [user_id.as_str(), sku_id.as_str()], &mut sum)?;
        sums.append(&mut sum);
    }
    Ok(orders > ORDERS_SUMMED_MAX)
}

/// Adds the units of the lines that a query finds to the sums they belong to.
fn add(connection: &Connection, sql: &str, params: impl Params, sums: &mut Sums) -> Result<(), Fault> {
    all(connection, sql, params, |row| {
        let mut columns = Columns::of(row);
        if let Some(sum) = sums.get_mut(&columns.id::<SkuId>()?) {
            *sum += columns.count()?;
        }
        Ok(())
    })?;
    Ok(())
}

fn count(connection: &Connection, (user_id, sku_id): &Purchase) -> Result<Option<u64>, Fault> {
    first(connection, COUNT, [sku_id.as_str(), user_id.as_str()], |row| Columns::of(row).count())
}

/// Keeps a count.
pub(super) fn write_count(connection: &Connection, count: &PurchaseCount) -> Result<(), Fault> {
    let PurchaseCount { user_id, sku_id, units } = count;
    connection.prepare_cached(WRITE_COUNT)?.execute(params![sku_id.as_str(), user_id.as_str(), signed(*units)?])?;
    Ok(())
}

/// Forgets all counts of a SKU.
pub(super) fn drop_counts(connection: &Connection, sku_id: &SkuId) -> Result<(), Fault> {
    connection.prepare_cached(DROP_COUNTS)?.execute([sku_id.as_str()])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::plan;
    use super::*;

    #[test]
    fn what_is_held_is_found_by_an_index_and_nothing_is_sorted() {
        let connection = plan::tables();
        let table = [
            (COUNT, "purchase_count USING PRIMARY KEY (sku_id=? AND user_id=?)"),
            (DROP_COUNTS, "purchase_count USING PRIMARY KEY (sku_id=?)"),
            (FILED, "order_by_user USING PRIMARY KEY (user_id=?)"),
            (OF_USER, "u USING PRIMARY KEY (user_id=?)"),
            (OF_UNFILED, "u USING PRIMARY KEY (user_id=? AND order_id=?)"),
            (OF_SKU, "idx_order_detail_info"),
        ];
        for (sql, index) in table {
            plan::assert_goes_by(&connection, sql, index);
        }
    }
}
