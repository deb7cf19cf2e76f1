//! The simulated world: whole nodes on one thread, under a clock that stands still, among faults drawn from a seed.
//!
//! Clients place, pay, ship, receive, amend, cancel, delete, give money back, restock, warm up and look; the store fails,
//! stalls, and commits without saying so; the ledger forgets; messages are lost or late; actors panic; nodes die at any point
//! between two awaits and come back. The invariants are checked after every commit and once more when all is quiet. One seed
//! gives the same run, byte for byte.

mod checks;
mod clients;
mod dice;
mod events;
mod faults;
mod history;
mod machine;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::LocalSet;

pub use dice::Dice;
pub use events::EventPath;

use self::clients::Clients;
use self::events::Roads;
use self::faults::{FaultyLedger, FaultyStore, Weather};
use self::history::History;
use self::machine::{Machine, PrintedLines};
use crate::domain::commit::Rules;
use crate::domain::time::Timestamp;
use crate::ports::Clock;
use crate::stock::{MemoryLedger, VerdictState};
use crate::testing::clock::PausedClock;
use crate::testing::memory_outbox::MemoryOutbox;
use crate::testing::memory_store::{Disk, MemoryStore};
use crate::testing::memory_stream::Broker;

/// What a run is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Nodes that share the store.
    pub nodes: usize,
    /// Whether they share a ledger that outlives them, as Redis does.
    pub shared_ledger: bool,
    /// How events get to the printers.
    pub events: EventPath,
    /// Steps: in each, clients ask and faults strike.
    pub steps: usize,
    /// Faults per thousand chances for one.
    pub fault_rate: u32,
    /// Whether nodes die. Actors panic all the same.
    pub kills: bool,
}

impl Scenario {
    /// A single node whose ledger dies with it: the embedded default.
    pub const EMBEDDED: Self =
        Self { nodes: 1, shared_ledger: false, events: EventPath::Log, steps: 120, fault_rate: 40, kills: true };
    /// Two nodes on one store and one ledger.
    pub const CLUSTER: Self =
        Self { nodes: 2, shared_ledger: true, events: EventPath::Outbox, steps: 120, fault_rate: 40, kills: true };
    /// Two nodes on one store, one ledger and one stream.
    pub const STREAM: Self = Self { events: EventPath::Stream, ..Self::CLUSTER };
    /// Two nodes on one outbox where everything fails but the processes.
    pub const CLUSTER_PANICS: Self = Self { fault_rate: 60, kills: false, ..Self::CLUSTER };
    /// Two nodes on one stream where everything fails but the processes.
    pub const STREAM_PANICS: Self = Self { fault_rate: 60, kills: false, ..Self::STREAM };
    /// Nothing goes wrong.
    pub const CALM: Self =
        Self { nodes: 1, shared_ledger: false, events: EventPath::Log, steps: 120, fault_rate: 0, kills: false };
    /// Everything fails but the process.
    pub const PANICS: Self =
        Self { nodes: 1, shared_ledger: false, events: EventPath::Log, steps: 120, fault_rate: 60, kills: false };
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Everything that was asked, answered, broken and printed, in order.
    pub trace: String,
    /// Broken invariants.
    pub violations: Vec<String>,
    /// Orders acknowledged.
    pub acknowledged: usize,
    /// Payments acknowledged.
    pub payments: usize,
    /// Nodes killed.
    pub crashes: usize,
}

/// Runs a scenario from a seed.
///
/// # Panics
/// If the runtime cannot be built.
pub fn run(scenario: Scenario, seed: u64) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without io can always be built");
    LocalSet::new().block_on(&runtime, async { World::new(scenario, seed).run().await })
}

/// The epoch of every run; any would do.
const EPOCH: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// The payment window of SKUs that say nothing else.
const WINDOW: Duration = Duration::from_secs(20);

struct World {
    scenario: Scenario,
    dice: Dice,
    clock: Arc<dyn Clock>,
    weather: Weather,
    disk: Disk,
    store: Arc<FaultyStore>,
    ledger: Arc<FaultyLedger>,
    printed: PrintedLines,
    roads: Roads,
    history: History,
    machines: Vec<Machine>,
    crashes: usize,
}

