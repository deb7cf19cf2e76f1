//! Pages of SKUs, by id.

use actors::domain::id::SkuId;
use actors::ports::SkuPage;
use rusqlite::{Connection, params};

use super::fault::Fault;
use super::queries::{all, limit_of};
use super::rows::Columns;
use crate::backend::pages;
use crate::backend::rows::{self, sku_columns};

// Left to itself the planner may start at the stock rows, which have an index by id too.
const SKUS: &str = concat!(
    "SELECT ",
    sku_columns!(),
    " FROM sku_info i CROSS JOIN sku_stock_info s ON s.sku_id = i.sku_id WHERE i.sku_id > ?1 ORDER BY i.sku_id LIMIT ?2"
);

/// Reads a page.
pub(super) fn page(connection: &Connection, after: Option<&SkuId>, limit: usize) -> Result<SkuPage, Fault> {
    // No id is empty, so every id comes after the empty text.
    let after = after.map_or("", |sku_id| sku_id.as_str());
    let skus = all(connection, SKUS, params![after, limit_of(limit + 1)], |row| rows::sku(&mut Columns::of(row)))?;
    let (skus, next) = pages::cut(skus, limit, |sku| sku.sku_id.clone());
    Ok(SkuPage { skus, next })
}

#[cfg(test)]
mod tests {
    use super::super::plan;
    use super::*;

    #[test]
    fn skus_are_listed_by_their_index_and_never_sorted() {
        plan::assert_goes_by(&plan::tables(), SKUS, "uk_sku_info_sku_id");
    }
}
