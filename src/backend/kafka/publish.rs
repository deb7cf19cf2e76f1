//! The one client that sends: events to their topic, dead letters to theirs.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use actors::domain::event::OrderEvent;
use actors::domain::id::OrderId;
use actors::domain::time::Monotonic;
use actors::ports::{Cause, Place, StreamError};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use tokio::sync::watch;

use super::call::{Caller, Failure};
use super::context::Teller;
use super::hand::Raw;
use super::health::Side;
use super::letter::{self, SHOP};
use super::options::{ConfigurationError, KafkaOptions};
use super::payload;
use super::watch::Topics;

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
    /// Whether they are there.
    topics: Topics<watch::Receiver<bool>>,
}

impl Publisher {
    pub(super) fn new(
        options: &KafkaOptions,
        caller: &Arc<Caller>,
        topics: Topics<watch::Receiver<bool>>,
    ) -> Result<Self, ConfigurationError> {
        let producer = Mutex::new(options.producer().create_with_context(Teller::default())?);
        Ok(Self { options: options.clone(), caller: Arc::clone(caller), producer, topics })
    }

    /// Publishes events, of each order one after the other.
    pub(super) async fn publish(&self, events: Vec<OrderEvent>) -> Result<(), StreamError> {
        let Caller { clock, health, calls, .. } = &*self.caller;
        if let Some(problem) = health.sending.problem_or_probe(clock.now().monotonic) {
            calls.spare("publish");
            return Err(StreamError(problem));
        }
        let deadline = self.deadline();
        self.wait_for("publish", &self.options.topic, &self.topics.events, deadline).await?;
        let shop = self.options.shop.get();
        for wave in waves(&events) {
            let record = |event: &OrderEvent| Record {
                topic: self.options.topic.clone(),
                key: Some(event.order_id.to_string().into_bytes()),
                payload: Some(payload::write(event)),
                headers: shop.map(|shop| letter::headers(&[(SHOP, shop.to_owned())])),
                ..Record::default()
            };
            let records: Vec<Record> = wave.into_iter().map(record).collect();
            self.send(&health.sending, "publish", &records, deadline).await?;
        }
        Ok(())
    }

    /// Sends a dead letter: without its payload, if it is too large for their topic.
    pub(super) async fn put_aside(&self, raw: &Raw, place: Place, cause: &Cause) -> Result<(), StreamError> {
        let Caller { clock, health, .. } = &*self.caller;
        let (deadline, topic, at) = (self.deadline(), self.options.letter_topic(), clock.now().wall);
        self.wait_for("put_aside", &topic, &self.topics.letters, deadline).await?;
        let record = |raw: &Raw| letter::record(topic.clone(), raw, &self.options.topic, place, cause, at);
        let send = async |record| self.send(&health.letters, "put_aside", &[record], deadline).await;
        match send(record(raw)).await {
            Err(failure) if failure.is_too_large => {
                tracing::warn!(?place, "a dead letter is too large for its topic, so its payload is left out");
                Ok(send(record(&raw.without_payload())).await?)
            }
            sent => Ok(sent?),
        }
    }

    /// Until when a call that begins now may take.
    pub(super) fn deadline(&self) -> Monotonic {
        self.caller.clock.now().monotonic.plus(self.options.timeout)
    }

    /// Sends records, and answers once all are safe, at the deadline at the latest.
    pub(super) async fn send(
        &self,
        side: &Side,
        name: &'static str,
        records: &[Record],
        deadline: Monotonic,
    ) -> Result<(), Failure> {
        let producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let left = deadline.since(self.caller.clock.now().monotonic);
        let sending = async {
            tokio::select! {
                biased;
                sent = send(&producer, records) => sent,
                // A Kafka that had little time for it may be well.
                () = self.caller.clock.sleep(left) => Err(Failure {
                    is_outage: left >= self.options.timeout / 2,
                    is_late: left >= self.options.timeout / 2,
                    ..Failure::outage("kafka is too slow to take all messages in time")
                }),
            }
        };
        let sent = self.caller.call(side, name, &records, sending).await;
        // Kafka answers who asks, and yet nothing comes through: it is the client that is stuck, as it may be for long if it
        // first met a Kafka that hung.
        let is_stuck = |failure: &Failure| failure.is_late && self.caller.health.asking.problem().is_none();
        if sent.as_ref().is_err_and(|failure| failure.is_fatal || is_stuck(failure)) {
            self.replace(producer);
        }
        sent
    }

