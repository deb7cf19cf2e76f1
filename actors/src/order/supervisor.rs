//! The order supervisor: sees orders through, from the first reserve to the deadline.
//!
//! It owns the placements that wait for the ledger, as entries of a map, and the deadlines of orders that await payment,
//! with one tick for all. A node has a fixed set of supervisors; an order belongs to one by its id.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler, WrapFuture, fut::ActorFutureExt};

use super::committer::{Commit, Work};
use super::deadlines::Deadlines;
use super::refuser::Refuse;
use crate::domain::commit::{Mutation, Outcome};
use crate::domain::id::{BodyHash, GrantId, OrderId, SkuId};
use crate::domain::limits::{BATCH_MAX, DEADLINE_TICK, DEADLINES_AHEAD, DEADLINES_REMEMBERED_MAX, PLACEMENT_DEADLINE};
use crate::domain::rejection::Rejection;
use crate::domain::time::{Monotonic, Timestamp};
use crate::ports::{Clock, ReserveRequest, Settlement, Store};
use crate::runtime::{Envelope, Gauge, Lifeline, Link, Reply};
use crate::stock::{Admission, Asker, Reserve, Reserved, Settle, StockCell};

/// Asks for a mutation to be seen through: the units it wants are reserved one SKU after the other, then it is committed.
pub struct Submit {
    /// What to commit.
    pub mutation: Mutation,
    /// What it wants of the ledger, sorted by SKU.
    pub wants: Vec<Want>,
    /// Names the units in the ledger.
    pub grant: GrantId,
    /// Where the answer goes.
    pub reply: Reply<Outcome>,
}

/// Units wanted of one SKU.
pub struct Want {
    /// The SKU.
    pub cell: Arc<StockCell>,
    /// The units.
    pub quantity: u32,
}

/// Tells which orders have a deadline now and which have none any more.
#[derive(Clone, Debug, Default)]
pub struct DeadlinesChanged {
    /// Orders that await payment, with their deadlines.
    pub watch: Vec<(OrderId, Timestamp)>,
    /// Orders that do not, applied first.
    pub forget: Vec<OrderId>,
}

/// Asks for orders found past their deadline to be cancelled.
#[derive(Clone, Debug)]
pub struct ExpireDue(pub Vec<OrderId>);

/// The links to one supervisor.
#[derive(Clone, Debug)]
pub struct Shard {
    /// For work.
    pub submit: Link<Submit>,
    /// For the ledger's answers.
    pub reserved: Link<Reserved>,
    /// For news of deadlines.
    pub deadlines: Link<DeadlinesChanged>,
    /// For orders found past their deadline.
    pub expire: Link<ExpireDue>,
}

/// The node's supervisors.
#[derive(Clone, Debug)]
pub struct Supervisors(pub Arc<[Shard]>);

impl Supervisors {
    /// The supervisor an order belongs to.
    pub fn of(&self, order_id: OrderId) -> &Shard {
        &self.0[self.index_of(order_id)]
    }

    fn index_of(&self, order_id: OrderId) -> usize {
        let shards = self.0.len() as u128;
        usize::try_from(order_id.as_u128() % shards).unwrap_or(0)
    }

    /// Orders by the supervisor they belong to; those that have none of them are left out.
    pub fn by_shard(&self, order_ids: Vec<OrderId>) -> Vec<(&Shard, Vec<OrderId>)> {
        let mut parts: Vec<_> = self.0.iter().map(|shard| (shard, Vec::new())).collect();
        for order_id in order_ids {
            parts[self.index_of(order_id)].1.push(order_id);
        }
        parts.retain(|(_, part)| !part.is_empty());
        parts
    }

    /// Tells each supervisor of its own orders.
    pub fn tell(&self, changed: DeadlinesChanged) {
        let mut parts = vec![DeadlinesChanged::default(); self.0.len()];
        for (order_id, expires_at) in changed.watch {
            parts[self.index_of(order_id)].watch.push((order_id, expires_at));
        }
        for order_id in changed.forget {
            parts[self.index_of(order_id)].forget.push(order_id);
        }
        for (shard, part) in self.0.iter().zip(parts) {
            if (!part.watch.is_empty() || !part.forget.is_empty()) && shard.deadlines.send(part).is_err() {
                // The sweeper finds in the store what a supervisor was not told.
                tracing::debug!("news of deadlines dropped, the supervisor is behind");
            }
        }
    }
}

/// See the module.
pub struct OrderSupervisor {
    clock: Arc<dyn Clock>,
    committer: Link<Commit>,
    refuser: Link<Refuse>,
    number: usize,
    all: Supervisors,
    store: Arc<dyn Store>,
    placing: BTreeMap<u64, Placing>,
    next_work: u64,
    deadlines: Deadlines,
    /// Held by the expiries that wait for the committer. While there are any, no more are asked for: a store that
    /// hangs must not find the same orders asked for again and again.
    expiring: Arc<()>,
    is_ticking: bool,
    placing_now: Gauge,
    deadlines_watched: Gauge,
    lifeline: Lifeline,
}

