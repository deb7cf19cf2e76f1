//! The stream of order events that nodes share: what is published there, consumer groups read.

use super::Answer;
use crate::domain::event::OrderEvent;

/// Why the stream did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event stream does not answer: {0}")]
pub struct StreamError(pub String);

/// Where a message stands in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The partition. All of one order are in one.
    pub partition: i32,
    /// The place in it.
    pub offset: i64,
}

/// A message as a consumer is given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Where it stands.
    pub place: Place,
    /// The event, or why it cannot be read as one.
    pub content: Result<OrderEvent, String>,
    /// Whether an operator had it read once more: then it counts, whatever was done of its order since.
    pub is_replay: bool,
}

/// What came next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// Grows whenever partitions came or went. What was delivered in an earlier term and is not done yet is delivered
    /// again, here or to another member, so it is to be forgotten.
    pub term: u64,
    /// The messages. Those of one partition come in their order.
    pub messages: Vec<Delivery>,
}

/// Why a message is put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What kind of fault it is.
    pub class: FaultClass,
    /// In words.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
}

/// The kinds of faults that a message has by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultClass {
    /// It cannot be read: trying again is no use.
    Unreadable,
    /// Its effect was refused each time.
    Refused,
}

impl FaultClass {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Unreadable, Self::Refused];

    /// The class as operators see it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Refused => "refused",
        }
    }
}

/// What may be delivered again though it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// Nothing, so nobody need record what was done.
    None,
    /// What this member did in this term, or any member before it: an order is in one member's hands for a term.
    OfEarlierTerms,
    /// What any member did at any time.
    OfAnyone,
}

/// A stream with one consumer group of which this node is a member once it asks for what comes next.
///
/// Messages are delivered at least once: repeats are the consumer's to tell.
pub trait EventStream: Send + Sync + 'static {
    /// Appends events, and answers once they cannot be lost any more. Of each order they are given in the order of their
    /// versions, and no version is appended before the one ahead of it is safe. After an error some may be in the stream
    /// all the same.
    fn publish(&self, events: Vec<OrderEvent>) -> Answer<'_, Result<(), StreamError>>;

    /// What comes next for this member, at most `limit`. Waits a moment, about a tenth of a second, if nothing is there.
    fn next(&self, limit: usize) -> Answer<'_, Result<Deliveries, StreamError>>;

    /// Takes note that these are done: they are not delivered again, unless that note is lost. Places of an earlier term
    /// are passed over. A partition that has to go waits a while for what is in hand, until this was called.
    fn done(&self, term: u64, places: Vec<Place>) -> Answer<'_, Result<(), StreamError>>;

    /// The term that holds now; see [`Deliveries::term`].
    fn term(&self) -> u64;

    /// Copies a message that is in hand to where an operator finds it, with the cause, and answers once it is safe there.
    fn put_aside(&self, term: u64, place: Place, cause: Cause) -> Answer<'_, Result<(), StreamError>>;

    /// Whoever read for this node has forgotten what was in hand: delivers it again, in a new term.
    fn start_over(&self);

    /// What may be delivered again though it was done.
    fn repeats(&self) -> Repeats {
        Repeats::OfEarlierTerms
    }

    /// Whether the stream answered when it was asked last.
    fn is_answering(&self) -> bool;
}