    /// Waits until a topic is there, but not at all while Kafka does not answer.
    async fn wait_for(
        &self,
        name: &'static str,
        topic: &str,
        is_there: &watch::Receiver<bool>,
        deadline: Monotonic,
    ) -> Result<(), StreamError> {
        let Caller { clock, health, calls, .. } = &*self.caller;
        if let Some(problem) = health.asking.problem() {
            calls.spare(name);
            return Err(StreamError(problem));
        }
        let mut is_there = is_there.clone();
        let patience = clock.sleep(deadline.since(clock.now().monotonic));
        let is_there = tokio::select! {
            found = is_there.wait_for(|is_there| *is_there) => found.is_ok(),
            () = patience => false,
        };
        match is_there {
            true => Ok(()),
            false => Err(StreamError(format!("the topic {topic} is not there yet"))),
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
    let is_late = failure.is_late && count == records.len();
    Err(Failure { is_late, ..failure.told(problem) })
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
    use actors::ports::{Clock as _, FaultClass};

    use super::*;
    use crate::app::clock::SystemClock;

    fn event((order, version): (u128, u32)) -> OrderEvent {
        OrderEvent {
            order_id: OrderId::from_u128(order),
            version,
            event_type: EventType::OrderAmended,
            status: Status::Paid,
            at: Timestamp::from_millis(0),
            by: String::new(),
            reason: None,
        }
    }

    /// One that sends to nobody, and what tells it of topics.
    fn publisher() -> (Publisher, Topics<watch::Sender<bool>>, SystemClock) {
        let clock = SystemClock::start();
        let caller = Arc::new(Caller::new(Arc::new(clock)));
        // A port that nothing listens on.
        let options =
            KafkaOptions { timeout: Duration::from_secs(1), ..KafkaOptions::at(vec![("127.0.0.1".into(), 1)]) };
        let topics = Topics { events: watch::channel(false).0, letters: watch::channel(false).0 };
        let seen = Topics { events: topics.events.subscribe(), letters: topics.letters.subscribe() };
        (Publisher::new(&options, &caller, seen).expect("good options"), topics, clock)
    }

    #[actix_web::test]
    async fn waiting_for_the_topic_and_sending_have_one_deadline() {
        let (publisher, topics, clock) = publisher();
        let coming = async {
            clock.sleep(Duration::from_millis(700)).await;
            topics.events.send_replace(true);
        };
        let (published, ()) = tokio::join!(publisher.publish(vec![event((1, 1)), event((1, 2))]), coming);
        let taken = clock.now().monotonic.since(Monotonic::default());
        assert!(published.is_err() && taken < Duration::from_millis(1_400), "{taken:?}");
    }

    #[actix_web::test]
    async fn each_waits_for_its_own_topic_only() {
        let cause = Cause { class: FaultClass::Refused, reason: "no paper".to_owned(), attempts: 1 };
        let place = Place { partition: 0, offset: 0 };
        let told = |sent: Result<(), StreamError>| sent.expect_err("nobody takes it").0;
        let (publisher, topics, _) = publisher();
        topics.events.send_replace(true);
        // Client and call have the same time for it.
        let is_late = |told: &str| told.contains("too slow") || told.contains("timed out");
        let published = told(publisher.publish(vec![event((1, 1))]).await);
        assert!(is_late(&published), "{published}");
        let put = publisher.put_aside(&Raw::default(), place, &cause).await;
        assert_eq!(told(put), "the topic order_state_topic.dlq is not there yet");
        topics.letters.send_replace(true);
        topics.events.send_replace(false);
        let put = told(publisher.put_aside(&Raw::default(), place, &cause).await);
        assert!(is_late(&put), "{put}");
        let published = publisher.publish(vec![event((1, 1))]).await;
        assert_eq!(told(published), "the topic order_state_topic is not there yet", "it finds out what goes again");
    }

    #[test]
    fn no_version_goes_with_the_one_ahead_of_it() {
        let events: Vec<_> = [(1, 3), (2, 1), (1, 4), (3, 7), (2, 2), (1, 5)].into_iter().map(event).collect();
        let named = |wave: Vec<&OrderEvent>| {
            wave.into_iter().map(|event| (event.order_id.as_u128(), event.version)).collect::<Vec<_>>()
        };
        let waves: Vec<_> = waves(&events).into_iter().map(named).collect();
        assert_eq!(waves, [vec![(1, 3), (2, 1), (3, 7)], vec![(1, 4), (2, 2)], vec![(1, 5)]]);
    }
}
