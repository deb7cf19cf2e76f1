//! Pages of a SKU's stock flow, newest first: its entries, and between them the reserves, read back from order lines.

use actors::domain::id::SkuId;
use actors::domain::stock::{FlowEntry, FlowKind};
use actors::ports::FlowPage;
use mysql_async::Row;

use super::call::Connection;
use super::fault::Fault;
use super::queries::cut;
use super::rows::Columns;
use super::sql::Sql;

/// Each part gives the page's worth in order of its number; together they are few rows to merge.
const FLOW: &str = "(SELECT seq, kind, `change`, available_before, available_after, order_id, create_by, reason, \
         create_time FROM stock_flow WHERE sku_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?) \
     UNION ALL \
     (SELECT flow_seq, 'reserve', -CAST(quantity AS SIGNED), available_after + CAST(quantity AS SIGNED), available_after, order_id, \
         create_by, NULL, create_time FROM order_detail_info FORCE INDEX (idx_order_detail_info_flow) \
         WHERE sku_id = ? AND flow_seq < ? ORDER BY flow_seq DESC LIMIT ?) \
     ORDER BY seq DESC LIMIT ?";

/// Reads a page: the entries numbered below `before`.
pub(super) async fn page(
    connection: &mut Connection,
    sku_id: &SkuId,
    before: Option<u64>,
    limit: usize,
) -> Result<FlowPage, Fault> {
    // Nothing is numbered beyond what the table can number.
    let before = before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX);
    let (sku, rows) = (sku_id.as_str(), limit + 1);
    let values = [sku.into(), before.into(), rows.into(), sku.into(), before.into(), rows.into(), rows.into()];
    let entries = connection.all(Sql::new("read stock flow", FLOW, values), |row| entry(sku_id, row)).await?;
    let (entries, has_more) = cut(entries, limit);
    let next = entries.last().filter(|_| has_more).map(|entry| entry.seq);
    Ok(FlowPage { entries, next })
}

fn entry(sku_id: &SkuId, row: &Row) -> Result<FlowEntry, Fault> {
    let mut columns = Columns::of(row);
    Ok(FlowEntry {
        sku_id: sku_id.clone(),
        seq: columns.count()?,
        kind: columns.name(FlowKind::from_name)?,
        change: columns.number()?,
        available_before: columns.number()?,
        available_after: columns.number()?,
        order_id: columns.optional_id()?,
        by: columns.text()?,
        reason: columns.optional_text()?,
        at: columns.time()?,
    })
}
