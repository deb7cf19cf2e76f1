//! A machine that runs one node, and can be killed between any two awaits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::FutureExt;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, LocalSet};

use super::faults::{FaultyLedger, FaultyStore, Weather};
use super::history::History;
use crate::domain::event::OrderEvent;
use crate::domain::id::OrderId;
use crate::domain::time::Timestamp;
use crate::node::{Events, Node, Ports, Shared};
use crate::ports::{Answer, Clock, EventSink, Ids, Ledger, SinkError, Spawn, Store};

/// A running machine.
pub(super) struct Machine {
    node: Arc<Node>,
    process: JoinHandle<()>,
}

type Task = Box<dyn FnOnce() + Send>;

/// Runs actors in the `LocalSet` of their process.
struct ProcessSpawn(mpsc::UnboundedSender<Task>);

impl Spawn for ProcessSpawn {
    fn spawn(&self, task: Task) {
        // A process that was killed runs nothing any more.
        let _ = self.0.send(task);
    }
}

impl Machine {
    pub(super) fn boot(
        number: usize,
        clock: &Arc<dyn Clock>,
        store: Arc<FaultyStore>,
        ledger: Arc<FaultyLedger>,
        printed: PrintedLines,
        (events, stream): (Events, Option<Shared>),
        weather: &Weather,
    ) -> Self {
        let (tasks, mut queue) = mpsc::unbounded_channel::<Task>();
        let process = tokio::task::spawn_local(async move {
            let actors = LocalSet::new();
            let run = async {
                while let Some(task) = queue.recv().await {
                    task();
                }
            };
            actors.run_until(run).await;
        });
        let ports = Ports {
            store: store as Arc<dyn Store>,
            ledger: Arc::clone(&ledger) as Arc<dyn Ledger>,
            signals: ledger,
            events,
            stream,
            sink: Arc::new(printed),
            clock: Arc::clone(clock),
            ids: Arc::new(CountedIds {
                node: number as u64,
                salt: weather.dice.up_to(u64::MAX),
                next: AtomicU64::new(0),
            }),
            spawn: Arc::new(ProcessSpawn(tasks)),
        };
        Self { node: Arc::new(Node::start(&ports)), process }
    }

    pub(super) fn node(&self) -> Arc<Node> {
        Arc::clone(&self.node)
    }

    pub(super) fn kill(&self) {
        self.process.abort();
    }
}

/// Ids that are made of time, node and count, so that a run can be repeated.
struct CountedIds {
    node: u64,
    salt: u64,
    next: AtomicU64,
}

impl Ids for CountedIds {
    fn order_id(&self, now: Timestamp) -> OrderId {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        let time = u128::try_from(now.millis()).unwrap_or(0);
        let rest = u128::from(self.node) << 76 | u128::from(count) << 40 | u128::from(self.salt >> 24);
        OrderId::from_u128(time << 80 | rest)
    }
}

/// Where every machine prints.
#[derive(Clone)]
pub(super) struct PrintedLines {
    history: History,
    weather: Weather,
}

impl PrintedLines {
    pub(super) const fn new(history: History, weather: Weather) -> Self {
        Self { history, weather }
    }
}

impl EventSink for PrintedLines {
    fn print(&self, events: Vec<OrderEvent>) -> Answer<'_, Result<(), SinkError>> {
        async move {
            if !self.weather.strikes() {
                events.iter().for_each(|event| self.history.print(event));
                return Ok(());
            }
            let out = self.weather.dice.one_of(events.len() + 1);
            events.iter().take(out).for_each(|event| self.history.print(event));
            let is_the_events = out < events.len() && self.weather.dice.is_heads();
            Err(SinkError { printed: out, reason: "the pipe is full".to_owned(), is_the_events })
        }
        .boxed()
    }
}
