//! One node: puts the core's parts together. The shell and the simulation start the same node on other ports.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::domain::limits::{IN_HAND_MAX, SUPERVISOR_SHARDS};
use crate::event::{FAILING, PRINTER_GROUP, PrinterActor, PublisherActor, Worker};
use crate::order::{
    Announce, Commit, Committer, OrderSupervisor, Orders, Refuse, Refuser, RunningKeys, Shard, Supervisors, Sweeper,
};
use crate::ports::{Clock, EventLog, EventSink, Ids, Ledger, Spawn, Store};
pub use crate::runtime::{KindTotal, LiveActor, LiveActors, SpreadSeen, VIOLATIONS};
use crate::runtime::{Link, Post, Stage};
use crate::stock::{StockDirectory, Verdicts, WarmUp};

/// Everything a node needs from the world.
#[derive(Clone)]
pub struct Ports {
    /// The durable truth.
    pub store: Arc<dyn Store>,
    /// The fast gate in front of it.
    pub ledger: Arc<dyn Ledger>,
    /// The stream of committed events.
    pub log: Arc<dyn EventLog>,
    /// Where the printer writes.
    pub sink: Arc<dyn EventSink>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// Where actors run.
    pub spawn: Arc<dyn Spawn>,
}

/// A running node.
pub struct Node {
    /// All that changes orders, SKUs and stock.
    pub orders: Orders,
    /// All that reads what is committed.
    pub store: Arc<dyn Store>,
    /// Whether store, orders, ledger and actors agree.
    pub verdicts: Verdicts,
    /// Who lives on the node, and how each is doing.
    pub live: Arc<LiveActors>,
    /// Loads SKUs into the ledger before a sale.
    pub warm_up: WarmUp,
    /// Time, as the node sees it.
    pub clock: Arc<dyn Clock>,
    log: Arc<dyn EventLog>,
}

/// Messages in flight on links that carry news, not requests: what is refused there is found in the store again.
const NEWS_BOUND: usize = 1_024;
/// Batches of events that wait for the stream: a copy, so few are kept.
const ANNOUNCEMENTS_BOUND: usize = 64;
/// The key of an actor that is the only one of its kind.
const ONLY: &str = "0";
/// How often a node that drains looks whether it is done.
const DRAIN_STEP: Duration = Duration::from_millis(10);

impl Node {
    /// Starts every actor of the node.
    pub fn start(ports: &Ports) -> Self {
        Self::bounded(ports, IN_HAND_MAX)
    }

    /// Starts every actor of a node that has at most about `in_hand` orders and changes in hand.
    pub fn bounded(ports: &Ports, in_hand: usize) -> Self {
        let Ports { store, ledger, log, clock, ids, spawn, .. } = ports;
        let live = Arc::<LiveActors>::default();
        let stage = Stage { spawn: Arc::clone(spawn), clock: Arc::clone(clock), live: Arc::clone(&live) };
        let stock = Arc::new(StockDirectory::new(Arc::clone(ledger), Arc::clone(store), stage.clone()));
        // Every placement in hand and every order that expires meanwhile may wait for the committer at once.
        let committer = Link::new(2 * IN_HAND_MAX);
        let refuser = Link::new(IN_HAND_MAX);
        let supervisors = start_supervisors(ports, &stage, in_hand, &committer, &refuser);
        let publisher = start_events(ports, &stage, &committer);
        start_refuser(ports, &stage, &refuser);
        start_sweeper(ports, &stage, &supervisors);
        start_committer(ports, &stage, &committer, &stock, &supervisors, publisher);
        let orders = Orders {
            stock: Arc::clone(&stock),
            supervisors,
            refuser,
            running: RunningKeys::default(),
            clock: Arc::clone(clock),
            ids: Arc::clone(ids),
        };
        let warm_up = WarmUp::new(Arc::clone(store), Arc::clone(ledger), Arc::clone(&stock));
        let verdicts = Verdicts::new(Arc::clone(store), Arc::clone(ledger), stock, Arc::clone(clock), &live.counts);
        let (store, log, clock) = (Arc::clone(store), Arc::clone(log), Arc::clone(clock));
        Self { orders, store, verdicts, warm_up, live, clock, log }
    }

    /// What does not work right now, though orders are taken all the same.
    pub fn degraded(&self) -> Vec<&'static str> {
        let printer = self.live.find("printer", ONLY);
        let is_failing = printer.is_some_and(|printer| printer.state.get(FAILING).is_some_and(|failing| *failing > 0));
        is_failing.then_some("printer").into_iter().collect()
    }

    /// Waits until the effect of every committed event is done and recorded, or `patience` has passed. Answers which.
    /// Call it when nobody asks any more.
    pub async fn drain(&self, patience: Duration) -> bool {
        // A log that hangs must not keep whoever waits.
        let time_is_up = self.clock.sleep(patience);
        matches!(select(pin!(self.all_is_done()), time_is_up).await, Either::Left(_))
    }

    async fn all_is_done(&self) {
        loop {
            let position = self.log.position(PRINTER_GROUP).await;
            if let Ok(position) = position
                && self.log.read(position, 1).await.is_ok_and(|rest| rest.is_empty())
            {
                return;
            }
            self.clock.sleep(DRAIN_STEP).await;
        }
    }
}

