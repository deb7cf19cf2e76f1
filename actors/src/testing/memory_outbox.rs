//! The outbox of a [`Disk`] that nodes share.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::FutureExt;

use super::memory_store::Disk;
use crate::domain::event::OrderEvent;
use crate::domain::id::OrderId;
use crate::ports::{Answer, HandOn, Outbox, RelayError, Relayed};

/// See the module. Orders in someone's hands are held by whoever has them.
#[derive(Clone, Default)]
pub struct MemoryOutbox {
    disk: Disk,
    held: Arc<Mutex<BTreeSet<OrderId>>>,
}

impl MemoryOutbox {
    /// The outbox of what is committed to a disk.
    pub fn of(disk: Disk) -> Self {
        Self { disk, held: Arc::default() }
    }

    fn take(&self, limit: usize) -> (Vec<OrderEvent>, Held) {
        let tables = self.disk.tables();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = |event: &&OrderEvent| {
            tables.unpublished.contains(&(event.order_id, event.version)) && !held.contains(&event.order_id)
        };
        let events: Vec<_> = tables.events.iter().filter(is_free).take(limit).cloned().collect();
        let orders: BTreeSet<_> = events.iter().map(|event| event.order_id).collect();
        held.extend(&orders);
        (events, Held { orders, all: Arc::clone(&self.held) })
    }
}

/// Orders in someone's hands. Lets go when it is dropped.
struct Held {
    orders: BTreeSet<OrderId>,
    all: Arc<Mutex<BTreeSet<OrderId>>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).retain(|order_id| !self.orders.contains(order_id));
    }
}

impl Outbox for MemoryOutbox {
    fn relay(&self, limit: usize, hand_on: HandOn) -> Answer<'_, Result<Relayed, RelayError>> {
        async move {
            let (events, _held) = self.take(limit);
            let relayed = Relayed { events: events.len(), may_be_more: events.len() >= limit };
            if relayed.events > 0 {
                let names: Vec<_> = events.iter().map(|event| (event.order_id, event.version)).collect();
                hand_on(events).await.map_err(RelayError::HandOn)?;
                let mut tables = self.disk.tables();
                tables.unpublished.retain(|name| !names.contains(name));
            }
            Ok(relayed)
        }
        .boxed()
    }
}
