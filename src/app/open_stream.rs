//! Opens the stream that the settings name, with this node's part in reading it.

use std::sync::Arc;

use actors::node::Shared;
use actors::ports::Clock;

use super::StartError;
use crate::backend::kafka::{KafkaLogin, KafkaOptions, KafkaStream, KafkaTls};
use crate::backend::shop::ShopId;
use crate::calls::CallCounts;
use crate::settings::{KafkaLoginSettings, KafkaSettings, KafkaTlsSettings, NodeRole, StreamSettings};

/// A stream that nodes share, and what it counts of its calls.
pub(super) struct OpenStream {
    pub(super) stream: Shared,
    pub(super) calls: Arc<CallCounts>,
}

/// Opens the stream; none if nodes share none. One that does not answer is no reason not to start: events wait in the
/// store.
pub(super) fn open_stream(
    settings: StreamSettings,
    shop: ShopId,
    role: NodeRole,
    clock: &Arc<dyn Clock>,
) -> Result<Option<OpenStream>, StartError> {
    let StreamSettings::Kafka(kafka) = settings else { return Ok(None) };
    let group = role.works_on_events().then(|| kafka.group.as_str().into());
    let options = KafkaOptions { shop, ..kafka_options(kafka) };
    options.tell_durability();
    let stream = KafkaStream::start(&options, Arc::clone(clock))?;
    let calls = stream.calls();
    Ok(Some(OpenStream { stream: Shared { stream: Arc::new(stream), group }, calls }))
}

/// Kafka as the settings name it.
pub(super) fn kafka_options(kafka: KafkaSettings) -> KafkaOptions {
    let KafkaSettings { brokers, login, tls, topic, group, partitions, replication, timeout } = kafka;
    let login = login.map(|KafkaLoginSettings { user, password }| KafkaLogin { user: user.0, password: password.0 });
    let tls = match tls {
        KafkaTlsSettings::Off => KafkaTls::Off,
        KafkaTlsSettings::Unverified => KafkaTls::Unverified,
        KafkaTlsSettings::Verified(authority) => KafkaTls::Verified(authority),
    };
    KafkaOptions { login, tls, topic, group, partitions, replication, timeout, ..KafkaOptions::at(brokers) }
}
