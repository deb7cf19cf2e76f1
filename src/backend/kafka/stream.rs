//! The event stream port: publishing, and a membership that begins when somebody asks for what comes next.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use actors::domain::event::OrderEvent;
use actors::ports::{Answer, Cause, Clock, Deliveries, Delivery, EventStream, Place, StreamError};
use tokio::sync::watch;

use super::call::Caller;
use super::consume::Reading;
use super::hand::Raw;
use super::options::{ConfigurationError, KafkaOptions};
use super::payload;
use super::publish::Publisher;
use super::watch::{Topics, Watch};
use crate::calls::CallCounts;

/// How long is waited for the next message.
const NEXT_PATIENCE: Duration = Duration::from_millis(100);
/// How long an end may take. What hangs then is left behind.
const END_DEADLINE: Duration = Duration::from_secs(5);

/// Order events in a topic of Kafka.
pub struct KafkaStream {
    reading: Arc<Reading>,
    /// None only while it is dropped.
    publisher: Option<Publisher>,
    watcher: Option<JoinHandle<()>>,
    reader: Mutex<Option<JoinHandle<()>>>,
}

impl KafkaStream {
    /// Starts. It does not wait for Kafka, and goes on looking for it.
    ///
    /// # Errors
    /// Tells in one sentence what of the options cannot be.
    pub fn start(options: &KafkaOptions, clock: Arc<dyn Clock>) -> Result<Self, ConfigurationError> {
        let caller = Arc::new(Caller::new(clock));
        let ((has_topic, events), (has_letters, letters)) = (watch::channel(false), watch::channel(false));
        let is_stopping = Arc::new(AtomicBool::new(false));
        let watch = Watch::new(options, &caller, Topics { events: has_topic, letters: has_letters }, &is_stopping)?;
        let publisher = Publisher::new(options, &caller, Topics { events: events.clone(), letters })?;
        let watcher = Builder::new().name("kafka-watch".to_owned()).spawn(move || watch.run());
        let watcher = watcher.map_err(|error| ConfigurationError(format!("no thread can be started: {error}")))?;
        let reading = Reading::new(options.clone(), caller, events, is_stopping);
        let reading = Arc::new(reading);
        Ok(Self { reading, publisher: Some(publisher), watcher: Some(watcher), reader: Mutex::new(None) })
    }

    /// How often Kafka was called.
    pub fn calls(&self) -> Arc<CallCounts> {
        Arc::clone(&self.reading.caller.calls)
    }

    fn publisher(&self) -> Result<&Publisher, StreamError> {
        self.publisher.as_ref().ok_or_else(|| StreamError("it was closed".to_owned()))
    }

    /// Becomes a member, once.
    fn join(&self) -> Result<(), StreamError> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        if reader.is_none() {
            let reading = Arc::clone(&self.reading);
            let started = Builder::new().name("kafka-reader".to_owned()).spawn(move || reading.run());
            *reader = Some(started.map_err(|error| StreamError(format!("no thread can be started: {error}")))?);
        }
        Ok(())
    }

    async fn what_comes_next(&self, limit: usize) -> Result<Deliveries, StreamError> {
        self.join()?;
        let Reading { caller, is_more, .. } = &*self.reading;
        let mut patience = caller.clock.sleep(NEXT_PATIENCE);
        let mut is_over = false;
        let (term, delivered) = loop {
            let (term, delivered) = self.reading.hand().deliver(limit);
            if !delivered.is_empty() || is_over {
                break (term, delivered);
            }
            tokio::select! {
                () = is_more.notified() => {}
                () = &mut patience => is_over = true,
            }
        };
        if delivered.is_empty()
            && let Some(problem) = caller.health.problem()
        {
            return Err(StreamError(problem));
        }
        let messages = delivered.into_iter().map(|(place, raw)| Delivery {
            place,
            content: self.content(&raw),
            is_replay: raw.is_replay,
        });
        Ok(Deliveries { term, messages: messages.collect() })
    }

    /// What a message holds, or why nothing is to be done of it.
    fn content(&self, raw: &Raw) -> Result<OrderEvent, String> {
        // As long as our own database has not told whose it is, nothing is done of any event.
        if let (Some(own), Some(shop)) = (self.reading.options.shop.get(), &raw.shop)
            && shop != own
        {
            return Err(format!("it is of another shop, {shop}: each needs a stream.topic of its own"));
        }
        match &raw.payload {
            Some(bytes) => payload::read(bytes),
            None => Err("it has no payload".to_owned()),
        }
    }

    async fn put(&self, term: u64, place: Place, cause: Cause) -> Result<(), StreamError> {
        let raw = self.reading.hand().raw(term, place);
        let raw = raw.ok_or_else(|| {
            StreamError(format!("the message at {}:{} is not in hand any more", place.partition, place.offset))
        })?;
        self.publisher()?.put_aside(&raw, place, &cause).await
    }
}

impl EventStream for KafkaStream {
    fn publish(&self, events: Vec<OrderEvent>) -> Answer<'_, Result<(), StreamError>> {
        Box::pin(async move { self.publisher()?.publish(events).await })
    }

    fn next(&self, limit: usize) -> Answer<'_, Result<Deliveries, StreamError>> {
        Box::pin(self.what_comes_next(limit))
    }

    fn done(&self, term: u64, places: Vec<Place>) -> Answer<'_, Result<(), StreamError>> {
        self.reading.hand().done(term, &places);
        self.reading.note_less();
        Box::pin(std::future::ready(Ok(())))
    }

    fn term(&self) -> u64 {
        self.reading.hand().term()
    }

    fn put_aside(&self, term: u64, place: Place, cause: Cause) -> Answer<'_, Result<(), StreamError>> {
        Box::pin(self.put(term, place, cause))
    }

    fn start_over(&self) {
        self.reading.hand().start_over();
        self.reading.note_less();
        self.reading.is_more.notify_one();
    }

    fn is_answering(&self) -> bool {
        self.reading.caller.health.problem().is_none()
    }
}

impl Drop for KafkaStream {
    fn drop(&mut self) {
        self.reading.is_stopping.store(true, Ordering::Relaxed);
        self.reading.note_less();
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        let threads: Vec<JoinHandle<()>> = self.watcher.take().into_iter().chain(reader).collect();
        threads.iter().for_each(|thread| thread.thread().unpark());
        let publisher = self.publisher.take();
        let (sender, has_ended) = sync_channel(1);
        let end = move || {
            publisher.into_iter().for_each(Publisher::end);
            // A thread's panic was told when it happened.
            threads.into_iter().for_each(|thread| drop(thread.join()));
            let _ = sender.send(());
        };
        let is_ending = Builder::new().name("kafka-ending".to_owned()).spawn(end).is_ok();
        if is_ending && has_ended.recv_timeout(END_DEADLINE).is_err() {
            tracing::warn!("kafka does not let go, its threads are left behind");
        }
    }
}