/// Why a placement is given up that the ledger could not admit in time.
const HELD: &str = "what it wants is held by others whose outcome is not known yet";

struct Placing {
    submit: Submit,
    /// How many of the wants have been admitted: the next one is asked for.
    admitted: usize,
    /// When it is given up if the ledger has not answered.
    until: Monotonic,
}

impl OrderSupervisor {
    /// Builds the supervisor with this number among all.
    pub fn new(
        number: usize,
        all: Supervisors,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        committer: Link<Commit>,
        refuser: Link<Refuse>,
        lifeline: Lifeline,
    ) -> Self {
        // A successor must not take answers meant for its predecessor's work, so it does not number from the start.
        let next_work = u64::try_from(clock.now().monotonic.since(Monotonic::default()).as_nanos()).unwrap_or(0);
        Self {
            clock,
            committer,
            refuser,
            number,
            all,
            store,
            placing: BTreeMap::new(),
            next_work,
            deadlines: Deadlines::default(),
            expiring: Arc::default(),
            is_ticking: false,
            placing_now: lifeline.gauge("placing"),
            deadlines_watched: lifeline.gauge("deadlines"),
            lifeline,
        }
    }

    /// Takes up the deadlines that are in the store: those of a predecessor, or of the process before this one.
    fn remember(&self, context: &mut Context<Self>) {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let read = async move { store.due(clock.now().wall.plus(DEADLINES_AHEAD), DEADLINES_REMEMBERED_MAX).await };
        context.spawn(read.into_actor(self).map(|read, actor, context| {
            match read {
                Ok(due) => {
                    let own = due.into_iter().filter(|(order_id, _)| actor.all.index_of(*order_id) == actor.number);
                    own.for_each(|(order_id, expires_at)| actor.deadlines.watch(order_id, expires_at));
                }
                Err(error) => tracing::warn!(%error, "deadlines left to the sweeper"),
            }
            actor.keep_ticking(context);
        }));
    }

    /// Asks for the next want, or commits if there is none.
    fn advance(&mut self, work: u64, placing: Placing) {
        let Some(want) = placing.submit.wants.get(placing.admitted) else {
            return self.commit(placing.submit);
        };
        let who = who(&placing.submit.mutation);
        let request = ReserveRequest { grant: placing.submit.grant, quantity: want.quantity, who };
        let asker = Asker::new(work, self.all.0[self.number].reserved.clone());
        let reserve = Reserve { request, until: placing.until, asker };
        if want.cell.reserve.send(reserve).is_err() {
            return self.refuse(placing, Rejection::Busy);
        }
        self.placing.insert(work, placing);
    }

    fn admit(&mut self, work: u64, admission: Admission) {
        let Some(mut placing) = self.placing.remove(&work) else { return };
        let want = &placing.submit.wants[placing.admitted];
        let rejection = match admission {
            Admission::Granted | Admission::Ungated => {
                placing.admitted += 1;
                return self.advance(work, placing);
            }
            Admission::Refused { available } => {
                shortage(&placing.submit.mutation, want.cell.sku_id.clone(), available, want.quantity)
            }
            Admission::Held => Rejection::Unavailable(HELD.to_owned()),
            Admission::Lost => {
                placing.admitted += 1;
                Rejection::Unavailable("the actor of one of its skus was lost".to_owned())
            }
            Admission::Unknown => Rejection::SkuNotFound(want.cell.sku_id.clone()),
            Admission::Unavailable(reason) => Rejection::Unavailable(reason),
        };
        self.refuse(placing, rejection);
    }

    fn commit(&self, submit: Submit) {
        let Submit { mutation, wants, grant, reply } = submit;
        if let Err(refused) = self.committer.send(Commit(vec![Work { mutation, grant: Some(grant), reply }])) {
            drop_grants(&wants, grant);
            for Work { mutation, reply, .. } in refused.0.0 {
                refuse(&self.refuser, &mutation, Rejection::Busy, reply);
            }
        }
    }

    /// Drops the grants and answers no, by way of the refuser if there is a key that may be committed.
    fn refuse(&self, placing: Placing, rejection: Rejection) {
        let Placing { submit: Submit { mutation, wants, grant, reply }, admitted, .. } = placing;
        drop_grants(&wants[..admitted], grant);
        refuse(&self.refuser, &mutation, rejection, reply);
    }

    /// Gives up what the ledger has not answered in time, and cancels what was not paid in time.
    fn tick(&mut self, context: &mut Context<Self>) {
        self.is_ticking = false;
        let now = self.clock.now();
        let late: Vec<u64> =
            self.placing.iter().filter(|(_, placing)| placing.until < now.monotonic).map(|(work, _)| *work).collect();
        for work in late {
            if let Some(placing) = self.placing.remove(&work) {
                self.refuse(placing, Rejection::Unavailable(HELD.to_owned()));
            }
        }
        if !self.is_expiring() {
            let due = self.deadlines.take_due(now.wall, BATCH_MAX);
            self.expire(due, now.wall);
        }
        self.keep_ticking(context);
    }

