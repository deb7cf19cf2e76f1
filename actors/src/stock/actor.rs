//! The stock actor: serialises and batches what is asked of one SKU's ledger entry.
//!
//! It owns the queue of those who wait while a ledger call is in flight. Whatever has come in by then is the next call.
//! Whoever wants units that are there, but held by placements in flight, waits too, until it is known what became of
//! those: they may be refused, and then nobody must have heard that all was sold. It owns no count: the ledger has those,
//! and the store decides.

use std::mem::take;
use std::sync::Arc;

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, WrapFuture, fut::ActorFutureExt};

use super::directory::Seat;
pub use super::flush::Admission;
use super::flush::Flushed;
use crate::domain::limits::{FAREWELL, HELD_RETRY_PAUSE, IDLE_MAX};
use crate::domain::time::Monotonic;
use crate::ports::{ReserveRequest, Settlement};
use crate::runtime::{Counter, Envelope, Gauge, Lifeline, Link, Spread, Ticket};

/// Asks for units under a grant.
pub struct Reserve {
    /// The grant and the units.
    pub request: ReserveRequest,
    /// When the asker gives up: units granted later would be held for nobody.
    pub until: Monotonic,
    /// Who asks.
    pub asker: Asker,
}

/// Who asks, and is answered in any case: dropped without an answer (a panic, a stop), it tells that itself.
pub struct Asker {
    work: u64,
    reply_to: Option<Link<Reserved>>,
}

impl Asker {
    /// Names an asker by its own number of the work, to know the answer by, and by where the answer goes.
    pub fn new(work: u64, reply_to: Link<Reserved>) -> Self {
        Self { work, reply_to: Some(reply_to) }
    }

    /// The number and the link, to be answered now.
    fn answered(mut self) -> Option<(u64, Link<Reserved>)> {
        Some((self.work, self.reply_to.take()?))
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        if let Some(reply_to) = self.reply_to.take() {
            // A supervisor that is behind gives the work up by its placement deadline.
            let _ = reply_to.send(Reserved { admissions: vec![(self.work, Admission::Lost)] });
        }
    }
}

/// Tells one asker, in one message, what became of all its work that was in a flush.
#[derive(Debug)]
pub struct Reserved {
    /// The asker's numbers, each with its admission.
    pub admissions: Vec<(u64, Admission)>,
}

/// Tells what was committed.
#[derive(Debug)]
pub struct Settle(pub Settlement);

/// See the module.
pub struct StockActor {
    seat: Seat,
    waiting: Vec<(Reserve, Ticket)>,
    /// Whether the first of those who wait want what others hold: then a settlement, or some time, has to come first.
    is_held: bool,
    /// Whether it is asked again after a while anyhow.
    is_retry_due: bool,
    held: Gauge,
    settlement: Settlement,
    is_flushing: bool,
    active_at: Monotonic,
    flushes: Counter,
    refusals: Counter,
    ungated: Counter,
    batches: Arc<Spread>,
    latest_batch: Gauge,
    available: Gauge,
    lifeline: Lifeline,
}

impl StockActor {
    pub(super) fn new(seat: Seat, lifeline: Lifeline) -> Self {
        Self {
            waiting: Vec::new(),
            is_held: false,
            is_retry_due: false,
            held: lifeline.gauge("held"),
            settlement: Settlement::default(),
            is_flushing: false,
            active_at: seat.clock.now().monotonic,
            seat,
            flushes: lifeline.counter("flushes"),
            refusals: lifeline.counter("refusals"),
            ungated: lifeline.counter("ungated"),
            batches: lifeline.sizes("batches"),
            latest_batch: lifeline.gauge("latest_batch"),
            available: lifeline.gauge("available"),
            lifeline,
        }
    }

    /// Lets the actor go once it has had nothing to do for a while. It leaves the directory first, and stops only when
    /// whoever found it there before must be done.
    fn rest_when_idle(&self, context: &mut Context<Self>) {
        let pause = self.seat.clock.sleep(IDLE_MAX);
        context.spawn(pause.into_actor(self).map(|(), actor, context| {
            let idle = actor.seat.clock.now().monotonic.since(actor.active_at);
            if idle < IDLE_MAX || actor.is_flushing || !actor.waiting.is_empty() {
                return actor.rest_when_idle(context);
            }
            actor.seat.leave();
            actor.lifeline.dismiss();
            let farewell = actor.seat.clock.sleep(FAREWELL);
            context.spawn(farewell.into_actor(actor).map(|(), _, context| context.stop()));
        }));
    }

