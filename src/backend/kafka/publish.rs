//! The one client that sends: events to their topic, messages that are put aside to theirs.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use actors::domain::event::OrderEvent;
use actors::domain::id::OrderId;
use actors::ports::StreamError;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use tokio::sync::watch;

use super::call::{Caller, Failure};
use super::context::Teller;
use super::letter::{self, SHOP};
use super::options::{ConfigurationError, KafkaOptions};
use super::payload;

/// How long a stop waits for what is on its way.
const FLUSH_DEADLINE: Duration = Duration::from_secs(2);

/// What is sent.
#[derive(Default)]
pub(super) struct Record {
    pub(super) topic: String,
    /// Where in the topic, if the key does not say.
    pub(super) partition: Option<i32>,
    pub(super) key: Option<Vec<u8>>,
    pub(super) payload: Option<Vec<u8>>,
    pub(super) headers: Option<OwnedHeaders>,
}

impl fmt::Debug for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_deref().map(String::from_utf8_lossy);
        let bytes = self.payload.as_ref().map_or(0, Vec::len);
        write!(formatter, "{}/{:?} {bytes} bytes", self.topic, key.unwrap_or_default())
    }
}

/// See the module.
pub(super) struct Publisher {
    options: KafkaOptions,
    caller: Arc<Caller>,
    producer: Mutex<FutureProducer<Teller>>,
    /// Whether the topics are there.
    has_topics: watch::Receiver<bool>,
}

impl Publisher {
    pub(super) fn new(
        options: &KafkaOptions,
        caller: &Arc<Caller>,
        has_topics: watch::Receiver<bool>,
    ) -> Result<Self, ConfigurationError> {
        let producer = Mutex::new(options.producer().create_with_context(Teller::default())?);
        Ok(Self { options: options.clone(), caller: Arc::clone(caller), producer, has_topics })
    }

    /// Publishes events, of each order one after the other.
    pub(super) async fn publish(&self, events: Vec<OrderEvent>) -> Result<(), StreamError> {
        let deadline = self.caller.clock.now().monotonic.plus(self.options.timeout);
        self.wait_for_topics().await?;
        let shop = self.options.shop.get();
        for wave in waves(&events) {
            if self.caller.clock.now().monotonic >= deadline {
                return Err(StreamError("kafka is too slow to take all events in time".to_owned()));
            }
            let record = |event: &OrderEvent| Record {
                topic: self.options.topic.clone(),
                key: Some(event.order_id.to_string().into_bytes()),
                payload: Some(payload::write(event)),
                headers: shop.map(|shop| letter::headers(&[(SHOP, shop.to_owned())])),
                ..Record::default()
            };
            self.send("publish", &wave.into_iter().map(record).collect::<Vec<_>>()).await?;
        }
        Ok(())
    }

    /// Sends records, and answers once all are safe.
    pub(super) async fn send(&self, name: &'static str, records: &[Record]) -> Result<(), Failure> {
        let producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sent = self.caller.call(name, &records, send(&producer, records)).await;
        if sent.as_ref().is_err_and(|failure| failure.is_fatal) {
            self.replace(producer);
        }
        sent
    }

    /// Waits until the topics are there, for as long as one call may take; not at all while Kafka does not answer.
    pub(super) async fn wait_for_topics(&self) -> Result<(), StreamError> {
        if let Some(problem) = self.caller.health.calls.problem() {
            self.caller.calls.spare("publish");
            return Err(StreamError(problem));
        }
        let mut has_topics = self.has_topics.clone();
        let patience = self.caller.clock.sleep(self.options.timeout);
        let are_there = tokio::select! {
            found = has_topics.wait_for(|are_there| *are_there) => found.is_ok(),
            () = patience => false,
        };
        match are_there {
            true => Ok(()),
            false => Err(StreamError(format!("the topic {} is not there yet", self.options.topic))),
        }
    }

    /// Puts another client in the place of one that is of no use any more.
    fn replace(&self, broken: FutureProducer<Teller>) {
        match self.options.producer().create_with_context(Teller::default()) {
            Ok(producer) => {
                tracing::warn!("the kafka client that sends has broken down, another takes its place");
                *self.producer.lock().unwrap_or_else(PoisonError::into_inner) = producer;
            }
            Err(error) => tracing::error!(%error, "the kafka client that sends has broken down"),
        }
        // It takes its time to end.
        let _ = Builder::new().name("kafka-ending".to_owned()).spawn(move || drop(broken));
    }

    /// Waits a moment for what is on its way, and ends.
    pub(super) fn end(self) {
        let producer = self.producer.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = producer.flush(FLUSH_DEADLINE) {
            tracing::debug!(%error, "something was on its way to kafka at the end");
        }
    }
}

async fn send(producer: &FutureProducer<Teller>, records: &[Record]) -> Result<(), Failure> {
    let mut lost = Vec::new();
    let mut on_their_way = Vec::with_capacity(records.len());
    for Record { topic, partition, key, payload, headers } in records {
        let record = FutureRecord::<[u8], [u8]> {
            topic,
            partition: *partition,
            payload: payload.as_deref(),
            key: key.as_deref(),
            timestamp: None,
            headers: headers.clone(),
        };
        match producer.send_result(record) {
            Ok(delivery) => on_their_way.push(delivery),
            Err((error, _)) => lost.push(error),
        }
    }
    for delivery in on_their_way {
        match delivery.await {
            Ok(Ok(_)) => {}
            Ok(Err((error, _))) => lost.push(error),
            Err(_) => lost.push(KafkaError::MessageProduction(RDKafkaErrorCode::PurgeInflight)),
        }
    }
    let count = lost.len();
    let failures = lost.into_iter().map(Failure::from);
    // One that tells of the client tells more than one that tells of a message.
    let Some(failure) = failures.reduce(|told, other| if other.is_fatal { other } else { told }) else { return Ok(()) };
    let problem = format!("{count} of {} messages were not taken: {}", records.len(), failure.problem);
    Err(failure.told(problem))
}

/// The first event of each order, then the second of each, and so on.
fn waves(events: &[OrderEvent]) -> Vec<Vec<&OrderEvent>> {
    let mut waves: Vec<Vec<&OrderEvent>> = Vec::new();
    let mut counts: HashMap<OrderId, usize> = HashMap::new();
    for event in events {
        let count = counts.entry(event.order_id).or_default();
        match waves.get_mut(*count) {
            Some(wave) => wave.push(event),
            None => waves.push(vec![event]),
        }
        *count += 1;
    }
    waves
}

#[cfg(test)]
mod tests {
    use actors::domain::event::EventType;
    use actors::domain::order::Status;
    use actors::domain::time::Timestamp;

    use super::*;

    #[test]
    fn no_version_goes_with_the_one_ahead_of_it() {
        let event = |(order, version): &(u128, u32)| OrderEvent {
            order_id: OrderId::from_u128(*order),
            version: *version,
            event_type: EventType::OrderAmended,
            status: Status::Paid,
            at: Timestamp::from_millis(0),
            by: String::new(),
            reason: None,
        };
        let events: Vec<_> = [(1, 3), (2, 1), (1, 4), (3, 7), (2, 2), (1, 5)].iter().map(event).collect();
        let named = |wave: Vec<&OrderEvent>| {
            wave.into_iter().map(|event| (event.order_id.as_u128(), event.version)).collect::<Vec<_>>()
        };
        let waves: Vec<_> = waves(&events).into_iter().map(named).collect();
        assert_eq!(waves, [vec![(1, 3), (2, 1), (3, 7)], vec![(1, 4), (2, 2)], vec![(1, 5)]]);
    }
}