    fn is_expiring(&self) -> bool {
        Arc::strong_count(&self.expiring) > 1
    }

    fn expire(&mut self, due: Vec<OrderId>, now: Timestamp) {
        if due.is_empty() {
            return;
        }
        let work = |order_id: &OrderId| {
            let mut reply = Reply::unheard();
            reply.hold(Arc::clone(&self.expiring));
            Work { mutation: Mutation::Expire(*order_id), grant: None, reply }
        };
        if self.committer.send(Commit(due.iter().map(work).collect())).is_err() {
            for order_id in due {
                self.deadlines.watch(order_id, now.plus(DEADLINE_TICK));
            }
        }
    }

    fn keep_ticking(&mut self, context: &mut Context<Self>) {
        self.placing_now.set_count(self.placing.len());
        self.deadlines_watched.set_count(self.deadlines.len());
        if self.is_ticking || (self.deadlines.is_empty() && self.placing.is_empty()) {
            return;
        }
        self.is_ticking = true;
        let tick = self.clock.sleep(DEADLINE_TICK);
        context.spawn(tick.into_actor(self).map(|(), actor, context| actor.tick(context)));
    }
}

/// Who wants units, for the ledger's records.
fn who(mutation: &Mutation) -> Arc<str> {
    match mutation {
        Mutation::Place(order) => (&order.user_id).into(),
        Mutation::ChangeStock { change, .. } => change.by.as_str().into(),
        _ => Arc::default(),
    }
}

fn drop_grants(wants: &[Want], grant: GrantId) {
    for want in wants {
        let settlement = Settlement { grants: vec![grant], level: None };
        if want.cell.settle.send(Settle(settlement)).is_err() {
            tracing::warn!(sku_id = %want.cell.sku_id, "grant left to lapse, the stock actor is behind");
        }
    }
}

/// Answers no: a keyed request only after its key was looked up in the store.
pub(super) fn refuse(refuser: &Link<Refuse>, mutation: &Mutation, rejection: Rejection, reply: Reply<Outcome>) {
    let Some((key, body_hash)) = keyed(mutation) else {
        return reply.answer(Err(rejection));
    };
    if let Err(refused) = refuser.send(Refuse { key, body_hash, rejection, reply }) {
        refused.0.reply.answer(Err(Rejection::Busy));
    }
}

fn keyed(mutation: &Mutation) -> Option<(crate::domain::id::ScopedKey, BodyHash)> {
    let body_hash = match mutation {
        Mutation::Place(order) => order.body_hash(),
        Mutation::ChangeStock { change, .. } => change.body_hash(),
        _ => return None,
    };
    Some((mutation.scoped_key()?, body_hash))
}

fn shortage(mutation: &Mutation, sku_id: SkuId, available: i64, wanted: u32) -> Rejection {
    let available = available.max(0);
    match mutation {
        Mutation::ChangeStock { .. } => Rejection::InsufficientStock { sku_id, available, wanted: wanted.into() },
        _ => Rejection::SoldOut { sku_id, available, wanted },
    }
}

impl Actor for OrderSupervisor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.remember(context);
    }
}

impl Handler<Envelope<Submit>> for OrderSupervisor {
    type Result = ();

    fn handle(&mut self, Envelope { mut message, ticket }: Envelope<Submit>, context: &mut Context<Self>) {
        self.lifeline.handle();
        // The place on the link is held until the answer: so the link bounds what the node has in hand.
        message.reply.hold(ticket);
        let work = self.next_work;
        self.next_work += 1;
        let until = self.clock.now().monotonic.plus(PLACEMENT_DEADLINE);
        self.advance(work, Placing { submit: message, admitted: 0, until });
        self.keep_ticking(context);
    }
}

impl Handler<Envelope<Reserved>> for OrderSupervisor {
    type Result = ();

    fn handle(&mut self, Envelope { message, .. }: Envelope<Reserved>, _: &mut Context<Self>) {
        self.lifeline.handle();
        for (work, admission) in message.admissions {
            self.admit(work, admission);
        }
    }
}

impl Handler<Envelope<DeadlinesChanged>> for OrderSupervisor {
    type Result = ();

    fn handle(&mut self, Envelope { message, .. }: Envelope<DeadlinesChanged>, context: &mut Context<Self>) {
        self.lifeline.handle();
        for order_id in message.forget {
            self.deadlines.forget(order_id);
        }
        for (order_id, expires_at) in message.watch {
            self.deadlines.watch(order_id, expires_at);
        }
        self.keep_ticking(context);
    }
}

impl Handler<Envelope<ExpireDue>> for OrderSupervisor {
    type Result = ();

    fn handle(&mut self, Envelope { message, .. }: Envelope<ExpireDue>, context: &mut Context<Self>) {
        self.lifeline.handle();
        // What is left out now is found by the next sweep.
        if !self.is_expiring() {
            let now = self.clock.now().wall;
            self.expire(message.0, now);
        }
        self.keep_ticking(context);
    }
}
