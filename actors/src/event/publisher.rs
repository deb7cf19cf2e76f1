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
use crate::runtime::{Envelope, Gauge, Lifeline, Link};

/// See the module.
pub struct PublisherActor {
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    worker: Link<Wake>,
    waiting: Vec<OrderEvent>,
    is_publishing: bool,
    published: Gauge,
    lifeline: Lifeline,
}

impl PublisherActor {
    /// Builds the actor.
    pub fn new(log: Arc<dyn EventLog>, clock: Arc<dyn Clock>, worker: Link<Wake>, lifeline: Lifeline) -> Self {
        let published = lifeline.gauge("published");
        Self { log, clock, worker, waiting: Vec::new(), is_publishing: false, published, lifeline }
    }

    fn publish(&mut self, context: &mut Context<Self>) {
        if self.is_publishing || self.waiting.is_empty() {
            return;
        }
        self.is_publishing = true;
        let (log, clock, events) = (Arc::clone(&self.log), Arc::clone(&self.clock), take(&mut self.waiting));
        let publish = async move {
            while let Err(error) = log.publish(events.clone()).await {
                tracing::warn!(%error, events = events.len(), "publishing failed, trying again");
                clock.sleep(RETRY_PAUSE).await;
            }
            events.len()
        };
        context.spawn(publish.into_actor(self).map(|published, actor, context| {
            actor.is_publishing = false;
            actor.published.add_count(published);
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

    fn handle(&mut self, Envelope { message, .. }: Envelope<Announce>, context: &mut Context<Self>) {
        self.lifeline.handle();
        self.waiting.extend(message.0);
        self.publish(context);
    }
}