fn start_supervisors(
    ports: &Ports,
    stage: &Stage,
    in_hand: usize,
    committer: &Link<Commit>,
    refuser: &Link<Refuse>,
) -> Supervisors {
    let shard = |_| Shard {
        submit: Link::new(in_hand.div_ceil(SUPERVISOR_SHARDS)),
        // Each piece of work in hand has one answer on its way at most.
        reserved: Link::new(IN_HAND_MAX),
        deadlines: Link::new(NEWS_BOUND),
        expire: Link::new(NEWS_BOUND),
    };
    let shards: Arc<[Shard]> = (0..SUPERVISOR_SHARDS).map(shard).collect();
    let supervisors = Supervisors(Arc::clone(&shards));
    for (number, shard) in shards.iter().enumerate() {
        let (store, clock, all) = (Arc::clone(&ports.store), Arc::clone(&ports.clock), supervisors.clone());
        let (committer, refuser) = (committer.clone(), refuser.clone());
        let make = move |lifeline| {
            let (store, clock) = (Arc::clone(&store), Arc::clone(&clock));
            OrderSupervisor::new(number, all.clone(), store, clock, committer.clone(), refuser.clone(), lifeline)
        };
        Post::new("order_supervisor", number, make)
            .reached_by(&shard.submit)
            .reached_by(&shard.reserved)
            .reached_by(&shard.deadlines)
            .reached_by(&shard.expire)
            .fill(stage);
    }
    supervisors
}

fn start_committer(
    ports: &Ports,
    stage: &Stage,
    committer: &Link<Commit>,
    stock: &Arc<StockDirectory>,
    supervisors: &Supervisors,
    publisher: Link<Announce>,
) {
    let (store, stock, supervisors) = (Arc::clone(&ports.store), Arc::clone(stock), supervisors.clone());
    let make = move |lifeline| {
        let (store, stock) = (Arc::clone(&store), Arc::clone(&stock));
        Committer::new(store, stock, supervisors.clone(), publisher.clone(), lifeline)
    };
    Post::new("committer", ONLY, make).reached_by(committer).fill(stage);
}

fn start_events(ports: &Ports, stage: &Stage, committer: &Link<Commit>) -> Link<Announce> {
    let (publisher, worker, printer) = (Link::new(ANNOUNCEMENTS_BOUND), Link::new(1), Link::new(NEWS_BOUND));
    // What was printed is remembered beside the actor, so that its successor prints nothing again.
    let (sink, clock, printed) = (Arc::clone(&ports.sink), Arc::clone(&ports.clock), Arc::default());
    let make = move |lifeline| PrinterActor::new(Arc::clone(&sink), Arc::clone(&clock), Arc::clone(&printed), lifeline);
    Post::new("printer", ONLY, make).reached_by(&printer).fill(stage);
    let (log, clock, committer) = (Arc::clone(&ports.log), Arc::clone(&ports.clock), committer.clone());
    let make =
        move |lifeline| Worker::new(Arc::clone(&log), Arc::clone(&clock), printer.clone(), committer.clone(), lifeline);
    Post::new("worker", PRINTER_GROUP, make).reached_by(&worker).fill(stage);
    let (log, clock) = (Arc::clone(&ports.log), Arc::clone(&ports.clock));
    let make = move |lifeline| PublisherActor::new(Arc::clone(&log), Arc::clone(&clock), worker.clone(), lifeline);
    Post::new("publisher", ONLY, make).reached_by(&publisher).fill(stage);
    publisher
}

fn start_refuser(ports: &Ports, stage: &Stage, refuser: &Link<Refuse>) {
    let (store, clock) = (Arc::clone(&ports.store), Arc::clone(&ports.clock));
    let make = move |lifeline| Refuser::new(Arc::clone(&store), Arc::clone(&clock), lifeline);
    Post::new("refuser", ONLY, make).reached_by(refuser).fill(stage);
}

/// Nobody sends to the sweeper; it works by its own clock.
fn start_sweeper(ports: &Ports, stage: &Stage, supervisors: &Supervisors) {
    let (store, clock, supervisors) = (Arc::clone(&ports.store), Arc::clone(&ports.clock), supervisors.clone());
    let make = move |lifeline| Sweeper::new(Arc::clone(&store), Arc::clone(&clock), supervisors.clone(), lifeline);
    Post::new("sweeper", ONLY, make).fill(stage);
}
