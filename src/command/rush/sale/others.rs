//! What somebody else did to the SKU of a rush while it went on. What differs then may not be the service's doing.

use serde_json::Value;

use super::Sale;
use crate::command::shop::{Pages, Refusal};

impl Sale<'_> {
    /// What somebody else did, one plain sentence each. `made` is the SKU as it was made for this sale.
    pub(super) async fn deeds_of_others(&self, made: &Value) -> Result<Vec<String>, Refusal> {
        let mut deeds = Vec::new();
        let found = self.insist(async || self.shop.sku(&self.plan.sku_id).await).await?;
        // A SKU that is gone is the service's doing: nobody can remove one.
        if found.is_some_and(|found| found != *made) {
            deeds.push("it was put again");
        }
        if self.is_stock_changed().await? {
            deeds.push("its stock was changed");
        }
        if self.is_ordered_by_others().await? {
            deeds.push("it was ordered by others");
        }
        Ok(deeds.into_iter().map(str::to_owned).collect())
    }

    async fn is_stock_changed(&self) -> Result<bool, Refusal> {
        let (sku_id, own) = (&self.plan.sku_id, self.stock_key());
        let mut pages = Pages::default();
        loop {
            let page = self.insist(async || self.shop.stock_flow(sku_id, pages.cursor()).await).await?;
            // Units that were put in twice for one key were put in by the service, not by others.
            let is_foreign = |reason: &Option<String>| reason.as_ref() != Some(&own);
            let mut changes = page.entries.iter().filter(|entry| matches!(&*entry.kind, "restock" | "reduce"));
            if changes.any(|entry| is_foreign(&entry.reason)) {
                return Ok(true);
            }
            if !pages.turn(page.next_cursor)? {
                return Ok(false);
            }
        }
    }

    async fn is_ordered_by_others(&self) -> Result<bool, Refusal> {
        let (sku_id, own) = (&self.plan.sku_id, self.user_prefix());
        let mut pages = Pages::default();
        loop {
            let page = self.insist(async || self.shop.orders(sku_id, pages.cursor()).await).await?;
            if page.orders.iter().any(|order| !order.user_id.starts_with(&own)) {
                return Ok(true);
            }
            if !pages.turn(page.next_cursor)? {
                return Ok(false);
            }
        }
    }
}
