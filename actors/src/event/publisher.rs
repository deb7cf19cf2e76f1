//! The publisher: hands committed events on from the store's outbox to the stream, in batches.
//!
//! It owns nothing: whatever it is told or not told of, and whoever committed it, waits in the outbox.

use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler, WrapFuture, fut::ActorFutureExt};
use futures_util::future::FutureExt;
use tokio::sync::Mutex;

use crate::domain::event::OrderEvent;
use crate::domain::limits::{EVENT_BATCH_MAX, RETRY_PAUSE, SWEEP_INTERVAL, WARNING_INTERVAL};
use crate::domain::time::Monotonic;
use crate::order::Announce;
use crate::ports::{Clock, EventStream, HandOn, Outbox, Relayed};
use crate::runtime::{Counter, Envelope, Gauge, Lifeline};

/// The number that the publisher shows while events wait to be handed on, as far as it knows: 1, else 0.
pub const BEHIND: &str = "behind";

/// See the module.
pub struct PublisherActor {
    outbox: Arc<dyn Outbox>,
    stream: Arc<dyn EventStream>,
    clock: Arc<dyn Clock>,
    /// Held while events are handed on. It outlives the actor, and so does the handing on.
    turn: Arc<Mutex<()>>,
    is_relaying: bool,
    was_told: bool,
    /// When it was last told that something fails; none while nothing does.
    warned_at: Option<Monotonic>,
    behind: Gauge,
    published: Counter,
    lifeline: Lifeline,
}

impl PublisherActor {
    /// Builds the actor; whoever has `turn` hands events on.
    pub fn new(
        outbox: Arc<dyn Outbox>,
        stream: Arc<dyn EventStream>,
        clock: Arc<dyn Clock>,
        turn: Arc<Mutex<()>>,
        lifeline: Lifeline,
    ) -> Self {
        let (behind, published) = (lifeline.gauge(BEHIND), lifeline.counter("published"));
        Self {
            outbox,
            stream,
            clock,
            turn,
            is_relaying: false,
            was_told: false,
            warned_at: None,
            behind,
            published,
            lifeline,
        }
    }

    fn relay(&mut self, context: &mut Context<Self>) {
        self.behind.set(1);
        if self.is_relaying {
            self.was_told = true;
            return;
        }
        self.is_relaying = true;
        self.was_told = false;
        let (outbox, turn, hand_on) = (Arc::clone(&self.outbox), Arc::clone(&self.turn), self.hand_on());
        let relay = async move {
            let _turn = turn.lock().await;
            outbox.relay(EVENT_BATCH_MAX, hand_on).await.map_err(|error| error.to_string())
        };
        // A task of its own: what is handed on is recorded even if this actor does not live to see it.
        let relaying = actix::spawn(relay);
        context.spawn(relaying.into_actor(self).map(|outcome, actor, context| {
            match outcome.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(relayed) => actor.go_on(relayed, context),
                Err(reason) => actor.try_again_later(&reason, context),
            }
        }));
    }

    fn hand_on(&self) -> HandOn {
        let stream = Arc::clone(&self.stream);
        Box::new(move |events: Vec<OrderEvent>| {
            async move { stream.publish(events).await.map_err(|error| error.to_string()) }.boxed()
        })
    }

    fn go_on(&mut self, relayed: Relayed, context: &mut Context<Self>) {
        self.is_relaying = false;
        self.warned_at = None;
        self.published.add(relayed.events);
        if relayed.may_be_more || self.was_told {
            self.relay(context);
        } else {
            self.behind.set(0);
        }
    }

    fn try_again_later(&mut self, reason: &str, context: &mut Context<Self>) {
        let now = self.clock.now().monotonic;
        if self.warned_at.is_none_or(|at| now.since(at) >= WARNING_INTERVAL) {
            self.warned_at = Some(now);
            tracing::warn!(%reason, "events are not published, trying again");
        }
        let pause = self.clock.sleep(RETRY_PAUSE);
        context.spawn(pause.into_actor(self).map(|(), actor, context| {
            actor.is_relaying = false;
            actor.relay(context);
        }));
    }

    /// Looks by itself now and then: for what others left, and in case an announcement was lost.
    fn keep_looking(&self, context: &mut Context<Self>) {
        let pause = self.clock.sleep(SWEEP_INTERVAL);
        context.spawn(pause.into_actor(self).map(|(), actor, context| {
            actor.lifeline.handle();
            actor.relay(context);
            actor.keep_looking(context);
        }));
    }
}

impl Actor for PublisherActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.relay(context);
        self.keep_looking(context);
    }
}

impl Handler<Envelope<Announce>> for PublisherActor {
    type Result = ();

    fn handle(&mut self, _: Envelope<Announce>, context: &mut Context<Self>) {
        self.lifeline.handle();
        self.relay(context);
    }
}
