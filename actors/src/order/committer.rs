//! The committer: the one writer of a node. Everything that waits becomes one transaction.
//!
//! It owns the queue of work that waits while a transaction is in flight, and after each COMMIT tells everyone whom it
//! concerns: first stock actors and supervisors, so that whoever gets an answer finds the node knowing of it; then those
//! who asked; and the publisher.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::mem::take;
use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler, WrapFuture, fut::ActorFutureExt};

use super::supervisor::{DeadlinesChanged, Supervisors};
use crate::domain::commit::{Mutation, Outcome, Verdict};
use crate::domain::id::{GrantId, OrderId, SkuId};
use crate::domain::invariant::Invariant;
use crate::domain::limits::BATCH_MAX;
use crate::domain::order::Order;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::ports::{Committed, Settlement, Store, Tally};
use crate::runtime::{Counter, Envelope, Gauge, Lifeline, Link, Reply, Spread, Ticket};
use crate::stock::StockDirectory;

/// One mutation and where its answer goes.
pub struct Work {
    /// What to decide and write.
    pub mutation: Mutation,
    /// Names the units it may hold in the ledger.
    pub grant: Option<GrantId>,
    /// Where the answer goes.
    pub reply: Reply<Outcome>,
}

/// The work of one transaction: mutations with their grants.
struct Batch {
    mutations: Arc<[Mutation]>,
    grants: Vec<Option<GrantId>>,
}

/// Asks for work to be committed.
pub struct Commit(pub Vec<Work>);

/// Tells the publisher that events were committed.
#[derive(Clone, Copy, Debug)]
pub struct Announce;

/// See the module.
pub struct Committer {
    store: Arc<dyn Store>,
    stock: Arc<StockDirectory>,
    supervisors: Supervisors,
    publisher: Link<Announce>,
    waiting: VecDeque<(Work, Arc<Ticket>)>,
    is_committing: bool,
    waiting_now: Gauge,
    latest_batch: Gauge,
    batches: Arc<Spread>,
    times: Arc<Spread>,
    /// Stock rows that were written though they do not add up. There is no way to come to one but a fault of ours.
    unsound: Counter,
    counts: Outcomes,
    lifeline: Lifeline,
}

/// What became of transactions, and the mutations that those committed wrote something for.
struct Outcomes {
    done: Counter,
    not_done: Counter,
    unknown: Counter,
    mutations: Counter,
}

impl Outcomes {
    fn add(&self, tally: Tally) {
        self.done.add(tally.done);
        self.not_done.add(tally.not_done);
        self.unknown.add(tally.unknown);
        self.mutations.add(tally.written);
    }
}

impl Committer {
    /// Builds the actor.
    pub fn new(
        store: Arc<dyn Store>,
        stock: Arc<StockDirectory>,
        supervisors: Supervisors,
        publisher: Link<Announce>,
        lifeline: Lifeline,
    ) -> Self {
        Self {
            store,
            stock,
            supervisors,
            publisher,
            waiting: VecDeque::new(),
            is_committing: false,
            waiting_now: lifeline.gauge("waiting"),
            latest_batch: lifeline.gauge("latest_batch"),
            batches: lifeline.sizes("batches"),
            times: lifeline.times("commit_time"),
            unsound: lifeline.violations(Invariant::StockAddsUp),
            counts: Outcomes {
                done: lifeline.counter("commits"),
                not_done: lifeline.counter("commits_not_done"),
                unknown: lifeline.counter("commits_unknown"),
                mutations: lifeline.counter("committed"),
            },
            lifeline,
        }
    }

    fn commit(&mut self, context: &mut Context<Self>) {
        self.waiting_now.set_count(self.waiting.len());
        if self.is_committing || self.waiting.is_empty() {
            return;
        }
        self.is_committing = true;
        let size = self.waiting.len().min(BATCH_MAX);
        self.batches.note_size(size);
        let (mut mutations, mut grants) = (Vec::with_capacity(size), Vec::with_capacity(size));
        let mut replies = Vec::with_capacity(size);
        for (Work { mutation, grant, reply }, ticket) in self.waiting.drain(..size) {
            mutations.push(mutation);
            grants.push(grant);
            replies.push((reply, ticket));
        }
        let (store, started) = (Arc::clone(&self.store), self.lifeline.now());
        let batch = Batch { mutations: mutations.into(), grants };
        let transaction = async move {
            let committed = store.commit(Arc::clone(&batch.mutations)).await.unwrap_or_else(|error| {
                tracing::error!(%error, mutations = size, "batch not committed");
                Committed::failed(error, size)
            });
            let (batch, committed) = look_for_unknown(&*store, batch, committed).await;
            (batch, replies, committed)
        };
        context.spawn(transaction.into_actor(self).map(move |(batch, replies, committed), actor, context| {
            actor.is_committing = false;
            actor.times.note_time(actor.lifeline.now().since(started));
            // First of all, so that the store has the next batch in hand while this one's outcome is told.
            actor.commit(context);
            actor.counts.add(committed.tally);
            let verdicts = actor.tell(&batch, committed);
            for ((reply, _ticket), verdict) in replies.into_iter().zip(verdicts) {
                reply.answer(verdict);
            }
        }));
    }

