//! Dead letters, for operators: listed, and given to the stream once more.
//!
//! That a message was replayed is written behind it in its own topic, so it is remembered for as long as the message is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use actors::ports::{Clock, Place, StreamError};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde::Deserialize;
use tokio::sync::watch;

use super::call::{Caller, Failure};
use super::context::Teller;
use super::health::Side;
use super::letter::{self, LEFT_OUT, REPLAY, SHOP};
use super::options::{ConfigurationError, KafkaOptions};
use super::publish::{Publisher, Record};
use super::watch::{Topics, find_partitions};

/// Messages of each partition that are looked at: the latest.
const LOOKED_AT_MAX: i64 = 100_000;
/// Messages that are read at once to be replayed.
const BATCH_MAX: usize = 100;
/// How long is waited for a message at a time.
const POLL: Duration = Duration::from_millis(100);
/// Says of a record that the message at this offset of its partition was replayed.
const REPLAYED: &str = "floodgate-replayed";

/// A dead letter: a message that was put aside. What its headers and what it holds do not say is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it is now.
    pub place: Place,
    /// The order, by its key.
    pub order_id: Option<String>,
    /// The order's version.
    pub version: Option<u32>,
    /// What kind of fault it has.
    pub class: Option<String>,
    /// In words.
    pub reason: Option<String>,
    /// How often it was tried.
    pub attempts: Option<u32>,
    /// The topic that it came from.
    pub topic: Option<String>,
    /// Where it stood there.
    pub origin: Option<Place>,
    /// When it was put aside.
    pub at: Option<String>,
    /// Bytes of the payload, if it was too large to be kept.
    pub left_out: Option<u64>,
    /// Whether it was replayed since.
    pub is_replayed: bool,
}

/// Dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadLetters {
    /// By their places.
    pub letters: Vec<DeadLetter>,
    /// Whether there are more, from before these.
    pub has_older: bool,
}

/// The dead letters that were not replayed yet, however old it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Where it is.
    pub places: BTreeSet<Place>,
    /// How many are besides that cannot be replayed, because their payloads were too large to be kept.
    pub without_payload: usize,
}

/// Why not everything was replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// There is no such message.
    #[error("nothing that was put aside is at {0}:{1}")]
    Missing(i32, i64),
    /// It was kept without its payload.
    #[error("the payload of {0}:{1} was too large to be kept, so it cannot be replayed")]
    LeftOut(i32, i64),
    /// Kafka does not answer.
    #[error("{0}")]
    Stream(#[from] StreamError),
}

/// Reads dead letters.
pub struct LetterDesk {
    options: KafkaOptions,
    caller: Arc<Caller>,
    reader: BaseConsumer<Teller>,
    publisher: Publisher,
}

/// A part of a partition: from one offset on, before another.
type Stretch = (i32, i64, i64);

impl LetterDesk {
    /// Opens it. It asks Kafka for nothing yet.
    ///
    /// # Errors
    /// Tells in one sentence what of the options cannot be.
    pub fn open(options: &KafkaOptions, clock: Arc<dyn Clock>) -> Result<Self, ConfigurationError> {
        let caller = Arc::new(Caller::new(clock));
        let mut config = options.reader();
        let reader = config.set("enable.partition.eof", "true").create_with_context(Teller::default())?;
        let is_there = watch::channel(true).1;
        let publisher = Publisher::new(options, &caller, Topics { events: is_there.clone(), letters: is_there })?;
        Ok(Self { options: options.clone(), caller, reader, publisher })
    }

    /// Lists the dead letters, by place.
    ///
    /// # Errors
    /// Kafka does not answer.
    pub fn list(&self) -> Result<DeadLetters, StreamError> {
        let mut stretches = self.stretches()?;
        let mut has_older = false;
        for (_, low, high) in &mut stretches {
            let from = *high - LOOKED_AT_MAX;
            has_older |= *low < from;
            *low = from.max(*low);
        }
        let mut letters = BTreeMap::new();
        let mut replayed = BTreeSet::new();
        self.walk(&stretches, |message| {
            let partition = message.partition();
            match replayed_by(message) {
                Some(place) => drop(replayed.insert(place)),
                None => drop(letters.insert(Place { partition, offset: message.offset() }, letter_of(message))),
            }
        })?;
        for place in &replayed {
            if let Some(letter) = letters.get_mut(place) {
                letter.is_replayed = true;
            }
        }
        Ok(DeadLetters { letters: letters.into_values().collect(), has_older })
    }

