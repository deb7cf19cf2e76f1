//! The worker: reads the event log for one consumer group, dispatches, and records how far the group has come.
//!
//! It owns the group's position. It moves only when the effect of every event up to it is done.

use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler, WrapFuture, fut::ActorFutureExt};

use super::printer::Print;
use crate::domain::commit::Mutation;
use crate::domain::limits::{EVENT_BATCH_MAX, RETRY_PAUSE, SWEEP_INTERVAL, WARNING_INTERVAL};
use crate::domain::rejection::Rejection;
use crate::domain::time::Monotonic;
use crate::order::{Commit, Work};
use crate::ports::{Clock, EventLog};
use crate::runtime::{Envelope, Gauge, Lifeline, Link, Reply};

/// The consumer group that prints.
pub const PRINTER_GROUP: &str = "printer";

/// Tells the worker that there is something to read.
#[derive(Clone, Copy, Debug)]
pub struct Wake;

/// See the module.
pub struct Worker {
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    printer: Link<Print>,
    committer: Link<Commit>,
    position: Option<u64>,
    recorded: u64,
    is_recording: bool,
    is_working: bool,
    was_woken: bool,
    /// When it was last told that something fails; none while nothing does.
    warned_at: Option<Monotonic>,
    position_now: Gauge,
    lifeline: Lifeline,
}

impl Worker {
    /// Builds the actor.
    pub fn new(
        log: Arc<dyn EventLog>,
        clock: Arc<dyn Clock>,
        printer: Link<Print>,
        committer: Link<Commit>,
        lifeline: Lifeline,
    ) -> Self {
        let position_now = lifeline.gauge("position");
        Self {
            log,
            clock,
            printer,
            committer,
            position: None,
            recorded: 0,
            is_recording: false,
            is_working: false,
            was_woken: false,
            warned_at: None,
            position_now,
            lifeline,
        }
    }

    fn work(&mut self, context: &mut Context<Self>) {
        if self.is_working {
            self.was_woken = true;
            return;
        }
        self.is_working = true;
        self.was_woken = false;
        let step = step(Arc::clone(&self.log), self.printer.clone(), self.position);
        context.spawn(step.into_actor(self).map(|done, actor, context| match done {
            Ok((position, may_be_more)) => {
                actor.warned_at = None;
                actor.is_working = false;
                actor.come_to(position, context);
                if may_be_more || actor.was_woken {
                    actor.work(context);
                }
            }
            Err(reason) => actor.try_again_later(&reason, context),
        }));
    }

    fn try_again_later(&mut self, reason: &str, context: &mut Context<Self>) {
        let now = self.clock.now().monotonic;
        if self.warned_at.is_none_or(|at| now.since(at) >= WARNING_INTERVAL) {
            self.warned_at = Some(now);
            tracing::warn!(%reason, "events are not dispatched, trying again");
        }
        let pause = self.clock.sleep(RETRY_PAUSE);
        context.spawn(pause.into_actor(self).map(|(), actor, context| {
            actor.is_working = false;
            actor.work(context);
        }));
    }

    /// Moves on.
    fn come_to(&mut self, position: u64, context: &mut Context<Self>) {
        self.position_now.set(i64::try_from(position).unwrap_or(i64::MAX));
        if self.position.replace(position).is_none() {
            self.recorded = position;
        }
        self.record(context);
    }

    /// Records the position, one record at a time, until it is recorded: a crash repeats what is not.
    fn record(&mut self, context: &mut Context<Self>) {
        let Some(position) = self.position.filter(|position| *position > self.recorded) else { return };
        if self.is_recording {
            return;
        }
        let (reply, pending) = Reply::channel();
        let mutation = Mutation::Acknowledge { group: PRINTER_GROUP, position };
        if self.committer.send(Commit(vec![Work { mutation, grant: None, reply }])).is_err() {
            tracing::debug!("position not recorded yet, the committer is behind");
            return;
        }
        self.is_recording = true;
        context.spawn(pending.wait().into_actor(self).map(move |recorded, actor, context| {
            actor.is_recording = false;
            if recorded.is_ok() {
                actor.recorded = position;
                actor.record(context);
            }
        }));
    }

    /// Looks by itself now and then, in case a wake-up was lost.
    fn keep_looking(&self, context: &mut Context<Self>) {
        let pause = self.clock.sleep(SWEEP_INTERVAL);
        context.spawn(pause.into_actor(self).map(|(), actor, context| {
            actor.lifeline.handle();
            actor.record(context);
            actor.work(context);
            actor.keep_looking(context);
        }));
    }
}

/// Reads what follows the position and has it printed. Answers the new position, the same if there was nothing, and
/// whether there may be more: of what comes after a batch that was not full, the publisher tells.
async fn step(log: Arc<dyn EventLog>, printer: Link<Print>, position: Option<u64>) -> Result<(u64, bool), String> {
    let position = match position {
        Some(position) => position,
        None => {
            let position = log.position(PRINTER_GROUP).await.map_err(|error| error.to_string())?;
            return Ok((position, true));
        }
    };
    let logged = log.read(position, EVENT_BATCH_MAX).await.map_err(|error| error.to_string())?;
    let Some(last) = logged.last().map(|last| last.position) else {
        return Ok((position, false));
    };
    let is_full = logged.len() >= EVENT_BATCH_MAX;
    let (reply, pending) = Reply::channel();
    let events = logged.into_iter().map(|logged| logged.event).collect();
    printer.send(Print { events, reply }).map_err(|_| Rejection::Busy.to_string())?;
    pending.wait().await.map_err(|rejection| match rejection {
        // In the printer's own words: nobody asks the service for anything here.
        Rejection::Unavailable(reason) => reason,
        other => other.to_string(),
    })?;
    Ok((last, is_full))
}

impl Actor for Worker {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.work(context);
        self.keep_looking(context);
    }
}

impl Handler<Envelope<Wake>> for Worker {
    type Result = ();

    fn handle(&mut self, _: Envelope<Wake>, context: &mut Context<Self>) {
        self.lifeline.handle();
        self.work(context);
    }
}
