//! The worker: a member of a consumer group. It has the effect of every event done that the stream delivers, drops
//! repeats, and records what is done before it tells the stream.
//!
//! It owns what it has in hand. An event whose effect is refused is tried again a few times, with the later ones of its
//! order behind it and all others going on, and then put aside. What cannot be done for any event now is waited for.

mod hands;

use std::collections::BTreeSet;
use std::future::Future;
use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix::{Actor, AsyncContext, Context, WrapFuture, fut::ActorFutureExt};

use self::hands::{Delivered, Hands};
use super::printer::{Print, RefusedEvent};
use super::record;
use crate::domain::commit::Mutation;
use crate::domain::event::OrderEvent;
use crate::domain::limits::{
    EFFECT_ATTEMPTS_MAX, EFFECT_PAUSE_MAX, EVENT_BATCH_MAX, PARKED_EVENTS_MAX, RETRY_PAUSE, SWEEP_INTERVAL,
    WARNING_INTERVAL,
};
use crate::domain::rejection::Rejection;
use crate::domain::time::Monotonic;
use crate::order::Commit;
use crate::ports::{Cause, Clock, Deliveries, EventStream, FaultClass, Repeats, Store};
use crate::runtime::{Counter, Gauge, Lifeline, Link, Reply};

/// The number that the worker shows of events in its hands.
pub const IN_HAND: &str = "in_hand";

/// What a worker works with.
#[derive(Clone)]
pub struct WorkerPorts {
    /// Where events come from.
    pub stream: Arc<dyn EventStream>,
    /// What tells what the group has done.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who does the effect.
    pub printer: Link<Print>,
    /// Who records what is done.
    pub committer: Link<Commit>,
    /// The consumer group.
    pub group: Arc<str>,
    /// Set when the worker is to take nothing more.
    pub is_resting: Arc<AtomicBool>,
}

/// See the module.
pub struct Worker {
    /// None while a step is on its way.
    bench: Option<Box<Bench>>,
    looked_at: Monotonic,
    lifeline: Lifeline,
}

/// The worker's place, which a step takes along.
struct Bench {
    ports: WorkerPorts,
    hands: Hands,
    /// When it was last told that something fails; none while nothing does.
    warned_at: Option<Monotonic>,
    in_hand: Gauge,
    done: Counter,
    repeats: Counter,
    refused: Counter,
    put_aside: Counter,
}

/// The term is over: what is in hand is delivered again, here or elsewhere.
struct TermIsOver;

impl Worker {
    /// Builds the actor.
    pub fn new(ports: WorkerPorts, lifeline: Lifeline) -> Self {
        let bench = Bench {
            ports,
            hands: Hands::default(),
            warned_at: None,
            in_hand: lifeline.gauge(IN_HAND),
            done: lifeline.counter("done"),
            repeats: lifeline.counter("repeats"),
            refused: lifeline.counter("refused"),
            put_aside: lifeline.counter("put_aside"),
        };
        Self { bench: Some(Box::new(bench)), looked_at: lifeline.now(), lifeline }
    }

    fn work(&mut self, context: &mut Context<Self>) {
        let Some(mut bench) = self.bench.take() else { return };
        let step = async move {
            let messages = bench.step().await;
            (bench, messages)
        };
        context.spawn(step.into_actor(self).map(|(bench, messages), actor, context| {
            actor.bench = Some(bench);
            let now = actor.lifeline.now();
            // A worker that has nothing to do shows now and then that it lives.
            if messages > 0 || now.since(actor.looked_at) >= SWEEP_INTERVAL {
                actor.looked_at = now;
                actor.lifeline.handle();
            }
            actor.work(context);
        }));
    }
}

impl Actor for Worker {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        if let Some(bench) = &self.bench {
            // Of what a predecessor had in hand nothing is known here.
            bench.ports.stream.start_over();
        }
        self.work(context);
    }
}

impl Bench {
    /// Takes what comes next and deals with it. Answers how many messages came.
    async fn step(&mut self) -> usize {
        let is_full = self.hands.waiting() >= PARKED_EVENTS_MAX;
        let limit = if is_full || self.ports.is_resting.load(Ordering::Relaxed) { 0 } else { EVENT_BATCH_MAX };
        let (stream, clock) = (Arc::clone(&self.ports.stream), Arc::clone(&self.ports.clock));
        match stream.next(limit).await {
            Ok(deliveries) => {
                let messages = deliveries.messages.len();
                self.in_hand.set_count(messages + self.hands.waiting());
                // What is left of a term that is over comes again in the next one.
                let _ = self.deal_with(deliveries).await;
                self.in_hand.set_count(self.hands.waiting());
                messages
            }
            Err(error) => {
                self.warn(&error.to_string());
                clock.sleep(RETRY_PAUSE).await;
                0
            }
        }
    }