    /// Finds what was not replayed yet.
    ///
    /// # Errors
    /// Kafka does not answer.
    pub fn left(&self) -> Result<Left, StreamError> {
        let mut left = Left::default();
        self.walk(&self.stretches()?, |message| {
            let place = Place { partition: message.partition(), offset: message.offset() };
            // What says that a message was replayed comes after it.
            match replayed_by(message) {
                Some(place) => drop(left.places.remove(&place)),
                None if left_out(message).is_some() => left.without_payload += 1,
                None => drop(left.places.insert(place)),
            }
        })?;
        Ok(left)
    }

    /// Has these read once more, in the order of their places, and tells of each that was.
    ///
    /// # Errors
    /// A message is not there, or Kafka does not answer; what was told of is replayed all the same.
    pub async fn replay(&self, places: &BTreeSet<Place>, mut tell: impl FnMut(Place)) -> Result<(), ReplayError> {
        let places: Vec<Place> = places.iter().copied().collect();
        let stretches = self.stretches()?;
        let is_in = |place: &Place, (partition, low, high): &Stretch| {
            place.partition == *partition && (*low..*high).contains(&place.offset)
        };
        let missing = places.iter().find(|place| !stretches.iter().any(|stretch| is_in(place, stretch)));
        if let Some(Place { partition, offset }) = missing {
            return Err(ReplayError::Missing(*partition, *offset));
        }
        for batch in places.chunks(BATCH_MAX) {
            let found = self.read(batch)?;
            if let Some(missing) = batch.iter().find(|place| !found.contains_key(place)) {
                return Err(ReplayError::Missing(missing.partition, missing.offset));
            }
            for (place, record) in found {
                self.send(&self.caller.health.sending, "replay", record).await?;
                let mark = Record {
                    topic: self.options.letter_topic(),
                    partition: Some(place.partition),
                    headers: Some(letter::headers(&[(REPLAYED, place.offset.to_string())])),
                    ..Record::default()
                };
                self.send(&self.caller.health.letters, "mark_replayed", mark).await?;
                tell(place);
            }
        }
        Ok(())
    }

    async fn send(&self, side: &Side, name: &'static str, record: Record) -> Result<(), StreamError> {
        Ok(self.publisher.send(side, name, &[record], self.publisher.deadline()).await?)
    }

    /// The messages at these places, as they are to be sent once more.
    fn read(&self, places: &[Place]) -> Result<BTreeMap<Place, Record>, ReplayError> {
        let mut stretches: BTreeMap<i32, (i64, i64)> = BTreeMap::new();
        for Place { partition, offset } in places {
            let (from, to) = stretches.entry(*partition).or_insert((*offset, *offset + 1));
            (*from, *to) = ((*from).min(*offset), (*to).max(offset + 1));
        }
        let stretches = stretches.into_iter().map(|(partition, (from, to))| (partition, from, to));
        let mut found = BTreeMap::new();
        let mut without_payload = None;
        self.walk(&stretches.collect::<Vec<_>>(), |message| {
            let place = Place { partition: message.partition(), offset: message.offset() };
            if places.contains(&place) && said(message, REPLAYED).is_none() {
                found.insert(place, self.once_more(place, message));
                without_payload = without_payload.or(left_out(message).map(|_| place));
            }
        })?;
        match without_payload {
            Some(Place { partition, offset }) => Err(ReplayError::LeftOut(partition, offset)),
            None => Ok(found),
        }
    }

    fn once_more(&self, place: Place, message: &BorrowedMessage<'_>) -> Record {
        let mut headers = vec![(REPLAY, format!("{}:{}", place.partition, place.offset))];
        headers.extend(said(message, SHOP).map(|shop| (SHOP, shop.to_owned())));
        Record {
            topic: self.options.topic.clone(),
            key: message.key().map(<[u8]>::to_vec),
            payload: message.payload().map(<[u8]>::to_vec),
            headers: Some(letter::headers(&headers)),
            ..Record::default()
        }
    }

