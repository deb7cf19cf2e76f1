//! Where the printer writes.

use super::Answer;
use crate::domain::event::OrderEvent;

/// Why not all could be printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot print: {reason}")]
pub struct SinkError {
    /// How many of the events, from the first on, are out all the same.
    pub printed: usize,
    /// What is wrong.
    pub reason: String,
    /// Whether that is wrong with the next event alone, so that others may go on.
    pub is_the_events: bool,
}

impl SinkError {
    /// Nothing can be printed now.
    pub fn unavailable(printed: usize, reason: String) -> Self {
        Self { printed, reason, is_the_events: false }
    }
}

/// Takes printed events. The effect lies outside: it may repeat if the process dies before recording it.
pub trait EventSink: Send + Sync + 'static {
    /// Prints one line per event, in order, and has them out of the process when it answers.
    fn print(&self, events: Vec<OrderEvent>) -> Answer<'_, Result<(), SinkError>>;
}
