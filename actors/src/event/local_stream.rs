//! The stream of a node that shares none: what is published is delivered to the node's own worker, and is published once
//! that is done with it. It owns what is on its way, which the store's outbox keeps as well.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{FutureExt, select};
use tokio::sync::{Notify, oneshot};

use crate::domain::event::OrderEvent;
use crate::ports::{Answer, Cause, Clock, Deliveries, Delivery, EventStream, Place, Repeats, StreamError};

/// How long the worker waits for something to come before it looks about.
const MOMENT: Duration = Duration::from_millis(100);

/// See the module.
pub struct LocalStream {
    clock: Arc<dyn Clock>,
    repeats: Repeats,
    came: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    term: u64,
    next_offset: i64,
    waiting: VecDeque<Delivery>,
    in_hand: BTreeMap<Place, Delivery>,
    /// What was published together: how much of it is left to do, by the offset behind its last event.
    published: BTreeMap<i64, (usize, oneshot::Sender<()>)>,
}

impl LocalStream {
    /// An empty stream. If nodes share the outbox, what any of them has done may be published here again: an outbox that
    /// dies takes no note of what was handed on.
    pub fn new(clock: Arc<dyn Clock>, repeats: Repeats) -> Self {
        Self { clock, repeats, came: Notify::new(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, events: Vec<OrderEvent>) -> oneshot::Receiver<()> {
        let (tell, done) = oneshot::channel();
        let left = events.len();
        for event in events {
            let place = Place { partition: 0, offset: self.next_offset };
            self.next_offset += 1;
            self.waiting.push_back(Delivery { place, content: Ok(event), is_replay: false });
        }
        self.published.insert(self.next_offset, (left, tell));
        done
    }

    fn take(&mut self, limit: usize) -> Vec<Delivery> {
        let taken: Vec<_> = self.waiting.drain(..limit.min(self.waiting.len())).collect();
        self.in_hand.extend(taken.iter().map(|delivery| (delivery.place, delivery.clone())));
        taken
    }

    fn done(&mut self, place: Place) {
        if self.in_hand.remove(&place).is_none() {
            return;
        }
        let Some((end, (left, _))) = self.published.range_mut(place.offset + 1..).next() else { return };
        *left -= 1;
        if *left == 0 {
            let end = *end;
            if let Some((_, tell)) = self.published.remove(&end) {
                // Whoever published it may have gone.
                let _ = tell.send(());
            }
        }
    }
}

impl EventStream for LocalStream {
    fn publish(&self, events: Vec<OrderEvent>) -> Answer<'_, Result<(), StreamError>> {
        if events.is_empty() {
            return async { Ok(()) }.boxed();
        }
        let done = self.state().put(events);
        self.came.notify_one();
        async { done.await.map_err(|_| StreamError("it has ended".to_owned())) }.boxed()
    }

    fn next(&self, limit: usize) -> Answer<'_, Result<Deliveries, StreamError>> {
        async move {
            let is_empty = self.state().waiting.is_empty();
            if is_empty || limit == 0 {
                select(Box::pin(self.came.notified()), self.clock.sleep(MOMENT)).await;
            }
            let mut state = self.state();
            Ok(Deliveries { term: state.term, messages: state.take(limit) })
        }
        .boxed()
    }

    fn done(&self, term: u64, places: Vec<Place>) -> Answer<'_, Result<(), StreamError>> {
        let mut state = self.state();
        if term == state.term {
            places.into_iter().for_each(|place| state.done(place));
        }
        async { Ok(()) }.boxed()
    }

    fn term(&self) -> u64 {
        self.state().term
    }

    fn put_aside(&self, _: u64, _: Place, cause: Cause) -> Answer<'_, Result<(), StreamError>> {
        let reason = format!("{}, and without a shared stream there is no place to put it aside", cause.reason);
        async { Err(StreamError(reason)) }.boxed()
    }

    fn start_over(&self) {
        let mut state = self.state();
        state.term += 1;
        let again = std::mem::take(&mut state.in_hand);
        again.into_values().rev().for_each(|delivery| state.waiting.push_front(delivery));
        drop(state);
        self.came.notify_one();
    }

    fn repeats(&self) -> Repeats {
        self.repeats
    }

    fn is_answering(&self) -> bool {
        true
    }
}
