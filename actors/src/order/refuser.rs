//! The refuser: gives refusals to keyed requests, after looking their keys up in the store.
//!
//! A refusal under a key is final only if no attempt under that key has been committed: a committed key gets its stored
//! answer, sold out or not. It owns the queue of those who wait while a look-up is in flight; they are the next one.

use std::mem::take;
use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler, WrapFuture, fut::ActorFutureExt};

use crate::domain::commit::{KeyedAnswer, Outcome};
use crate::domain::id::{BodyHash, ScopedKey};
use crate::domain::limits::{KEY_LIFETIME, KEY_LOOKUP_MAX};
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::ports::{Clock, Store};
use crate::runtime::{Counter, Envelope, Gauge, Lifeline, Reply, Ticket};

/// Answers with what is stored under the key, or else with the refusal.
pub struct Refuse {
    /// The key.
    pub key: ScopedKey,
    /// The digest of the body that came with it now.
    pub body_hash: BodyHash,
    /// The refusal, if nothing is stored.
    pub rejection: Rejection,
    /// Where the answer goes.
    pub reply: Reply<Outcome>,
}

/// See the module.
pub struct Refuser {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    waiting: Vec<(Refuse, Ticket)>,
    is_looking: bool,
    waiting_now: Gauge,
    look_ups: Counter,
    keys: Counter,
    lifeline: Lifeline,
}

impl Refuser {
    /// Builds the actor.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, lifeline: Lifeline) -> Self {
        Self {
            store,
            clock,
            waiting: Vec::new(),
            is_looking: false,
            waiting_now: lifeline.gauge("waiting"),
            look_ups: lifeline.counter("look_ups"),
            keys: lifeline.counter("keys"),
            lifeline,
        }
    }

    fn look_up(&mut self, context: &mut Context<Self>) {
        self.waiting_now.set_count(self.waiting.len());
        if self.is_looking || self.waiting.is_empty() {
            return;
        }
        self.is_looking = true;
        let rest = self.waiting.split_off(self.waiting.len().min(KEY_LOOKUP_MAX));
        let batch = std::mem::replace(&mut self.waiting, rest);
        self.look_ups.add(1);
        self.keys.add(batch.len());
        let store = Arc::clone(&self.store);
        let look_up = async move {
            let keys = batch.iter().map(|(refuse, _)| refuse.key.clone()).collect();
            (store.keys(keys).await, batch)
        };
        context.spawn(look_up.into_actor(self).map(|(found, mut batch), actor, context| {
            actor.is_looking = false;
            let now = actor.clock.now().wall;
            for (refuse, _ticket) in take(&mut batch) {
                match &found {
                    Ok(records) => {
                        let stored = records.get(&refuse.key);
                        let answer = answer_to(&refuse, stored, now);
                        refuse.reply.answer(answer);
                    }
                    // Whether the key is committed cannot be told, so the refusal must not sound final.
                    Err(error) => refuse.reply.answer(Err(error.clone().into())),
                }
            }
            actor.look_up(context);
        }));
    }
}

fn answer_to(
    refuse: &Refuse,
    stored: Option<&crate::domain::commit::KeyRecord>,
    now: Timestamp,
) -> Result<Outcome, Rejection> {
    match stored.filter(|record| record.at > now.minus(KEY_LIFETIME)) {
        None => Err(refuse.rejection.clone()),
        Some(record) if record.body_hash != refuse.body_hash => Err(Rejection::IdempotencyKeyReused),
        Some(record) => Ok(match &record.answer {
            KeyedAnswer::Order(order) => Outcome::Placed { order: order.clone(), replayed: true },
            KeyedAnswer::Level(level) => Outcome::StockChanged { level: *level, replayed: true },
        }),
    }
}

impl Actor for Refuser {
    type Context = Context<Self>;
}

impl Handler<Envelope<Refuse>> for Refuser {
    type Result = ();

    fn handle(&mut self, Envelope { message, ticket }: Envelope<Refuse>, context: &mut Context<Self>) {
        self.lifeline.handle();
        self.waiting.push((message, ticket));
        self.look_up(context);
    }
}
