//! Pages of a SKU's stock flow, newest first: its entries, and between them the reserves, read back from order lines.

use actors::domain::id::SkuId;
use actors::ports::FlowPage;
use rusqlite::{Connection, params};

use super::fault::Fault;
use super::queries::{all, limit_of};
use super::rows::Columns;
use crate::backend::{pages, rows};

/// Both parts come in order of their number and are merged as they come.
const FLOW: &str = "SELECT seq, kind, change, available_before, available_after, order_id, create_by, reason, \
         create_time FROM stock_flow WHERE sku_id = ?1 AND seq < ?2 \
     UNION ALL \
     SELECT flow_seq, 'reserve', -quantity, available_after + quantity, available_after, order_id, create_by, NULL, \
         create_time FROM order_detail_info WHERE sku_id = ?1 AND flow_seq < ?2 \
     ORDER BY 1 DESC LIMIT ?3";

/// Reads a page: the entries numbered below `before`.
pub(super) fn page(
    connection: &Connection,
    sku_id: &SkuId,
    before: Option<u64>,
    limit: usize,
) -> Result<FlowPage, Fault> {
    let before = pages::flow_bound(before);
    let params = params![sku_id.as_str(), before, limit_of(limit + 1)];
    let entries = all(connection, FLOW, params, |row| rows::flow_entry(sku_id, &mut Columns::of(row)))?;
    let (entries, next) = pages::cut(entries, limit, |entry| entry.seq);
    Ok(FlowPage { entries, next })
}

#[cfg(test)]
mod tests {
    use super::super::plan;
    use super::*;

    #[test]
    fn the_stock_flow_is_merged_from_two_indexes_and_never_sorted() {
        let connection = plan::tables();
        for index in ["uk_stock_flow_sku_id_seq", "idx_order_detail_info_flow", "MERGE (UNION ALL)"] {
            plan::assert_goes_by(&connection, FLOW, index);
        }
    }
}