impl World {
    fn new(scenario: Scenario, seed: u64) -> Self {
        let dice = Dice::from_seed(seed);
        let clock: Arc<dyn Clock> = Arc::new(PausedClock::starting_at(EPOCH));
        let (disk, history) = (Disk::default(), History::new(Arc::clone(&clock)));
        let weather = Weather::new(dice.clone(), scenario.fault_rate);
        let rules = Rules { payment_window: WINDOW };
        let store = MemoryStore::open(disk.clone(), Arc::clone(&clock), rules);
        let store = FaultyStore::start(store, disk.clone(), Arc::clone(&clock), weather.clone(), history.clone());
        let ledger = FaultyLedger::new(MemoryLedger::new(Arc::clone(&clock)), Arc::clone(&clock), weather.clone());
        let printed = PrintedLines::new(history.clone(), weather.clone());
        let roads = Roads { path: scenario.events, outbox: MemoryOutbox::of(disk.clone()), broker: Broker::default() };
        Self {
            scenario,
            dice,
            clock,
            weather,
            disk,
            store: Arc::new(store),
            ledger: Arc::new(ledger),
            printed,
            roads,
            history,
            machines: Vec::new(),
            crashes: 0,
        }
    }

    async fn run(mut self) -> Report {
        for number in 0..self.scenario.nodes {
            let machine = self.boot(number);
            self.machines.push(machine);
        }
        let clients = Clients::new(self.dice.clone(), self.history.clone());
        clients.open_shop(&self.machines[0].node()).await;
        for _ in 0..self.scenario.steps {
            for _ in 0..self.dice.up_to(6) {
                let node = self.machines[self.dice.one_of(self.machines.len())].node();
                clients.act(node);
            }
            self.strike();
            self.clock.sleep(Duration::from_millis(self.dice.up_to(400))).await;
        }
        self.quiet_down().await;
        self.report().await
    }

    fn boot(&self, number: usize) -> Machine {
        let ledger = if self.scenario.shared_ledger {
            Arc::clone(&self.ledger)
        } else {
            let own = MemoryLedger::new(Arc::clone(&self.clock));
            Arc::new(FaultyLedger::new(own, Arc::clone(&self.clock), self.weather.clone()))
        };
        let way = self.roads.of_node(&self.store, &self.clock, &self.weather);
        Machine::boot(number, &self.clock, Arc::clone(&self.store), ledger, self.printed.clone(), way, &self.weather)
    }

    /// Kills a node, or wipes the ledger, if the weather is bad.
    fn strike(&mut self) {
        let victim = self.dice.one_of(self.machines.len());
        if self.scenario.kills && self.weather.strikes() {
            self.history.note(&format!("node {victim} dies"));
            self.crashes += 1;
            self.machines[victim].kill();
            self.machines[victim] = self.boot(victim);
        }
        if self.weather.strikes() {
            let node = self.machines[victim].node();
            let actors = node.live.list(None, None, 100);
            let actor = &actors[self.dice.one_of(actors.len())];
            self.history.note(&format!("{} {} of node {victim} is to panic", actor.kind, actor.key));
            node.live.poison(actor.kind, &actor.key);
        }
        if self.scenario.events == EventPath::Stream && self.weather.strikes() {
            self.history.note("the stream's partitions are dealt anew");
            self.roads.broker.shuffle(self.clock.now().monotonic);
        }
        if self.scenario.shared_ledger && self.weather.strikes() {
            if self.dice.is_heads() {
                self.history.note("the ledger is wiped");
                self.ledger.wipe();
            } else {
                self.history.note("the ledger is rolled back");
                self.ledger.roll_back();
            }
        }
    }

    /// Ends the faults and waits for as long as the product promises to need, counted from the last deadline.
    async fn quiet_down(&self) {
        self.weather.clear_up();
        self.history.note("the faults end");
        self.clock.sleep(Duration::from_secs(10)).await;
        self.history.expect_every_request_answered();
        self.clock.sleep(WINDOW + Duration::from_secs(10)).await;
    }

    async fn report(self) -> Report {
        // Whatever dies between printing and recording is printed again.
        let prints_once = self.crashes == 0;
        checks::after_all(&self.disk, &self.history, self.clock.now().wall, prints_once);
        checks::after_handing_on(&self.disk, &self.history, &self.roads);
        if self.scenario.fault_rate == 0 {
            checks::after_a_calm_run(&self.disk, &self.history);
        }
        for machine in &self.machines {
            match machine.node().verdicts.give(None, None, 100).await {
                Ok(verdict) if verdict.state == VerdictState::Agrees => {}
                verdict => self.history.violate(&format!("ledger_matches_store is broken: {verdict:?}")),
            }
        }
        self.history.report(self.crashes)
    }
}
