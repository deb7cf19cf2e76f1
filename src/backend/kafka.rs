//! The event stream in Kafka: what nodes share of order events.
//!
//! A topic has the events, by order: all of one order are in one partition. Another has the dead letters:
//! what consumers put aside.

mod call;
mod consume;
mod context;
mod hand;
mod health;
mod letter;
mod letters;
mod options;
pub mod payload;
mod publish;
mod stream;
mod watch;

pub use letters::{DeadLetter, DeadLetters, Left, LetterDesk, ReplayError};
pub use options::{ConfigurationError, KafkaLogin, KafkaOptions, KafkaTls};
pub use stream::KafkaStream;
