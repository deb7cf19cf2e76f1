//! Where Kafka is and how it is used, and what each kind of client is told of it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

use crate::backend::shop::ShopId;

/// Bytes of a dead letter: as large as brokers take by default, and what is said of it.
pub(super) const LETTER_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Events that wait to be sent, at most.
const WAITING_MAX: usize = 20_000;
/// How long an event waits for others to go with it, in milliseconds.
const LINGER_MS: u32 = 1;
/// After so long without a word from a member, others take what it had: the least that brokers allow by default.
const SESSION: Duration = Duration::from_secs(6);
/// How long is waited before another try to connect, at most.
const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(1);
/// How often is looked for partitions that are new.
const METADATA_AGE_MAX: Duration = Duration::from_secs(10);

/// Who the service is at Kafka.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaLogin {
    /// The user.
    pub user: String,
    /// How it proves that.
    pub password: String,
}

impl fmt::Debug for KafkaLogin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// How connections are kept from others' eyes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KafkaTls {
    /// Not at all.
    Off,
    /// Encrypted, whoever the broker is.
    Unverified,
    /// Encrypted, to brokers whose certificate is from an authority that the system trusts, or the one in this file.
    Verified(Option<PathBuf>),
}

/// Where Kafka is and how it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaOptions {
    /// Hosts and ports of some brokers.
    pub brokers: Vec<(String, u16)>,
    /// Who the service is there; none: nobody asks.
    pub login: Option<KafkaLogin>,
    /// How connections are kept from others' eyes.
    pub tls: KafkaTls,
    /// The topic of order events.
    pub topic: String,
    /// The consumer group.
    pub group: String,
    /// Whose events they are.
    pub shop: ShopId,
    /// Partitions of the topic, if it has to be made.
    pub partitions: u16,
    /// Copies of the topics, if they have to be made; none: as many as the brokers make by default.
    pub replication: Option<u16>,
    /// How long one call may take.
    pub timeout: Duration,
    /// How long partitions that have to go wait for what is in hand.
    pub hand_over: Duration,
}

impl KafkaOptions {
    /// What is usual, at these brokers.
    pub fn at(brokers: Vec<(String, u16)>) -> Self {
        Self {
            brokers,
            login: None,
            tls: KafkaTls::Off,
            topic: "order_state_topic".to_owned(),
            group: "printer".to_owned(),
            shop: ShopId::default(),
            partitions: 12,
            replication: None,
            timeout: Duration::from_secs(5),
            hand_over: Duration::from_secs(5),
        }
    }

    /// Where dead letters are.
    pub fn letter_topic(&self) -> String {
        format!("{}.dlq", self.topic)
    }

    /// Tells when an event counts as safe.
    pub fn tell_durability(&self) {
        let config = self.producer();
        let said = |name| config.get(name).unwrap_or_default();
        let (acks, idempotence) = (said("acks"), said("enable.idempotence"));
        tracing::info!(target: "floodgate::stream", acks, "enable.idempotence" = idempotence, "stream opened");
    }

    /// For a client that asks about topics and makes them. It makes none by asking.
    pub(super) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        let brokers = self.brokers.iter().map(|(host, port)| match host.contains(':') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        });
        config
            .set("bootstrap.servers", brokers.collect::<Vec<_>>().join(","))
            .set("client.id", "floodgate")
            .set("socket.timeout.ms", millis(self.timeout))
            .set("socket.connection.setup.timeout.ms", millis(self.timeout))
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", millis(RECONNECT_PAUSE_MAX))
            .set("topic.metadata.refresh.interval.ms", millis(METADATA_AGE_MAX))
            .set_log_level(RDKafkaLogLevel::Info);
        let protocol = match (&self.login, &self.tls) {
            (None, KafkaTls::Off) => "plaintext",
            (Some(_), KafkaTls::Off) => "sasl_plaintext",
            (None, _) => "ssl",
            (Some(_), _) => "sasl_ssl",
        };
        config.set("security.protocol", protocol);
        if let Some(KafkaLogin { user, password }) = &self.login {
            config.set("sasl.mechanism", "PLAIN").set("sasl.username", user).set("sasl.password", password);
        }
        match &self.tls {
            KafkaTls::Off | KafkaTls::Verified(None) => &mut config,
            KafkaTls::Unverified => config.set("enable.ssl.certificate.verification", "false"),
            KafkaTls::Verified(Some(path)) => config.set("ssl.ca.location", path.display().to_string()),
        };
        config
    }

    /// For the client that sends.
    pub(super) fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", millis(self.timeout))
            .set("request.timeout.ms", millis(self.timeout))
            .set("queue.buffering.max.messages", WAITING_MAX.to_string())
            .set("queue.buffering.max.kbytes", (16 * 1024).to_string())
            .set("message.max.bytes", LETTER_BYTES_MAX.to_string())
            .set("linger.ms", LINGER_MS.to_string())
            // What producers in Java do, too: whoever else sends here finds the same partition for a key.
            .set("partitioner", "murmur2_random");
        config
    }

    /// For a client that reads as a member of the group.
    pub(super) fn member(&self) -> ClientConfig {
        let mut config = self.reader();
        config
            .set("group.id", &self.group)
            .set("session.timeout.ms", millis(SESSION))
            .set("heartbeat.interval.ms", millis(SESSION / 4))
            // All partitions go before any comes: so what is in hand is handed over once, and whole.
            .set("partition.assignment.strategy", "roundrobin");
        config
    }

    /// For a client that reads by itself. Kafka wants a group of it all the same, which nobody joins.
    pub(super) fn reader(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("group.id", format!("{}.dlq", self.group))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("allow.auto.create.topics", "false")
            .set("queued.min.messages", "1000")
            .set("queued.max.messages.kbytes", (8 * 1024).to_string())
            .set("fetch.queue.backoff.ms", "50");
        config
    }
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}

/// Kafka cannot be used as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("kafka cannot be used as it is configured: {0}")]
pub struct ConfigurationError(pub(super) String);

impl From<KafkaError> for ConfigurationError {
    fn from(error: KafkaError) -> Self {
        Self(match error {
            // The value may be a password.
            KafkaError::ClientConfig(_, problem, name, _) => format!("{name}: {problem}"),
            other => other.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let login = Some(KafkaLogin { user: "hidden-user".to_owned(), password: "hidden".to_owned() });
        let options = KafkaOptions { login, ..KafkaOptions::at(vec![("::1".to_owned(), 9092)]) };
        let config = options.producer();
        assert_eq!(
            (config.get("bootstrap.servers"), config.get("sasl.password")),
            (Some("[::1]:9092"), Some("hidden"))
        );
        assert!(!format!("{options:?}").contains("hidden"), "{options:?}");
    }
}