    /// Each partition with what is in it; nothing if there is no such topic.
    fn stretches(&self) -> Result<Vec<Stretch>, StreamError> {
        let (topic, timeout) = (self.options.letter_topic(), self.options.timeout);
        let partitions =
            self.caller.call_blocking(None, "metadata", &topic, || find_partitions(&self.reader, &topic, timeout))?;
        let mut stretches = Vec::new();
        for partition in partitions {
            let (low, high) = self.caller.call_blocking(None, "watermarks", &partition, || {
                Ok(self.reader.fetch_watermarks(&topic, partition, timeout)?)
            })?;
            if high > low {
                stretches.push((partition, low, high));
            }
        }
        Ok(stretches)
    }

    /// Reads these stretches from their beginnings to their ends.
    fn walk(&self, stretches: &[Stretch], mut visit: impl FnMut(&BorrowedMessage<'_>)) -> Result<(), StreamError> {
        let topic = self.options.letter_topic();
        let mut list = TopicPartitionList::new();
        for (partition, from, _) in stretches {
            // Fails only for offsets below zero, which no message has.
            let _ = list.add_partition_offset(&topic, *partition, Offset::Offset(*from));
        }
        let mut left: BTreeMap<i32, i64> = stretches.iter().map(|(partition, _, to)| (*partition, *to)).collect();
        self.reader.assign(&list).map_err(Failure::from)?;
        let read = self.caller.call_blocking(None, "read", &stretches, || {
            let mut idle = Duration::ZERO;
            while !left.is_empty() {
                match self.reader.poll(POLL) {
                    Some(Ok(message)) => {
                        idle = Duration::ZERO;
                        let Some(to) = left.get(&message.partition()) else { continue };
                        if message.offset() < *to {
                            visit(&message);
                        }
                        if message.offset() + 1 >= *to {
                            left.remove(&message.partition());
                        }
                    }
                    // Its last messages were removed, or are none of anybody's.
                    Some(Err(KafkaError::PartitionEOF(partition))) => drop(left.remove(&partition)),
                    Some(Err(error)) if idle >= self.options.timeout => return Err(Failure::from(error)),
                    None if idle >= self.options.timeout => return Err(Failure::outage("it sends nothing")),
                    Some(Err(_)) | None => idle += POLL,
                }
            }
            Ok(())
        });
        let _ = self.reader.unassign();
        Ok(read?)
    }
}

/// What a header of it says.
fn said<'a>(message: &'a BorrowedMessage<'_>, name: &str) -> Option<&'a str> {
    message.headers().and_then(|headers| letter::header(headers, name))
}

/// The message that it says was replayed, if it does.
fn replayed_by(message: &BorrowedMessage<'_>) -> Option<Place> {
    let offset = said(message, REPLAYED)?.parse().ok()?;
    Some(Place { partition: message.partition(), offset })
}

/// Bytes of the payload that it was kept without.
fn left_out(message: &BorrowedMessage<'_>) -> Option<u64> {
    said(message, LEFT_OUT)?.parse().ok()
}

fn letter_of(message: &BorrowedMessage<'_>) -> DeadLetter {
    /// What is wanted of an event; one that cannot be read whole may have it all the same.
    #[derive(Deserialize)]
    struct Named {
        version: u32,
    }
    let said = |name| said(message, name);
    let origin = || {
        let (partition, offset) = (said(letter::ORIGIN_PARTITION)?, said(letter::ORIGIN_OFFSET)?);
        Some(Place { partition: partition.parse().ok()?, offset: offset.parse().ok()? })
    };
    let text = |name| said(name).map(str::to_owned);
    DeadLetter {
        place: Place { partition: message.partition(), offset: message.offset() },
        order_id: message.key().map(|key| String::from_utf8_lossy(key).into_owned()),
        version: message
            .payload()
            .and_then(|bytes| serde_json::from_slice(bytes).ok())
            .map(|Named { version }| version),
        class: text(letter::CLASS),
        reason: text(letter::REASON),
        attempts: said(letter::ATTEMPTS).and_then(|attempts| attempts.parse().ok()),
        topic: text(letter::ORIGIN_TOPIC),
        origin: origin(),
        at: text(letter::AT),
        left_out: left_out(message),
        is_replayed: false,
    }
}
