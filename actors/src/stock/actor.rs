//! The stock actor: serialises and batches what is asked of one SKU's ledger entry.
//!
//! It owns the queue of those who wait while a ledger call is in flight. Whatever has come in by then is the next call.
//! It owns no count: the ledger has those, and the store decides.

use std::mem::take;
use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler, WrapFuture, fut::ActorFutureExt};

pub use super::flush::Admission;
use super::flush::{Flushed, Gate};
use super::sold_out::SoldOutFlags;
use crate::domain::id::SkuId;
use crate::domain::stock::Sku;
use crate::ports::{ReserveRequest, Settlement};
use crate::runtime::{Envelope, Lifeline, Link, Ticket};

/// Asks for units under a grant.
pub struct Reserve {
    /// The asker's own number of the work, to know the answer by.
    pub work: u64,
    /// The grant and the units.
    pub request: ReserveRequest,
    /// Where the answer goes.
    pub reply_to: Link<Reserved>,
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
    sku_id: SkuId,
    gate: Gate,
    flags: Arc<SoldOutFlags>,
    reread: Box<dyn Fn(&Sku) + Send>,
    waiting: Vec<(Reserve, Ticket)>,
    settlement: Settlement,
    is_flushing: bool,
    _lifeline: Lifeline,
}

impl StockActor {
    pub(super) fn new(
        sku_id: SkuId,
        gate: Gate,
        flags: Arc<SoldOutFlags>,
        reread: Box<dyn Fn(&Sku) + Send>,
        lifeline: Lifeline,
    ) -> Self {
        let (waiting, settlement) = (Vec::new(), Settlement::default());
        Self { sku_id, gate, flags, reread, waiting, settlement, is_flushing: false, _lifeline: lifeline }
    }

    fn flush(&mut self, context: &mut Context<Self>) {
        let settlement = take(&mut self.settlement);
        let settlement = (settlement != Settlement::default()).then_some(settlement);
        if self.is_flushing || (self.waiting.is_empty() && settlement.is_none()) {
            self.settlement = settlement.unwrap_or_default();
            return;
        }
        self.is_flushing = true;
        let asked = take(&mut self.waiting);
        let (gate, sku_id) = (self.gate.clone(), self.sku_id.clone());
        let call = async move {
            let requests: Vec<ReserveRequest> = asked.iter().map(|(reserve, _)| reserve.request).collect();
            let flushed = gate.flush(&sku_id, settlement, &requests).await;
            (asked, flushed)
        };
        context.spawn(call.into_actor(self).map(|(asked, flushed), actor, context| {
            actor.is_flushing = false;
            actor.answer(asked, flushed);
            actor.flush(context);
        }));
    }

    fn answer(&self, asked: Vec<(Reserve, Ticket)>, flushed: Flushed) {
        if let Some(sku) = &flushed.reread {
            (self.reread)(sku);
            self.flags.note(&self.sku_id, sku.level.version, sku.level.available);
        }
        if let Some((version, base)) = flushed.base {
            self.flags.note(&self.sku_id, version, base);
        }
        let mut batches: Vec<(Link<Reserved>, Reserved)> = Vec::new();
        for ((Reserve { work, reply_to, .. }, _), admission) in asked.into_iter().zip(flushed.admissions) {
            match batches.iter_mut().find(|(link, _)| link.is_same(&reply_to)) {
                Some((_, batch)) => batch.admissions.push((work, admission)),
                None => batches.push((reply_to, Reserved { admissions: vec![(work, admission)] })),
            }
        }
        for (link, batch) in batches {
            if link.send(batch).is_err() {
                // Its askers time out by their placement deadline; their grants lapse.
                tracing::warn!(sku_id = %self.sku_id, "admissions dropped, the supervisor is behind");
            }
        }
    }
}

impl Actor for StockActor {
    type Context = Context<Self>;
}

impl Handler<Envelope<Reserve>> for StockActor {
    type Result = ();

    fn handle(&mut self, Envelope { message, ticket }: Envelope<Reserve>, context: &mut Context<Self>) {
        self.waiting.push((message, ticket));
        self.flush(context);
    }
}

impl Handler<Envelope<Settle>> for StockActor {
    type Result = ();

    fn handle(&mut self, Envelope { message, .. }: Envelope<Settle>, context: &mut Context<Self>) {
        let Settle(Settlement { grants, level }) = message;
        self.settlement.grants.extend(grants);
        if let Some((version, available)) = level {
            self.flags.note(&self.sku_id, version, available);
            self.settlement.level = self.settlement.level.max(Some((version, available)));
        }
        self.flush(context);
    }
}
