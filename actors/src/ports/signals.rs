//! News between the nodes that share a ledger. Each is a hint: it may be lost, late or told twice.

use std::sync::Arc;

use crate::domain::id::SkuId;

/// A ledger has taken a newer level of a SKU as its base, whichever node settled it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockSignal {
    /// The SKU.
    pub sku_id: SkuId,
    /// The stock row's version.
    pub version: u64,
    /// What the store had available at `version`.
    pub available: i64,
}

/// Whoever listens.
pub type Hear = Arc<dyn Fn(StockSignal) + Send + Sync>;

/// Tells what happens to the ledger.
pub trait Signals: Send + Sync + 'static {
    /// Calls `hear` for every signal from now on, on any thread. It must not wait.
    fn subscribe(&self, hear: Hear);
}
