//! What consumers of the stream put aside, for operators.

use std::sync::Arc;

use super::clock::SystemClock;
use super::open_stream::kafka_options;
pub use crate::backend::kafka::{DeadLetter, DeadLetters, Left, LetterDesk, ReplayError};
use crate::settings::StreamSettings;

/// Opens what the settings name as the stream.
///
/// # Errors
/// Tells in one sentence why nothing is put aside there, or what of the settings cannot be.
pub fn open_desk(stream: StreamSettings) -> Result<LetterDesk, String> {
    let StreamSettings::Kafka(kafka) = stream else {
        return Err("nothing is put aside where stream.url is store:; it has to name kafka".to_owned());
    };
    LetterDesk::open(&kafka_options(kafka), Arc::new(SystemClock::start())).map_err(|error| error.to_string())
}
