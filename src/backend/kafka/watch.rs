//! Looks every second whether Kafka answers and the topics are there, and makes those that are missing. What becomes of
//! the topic of dead letters concerns nobody but them.

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
/// Partitions of the topic of dead letters: they are few, and are read in the order they came.
const LETTER_PARTITIONS: i32 = 1;

/// See the module.
pub(super) struct Watch {
    options: KafkaOptions,
    caller: Arc<Caller>,
    client: BaseConsumer<Teller>,
    topics: Topics<Sender<bool>>,
    is_stopping: Arc<AtomicBool>,
}

/// One for each topic.
#[derive(Clone)]
pub(super) struct Topics<T> {
    pub(super) events: T,
    pub(super) letters: T,
}

impl Watch {
    pub(super) fn new(
        options: &KafkaOptions,
        caller: &Arc<Caller>,
        topics: Topics<Sender<bool>>,
        is_stopping: &Arc<AtomicBool>,
    ) -> Result<Self, ConfigurationError> {
        Ok(Self {
            client: options.client().create_with_context(Teller::default())?,
            options: options.clone(),
            caller: Arc::clone(caller),
            topics,
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
        let health = &self.caller.health;
        let is_there = match self.ensure(&self.options.topic, &self.topics.events) {
            Ok(is_there) => is_there,
            Err(failure) => {
                health.asking.fail(&failure.problem);
                return false;
            }
        };
        if is_there {
            health.mend_asking();
        }
        let are_letters_there = self.ensure(&self.options.letter_topic(), &self.topics.letters);
        match &are_letters_there {
            Ok(true) => drop(health.letter_topic.mend()),
            Ok(false) => {}
            Err(failure) => health.letter_topic.fail(&failure.problem),
        }
        // What is refused is hardly allowed a moment later.
        is_there && are_letters_there.unwrap_or(true)
    }

    /// Tells whether a topic is there, and has someone to take what is sent; makes it if not.
    fn ensure(&self, topic: &str, told: &Sender<bool>) -> Result<bool, Failure> {
        let is_there = self.caller.call_blocking(None, "metadata", &topic, || {
            find_partitions(&self.client, topic, PATIENCE.min(self.options.timeout)).map(|found| !found.is_empty())
        })?;
        told.send_if_modified(|known| std::mem::replace(known, is_there) != is_there);
        if !is_there {
            self.make(topic)?;
            tracing::info!(topic, "a topic is made in kafka");
        }
        Ok(is_there)
    }

    fn make(&self, topic: &str) -> Result<(), Failure> {
        let replication = TopicReplication::Fixed(self.options.replication.map_or(-1, i32::from));
        let bytes = LETTER_BYTES_MAX.to_string();
        let wanted = match topic == self.options.letter_topic() {
            // Nobody may have looked at them yet, however old they are.
            true => NewTopic::new(topic, LETTER_PARTITIONS, replication)
                .set("retention.ms", "-1")
                .set("max.message.bytes", &bytes),
            false => NewTopic::new(topic, self.options.partitions.into(), replication),
        };
        let timeout = Some(self.options.timeout);
        let options = AdminOptions::new().request_timeout(timeout).operation_timeout(timeout);
        self.caller.call_blocking(None, "create_topics", &topic, || {
            let admin: AdminClient<Teller> = self.options.client().create_with_context(Teller::default())?;
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            let runtime = runtime.map_err(|error| Failure::outage(format!("no thread can wait for it: {error}")))?;
            for made in runtime.block_on(admin.create_topics([&wanted], &options))? {
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
