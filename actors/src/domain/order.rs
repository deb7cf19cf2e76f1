//! Orders: what they hold, how they are asked for, and the one state machine that moves them.

mod amendment;
mod place;
mod status;
mod transition;

pub use amendment::{Amendment, ExpectedVersion};
pub use place::{MalformedQuantity, PlaceOrder, WantedLine, amount_of};
pub use status::{CancelReason, OrderState, Status};
pub use transition::{SYSTEM, StockMove, Transition};

use super::id::{BodyHash, GrantId, IdempotencyKey, KeyScope, OrderId, ScopedKey, SkuId, UserId};
use super::money::Money;
use super::payment::Refund;
use super::time::Timestamp;

/// An order as it was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Made by the server; sorts by time.
    pub order_id: OrderId,
    /// Who buys.
    pub user_id: UserId,
    /// Where it stands, with what belongs to that.
    pub state: OrderState,
    /// Grows by one with every committed change; the first is 1.
    pub version: u32,
    /// What is bought; never changes.
    pub lines: Vec<OrderLine>,
    /// The sum to pay; never changes.
    pub amount: Money,
    /// Where the order came from, in the client's words.
    pub source: Option<String>,
    /// A remark of the client's.
    pub remark: Option<String>,
    /// The live room it was placed from, if any.
    pub room_id: Option<String>,
    /// What it has come to owe back, if anything. Settling a refund leaves it as it is.
    pub refund: Option<Refund>,
    /// When it was committed.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Whether it was deleted: then only admins see it.
    pub is_deleted: bool,
    /// The key it was placed under, while that is kept.
    pub key: Option<OrderKey>,
}

/// The key an order was placed under and the digest of the body that came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderKey {
    /// The client's key.
    pub key: IdempotencyKey,
    /// The digest of the parsed body.
    pub body_hash: BodyHash,
}

/// One line of an order, which is its reservation too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// What is bought.
    pub sku_id: SkuId,
    /// Its name when it was bought.
    pub name: String,
    /// Units, at least one.
    pub quantity: u32,
    /// The price of one unit when it was bought.
    pub unit_price: Money,
    /// The sum of the line.
    pub amount: Money,
    /// The number of the reserve in the SKU's stock flow.
    pub flow_seq: u64,
    /// Units available right after the reserve.
    pub available_after: i64,
}

impl Order {
    /// The status without what belongs to it.
    pub const fn status(&self) -> Status {
        self.state.status()
    }

    /// When the order is cancelled unless paid; none once it is no longer submitted.
    pub const fn expires_at(&self) -> Option<Timestamp> {
        match self.state {
            OrderState::Submitted { expires_at } => Some(expires_at),
            _ => None,
        }
    }

    /// The name of the units that the ledger may still hold for this order's placement.
    pub fn grant(&self) -> GrantId {
        match self.scoped_key() {
            Some((key, body_hash)) => GrantId::of_key(&key, &body_hash),
            None => GrantId::of_order(self.order_id),
        }
    }

    /// The order's key in its scope, with the digest of its body.
    pub fn scoped_key(&self) -> Option<(ScopedKey, BodyHash)> {
        let OrderKey { key, body_hash } = self.key.clone()?;
        Some((ScopedKey { scope: KeyScope::PlaceOrder(self.user_id.clone()), key }, body_hash))
    }
}