    fn flush(&mut self, context: &mut Context<Self>) {
        let is_settling = self.settlement != Settlement::default();
        let is_asking = !self.waiting.is_empty() && !self.is_held;
        if self.is_flushing || !(is_settling || is_asking) {
            return;
        }
        self.is_flushing = true;
        self.is_held = false;
        let settlement = is_settling.then(|| take(&mut self.settlement));
        let now = self.seat.clock.now().monotonic;
        self.waiting.retain(|(reserve, _)| reserve.until >= now);
        let asked = take(&mut self.waiting);
        self.flushes.add(1);
        self.batches.note_size(asked.len());
        self.latest_batch.set_count(asked.len());
        let (gate, sku_id) = (self.seat.gate.clone(), self.seat.cell.sku_id.clone());
        let call = async move {
            let requests: Vec<ReserveRequest> = asked.iter().map(|(reserve, _)| reserve.request.clone()).collect();
            let flushed = gate.flush(&sku_id, settlement, &requests).await;
            (asked, flushed)
        };
        context.spawn(call.into_actor(self).map(|(asked, flushed), actor, context| {
            actor.is_flushing = false;
            actor.answer(asked, flushed, context);
            actor.flush(context);
        }));
    }

    /// Keeps those who want what others hold in front of those who came later, and asks again after a while: their
    /// holders may be on another node, or lost.
    fn hold(&mut self, held: Vec<(Reserve, Ticket)>, context: &mut Context<Self>) {
        self.held.set_count(held.len());
        if held.is_empty() {
            return;
        }
        self.waiting.splice(0..0, held);
        self.is_held = true;
        if self.is_retry_due {
            return;
        }
        self.is_retry_due = true;
        let pause = self.seat.clock.sleep(HELD_RETRY_PAUSE);
        context.spawn(pause.into_actor(self).map(|(), actor, context| {
            actor.is_retry_due = false;
            actor.is_held = false;
            actor.flush(context);
        }));
    }

    fn answer(&mut self, asked: Vec<(Reserve, Ticket)>, flushed: Flushed, context: &mut Context<Self>) {
        if flushed.is_foreign {
            self.seat.flags.forget(&self.seat.cell.sku_id);
        }
        if let Some(sku) = &flushed.reread {
            self.seat.note(sku);
        }
        if let Some((version, base)) = flushed.base {
            self.seat.flags.note(&self.seat.cell.sku_id, version, base);
            self.available.set(base);
        }
        let mut batches: Vec<(Link<Reserved>, Reserved)> = Vec::new();
        let mut held = Vec::new();
        for ((reserve, ticket), admission) in asked.into_iter().zip(flushed.admissions) {
            match admission {
                Admission::Held => {
                    held.push((reserve, ticket));
                    continue;
                }
                Admission::Refused { .. } => self.refusals.add(1),
                Admission::Ungated => self.ungated.add(1),
                _ => {}
            }
            let Some((work, reply_to)) = reserve.asker.answered() else { continue };
            match batches.iter_mut().find(|(link, _)| link.is_same(&reply_to)) {
                Some((_, batch)) => batch.admissions.push((work, admission)),
                None => batches.push((reply_to, Reserved { admissions: vec![(work, admission)] })),
            }
        }
        for (link, batch) in batches {
            if link.send(batch).is_err() {
                // Its askers time out by their placement deadline; their grants lapse.
                tracing::warn!(sku_id = %self.seat.cell.sku_id, "admissions dropped, the supervisor is behind");
            }
        }
        self.hold(held, context);
    }
}

impl Actor for StockActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.rest_when_idle(context);
    }
}

impl Handler<Envelope<Reserve>> for StockActor {
    type Result = ();

    fn handle(&mut self, Envelope { message, ticket }: Envelope<Reserve>, context: &mut Context<Self>) {
        self.lifeline.handle();
        self.active_at = self.seat.clock.now().monotonic;
        self.waiting.push((message, ticket));
        self.flush(context);
    }
}

impl Handler<Envelope<Settle>> for StockActor {
    type Result = ();

    fn handle(&mut self, Envelope { message, .. }: Envelope<Settle>, context: &mut Context<Self>) {
        self.lifeline.handle();
        self.active_at = self.seat.clock.now().monotonic;
        let Settle(Settlement { grants, level }) = message;
        self.settlement.grants.extend(grants);
        if let Some((version, available)) = level {
            self.seat.flags.note(&self.seat.cell.sku_id, version, available);
            self.available.set(available);
            self.settlement.level = self.settlement.level.max(Some((version, available)));
        }
        self.flush(context);
    }
}
