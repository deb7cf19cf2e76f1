//! What the catalogue says of a SKU.

use std::time::Duration;

use super::Level;
use crate::domain::id::SkuId;
use crate::domain::money::Money;
use crate::domain::time::Timestamp;

/// The catalogue's side of a SKU: what the shop replaces as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goods {
    /// What buyers read.
    pub name: String,
    /// The price of one unit.
    pub price: Money,
    /// Whether new orders are taken.
    pub on_sale: bool,
    /// How long an order may stay unpaid; `None`: the shop's default.
    pub payment_window: Option<Duration>,
    /// Units that one user may hold in orders not cancelled; `None`: no limit.
    pub purchase_limit: Option<u32>,
}

/// A SKU as the store has it: goods and stock level, read together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sku {
    /// The shop's id of it.
    pub sku_id: SkuId,
    /// What the catalogue says.
    pub goods: Goods,
    /// How much there is.
    pub level: Level,
    /// Entries written to the SKU's stock flow so far; the next one takes this number plus one.
    pub flow_seq: u64,
    /// When the SKU was first put up.
    pub created_at: Timestamp,
    /// When the catalogue's side last changed.
    pub updated_at: Timestamp,
}