    async fn deal_with(&mut self, deliveries: Deliveries) -> Result<(), TermIsOver> {
        let Deliveries { term, messages } = deliveries;
        if term != self.hands.term {
            self.hands = Hands::of(term);
        }
        let mut batch = self.hands.due(self.ports.clock.now().monotonic);
        for message in messages {
            match message.content {
                Ok(event) => {
                    let delivered = Delivered { place: message.place, event, is_replay: message.is_replay };
                    batch.extend(self.hands.behind_its_order(delivered));
                }
                Err(reason) => {
                    let cause = Cause { class: FaultClass::Unreadable, reason, attempts: 1 };
                    self.hands.unreadable.push((message.place, cause));
                }
            }
        }
        self.put_unreadable_aside().await?;
        let batch = self.without_repeats(batch).await?;
        let (replays, batch): (Vec<_>, Vec<_>) = batch.into_iter().partition(|delivered| delivered.is_replay);
        self.have_done(batch, false).await?;
        self.have_done(replays, true).await
    }

    /// Drops what the group has done before.
    async fn without_repeats(&mut self, batch: Vec<Delivered>) -> Result<Vec<Delivered>, TermIsOver> {
        let mut unknown: BTreeSet<_> = batch.iter().map(|delivered| delivered.event.order_id).collect();
        match self.ports.stream.repeats() {
            Repeats::None => return Ok(batch),
            Repeats::OfEarlierTerms => unknown.retain(|order_id| !self.hands.done.knows(order_id)),
            Repeats::OfAnyone => {}
        }
        let unknown: Vec<_> = unknown.into_iter().collect();
        if !unknown.is_empty() {
            let (store, group) = (Arc::clone(&self.ports.store), Arc::clone(&self.ports.group));
            let read =
                async || store.done(Arc::clone(&group), unknown.clone()).await.map_err(|error| error.to_string());
            let done = self.at_last(read).await?;
            done.into_iter().for_each(|(order_id, version)| self.hands.done.note(order_id, version));
        }
        let is_new = |delivered: &Delivered| delivered.is_replay || self.hands.done.is_new(&delivered.event);
        let (batch, repeats): (Vec<_>, Vec<_>) = batch.into_iter().partition(is_new);
        self.repeats.add(repeats.len());
        self.hands.go_on(&repeats);
        self.tell(repeats).await?;
        Ok(batch)
    }

    /// Has the effect of all of these done, or sees to those whose effect is refused.
    async fn have_done(&mut self, mut batch: Vec<Delivered>, again: bool) -> Result<(), TermIsOver> {
        while !batch.is_empty() {
            let events: Vec<_> = batch.iter().map(|delivered| delivered.event.clone()).collect();
            let printer = self.ports.printer.clone();
            let refused = self.at_last(async || print(&printer, events.clone(), again).await).await?;
            let Some(RefusedEvent { at, reason }) = refused else {
                return self.record(batch).await;
            };
            let mut rest = batch.split_off(at.min(batch.len())).into_iter();
            self.record(batch).await?;
            let Some(refused) = rest.next() else { return Ok(()) };
            let order_id = refused.event.order_id;
            self.refused(refused, reason).await?;
            // What came with it waits behind it, if it has to wait.
            let (behind, others): (Vec<_>, Vec<_>) =
                rest.partition(|delivered| delivered.event.order_id == order_id && !again);
            let next = behind.into_iter().filter_map(|delivered| self.hands.behind_its_order(delivered));
            batch = next.chain(others).collect();
        }
        Ok(())
    }

