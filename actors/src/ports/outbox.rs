//! The committed events that were not handed on yet, in a store that nodes may share.

use super::{Answer, EventLogError};
use crate::domain::event::OrderEvent;

/// Takes events further: to the stream, or where there is none to the printer. What it errs with is told and tried again.
pub type HandOn = Box<dyn FnOnce(Vec<OrderEvent>) -> Answer<'static, Result<(), String>> + Send>;

/// What was handed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relayed {
    /// How many events.
    pub events: usize,
    /// Whether more may wait now.
    pub may_be_more: bool,
}

/// Why nothing was handed on, or not known to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    /// The store did not give the events, or did not take note: then they are handed on again.
    #[error("{0}")]
    Store(#[from] EventLogError),
    /// Who takes them further did not.
    #[error("{0}")]
    HandOn(String),
}

/// Gives each committed event to be handed on: until that is recorded, and then no more.
///
/// Events of one order go in the order of their versions. While some of an order are in one node's hands, no other
/// node is given any of that order; a node that dies, or does not come back within the store's deadline, lets go.
pub trait Outbox: Send + Sync + 'static {
    /// Hands on what waits longest, at most `limit` events, and records it.
    fn relay(&self, limit: usize, hand_on: HandOn) -> Answer<'_, Result<Relayed, RelayError>>;
}
