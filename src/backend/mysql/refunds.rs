//! Pages of payments that are or were owed back, the one that is longest so first.

use actors::ports::{RefundPage, RefundQuery};

use super::call::Connection;
use super::fault::Fault;
use super::rows::Columns;
use super::sql::Sql;
use crate::backend::{pages, rows};

/// A pair is compared in its parts, for neither server looks up an index by a pair.
const REFUNDS: &str = "SELECT p.payment_id, p.order_id, o.user_id, p.amount, p.refund_reason, p.refund_status, \
         p.refund_time FROM payment_info p FORCE INDEX (idx_payment_info_refund) \
     STRAIGHT_JOIN order_info o ON o.order_id = p.order_id \
     WHERE p.refund_status = ? AND p.refund_time >= ? AND (p.refund_time > ? OR p.payment_id > ?) \
     ORDER BY p.refund_time, p.payment_id LIMIT ?";

/// Reads a page. To be called in one snapshot.
pub(super) async fn page(connection: &mut Connection, query: &RefundQuery) -> Result<RefundPage, Fault> {
    let (at, payment_id) = pages::refunds_after(query);
    let mut refunds = Vec::new();
    for status in pages::refund_statuses(query) {
        let rows = query.limit + 1;
        let values = [status.name().into(), at.into(), at.into(), payment_id.into(), rows.into()];
        let sql = Sql::new("read refunds", REFUNDS, values);
        refunds.extend(connection.all(sql, |row| rows::listed_refund(&mut Columns::of(row))).await?);
    }
    Ok(pages::refund_page(refunds, query))
}
