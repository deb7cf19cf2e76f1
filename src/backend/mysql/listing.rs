//! Pages of orders, newest first.
//!
//! One index drives a page: the user's if a user is asked for, else the SKU's, else the status's, else that of all
//! orders. What the driving index cannot tell is looked at row by row, and a page gives up after so many rows with a
//! cursor to go on from, so that no combination of filters holds a connection for long.

use actors::domain::id::{OrderId, SkuId};
use actors::domain::limits::PAGE_SCAN_MAX;
use actors::domain::order::Status;
use actors::ports::{OrderPage, OrderQuery};

use super::call::Connection;
use super::fault::Fault;
use super::queries;
use super::rows::Columns;
use super::sql::{Argument, Sql};
use crate::backend::pages::AFTER_ALL_IDS;

/// Rows that are looked at in one statement at first; each further one looks at twice as many.
const FIRST_LOOK: usize = 128;

/// Whether an order belongs on the page: its status and its SKU, null for any.
const BELONGS: &str = "o.is_delete = 0 AND (? IS NULL OR o.order_status = ?) AND (? IS NULL OR EXISTS \
     (SELECT 1 FROM order_detail_info x WHERE x.order_id = o.order_id AND x.sku_id = ?))";

const BY_USER: &str = " FROM order_info o FORCE INDEX (idx_order_info_user_id) \
     WHERE o.user_id = ? AND o.order_id < ? ORDER BY o.order_id DESC LIMIT ?";
const BY_SKU: &str = " FROM order_detail_info d FORCE INDEX (idx_order_detail_info_sku_id) \
     STRAIGHT_JOIN order_info o ON o.order_id = d.order_id \
     WHERE d.sku_id = ? AND d.order_id < ? ORDER BY d.order_id DESC LIMIT ?";
const BY_STATUS: &str = " FROM order_info o FORCE INDEX (idx_order_info_status) \
     WHERE o.order_status = ? AND o.order_id < ? ORDER BY o.order_id DESC LIMIT ?";
const BY_ID: &str = " FROM order_info o FORCE INDEX (PRIMARY) \
     WHERE ? IS NULL AND o.order_id < ? ORDER BY o.order_id DESC LIMIT ?";

/// Reads a page. To be called in one snapshot.
pub(super) async fn page(connection: &mut Connection, query: &OrderQuery) -> Result<OrderPage, Fault> {
    let (order_ids, next) = page_of_ids(connection, query, PAGE_SCAN_MAX).await?;
    let mut found = queries::orders(connection, &order_ids).await?;
    let orders = order_ids.iter().filter_map(|order_id| found.remove(order_id)).collect();
    Ok(OrderPage { orders, next })
}

async fn page_of_ids(
    connection: &mut Connection,
    query: &OrderQuery,
    scan_max: usize,
) -> Result<(Vec<OrderId>, Option<OrderId>), Fault> {
    if query.limit == 0 {
        return Ok((Vec::new(), None));
    }
    let mut before = query.before;
    let mut found: Vec<OrderId> = Vec::with_capacity(query.limit.min(scan_max));
    let (mut scanned, mut look) = (0, FIRST_LOOK.max(query.limit + 1));
    loop {
        let rows = look.min(scan_max - scanned);
        let looked_at = connection.all(look_at(query, before, rows), |row| {
            let mut columns = Columns::of(row);
            Ok((columns.id()?, columns.flag()?))
        });
        let looked_at: Vec<(OrderId, bool)> = looked_at.await?;
        let is_end = looked_at.len() < rows;
        for (order_id, belongs) in looked_at {
            if belongs {
                if found.len() == query.limit {
                    let next = found.last().copied();
                    return Ok((found, next));
                }
                found.push(order_id);
            }
            scanned += 1;
            before = Some(order_id);
            if scanned == scan_max {
                return Ok((found, before));
            }
        }
        if is_end {
            return Ok((found, None));
        }
        look *= 2;
    }
}

fn look_at(query: &OrderQuery, before: Option<OrderId>, rows: usize) -> Sql {
    let user_id = query.user_id.as_ref().map(|user_id| user_id.as_str());
    let sku_id = query.sku_id.as_ref().map(SkuId::as_str);
    let status = query.status.map(Status::code);
    let (from, driver, status, sku_id): (_, Argument, _, _) = match (user_id, sku_id, status) {
        (Some(user_id), ..) => (BY_USER, user_id.into(), status, sku_id),
        (None, Some(sku_id), _) => (BY_SKU, sku_id.into(), status, None),
        (None, None, Some(code)) => (BY_STATUS, code.into(), None, None),
        (None, None, None) => (BY_ID, None::<u8>.into(), None, None),
    };
    let before = before.map_or_else(|| AFTER_ALL_IDS.to_owned(), |order_id| order_id.to_string());
    let template = format!("SELECT o.order_id, {BELONGS}{from}");
    let (status, sku_id) = (|| Argument::from(status), || Argument::from(sku_id));
    Sql::new("look at orders", &template, [status(), status(), sku_id(), sku_id(), driver, before.into(), rows.into()])
}
