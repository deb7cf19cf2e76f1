//! Kafka, each case in a topic and groups of its own.

use std::sync::Arc;

use actors::domain::event::OrderEvent;
use actors::domain::id::OrderId;
use actors::event_stream_contract;
use actors::ports::{Answer, Cause, EventStream, FaultClass};
use actors::testing::contract::event_stream::{Aside, StreamBackend};
use floodgate::app::clock::SystemClock;
use floodgate::backend::kafka::{DeadLetter, KafkaOptions, KafkaStream, LetterDesk, payload};
use floodgate::settings::{Flags, Settings, StreamSettings};
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use ulid::Ulid;

const KAFKA: &str = "FLOODGATE_TEST_KAFKA_URL";

/// A topic of a test's own.
pub(crate) struct Topic(pub(crate) KafkaOptions);

impl Topic {
    /// In the Kafka that a variable names. Without one there is nothing to test, which must not pass for a test.
    pub(crate) fn new() -> Self {
        let url = std::env::var(KAFKA);
        let url =
            url.expect("FLOODGATE_TEST_KAFKA_URL is set: scripts/services up kafka; set -a; . target/services/env");
        Self::at(&url)
    }

    /// In this Kafka.
    pub(crate) fn at(url: &str) -> Self {
        let environment = [("FLOODGATE_STREAM__URL".to_owned(), url.to_owned())];
        let settings = Settings::load(&Flags::default(), environment).expect("a good url");
        let kafka = match settings.stream {
            StreamSettings::Kafka(kafka) => Some(kafka),
            StreamSettings::Store => None,
        };
        let kafka = kafka.expect("the url names kafka");
        let topic = format!("t-{}", Ulid::new());
        // Few partitions are soon made, and still more than there are members.
        Self(KafkaOptions { topic, partitions: 4, ..KafkaOptions::at(kafka.brokers) })
    }

    /// A member of a group.
    pub(crate) fn member(&self, group: &str) -> KafkaStream {
        let options = KafkaOptions { group: format!("{}-{group}", self.0.topic), ..self.0.clone() };
        KafkaStream::start(&options, Arc::new(SystemClock::start())).expect("good options")
    }

    /// What an operator works with.
    pub(crate) fn desk(&self) -> LetterDesk {
        LetterDesk::open(&self.0, Arc::new(SystemClock::start())).expect("good options")
    }

    /// Sends something as somebody else would.
    pub(crate) async fn append(&self, key: &str, payload: &[u8], headers: OwnedHeaders) {
        let producer = self.producer();
        let record = FutureRecord::to(&self.0.topic).key(key).payload(payload).headers(headers);
        producer.send(record, std::time::Duration::from_secs(9)).await.expect("kafka takes it");
    }

    /// Sends this often what has nothing but headers.
    pub(crate) async fn append_many(&self, count: usize, headers: &OwnedHeaders) {
        let producer = self.producer();
        let record = || FutureRecord::<(), ()>::to(&self.0.topic).partition(0).headers(headers.clone());
        let mut last = None;
        for _ in 0..count {
            last = Some(producer.send_result(record()).map_err(|(error, _)| error).expect("there is room for it"));
        }
        // Of one partition, the last is taken last.
        let last = last.expect("there is one").await.expect("the client is there");
        last.map_err(|(error, _)| error).expect("kafka takes it");
    }

    fn producer(&self) -> FutureProducer {
        let (host, port) = &self.0.brokers[0];
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", format!("{host}:{port}")).set("partitioner", "murmur2_random");
        config.set("queue.buffering.max.messages", "200000").create().expect("good settings")
    }
}

impl StreamBackend for Topic {
    fn member(&self, group: &'static str) -> Arc<dyn EventStream> {
        Arc::new(Self::member(self, group))
    }

    fn append_nonsense(&self, order_id: OrderId) -> Answer<'_, ()> {
        Box::pin(async move { self.append(&order_id.to_string(), b"nonsense", OwnedHeaders::new()).await })
    }

    fn append_replay(&self, event: OrderEvent) -> Answer<'_, ()> {
        let headers = OwnedHeaders::new().insert(Header { key: "floodgate-replay", value: Some("0:0") });
        Box::pin(async move { self.append(&event.order_id.to_string(), &payload::write(&event), headers).await })
    }

    fn aside(&self) -> Answer<'_, Vec<Aside>> {
        let aside = |letter: DeadLetter| {
            let class = FaultClass::ALL.into_iter().find(|class| Some(class.name()) == letter.class.as_deref());
            let cause = Cause { class: class?, reason: letter.reason?, attempts: letter.attempts? };
            Some(Aside {
                order_id: letter.order_id?.parse().ok()?,
                version: letter.version,
                origin: letter.origin?,
                cause,
            })
        };
        let letters = self.desk().list().expect("kafka answers").letters;
        let asides = letters.into_iter().map(|letter| aside(letter).expect("all is said of it")).collect();
        Box::pin(std::future::ready(asides))
    }
}

event_stream_contract!(Topic::new);
