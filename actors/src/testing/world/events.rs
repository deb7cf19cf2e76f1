//! How events get from the store to the printers, and what goes wrong on the way.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::FutureExt;

use super::faults::{FaultyStore, Weather};
use crate::domain::event::OrderEvent;
use crate::event::PRINTER_GROUP;
use crate::node::{Events, Shared};
use crate::ports::{
    Answer, Cause, Clock, Deliveries, EventLogError, EventStream, HandOn, Outbox, Place, RelayError, Relayed,
    StreamError,
};
use crate::testing::memory_outbox::MemoryOutbox;
use crate::testing::memory_stream::{Broker, MemoryStream};

/// The way that events go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventPath {
    /// The store's log, read by its only node.
    Log,
    /// The store's outbox, emptied by any node to its own printer.
    Outbox,
    /// The store's outbox, emptied by any node into a stream that the nodes read as one group.
    Stream,
}

/// What the nodes share of it.
#[derive(Clone)]
pub(super) struct Roads {
    pub(super) path: EventPath,
    pub(super) outbox: MemoryOutbox,
    pub(super) broker: Broker,
}

impl Roads {
    /// A node's way.
    pub(super) fn of_node(
        &self,
        store: &Arc<FaultyStore>,
        clock: &Arc<dyn Clock>,
        weather: &Weather,
    ) -> (Events, Option<Shared>) {
        let outbox = || {
            let (inner, clock, weather) = (self.outbox.clone(), Arc::clone(clock), weather.clone());
            Events::Outbox(Arc::new(FaultyOutbox { inner, clock, weather }))
        };
        let stream = || {
            let (inner, clock) = (self.broker.member(PRINTER_GROUP, Arc::clone(clock)), Arc::clone(clock));
            let stream = Arc::new(FaultyStream { inner, clock, weather: weather.clone() });
            Shared { stream, group: Some(PRINTER_GROUP.into()) }
        };
        match self.path {
            EventPath::Log => (Events::Log(Arc::<FaultyStore>::clone(store)), None),
            EventPath::Outbox => (outbox(), None),
            EventPath::Stream => (outbox(), Some(stream())),
        }
    }
}

/// An outbox that is slow, does not answer, or takes no note of what was handed on.
struct FaultyOutbox {
    inner: MemoryOutbox,
    clock: Arc<dyn Clock>,
    weather: Weather,
}

impl Outbox for FaultyOutbox {
    fn relay(&self, limit: usize, hand_on: HandOn) -> Answer<'_, Result<Relayed, RelayError>> {
        let weather = self.weather.clone();
        let hand_on: HandOn = Box::new(move |events| {
            async move {
                hand_on(events).await?;
                if weather.strikes() { Err("no note was taken of it".to_owned()) } else { Ok(()) }
            }
            .boxed()
        });
        async move {
            self.clock.sleep(self.weather.delay(3)).await;
            if self.weather.strikes() {
                return Err(EventLogError("no answer".to_owned()).into());
            }
            self.inner.relay(limit, hand_on).await
        }
        .boxed()
    }
}

/// A stream that is slow, takes a part, takes all without saying so, and forgets what it was told is done.
struct FaultyStream {
    inner: MemoryStream,
    clock: Arc<dyn Clock>,
    weather: Weather,
}

impl EventStream for FaultyStream {
    fn publish(&self, mut events: Vec<OrderEvent>) -> Answer<'_, Result<(), StreamError>> {
        async move {
            self.clock.sleep(self.weather.delay(5)).await;
            let is_torn = self.weather.strikes();
            if is_torn {
                events.truncate(self.weather.dice.one_of(events.len() + 1));
            }
            self.inner.publish(events).await?;
            if is_torn { Err(StreamError("no answer".to_owned())) } else { Ok(()) }
        }
        .boxed()
    }

    fn next(&self, limit: usize) -> Answer<'_, Result<Deliveries, StreamError>> {
        async move {
            if self.weather.strikes() {
                self.clock.sleep(Duration::from_millis(self.weather.dice.up_to(500))).await;
                return Err(StreamError("no answer".to_owned()));
            }
            self.inner.next(limit).await
        }
        .boxed()
    }

    fn done(&self, term: u64, places: Vec<Place>) -> Answer<'_, Result<(), StreamError>> {
        if self.weather.strikes() && self.weather.dice.is_heads() {
            return async { Err(StreamError("no answer".to_owned())) }.boxed();
        }
        self.inner.finish(term, &places, !self.weather.strikes());
        async { Ok(()) }.boxed()
    }

    fn term(&self) -> u64 {
        self.inner.term()
    }

    fn put_aside(&self, term: u64, place: Place, cause: Cause) -> Answer<'_, Result<(), StreamError>> {
        self.inner.put_aside(term, place, cause)
    }

    fn start_over(&self) {
        self.inner.start_over();
    }

    fn is_answering(&self) -> bool {
        true
    }
}
