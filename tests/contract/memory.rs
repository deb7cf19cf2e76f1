//! The ports that live in this process's memory: the ledger of the embedded service, and the store of the simulated world,
//! which has to keep the same contract for the simulation to mean anything.

use std::sync::Arc;
use std::time::Duration;

use actors::domain::commit::Rules;
use actors::domain::event::OrderEvent;
use actors::domain::id::OrderId;
use actors::node::Events;
use actors::ports::{Answer, Clock, EventStream, Ledger, Signals};
use actors::stock::MemoryLedger;
use actors::testing::contract::event_stream::{Aside, StreamBackend};
use actors::testing::contract::ledger::LedgerBackend;
use actors::testing::contract::{Backend, Opened};
use actors::testing::manual_clock::ManualClock;
use actors::testing::memory_outbox::MemoryOutbox;
use actors::testing::memory_store::{Disk, MemoryStore};
use actors::testing::memory_stream::Broker;
use actors::{event_log_contract, event_stream_contract, ledger_contract, outbox_contract, store_contract};
use floodgate::app::clock::SystemClock;

impl Backend for MemoryDisk {
    fn open(&self, clock: Arc<dyn Clock>) -> Answer<'_, Opened> {
        let store = Arc::new(MemoryStore::open(self.0.clone(), clock, Rules::default()));
        Box::pin(async move { Opened { store: Arc::<MemoryStore>::clone(&store), events: Events::Log(store) } })
    }

    fn is_durable(&self) -> bool {
        true
    }
}

struct MemoryDisk(Disk);

fn memory() -> MemoryDisk {
    MemoryDisk(Disk::default())
}

store_contract!(memory);
event_log_contract!(memory);

/// The same store, as nodes share it.
struct SharedDisk {
    disk: Disk,
    outbox: MemoryOutbox,
}

impl Backend for SharedDisk {
    fn open(&self, clock: Arc<dyn Clock>) -> Answer<'_, Opened> {
        let store = Arc::new(MemoryStore::open(self.disk.clone(), clock, Rules::default()));
        let events = Events::Outbox(Arc::new(self.outbox.clone()));
        Box::pin(async move { Opened { store, events } })
    }

    fn is_durable(&self) -> bool {
        true
    }
}

fn shared() -> SharedDisk {
    let disk = Disk::default();
    SharedDisk { outbox: MemoryOutbox::of(disk.clone()), disk }
}

outbox_contract!(shared);

struct InProcess {
    clock: Arc<ManualClock>,
    ledger: Arc<MemoryLedger>,
}

impl LedgerBackend for InProcess {
    fn ledger(&self) -> Arc<dyn Ledger> {
        Arc::<MemoryLedger>::clone(&self.ledger)
    }

    fn signals(&self) -> Arc<dyn Signals> {
        Arc::<MemoryLedger>::clone(&self.ledger)
    }

    fn pass(&self, duration: Duration) -> Answer<'_, ()> {
        self.clock.advance(duration);
        Box::pin(std::future::ready(()))
    }
}

fn in_process() -> InProcess {
    let clock = Arc::new(ManualClock::default());
    InProcess { ledger: Arc::new(MemoryLedger::new(Arc::<ManualClock>::clone(&clock))), clock }
}

mod ledger {
    use super::*;

    ledger_contract!(in_process);
}

#[derive(Default)]
struct MemoryBroker(Broker);

impl StreamBackend for MemoryBroker {
    fn member(&self, group: &'static str) -> Arc<dyn EventStream> {
        Arc::new(self.0.member(group, Arc::new(SystemClock::start())))
    }

    fn append_nonsense(&self, order_id: OrderId) -> Answer<'_, ()> {
        self.0.append_nonsense(order_id);
        Box::pin(std::future::ready(()))
    }

    fn append_replay(&self, event: OrderEvent) -> Answer<'_, ()> {
        self.0.append(event, true);
        Box::pin(std::future::ready(()))
    }

    fn aside(&self) -> Answer<'_, Vec<Aside>> {
        let aside = self.0.aside().into_iter().map(|((order_id, event), origin, cause)| {
            let version = event.ok().map(|event| event.version);
            Aside { order_id, version, origin, cause }
        });
        Box::pin(std::future::ready(aside.collect()))
    }
}

mod stream {
    use super::*;

    event_stream_contract!(MemoryBroker::default);
}
