//! The committed events in the order of their commits, where one process alone commits.

use super::Answer;
use crate::domain::event::OrderEvent;

/// Why the log did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event log does not answer: {0}")]
pub struct EventLogError(pub String);

/// An event with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Grows with every event of the log.
    pub position: u64,
    /// The event.
    pub event: OrderEvent,
}

/// A log of order events, which become visible with their commit. It keeps, for each consumer group, how far it has come.
pub trait EventLog: Send + Sync + 'static {
    /// The events after `position`, in log order, at most `limit`.
    fn read(&self, position: u64, limit: usize) -> Answer<'_, Result<Vec<LoggedEvent>, EventLogError>>;

    /// The position that `group` acknowledged last; 0 at first. It is moved by a committed `Acknowledge`.
    fn position(&self, group: &'static str) -> Answer<'_, Result<u64, EventLogError>>;
}
