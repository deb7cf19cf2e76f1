//! Pages of orders, newest first.
//!
//! One index drives a page: the user's if a user is asked for, else the SKU's, else the status's, else that of all
//! orders. A user's orders that are not filed yet come in between. What the driving index cannot tell is looked at row
//! by row, and a page gives up after so many rows with a cursor to go on from, so that no combination of filters holds a
//! reader for long.

use std::iter::Peekable;
use std::vec::IntoIter;

use actors::domain::id::OrderId;
use actors::domain::limits::PAGE_SCAN_MAX;
use actors::ports::{OrderPage, OrderQuery};
use rusqlite::types::Null;
use rusqlite::{Connection, Row, Rows, ToSql, params};

use super::fault::Fault;
use super::queries;
use super::rows::Columns;
use super::unfiled::View;
use crate::backend::pages::AFTER_ALL_IDS;

/// Whether an order belongs on the page: `?3` is a status, `?4` a SKU, null for any.
macro_rules! belongs {
    () => {
        "o.is_delete = 0 AND (?3 IS NULL OR o.order_status = ?3) AND (?4 IS NULL OR EXISTS \
         (SELECT 1 FROM order_detail_info x WHERE x.order_id = o.order_id AND x.sku_id = ?4))"
    };
}

const BY_USER: &str = concat!(
    "SELECT o.order_id, ",
    belongs!(),
    " FROM order_by_user u CROSS JOIN order_info o ON o.order_id = u.order_id \
     WHERE u.user_id = ?1 AND u.order_id < ?2 ORDER BY u.order_id DESC"
);
const UNFILED: &str = concat!("SELECT o.order_id, ", belongs!(), " FROM order_info o WHERE o.order_id = ?1");
const BY_SKU: &str = concat!(
    "SELECT o.order_id, ",
    belongs!(),
    " FROM order_detail_info d CROSS JOIN order_info o ON o.order_id = d.order_id \
     WHERE d.sku_id = ?1 AND d.order_id < ?2 ORDER BY d.order_id DESC"
);
const BY_STATUS: &str = concat!(
    "SELECT o.order_id, ",
    belongs!(),
    " FROM order_info o WHERE o.order_status = ?1 AND o.order_id < ?2 ORDER BY o.order_id DESC"
);
const BY_ID: &str = concat!(
    "SELECT o.order_id, ",
    belongs!(),
    " FROM order_info o WHERE ?1 IS NULL AND o.order_id < ?2 ORDER BY o.order_id DESC"
);

/// Reads a page.
pub(super) fn page(connection: &Connection, view: &View, query: &OrderQuery) -> Result<OrderPage, Fault> {
    let (order_ids, next) = page_of_ids(connection, view, query, PAGE_SCAN_MAX)?;
    let mut orders = Vec::with_capacity(order_ids.len());
    for order_id in order_ids {
        let missing = || Fault::Damaged(format!("order {order_id} is in an index and not in its table"));
        orders.push(queries::order(connection, order_id)?.ok_or_else(missing)?);
    }
    Ok(OrderPage { orders, next })
}

fn page_of_ids(
    connection: &Connection,
    view: &View,
    query: &OrderQuery,
    scan_max: usize,
) -> Result<(Vec<OrderId>, Option<OrderId>), Fault> {
    if query.limit == 0 {
        return Ok((Vec::new(), None));
    }
    let user_id = query.user_id.as_ref().map(|user_id| user_id.as_str());
    let sku_id = query.sku_id.as_ref().map(|sku_id| sku_id.as_str());
    let status = query.status.map(|status| status.code());
    let (sql, driver, status, sku_id): (_, &dyn ToSql, _, _) = match (&user_id, &sku_id, &status) {
        (Some(user_id), ..) => (BY_USER, user_id, status, sku_id),
        (None, Some(sku_id), _) => (BY_SKU, sku_id, status, None),
        (None, None, Some(code)) => (BY_STATUS, code, None, None),
        (None, None, None) => (BY_ID, &Null, None, None),
    };
    let before = query.before.map_or_else(|| AFTER_ALL_IDS.to_owned(), |order_id| order_id.to_string());
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query(params![driver, before, status, sku_id])?;
    let mut unfiled = query.user_id.as_ref().map(|user_id| view.orders_of(user_id)).unwrap_or_default();
    unfiled.retain(|order_id| query.before.is_none_or(|before| *order_id < before));
    let belongs = |order_id: OrderId| {
        let params = params![order_id.to_string(), Null, status, sku_id];
        let row = queries::first(connection, UNFILED, params, candidate)?;
        Ok(row.is_some_and(|(_, belongs)| belongs))
    };
    let mut candidates = Candidates { rows, ahead: None, unfiled: unfiled.into_iter().peekable() };
    let mut found: Vec<OrderId> = Vec::with_capacity(query.limit.min(scan_max));
    let mut scanned = 0;
    while let Some((order_id, belongs)) = candidates.next(belongs)? {
        if belongs {
            if found.len() == query.limit {
                let next = found.last().copied();
                return Ok((found, next));
            }
            found.push(order_id);
        }
        scanned += 1;
        if scanned == scan_max {
            return Ok((found, Some(order_id)));
        }
    }
    Ok((found, None))
}

