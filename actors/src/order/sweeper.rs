//! The sweeper: finds in the store what is past its deadline, whoever placed it and whoever died.

use std::collections::BTreeSet;
use std::mem::replace;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, WrapFuture, fut::ActorFutureExt};

use super::supervisor::{ExpireDue, Supervisors};
use crate::domain::id::OrderId;
use crate::domain::limits::{DEADLINE_TICK, SWEEP_GRACE, SWEEP_INTERVAL, SWEEP_MAX};
use crate::ports::{Clock, Store};
use crate::runtime::{Counter, Lifeline};

/// Looks once at the start, then at every interval.
pub struct Sweeper {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    supervisors: Supervisors,
    /// What the latest sweep found: while the store stalls the next one finds the same, which is no news.
    latest: BTreeSet<OrderId>,
    found: Counter,
    lifeline: Lifeline,
}

impl Sweeper {
    /// Builds the actor.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, supervisors: Supervisors, lifeline: Lifeline) -> Self {
        Self { store, clock, supervisors, latest: BTreeSet::new(), found: lifeline.counter("found"), lifeline }
    }

    fn sweep(&mut self, pause: Duration, context: &mut Context<Self>) {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let look = async move {
            clock.sleep(pause).await;
            store.due(clock.now().wall.minus(SWEEP_GRACE), SWEEP_MAX).await
        };
        context.spawn(look.into_actor(self).map(|due, actor, context| {
            actor.lifeline.handle();
            let is_whole = due.as_ref().is_ok_and(|due| due.len() == SWEEP_MAX);
            match due {
                Ok(due) => actor.hand_over(due.into_iter().map(|(order_id, _)| order_id).collect()),
                Err(error) => tracing::warn!(%error, "sweep failed"),
            }
            // There may be more than one look takes: the rest is not made to wait.
            actor.sweep(if is_whole { DEADLINE_TICK } else { SWEEP_INTERVAL }, context);
        }));
    }

    fn hand_over(&mut self, due: Vec<OrderId>) {
        let before = replace(&mut self.latest, due.iter().copied().collect());
        self.found.add(self.latest.difference(&before).count());
        for (shard, part) in self.supervisors.by_shard(due) {
            if shard.expire.send(ExpireDue(part)).is_err() {
                tracing::debug!("overdue orders left to the next sweep, the supervisor is behind");
            }
        }
    }
}

impl Actor for Sweeper {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.sweep(Duration::ZERO, context);
    }
}
