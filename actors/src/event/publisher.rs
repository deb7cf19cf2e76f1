//! The publisher: hands committed events to the event log, in batches, in the order they were committed.
//!
//! It owns the events that wait while a call to the log is in flight. They are a copy: what it loses is in the store.

use std::mem::take;
use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler, WrapFuture, fut::ActorFutureExt};

use super::worker::Wake;
use crate::domain::event::OrderEvent;
use crate::domain::limits::RETRY_PAUSE;
use crate::order::Announce;
use crate::ports::{Clock, EventLog};
use crate::runtime::{Counter, Envelope, Lifeline, Link, Ticket};

/// See the module.
pub struct PublisherActor {
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    worker: Link<Wake>,
    /// Each batch with its place on the link: what waits here is bounded by that.
    waiting: Vec<(Vec<OrderEvent>, Ticket)>,
    is_publishing: bool,
    published: Counter,
    lifeline: Lifeline,
}

impl PublisherActor {
    /// Builds the actor.
    pub fn new(log: Arc<dyn EventLog>, clock: Arc<dyn Clock>, worker: Link<Wake>, lifeline: Lifeline) -> Self {
        let published = lifeline.counter("published");
        Self { log, clock, worker, waiting: Vec::new(), is_publishing: false, published, lifeline }
    }

    fn publish(&mut self, context: &mut Context<Self>) {
        if self.is_publishing || self.waiting.is_empty() {
            return;
        }
        self.is_publishing = true;
        let (log, clock) = (Arc::clone(&self.log), Arc::clone(&self.clock));
        let (batches, tickets): (Vec<_>, Vec<_>) = take(&mut self.waiting).into_iter().unzip();
        let events = batches.concat();
        let publish = async move {
            while let Err(error) = log.publish(events.clone()).await {
                tracing::warn!(%error, events = events.len(), "publishing failed, trying again");
                clock.sleep(RETRY_PAUSE).await;
            }
            drop(tickets);
            events.len()
        };
        context.spawn(publish.into_actor(self).map(|published, actor, context| {
            actor.is_publishing = false;
            actor.published.add(published);
            // A refused wake-up means that the worker has one waiting already.
            let _ = actor.worker.send(Wake);
            actor.publish(context);
        }));
    }
}

impl Actor for PublisherActor {
    type Context = Context<Self>;
}

impl Handler<Envelope<Announce>> for PublisherActor {
    type Result = ();

    fn handle(&mut self, Envelope { message, ticket }: Envelope<Announce>, context: &mut Context<Self>) {
        self.lifeline.handle();
        self.waiting.push((message.0, ticket));
        self.publish(context);
    }
}
