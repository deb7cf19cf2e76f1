//! Pages of payments that are or were owed back, the one that is longest so first.

use actors::domain::payment::RefundStatus;
use actors::ports::{ListedRefund, RefundPage, RefundQuery};
use mysql_async::Row;

use super::call::Connection;
use super::fault::Fault;
use super::queries::cut;
use super::rows::{Columns, payment_refund};
use super::sql::Sql;

/// A pair is compared in its parts, for neither server looks up an index by a pair.
const REFUNDS: &str = "SELECT p.payment_id, p.order_id, o.user_id, p.amount, p.refund_reason, p.refund_status, \
         p.refund_time FROM payment_info p FORCE INDEX (idx_payment_info_refund) \
     STRAIGHT_JOIN order_info o ON o.order_id = p.order_id \
     WHERE p.refund_status = ? AND p.refund_time >= ? AND (p.refund_time > ? OR p.payment_id > ?) \
     ORDER BY p.refund_time, p.payment_id LIMIT ?";

/// Reads a page. To be called in one snapshot.
pub(super) async fn page(connection: &mut Connection, query: &RefundQuery) -> Result<RefundPage, Fault> {
    let (at, payment_id) = match &query.after {
        Some((at, payment_id)) => (at.millis(), payment_id.as_str()),
        // No id is empty, so every payment comes after this.
        None => (i64::MIN, ""),
    };
    let mut refunds = Vec::new();
    for status in RefundStatus::ALL.into_iter().filter(|status| query.status.is_none_or(|only| only == *status)) {
        let rows = query.limit + 1;
        let values = [status.name().into(), at.into(), at.into(), payment_id.into(), rows.into()];
        refunds.extend(connection.all(Sql::new("read refunds", REFUNDS, values), listed).await?);
    }
    refunds.sort_by_key(ListedRefund::position);
    let (refunds, has_more) = cut(refunds, query.limit);
    let next = refunds.last().filter(|_| has_more).map(ListedRefund::position);
    Ok(RefundPage { refunds, next })
}

fn listed(row: &Row) -> Result<ListedRefund, Fault> {
    let mut columns = Columns::of(row);
    Ok(ListedRefund {
        payment_id: columns.id()?,
        order_id: columns.id()?,
        user_id: columns.id()?,
        amount: columns.money()?,
        refund: payment_refund(&mut columns)?.ok_or_else(|| columns.damaged(&"nothing there"))?,
    })
}
