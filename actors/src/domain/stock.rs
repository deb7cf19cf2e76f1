//! What is sold and how much of it there is.

mod flow;
mod goods;
mod level;

pub use flow::{FlowEntry, FlowKind};
pub use goods::{Goods, Sku};
pub use level::{Level, Shortage};

use super::id::{BodyHash, GrantId, IdempotencyKey, KeyScope, ScopedKey, SkuId};

/// A change of a SKU's total by the shop: units that arrive, or available units that leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockChange {
    /// The SKU whose stock changes.
    pub sku_id: SkuId,
    /// Units added, or taken if negative; never zero.
    pub change: i64,
    /// Why, in the shop's words.
    pub reason: Option<String>,
    /// Names the attempt; a retry under the same key changes nothing more.
    pub key: IdempotencyKey,
    /// Who asked.
    pub by: String,
}

impl StockChange {
    /// The key in its scope.
    pub fn scoped_key(&self) -> ScopedKey {
        ScopedKey { scope: KeyScope::ChangeStock(self.sku_id.clone()), key: self.key.clone() }
    }

    /// The name of the units held in the ledger for this change, if units leave.
    pub fn grant(&self) -> GrantId {
        GrantId::of_key(&self.scoped_key(), &self.body_hash())
    }

    /// The digest of what was asked for.
    pub fn body_hash(&self) -> BodyHash {
        BodyHash::of(&format!("{}\n{}", self.change, self.reason.as_deref().unwrap_or_default()))
    }
}
