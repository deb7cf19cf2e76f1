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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_good_is_refused_whether_it_is_used_or_not() {
        let good = |url: &str| Raw {
            url: url.to_owned(),
            topic: "order_state_topic".to_owned(),
            group: "printer".to_owned(),
            partitions: 12,
            replication: 0,
            timeout_ms: 5_000,
        };
        for url in ["store:", "kafka://a"] {
            assert!(StreamSettings::check(&good(url)).is_ok(), "{url}");
            let table = [
                (
                    Raw { topic: "orders!".to_owned(), ..good(url) },
                    "topic must be 1 to 245 of A-Z a-z 0-9 . _ - and not",
                ),
                (Raw { group: "..".to_owned(), ..good(url) }, "group must be 1 to 64 of A-Z a-z 0-9 . _ - and not"),
                (Raw { partitions: 0, ..good(url) }, "partitions must be from 1 to 1000, not 0"),
                (Raw { replication: 17, ..good(url) }, "replication must be from 0 to 16, not 17"),
                (Raw { timeout_ms: 999, ..good(url) }, "timeout_ms must be from 1000 to 30000, not 999"),
                (Raw { url: "kafka://a/b".to_owned(), ..good(url) }, "url must have no / and no # after the hosts"),
                (Raw { url: "store:x".to_owned(), ..good(url) }, "url must be store: or kafka://<host>:<port>,"),
            ];
            for (raw, problem) in table {
                let told = StreamSettings::check(&raw).expect_err(problem).to_string();
                assert!(told.starts_with(&format!("the setting stream.{problem}")), "{told}");
            }
        }
    }
}