/// The orders that may belong on a page, newest first, each once, with whether it does.
struct Candidates<'a> {
    rows: Rows<'a>,
    /// The row taken last, if what is not filed comes before it.
    ahead: Option<(OrderId, bool)>,
    unfiled: Peekable<IntoIter<OrderId>>,
}

impl Candidates<'_> {
    fn next(&mut self, belongs: impl Fn(OrderId) -> Result<bool, Fault>) -> Result<Option<(OrderId, bool)>, Fault> {
        let filed = match self.ahead.take() {
            Some(filed) => Some(filed),
            None => self.rows.next()?.map(candidate).transpose()?,
        };
        let newest_filed = filed.map(|(order_id, _)| order_id);
        let unfiled = self.unfiled.next_if(|unfiled| Some(*unfiled) >= newest_filed);
        match unfiled {
            // Filed meanwhile: it is there twice.
            Some(order_id) if Some(order_id) == newest_filed => Ok(filed),
            Some(order_id) => {
                self.ahead = filed;
                Ok(Some((order_id, belongs(order_id)?)))
            }
            None => Ok(filed),
        }
    }
}

fn candidate(row: &Row<'_>) -> Result<(OrderId, bool), Fault> {
    let mut columns = Columns::of(row);
    Ok((columns.id()?, columns.flag()?))
}

#[cfg(test)]
mod tests {
    use actors::domain::order::Status;

    use super::super::plan;
    use super::super::unfiled::Unfiled;
    use super::*;

    #[test]
    fn every_listing_is_driven_by_its_index_and_never_sorts() {
        let connection = plan::tables();
        let table = [
            (BY_USER, "u USING PRIMARY KEY"),
            (UNFILED, "uk_order_info_order_id"),
            (BY_SKU, "idx_order_detail_info_sku_id"),
            (BY_STATUS, "idx_order_info_status"),
            (BY_ID, "uk_order_info_order_id"),
        ];
        for (sql, index) in table {
            plan::assert_goes_by(&connection, sql, index);
        }
    }

    #[test]
    fn a_page_that_looks_at_too_many_rows_is_cut_short_with_a_cursor() {
        let connection = plan::tables();
        for number in 0..10_u8 {
            let insert = "INSERT INTO order_info (order_id, user_id, order_status, amount, is_delete, version, \
                 create_by, update_by, create_time, update_time) VALUES (?1, 'u', ?2, 0, 0, 1, '', '', 0, 0)";
            let status = if number == 1 { 2 } else { 1 };
            let order_id = OrderId::from_u128(number.into()).to_string();
            connection.execute(insert, params![order_id, status]).expect("writable");
            if number % 3 == 0 {
                let file = "INSERT INTO order_by_user (user_id, order_id) VALUES ('u', ?1)";
                connection.execute(file, [order_id]).expect("writable");
            }
        }
        let unfiled = Unfiled::read(&connection).expect("readable");
        let user_id = Some("u".parse().expect("a valid id"));
        let mut query = OrderQuery { user_id, status: Some(Status::Paid), limit: 5, ..OrderQuery::default() };
        let mut pages = Vec::new();
        loop {
            let view = unfiled.view(&connection, query.user_id.iter()).expect("readable");
            let (found, next) = page_of_ids(&connection, &view, &query, 4).expect("readable");
            pages.push(found);
            query.before = next;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(pages, [vec![], vec![], vec![OrderId::from_u128(1)]]);
    }
}
