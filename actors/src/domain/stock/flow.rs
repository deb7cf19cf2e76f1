//! The stock flow: one entry for everything that ever happened to a SKU's stock.

use crate::domain::id::{OrderId, SkuId};
use crate::domain::time::Timestamp;

/// What happened to the stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowKind {
    /// Units arrived.
    Restock,
    /// Available units left.
    Reduce,
    /// Units were set aside for an order.
    Reserve,
    /// Reserved units were paid for.
    Confirm,
    /// Reserved units came back.
    Release,
    /// Sold units came back.
    Return,
}

impl FlowKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Restock, Self::Reduce, Self::Reserve, Self::Confirm, Self::Release, Self::Return];

    /// The kind as clients and tables name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Restock => "restock",
            Self::Reduce => "reduce",
            Self::Reserve => "reserve",
            Self::Confirm => "confirm",
            Self::Release => "release",
            Self::Return => "return",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One entry of the stock flow. A reserve has no row of its own: it is read back from its order line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowEntry {
    /// The SKU concerned.
    pub sku_id: SkuId,
    /// Numbers the SKU's entries from 1 without a gap.
    pub seq: u64,
    /// What happened.
    pub kind: FlowKind,
    /// Units concerned: by how much `available` changed, or the units confirmed (which leaves it as it was), negative.
    pub change: i64,
    /// Units available before.
    pub available_before: i64,
    /// Units available after.
    pub available_after: i64,
    /// The order concerned, if any.
    pub order_id: Option<OrderId>,
    /// Who did it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}
