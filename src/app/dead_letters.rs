//! What consumers of the stream put aside, for operators.

use std::sync::Arc;

use super::clock::SystemClock;
pub use crate::backend::kafka::{DeadLetter, DeadLetters, LetterDesk, ReplayError};
use crate::backend::kafka::{KafkaLogin, KafkaOptions, KafkaTls};
use crate::settings::{KafkaLoginSettings, KafkaSettings, KafkaTlsSettings, StreamSettings};

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

/// Kafka as the settings name it.
fn kafka_options(kafka: KafkaSettings) -> KafkaOptions {
    let KafkaSettings { brokers, login, tls, topic, group, partitions, replication, timeout } = kafka;
    let login = login.map(|KafkaLoginSettings { user, password }| KafkaLogin { user: user.0, password: password.0 });
    let tls = match tls {
        KafkaTlsSettings::Off => KafkaTls::Off,
        KafkaTlsSettings::Unverified => KafkaTls::Unverified,
        KafkaTlsSettings::Verified(authority) => KafkaTls::Verified(authority),
    };
    KafkaOptions { login, tls, topic, group, partitions, replication, timeout, ..KafkaOptions::at(brokers) }
}
