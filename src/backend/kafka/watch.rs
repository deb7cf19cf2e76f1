//! Looks every second whether Kafka answers and the topics are there, and makes those that are missing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::sync::watch::Sender;

use super::call::{Caller, Failure, words};
use super::context::Teller;
use super::options::{ConfigurationError, KafkaOptions, LETTER_BYTES_MAX};

/// How long is waited before looking again, while all is well.
const PAUSE: Duration = Duration::from_secs(1);
/// The same while it is not.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// News of the client that are looked at.
const NEWS_MAX: usize = 16;
/// Partitions of the topic of messages put aside: they are few, and are read in the order they came.
const LETTER_PARTITIONS: i32 = 1;

/// See the module.
pub(super) struct Watch {
    options: KafkaOptions,
    caller: Arc<Caller>,
    client: BaseConsumer<Teller>,
    has_topics: Sender<bool>,
    is_stopping: Arc<AtomicBool>,
}

impl Watch {
    pub(super) fn new(
        options: &KafkaOptions,
        caller: &Arc<Caller>,
        has_topics: Sender<bool>,
        is_stopping: &Arc<AtomicBool>,
    ) -> Result<Self, ConfigurationError> {
        Ok(Self {
            client: options.client().create_with_context(Teller::default())?,
            options: options.clone(),
            caller: Arc::clone(caller),
            has_topics,
            is_stopping: Arc::clone(is_stopping),
        })
    }

    /// Looks until it is told to stop and its thread woken.
    pub(super) fn run(&self) {
        while !self.is_stopping.load(Ordering::Relaxed) {
            let is_well = self.look();
            thread::park_timeout(if is_well { PAUSE } else { RETRY_PAUSE });
        }
    }

    fn look(&self) -> bool {
        let (topic, letters) = (self.options.topic.as_str(), self.options.letter_topic());
        let Ok(is_there) = self.is_there(topic) else { return false };
        let Ok(are_letters_there) = self.is_there(&letters) else { return false };
        let missing = [(topic, is_there), (&letters, are_letters_there)];
        let missing: Vec<&str> = missing.iter().filter(|(_, is_there)| !is_there).map(|(name, _)| *name).collect();
        self.has_topics.send_if_modified(|known| std::mem::replace(known, missing.is_empty()) != missing.is_empty());
        if !missing.is_empty() && self.make(&missing).is_ok() {
            tracing::info!(topics = ?missing, "topics are made in kafka");
        }
        missing.is_empty()
    }

    /// Asks for a topic: whether it is there, and has someone to take what is sent.
    fn is_there(&self, topic: &str) -> Result<bool, Failure> {
        self.caller.call_blocking(&self.caller.health.calls, "metadata", &topic, || {
            find_partitions(&self.client, topic, PATIENCE.min(self.options.timeout)).map(|found| !found.is_empty())
        })
    }

    fn make(&self, topics: &[&str]) -> Result<(), Failure> {
        let replication = || TopicReplication::Fixed(self.options.replication.map_or(-1, i32::from));
        let letters = self.options.letter_topic();
        let bytes = LETTER_BYTES_MAX.to_string();
        let wanted = topics.iter().map(|name| match **name == *letters {
            // Nobody may have looked at them yet, however old they are.
            true => NewTopic::new(name, LETTER_PARTITIONS, replication())
                .set("retention.ms", "-1")
                .set("max.message.bytes", &bytes),
            false => NewTopic::new(name, self.options.partitions.into(), replication()),
        });
        let wanted: Vec<_> = wanted.collect();
        let timeout = Some(self.options.timeout);
        let options = AdminOptions::new().request_timeout(timeout).operation_timeout(timeout);
        self.caller.call_blocking(&self.caller.health.calls, "create_topics", &topics, || {
            let admin: AdminClient<Teller> = self.options.client().create_with_context(Teller::default())?;
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            let runtime = runtime.map_err(|error| Failure::outage(format!("no thread can wait for it: {error}")))?;
            for made in runtime.block_on(admin.create_topics(&wanted, &options))? {
                match made {
                    // Another node was quicker.
                    Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                    Err((topic, code)) => {
                        return Err(Failure::outage(format!("the topic {topic} cannot be made: {}", words(code))));
                    }
                }
            }
            Ok(())
        })
    }
}

/// The partitions of a topic; none if there is no such topic.
pub(super) fn find_partitions(
    client: &BaseConsumer<Teller>,
    topic: &str,
    patience: Duration,
) -> Result<Vec<i32>, Failure> {
    let metadata = client.fetch_metadata(Some(topic), patience).map_err(Failure::from);
    // Its own news, which it keeps until it is asked, one by one: they tell why.
    (0..NEWS_MAX).for_each(|_| drop(client.poll(Duration::ZERO)));
    let trouble = client.context().take_trouble();
    let metadata = metadata.map_err(|failure| match trouble {
        Some(trouble) => Failure { problem: format!("{}; {trouble}", failure.problem), ..failure },
        None => failure,
    })?;
    let Some(found) = metadata.topics().first() else { return Ok(Vec::new()) };
    match found.error().map(RDKafkaErrorCode::from) {
        None => Ok(found.partitions().iter().map(|partition| partition.id()).collect()),
        Some(RDKafkaErrorCode::UnknownTopicOrPartition) => Ok(Vec::new()),
        Some(code) => Err(Failure::from(KafkaError::MetadataFetch(code))),
    }
}
