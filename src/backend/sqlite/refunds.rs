//! Pages of payments that are or were owed back, the one that is longest so first.

use actors::ports::{RefundPage, RefundQuery};
use rusqlite::{Connection, params};

use super::fault::Fault;
use super::queries::{all, limit_of};
use super::rows::Columns;
use crate::backend::{pages, rows};

const REFUNDS: &str = "SELECT p.payment_id, p.order_id, o.user_id, p.amount, p.refund_reason, p.refund_status, \
         p.refund_time FROM payment_info p CROSS JOIN order_info o ON o.order_id = p.order_id \
     WHERE p.refund_status = ?1 AND (p.refund_time, p.payment_id) > (?2, ?3) \
     ORDER BY p.refund_time, p.payment_id LIMIT ?4";

/// Reads a page.
pub(super) fn page(connection: &Connection, query: &RefundQuery) -> Result<RefundPage, Fault> {
    let (at, payment_id) = pages::refunds_after(query);
    let mut refunds = Vec::new();
    for status in pages::refund_statuses(query) {
        let params = params![status.name(), at, payment_id, limit_of(query.limit + 1)];
        refunds.extend(all(connection, REFUNDS, params, |row| rows::listed_refund(&mut Columns::of(row)))?);
    }
    Ok(pages::refund_page(refunds, query))
}

#[cfg(test)]
mod tests {
    use super::super::plan;
    use super::*;

    #[test]
    fn refunds_are_listed_by_their_index_and_never_sorted() {
        plan::assert_goes_by(&plan::tables(), REFUNDS, "idx_payment_info_refund");
    }
}
