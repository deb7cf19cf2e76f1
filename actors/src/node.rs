//! One node: puts the core's parts together. The shell and the simulation start the same node on other ports.

use std::sync::Arc;

use crate::domain::limits::{IN_HAND_MAX, SUPERVISOR_SHARDS};
use crate::event::{PrinterActor, PublisherActor, Worker};
use crate::order::{
    Commit, Committer, OrderSupervisor, Orders, Refuse, Refuser, RunningKeys, Shard, Supervisors, Sweeper,
};
use crate::ports::{Clock, EventLog, EventSink, Ids, Ledger, Spawn, Store};
use crate::runtime::{Link, Post, start};
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
    /// Loads SKUs into the ledger before a sale.
    pub warm_up: WarmUp,
    /// Time, as the node sees it.
    pub clock: Arc<dyn Clock>,
}

/// Messages in flight on links that carry news, not requests: what is refused there is found in the store again.
const NEWS_BOUND: usize = 1_024;

impl Node {
    /// Starts every actor of the node.
    pub fn start(ports: &Ports) -> Self {
        let Ports { store, ledger, clock, ids, spawn, .. } = ports;
        let directory =
            StockDirectory::new(Arc::clone(ledger), Arc::clone(store), Arc::clone(clock), Arc::clone(spawn));
        let stock = Arc::new(directory);
        // Every placement in hand and every order that expires meanwhile may wait for the committer at once.
        let committer = Link::new(2 * IN_HAND_MAX);
        let refuser = Link::new(IN_HAND_MAX);
        let supervisors = start_supervisors(ports, &committer, &refuser);
        let publisher = start_events(ports, &committer);
        start_refuser(ports, &refuser);
        start_sweeper(ports, &supervisors);
        let (own, store_, stock_, supervisors_) =
            (committer, Arc::clone(store), Arc::clone(&stock), supervisors.clone());
        let post = Post {
            name: "committer".to_owned(),
            capacity: own.bound() + 1,
            make: Box::new(move |lifeline| {
                let (store, stock) = (Arc::clone(&store_), Arc::clone(&stock_));
                Committer::new(store, stock, supervisors_.clone(), publisher.clone(), lifeline)
            }),
            connect: Box::new(move |address| own.connect(address)),
        };
        start(spawn, post);
        let orders = Orders {
            stock: Arc::clone(&stock),
            supervisors,
            refuser,
            running: RunningKeys::default(),
            clock: Arc::clone(clock),
            ids: Arc::clone(ids),
        };
        let warm_up = WarmUp::new(Arc::clone(store), Arc::clone(ledger), Arc::clone(&stock));
        let verdicts = Verdicts::new(Arc::clone(store), Arc::clone(ledger), stock, Arc::clone(clock));
        Self { orders, store: Arc::clone(store), verdicts, warm_up, clock: Arc::clone(clock) }
    }
}

fn start_supervisors(ports: &Ports, committer: &Link<Commit>, refuser: &Link<Refuse>) -> Supervisors {
    let shard = |_| Shard {
        submit: Link::new(IN_HAND_MAX / SUPERVISOR_SHARDS),
        // Each piece of work in hand has one answer on its way at most.
        reserved: Link::new(IN_HAND_MAX),
        deadlines: Link::new(NEWS_BOUND),
        expire: Link::new(NEWS_BOUND),
    };
    let shards: Arc<[Shard]> = (0..SUPERVISOR_SHARDS).map(shard).collect();
    for (number, shard) in shards.iter().enumerate() {
        let (clock, committer, refuser) = (Arc::clone(&ports.clock), committer.clone(), refuser.clone());
        let (own, shard) = (shard.reserved.clone(), shard.clone());
        let bounds = [shard.submit.bound(), shard.reserved.bound(), shard.deadlines.bound(), shard.expire.bound()];
        let post = Post {
            name: format!("order supervisor {number}"),
            capacity: bounds.iter().sum::<usize>() + bounds.len(),
            make: Box::new(move |lifeline| {
                OrderSupervisor::new(Arc::clone(&clock), committer.clone(), refuser.clone(), own.clone(), lifeline)
            }),
            connect: Box::new(move |address| {
                shard.submit.connect(address);
                shard.reserved.connect(address);
                shard.deadlines.connect(address);
                shard.expire.connect(address);
            }),
        };
        start(&ports.spawn, post);
    }
    Supervisors(shards)
}

fn start_events(ports: &Ports, committer: &Link<Commit>) -> Link<crate::order::Announce> {
    let (publisher, worker, printer) = (Link::new(NEWS_BOUND), Link::new(1), Link::new(NEWS_BOUND));
    let (sink, own) = (Arc::clone(&ports.sink), printer.clone());
    start(
        &ports.spawn,
        Post {
            name: "printer".to_owned(),
            capacity: own.bound() + 1,
            make: Box::new(move |lifeline| PrinterActor::new(Arc::clone(&sink), lifeline)),
            connect: Box::new(move |address| own.connect(address)),
        },
    );
    let (log, clock) = (Arc::clone(&ports.log), Arc::clone(&ports.clock));
    let (own, committer) = (worker.clone(), committer.clone());
    start(
        &ports.spawn,
        Post {
            name: "worker".to_owned(),
            capacity: own.bound() + 1,
            make: Box::new(move |lifeline| {
                Worker::new(Arc::clone(&log), Arc::clone(&clock), printer.clone(), committer.clone(), lifeline)
            }),
            connect: Box::new(move |address| own.connect(address)),
        },
    );
    let (log, clock, own) = (Arc::clone(&ports.log), Arc::clone(&ports.clock), publisher.clone());
    start(
        &ports.spawn,
        Post {
            name: "publisher".to_owned(),
            capacity: own.bound() + 1,
            make: Box::new(move |lifeline| {
                PublisherActor::new(Arc::clone(&log), Arc::clone(&clock), worker.clone(), lifeline)
            }),
            connect: Box::new(move |address| own.connect(address)),
        },
    );
    publisher
}

fn start_refuser(ports: &Ports, refuser: &Link<Refuse>) {
    let (store, clock, own) = (Arc::clone(&ports.store), Arc::clone(&ports.clock), refuser.clone());
    start(
        &ports.spawn,
        Post {
            name: "refuser".to_owned(),
            capacity: own.bound() + 1,
            make: Box::new(move |lifeline| Refuser::new(Arc::clone(&store), Arc::clone(&clock), lifeline)),
            connect: Box::new(move |address| own.connect(address)),
        },
    );
}

fn start_sweeper(ports: &Ports, supervisors: &Supervisors) {
    let (store, clock, supervisors) = (Arc::clone(&ports.store), Arc::clone(&ports.clock), supervisors.clone());
    start(
        &ports.spawn,
        Post {
            name: "sweeper".to_owned(),
            capacity: 1,
            make: Box::new(move |lifeline| {
                Sweeper::new(Arc::clone(&store), Arc::clone(&clock), supervisors.clone(), lifeline)
            }),
            // Nobody sends to the sweeper; it works by its own clock.
            connect: Box::new(|_| {}),
        },
    );
}
