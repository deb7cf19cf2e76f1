//! New ids.

use crate::domain::id::OrderId;
use crate::domain::time::Timestamp;

/// The one source of new ids, and so of the core's randomness.
pub trait Ids: Send + Sync + 'static {
    /// Makes an order id that sorts after every earlier one of this node.
    fn order_id(&self, now: Timestamp) -> OrderId;
}