    /// An event's own effect was refused: it is tried again later, or put aside.
    async fn refused(&mut self, delivered: Delivered, reason: String) -> Result<(), TermIsOver> {
        self.refused.add(1);
        let attempts = self.hands.attempts_of(&delivered) + 1;
        if attempts >= EFFECT_ATTEMPTS_MAX {
            let cause = Cause { class: FaultClass::Refused, reason, attempts };
            let (term, place) = (self.hands.term, delivered.place);
            match self.ports.stream.put_aside(term, place, cause).await {
                Ok(()) => {
                    self.put_aside.add(1);
                    return self.record(vec![delivered]).await;
                }
                Err(error) => self.warn(&error.to_string()),
            }
        }
        self.hands.park(delivered, attempts, self.ports.clock.now().monotonic);
        Ok(())
    }

    /// What cannot be read holds up nobody: what cannot be put aside now is tried again later.
    async fn put_unreadable_aside(&mut self) -> Result<(), TermIsOver> {
        let (stream, term) = (Arc::clone(&self.ports.stream), self.hands.term);
        if self.hands.unreadable.is_empty() || self.ports.clock.now().monotonic < self.hands.unreadable_due {
            return Ok(());
        }
        let mut done = Vec::new();
        for (place, cause) in take(&mut self.hands.unreadable) {
            match stream.put_aside(term, place, cause.clone()).await {
                Ok(()) => done.push(place),
                Err(error) => {
                    self.warn(&error.to_string());
                    self.hands.unreadable.push((place, cause));
                    self.hands.unreadable_due = self.ports.clock.now().monotonic.plus(EFFECT_PAUSE_MAX);
                }
            }
        }
        self.put_aside.add(done.len());
        self.at_last(async || stream.done(term, done.clone()).await.map_err(|error| error.to_string())).await
    }

    /// Records that these are done, then tells the stream.
    async fn record(&mut self, batch: Vec<Delivered>) -> Result<(), TermIsOver> {
        if batch.is_empty() {
            return Ok(());
        }
        self.done.add(batch.len());
        let firsts = batch.iter().filter(|delivered| !delivered.is_replay);
        let versions: Vec<_> = firsts.map(|delivered| (delivered.event.order_id, delivered.event.version)).collect();
        if self.ports.stream.repeats() != Repeats::None && !versions.is_empty() {
            let (committer, group) = (self.ports.committer.clone(), Arc::clone(&self.ports.group));
            // Done is done: this is recorded also when the term is over.
            let note = || Mutation::NoteDone { group: Arc::clone(&group), versions: versions.clone() };
            while let Err(reason) = record(&committer, note()).await {
                self.pause(&reason).await;
            }
        }
        versions.into_iter().for_each(|(order_id, version)| self.hands.done.note(order_id, version));
        self.hands.go_on(&batch);
        self.tell(batch).await
    }

    async fn tell(&mut self, done: Vec<Delivered>) -> Result<(), TermIsOver> {
        if done.is_empty() {
            return Ok(());
        }
        let (stream, term) = (Arc::clone(&self.ports.stream), self.hands.term);
        let places: Vec<_> = done.into_iter().map(|delivered| delivered.place).collect();
        self.at_last(async || stream.done(term, places.clone()).await.map_err(|error| error.to_string())).await
    }

    /// Tries until it is done or the term is over.
    async fn at_last<T>(&mut self, attempt: impl AsyncFn() -> Result<T, String>) -> Result<T, TermIsOver> {
        loop {
            if self.ports.stream.term() != self.hands.term {
                return Err(TermIsOver);
            }
            match attempt().await {
                Ok(done) => {
                    self.warned_at = None;
                    return Ok(done);
                }
                Err(reason) => self.pause(&reason).await,
            }
        }
    }

    fn pause(&mut self, reason: &str) -> impl Future<Output = ()> + use<> {
        self.warn(reason);
        self.ports.clock.sleep(RETRY_PAUSE)
    }

    fn warn(&mut self, reason: &str) {
        let now = self.ports.clock.now().monotonic;
        if self.warned_at.is_none_or(|at| now.since(at) >= WARNING_INTERVAL) {
            self.warned_at = Some(now);
            tracing::warn!(%reason, "events are not dispatched, trying again");
        }
    }
}

async fn print(printer: &Link<Print>, events: Vec<OrderEvent>, again: bool) -> Result<Option<RefusedEvent>, String> {
    let (reply, pending) = Reply::channel();
    printer.send(Print { events, again, reply }).map_err(|_| Rejection::Busy.to_string())?;
    pending.wait().await.map_err(|rejection| match rejection {
        // In the printer's own words: nobody asks the service for anything here.
        Rejection::Unavailable(reason) => reason,
        other => other.to_string(),
    })
}
