//! Pages of payments that are or were owed back, the one that is longest so first.

use actors::domain::payment::RefundStatus;
use actors::ports::{ListedRefund, RefundPage, RefundQuery};
use rusqlite::{Connection, Row, params};

use super::fault::Fault;
use super::queries::{all, cut, limit_of};
use super::rows::{Columns, payment_refund};

const REFUNDS: &str = "SELECT p.payment_id, p.order_id, o.user_id, p.amount, p.refund_reason, p.refund_status, \
         p.refund_time FROM payment_info p CROSS JOIN order_info o ON o.order_id = p.order_id \
     WHERE p.refund_status = ?1 AND (p.refund_time, p.payment_id) > (?2, ?3) \
     ORDER BY p.refund_time, p.payment_id LIMIT ?4";

/// Reads a page.
pub(super) fn page(connection: &Connection, query: &RefundQuery) -> Result<RefundPage, Fault> {
    let (at, payment_id) = match &query.after {
        Some((at, payment_id)) => (at.millis(), payment_id.as_str()),
        // No id is empty, so every payment comes after this.
        None => (i64::MIN, ""),
    };
    let mut refunds = Vec::new();
    for status in RefundStatus::ALL.into_iter().filter(|status| query.status.is_none_or(|only| only == *status)) {
        let params = params![status.name(), at, payment_id, limit_of(query.limit + 1)];
        refunds.extend(all(connection, REFUNDS, params, listed)?);
    }
    refunds.sort_by_key(ListedRefund::position);
    let (refunds, has_more) = cut(refunds, query.limit);
    let next = refunds.last().filter(|_| has_more).map(ListedRefund::position);
    Ok(RefundPage { refunds, next })
}

fn listed(row: &Row<'_>) -> Result<ListedRefund, Fault> {
    let mut columns = Columns::of(row);
    Ok(ListedRefund {
        payment_id: columns.id()?,
        order_id: columns.id()?,
        user_id: columns.id()?,
        amount: columns.money()?,
        refund: payment_refund(&mut columns)?.ok_or_else(|| columns.damaged(&"nothing there"))?,
    })
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
