//! Where order events go.

mod kafka;

use serde::Deserialize;

pub use kafka::{KafkaLoginSettings, KafkaSettings, KafkaTlsSettings};

use super::SettingsError;

/// Settings of the event stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamSettings {
    /// The store's own event table is the log.
    Store,
    /// A topic in Kafka.
    Kafka(KafkaSettings),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    url: String,
    topic: String,
    group: String,
    partitions: u32,
    replication: u32,
    timeout_ms: u32,
}

impl StreamSettings {
    pub(super) fn check(raw: &Raw) -> Result<Self, SettingsError> {
        // The others are checked even where they are not used: whoever changes the URL later finds no surprise.
        let at = |place: &str| KafkaSettings::check(place, raw);
        match raw.url.split_once(':') {
            Some(("store", "")) => at("//unused").map(|_| Self::Store),
            Some(("kafka", place)) => at(place).map(Self::Kafka),
            // A URL of another scheme may hold a password just as well.
            _ => Err(SettingsError::bad("stream.url", format!("must be store: or {}", KafkaSettings::FORM))),
        }
    }
}
