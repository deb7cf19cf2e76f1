//! One node: puts the core's parts together. The shell and the simulation start the same node on other ports.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::domain::limits::{IN_HAND_MAX, SUPERVISOR_SHARDS};
use crate::event::{
    BEHIND, FAILING, IN_HAND, LocalStream, LoggedOutbox, PRINTER_GROUP, PrinterActor, PublisherActor, Worker,
    WorkerPorts,
};
use crate::order::{
    Announce, Commit, Committer, OrderSupervisor, Orders, Refuse, Refuser, RunningKeys, Shard, Supervisors, Sweeper,
};
use crate::ports::{Clock, EventLog, EventSink, EventStream, Ids, Ledger, Outbox, Repeats, Signals, Spawn, Store};
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
    /// What other nodes tell of the ledger.
    pub signals: Arc<dyn Signals>,
    /// Where committed events wait to be handed on.
    pub events: Events,
    /// The stream that nodes share; without one, what is committed goes to the printer of a node.
    pub stream: Option<Shared>,
    /// Where the printer writes.
    pub sink: Arc<dyn EventSink>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// Where actors run.
    pub spawn: Arc<dyn Spawn>,
}

/// Where committed events wait to be handed on.
#[derive(Clone)]
pub enum Events {
    /// In the log of a store that this process alone commits to.
    Log(Arc<dyn EventLog>),
    /// In the outbox of a store that nodes share.
    Outbox(Arc<dyn Outbox>),
}

/// The stream that nodes share, and this node's part in reading it.
#[derive(Clone)]
pub struct Shared {
    /// The stream.
    pub stream: Arc<dyn EventStream>,
    /// The consumer group whose member this node is; none if others do the work.
    pub group: Option<Arc<str>>,
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
    ledger: Arc<dyn Ledger>,
    stream: Arc<dyn EventStream>,
    /// Set when its worker is to take nothing more.
    is_resting: Arc<AtomicBool>,
}

/// Messages in flight on links that carry news, not requests: what is refused there is found in the store again.
const NEWS_BOUND: usize = 1_024;
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
        let Ports { store, ledger, clock, ids, spawn, .. } = ports;
        let live = Arc::<LiveActors>::default();
        let stage = Stage { spawn: Arc::clone(spawn), clock: Arc::clone(clock), live: Arc::clone(&live) };
        let stock = Arc::new(StockDirectory::new(Arc::clone(ledger), Arc::clone(store), stage.clone()));
        let listening = Arc::downgrade(&stock);
        ports.signals.subscribe(Arc::new(move |signal| {
            if let Some(stock) = listening.upgrade() {
                stock.hear(&signal);
            }
        }));
        // Every placement in hand and every order that expires meanwhile may wait for the committer at once.
        let committer = Link::new(2 * IN_HAND_MAX);
        let refuser = Link::new(IN_HAND_MAX);
        let supervisors = start_supervisors(ports, &stage, in_hand, &committer, &refuser);
        let local = || {
            let repeats = match ports.events {
                Events::Log(_) => Repeats::None,
                Events::Outbox(_) => Repeats::OfAnyone,
            };
            let stream = Arc::new(LocalStream::new(Arc::clone(clock), repeats));
            Shared { stream, group: Some(PRINTER_GROUP.into()) }
        };
        let Shared { stream, group } = ports.stream.clone().unwrap_or_else(local);
        let publisher = start_publisher(ports, &stage, &committer, &stream);
        let is_resting = Arc::<AtomicBool>::default();
        if let Some(group) = group {
            let (stream, is_resting) = (Arc::clone(&stream), Arc::clone(&is_resting));
            start_worker(ports, &stage, &committer, stream, group, is_resting);
        }
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
        let (store, ledger, clock) = (Arc::clone(store), Arc::clone(ledger), Arc::clone(clock));
        Self { orders, store, verdicts, warm_up, live, clock, ledger, stream, is_resting }
    }

    /// What does not work right now, though orders are taken all the same.
    pub fn degraded(&self) -> Vec<&'static str> {
        let ledger = (!self.ledger.is_answering()).then_some("ledger");
        let stream = (!self.stream.is_answering()).then_some("stream");
        let printer = (self.shows("printer", ONLY, FAILING) > 0).then_some("printer");
        ledger.into_iter().chain(stream).chain(printer).collect()
    }

    /// A number that an actor shows; 0 if it does not live.
    fn shows(&self, kind: &str, key: &str, name: &str) -> i64 {
        self.live.find(kind, key).and_then(|actor| actor.state.get(name).copied()).unwrap_or(0)
    }

    /// Waits until every event that this node committed is handed on, and the effect of what its worker has in hand is done
    /// and recorded, or `patience` has passed. Answers which. Call it when nobody asks any more.
    pub async fn drain(&self, patience: Duration) -> bool {
        // A stream that hangs must not keep whoever waits.
        let time_is_up = self.clock.sleep(patience);
        matches!(select(pin!(self.all_is_done()), time_is_up).await, Either::Left(_))
    }

    async fn all_is_done(&self) {
        let is_told = || self.live.find("publisher", ONLY).is_none_or(|publisher| publisher.mailbox > 0);
        while is_told() || self.shows("publisher", ONLY, BEHIND) > 0 {
            self.clock.sleep(DRAIN_STEP).await;
        }
        // What others commit goes on coming: it is left to them.
        self.is_resting.store(true, Ordering::Relaxed);
        while self.live.list(Some("worker"), None, 1).iter().any(|worker| worker.state.get(IN_HAND) > Some(&0)) {
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

fn start_publisher(
    ports: &Ports,
    stage: &Stage,
    committer: &Link<Commit>,
    stream: &Arc<dyn EventStream>,
) -> Link<Announce> {
    // One that waits tells of everything.
    let publisher = Link::new(1);
    let outbox: Arc<dyn Outbox> = match &ports.events {
        Events::Log(log) => Arc::new(LoggedOutbox::new(Arc::clone(log), committer.clone(), PRINTER_GROUP)),
        Events::Outbox(outbox) => Arc::clone(outbox),
    };
    let (stream, clock, turn) = (Arc::clone(stream), Arc::clone(&ports.clock), Arc::default());
    let make = move |lifeline| {
        let (outbox, stream, clock) = (Arc::clone(&outbox), Arc::clone(&stream), Arc::clone(&clock));
        PublisherActor::new(outbox, stream, clock, Arc::clone(&turn), lifeline)
    };
    Post::new("publisher", ONLY, make).reached_by(&publisher).fill(stage);
    publisher
}

/// Nobody sends to the worker; the stream tells it what there is to do.
fn start_worker(
    ports: &Ports,
    stage: &Stage,
    committer: &Link<Commit>,
    stream: Arc<dyn EventStream>,
    group: Arc<str>,
    is_resting: Arc<AtomicBool>,
) {
    let printer = Link::new(NEWS_BOUND);
    // What was printed is remembered beside the actor, so that its successor prints nothing again.
    let (sink, clock, printed) = (Arc::clone(&ports.sink), Arc::clone(&ports.clock), Arc::default());
    let make = move |lifeline| PrinterActor::new(Arc::clone(&sink), Arc::clone(&clock), Arc::clone(&printed), lifeline);
    Post::new("printer", ONLY, make).reached_by(&printer).fill(stage);
    let (store, clock, committer) = (Arc::clone(&ports.store), Arc::clone(&ports.clock), committer.clone());
    let key = Arc::clone(&group);
    let ports = WorkerPorts { stream, store, clock, printer, committer, group, is_resting };
    Post::new("worker", key, move |lifeline| Worker::new(ports.clone(), lifeline)).fill(stage);
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
