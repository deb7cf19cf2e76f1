//! What stands in a topic of order events, as anybody may read it.

use std::collections::BTreeMap;
use std::time::Duration;

use floodgate::backend::kafka::payload;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A topic in a Kafka.
#[derive(Clone)]
pub(crate) struct Topic {
    brokers: String,
    name: String,
}

impl Topic {
    /// The topic with this name in the Kafka of a url.
    pub(crate) fn of(url: &str, name: &str) -> Self {
        Self { brokers: url.trim_start_matches("kafka://").to_owned(), name: name.to_owned() }
    }

    /// Everything in it, as order and version, each partition in its order.
    pub(crate) async fn events(&self) -> Vec<(String, u64)> {
        let topic = self.clone();
        actix_web::web::block(move || topic.read()).await.expect("the pool runs it")
    }

    fn read(&self) -> Vec<(String, u64)> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("group.id", "onlooker").set("enable.auto.commit", "false");
        let reader: BaseConsumer = config.create().expect("good settings");
        let metadata = reader.fetch_metadata(Some(&self.name), PATIENCE).expect("kafka answers");
        let mut list = TopicPartitionList::new();
        let mut ends = BTreeMap::new();
        for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()).map(|found| found.id()) {
            let (first, end) = reader.fetch_watermarks(&self.name, partition, PATIENCE).expect("kafka answers");
            if first < end {
                ends.insert(partition, end);
                list.add_partition_offset(&self.name, partition, Offset::Beginning).expect("a good offset");
            }
        }
        reader.assign(&list).expect("good partitions");
        let mut events = Vec::new();
        while !ends.is_empty() {
            let message = reader.poll(PATIENCE).expect("what is there comes").expect("kafka answers");
            let bytes = message.payload().expect("every message has a payload");
            let event = payload::read(bytes).expect("every message is an event");
            events.push((event.order_id.to_string(), event.version.into()));
            if ends.get(&message.partition()).is_some_and(|end| message.offset() + 1 >= *end) {
                ends.remove(&message.partition());
            }
        }
        events
    }
}