    /// Tells everyone concerned, and gives the verdicts back.
    fn tell(&self, batch: &Batch, committed: Committed) -> Vec<Verdict> {
        let Committed { verdicts, skus, events, .. } = committed;
        self.latest_batch.set_count(batch.mutations.len());
        let mut grants = batch.by_sku();
        grants.retain(|sku_id, grants| {
            let is_read = skus.contains_key(sku_id);
            if !is_read {
                // What was not committed has no level to tell, but its grants are free again.
                self.stock.settle(sku_id, Settlement { grants: take(grants), level: None });
            }
            is_read
        });
        let mut changed = DeadlinesChanged::default();
        for verdict in &verdicts {
            match verdict {
                Ok(Outcome::Placed { order, replayed: false }) => changed.watch.extend(watched(order)),
                Ok(Outcome::OrderChanged(order) | Outcome::Paid { order, .. }) => {
                    match watched(order) {
                        Some(deadline) => changed.watch.push(deadline),
                        None => changed.forget.push(order.order_id),
                    }
                    let grant = order.grant();
                    for line in &order.lines {
                        grants.entry(line.sku_id.clone()).or_default().push(grant);
                    }
                }
                _ => {}
            }
        }
        for (sku_id, sku) in &skus {
            if !sku.level.is_sound() {
                self.unsound.add(1);
                tracing::error!(%sku_id, level = ?sku.level, "stock that does not add up was committed");
            }
            self.stock.note(sku);
            let grants = grants.remove(sku_id).unwrap_or_default();
            self.stock.settle(sku_id, Settlement { grants, level: Some((sku.level.version, sku.level.available)) });
        }
        self.supervisors.tell(changed);
        if !events.is_empty() {
            // A refused announcement means that the publisher has one waiting already.
            let _ = self.publisher.send(Announce);
        }
        verdicts
    }
}

/// An order to watch, with its deadline; none if it has none.
fn watched(order: &Order) -> Option<(OrderId, Timestamp)> {
    Some((order.order_id, order.expires_at()?))
}

impl Batch {
    /// The grants that placements and stock changes may hold, by SKU.
    fn by_sku(&self) -> BTreeMap<SkuId, Vec<GrantId>> {
        let mut by_sku: BTreeMap<SkuId, Vec<GrantId>> = BTreeMap::new();
        for (mutation, grant) in self.mutations.iter().zip(self.grants.iter()) {
            let Some(grant) = grant else { continue };
            let mut hold = |sku_id: &SkuId| match by_sku.get_mut(sku_id) {
                Some(grants) => grants.push(*grant),
                None => drop(by_sku.insert(sku_id.clone(), vec![*grant])),
            };
            match mutation {
                Mutation::Place(order) => order.lines.iter().for_each(|line| hold(&line.sku_id)),
                Mutation::ChangeStock { change, .. } => hold(&change.sku_id),
                _ => {}
            }
        }
        by_sku
    }
}

/// Looks for the placements whose outcome is not known: what is found was committed, what is not found may still be.
/// Nothing is known of the stock levels that belong to either, so their grants are left to lapse.
async fn look_for_unknown(store: &dyn Store, mut batch: Batch, mut committed: Committed) -> (Batch, Committed) {
    let mut wanted = BTreeMap::new();
    for (index, verdict) in committed.verdicts.iter().enumerate() {
        if *verdict == Err(Rejection::OutcomeUnknown) {
            batch.grants[index] = None;
            if let Mutation::Place(order) = &batch.mutations[index] {
                wanted.insert(order.order_id, index);
            }
        }
    }
    if !wanted.is_empty() {
        let found = store.answers(wanted.keys().copied().collect()).await.unwrap_or_default();
        for (order_id, order) in found {
            if let Some(index) = wanted.get(&order_id) {
                committed.verdicts[*index] = Ok(Outcome::Placed { order, replayed: false });
            }
        }
    }
    (batch, committed)
}

impl Actor for Committer {
    type Context = Context<Self>;
}

impl Handler<Envelope<Commit>> for Committer {
    type Result = ();

    fn handle(&mut self, Envelope { message, ticket }: Envelope<Commit>, context: &mut Context<Self>) {
        self.lifeline.handle();
        // One place on the link for all the work of a message, given back with the last of its answers.
        let ticket = Arc::new(ticket);
        self.waiting.extend(message.0.into_iter().map(|work| (work, Arc::clone(&ticket))));
        self.commit(context);
    }
}
