//! Warming up: SKUs are loaded into the ledger and their actors started before a sale, so that its first buyers do not
//! wait for that.

use std::sync::Arc;

use super::directory::StockDirectory;
use crate::domain::id::SkuId;
use crate::domain::limits::WARM_UP_MAX;
use crate::domain::rejection::Rejection;
use crate::domain::stock::Sku;
use crate::ports::{Ledger, Settlement, Store};

/// See the module.
pub struct WarmUp {
    store: Arc<dyn Store>,
    ledger: Arc<dyn Ledger>,
    stock: Arc<StockDirectory>,
}

impl WarmUp {
    /// Builds it.
    pub fn new(store: Arc<dyn Store>, ledger: Arc<dyn Ledger>, stock: Arc<StockDirectory>) -> Self {
        Self { store, ledger, stock }
    }

    /// Loads the stock of these SKUs, and answers what was loaded, by id, each SKU once.
    ///
    /// # Errors
    /// None or too many are named, one of them is unknown (then none is loaded), or store or ledger do not answer.
    pub async fn warm_up(&self, sku_ids: Vec<SkuId>) -> Result<Vec<Sku>, Rejection> {
        if sku_ids.is_empty() || sku_ids.len() > WARM_UP_MAX {
            return Err(Rejection::invalid("sku_ids", format!("must have 1 to {WARM_UP_MAX} ids")));
        }
        let skus = self.store.skus(sku_ids.clone()).await?;
        if let Some(unknown) = sku_ids.into_iter().find(|sku_id| !skus.contains_key(sku_id)) {
            return Err(Rejection::SkuNotFound(unknown));
        }
        for (sku_id, sku) in &skus {
            let settlement = Settlement { grants: Vec::new(), level: Some((sku.level.version, sku.level.available)) };
            self.stock.wake(sku);
            self.stock.settle(sku_id, settlement.clone());
            self.stock.note(sku);
            // Awaited here too, and not left to the actor: what was answered is loaded.
            let settled = self.ledger.settle(sku_id, settlement).await;
            settled.map_err(|error| Rejection::Unavailable(error.to_string()))?;
        }
        Ok(skus.into_values().collect())
    }
}
