//! Which SKUs are live on this node: finds a SKU's actor or starts it, and keeps what the node knows of each.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::sync::Semaphore;

use super::actor::{Reserve, Settle, StockActor};
use super::flush::Gate;
use super::sold_out::SoldOutFlags;
use crate::domain::id::SkuId;
use crate::domain::limits::{IN_HAND_MAX, SETTLEMENTS_AT_REST_MAX};
use crate::domain::stock::Sku;
use crate::domain::time::Monotonic;
use crate::ports::{Clock, Ledger, Settlement, StockSignal, Store, StoreError};
use crate::runtime::{Link, Post, Stage};

/// What the node knows of a live SKU.
#[derive(Debug)]
pub struct StockCell {
    /// The SKU's id.
    pub sku_id: SkuId,
    /// To its actor, for reserves.
    pub reserve: Link<Reserve>,
    /// To its actor, for settlements.
    pub settle: Link<Settle>,
    seen: RwLock<Seen>,
}

/// A SKU as last seen committed, and when that was. None: it was read before the SKU was live, and what was committed
/// between the two was told to nobody.
type Seen = (Arc<Sku>, Option<Monotonic>);

impl StockCell {
    /// The SKU as last seen committed.
    pub fn seen(&self) -> Arc<Sku> {
        Arc::clone(&self.seen.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Whether what was seen may be older than `age`.
    pub fn may_be_older(&self, age: Duration, now: Monotonic) -> bool {
        let (_, seen_at) = *self.seen.read().unwrap_or_else(PoisonError::into_inner);
        seen_at.is_none_or(|seen_at| now.since(seen_at) > age)
    }

    /// Takes note of a committed SKU. Goods and level are ordered each by their own mark, so older news changes neither.
    fn note(&self, sku: &Sku, now: Monotonic) {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        let (before, _) = &*seen;
        let goods = if sku.updated_at >= before.updated_at { sku } else { before };
        let stock = if sku.level.version >= before.level.version { sku } else { before };
        let merged = Sku { level: stock.level, flow_seq: stock.flow_seq, ..goods.clone() };
        *seen = (Arc::new(merged), Some(now));
    }
}

/// The directory of live SKUs.
pub struct StockDirectory {
    cells: Arc<DashMap<SkuId, Arc<StockCell>>>,
    flags: Arc<SoldOutFlags>,
    gate: Gate,
    stage: Stage,
    /// Settlements on their way to the ledger without an actor.
    settling: Arc<Semaphore>,
}

impl StockDirectory {
    /// Builds an empty directory.
    pub fn new(ledger: Arc<dyn Ledger>, store: Arc<dyn Store>, stage: Stage) -> Self {
        Self {
            cells: Arc::default(),
            flags: Arc::default(),
            gate: Gate { ledger, store },
            stage,
            settling: Arc::new(Semaphore::new(SETTLEMENTS_AT_REST_MAX)),
        }
    }

    /// The node's sold-out flags.
    pub fn flags(&self) -> &SoldOutFlags {
        &self.flags
    }

    /// The cell of a SKU that is live now.
    pub fn live(&self, sku_id: &SkuId) -> Option<Arc<StockCell>> {
        self.cells.get(sku_id).map(|cell| Arc::clone(&cell))
    }

    /// The cells of those SKUs that exist, started where they are not live. Only what is not live is read.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn find(&self, sku_ids: Vec<SkuId>) -> Result<BTreeMap<SkuId, Arc<StockCell>>, StoreError> {
        let mut found = BTreeMap::new();
        let mut missing = Vec::new();
        for sku_id in sku_ids {
            match self.live(&sku_id) {
                Some(cell) => {
                    found.insert(sku_id, cell);
                }
                None => missing.push(sku_id),
            }
        }
        if !missing.is_empty() {
            let skus = self.gate.store.skus(missing).await?;
            found.extend(skus.into_iter().map(|(sku_id, sku)| (sku_id, self.wake(&sku))));
        }
        Ok(found)
    }

    /// Reads live SKUs anew: what is remembered of their goods may be old where other nodes write too.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn refresh(&self, sku_ids: Vec<SkuId>) -> Result<(), StoreError> {
        for sku in self.gate.store.skus(sku_ids).await?.values() {
            self.note(sku);
        }
        Ok(())
    }

    /// Takes note of a committed SKU, and clears or sets its sold-out flag.
    pub fn note(&self, sku: &Sku) {
        if let Some(cell) = self.live(&sku.sku_id) {
            cell.note(sku, self.stage.clock.now().monotonic);
            self.flags.note(&sku.sku_id, sku.level.version, sku.level.available);
        }
    }

    /// Takes note of what another node had settled.
    pub fn hear(&self, signal: &StockSignal) {
        // Of a SKU that is not live there is no flag to set or clear.
        if self.cells.contains_key(&signal.sku_id) {
            self.flags.note(&signal.sku_id, signal.version, signal.available);
        }
    }

    /// Hands a settlement to the SKU's actor. Of a SKU that is not live only the ledger is told, if it may know it: whoever
    /// changes a whole catalogue starts nobody.
    pub fn settle(&self, sku_id: &SkuId, settlement: Settlement) {
        let is_sent = match self.live(sku_id) {
            Some(cell) => cell.settle.send(Settle(settlement)).is_ok(),
            None => !self.gate.ledger.may_know(sku_id) || self.settle_at_rest(sku_id, settlement),
        };
        if !is_sent {
            // The grants lapse and the base is re-read: nothing is lost but speed.
            tracing::warn!(%sku_id, "settlement dropped, too many are on their way");
        }
    }

    /// Tells the ledger of a SKU that has no actor to do so. Settlements are absolute and ordered by version, so one may
    /// overtake another. Answers whether there was room for it.
    fn settle_at_rest(&self, sku_id: &SkuId, settlement: Settlement) -> bool {
        let Ok(place) = Arc::clone(&self.settling).try_acquire_owned() else { return false };
        let (ledger, cells, sku_id) = (Arc::clone(&self.gate.ledger), Arc::clone(&self.cells), sku_id.clone());
        self.stage.spawn.spawn(Box::new(move || {
            actix::spawn(async move {
                let _place = place;
                if let Err(error) = ledger.settle(&sku_id, settlement).await {
                    tracing::debug!(%sku_id, %error, "settlement lost");
                }
                // With the last of its grants goes what kept the SKU in mind.
                if !cells.contains_key(&sku_id) {
                    ledger.rest(&sku_id);
                }
            });
        }));
        true
    }

    /// The cell of a SKU, whose actor is started if it is not live.
    pub fn wake(&self, sku: &Sku) -> Arc<StockCell> {
        if let Some(cell) = self.live(&sku.sku_id) {
            return cell;
        }
        match self.cells.entry(sku.sku_id.clone()) {
            Entry::Occupied(entry) => Arc::clone(entry.get()),
            Entry::Vacant(entry) => Arc::clone(&entry.insert(self.start(sku))),
        }
    }

    fn start(&self, sku: &Sku) -> Arc<StockCell> {
        // A SKU may be all that the node's orders are about, so each link takes as much as the node does.
        let cell = Arc::new(StockCell {
            sku_id: sku.sku_id.clone(),
            reserve: Link::new(IN_HAND_MAX),
            settle: Link::new(IN_HAND_MAX),
            seen: RwLock::new((Arc::new(sku.clone()), None)),
        });
        let seat = Seat {
            cell: Arc::clone(&cell),
            cells: Arc::clone(&self.cells),
            flags: Arc::clone(&self.flags),
            gate: self.gate.clone(),
            clock: Arc::clone(&self.stage.clock),
        };
        Post::new("stock", &sku.sku_id, move |lifeline| StockActor::new(seat.clone(), lifeline))
            .reached_by(&cell.reserve)
            .reached_by(&cell.settle)
            .fill(&self.stage);
        cell
    }
}

/// What a stock actor has from the directory.
#[derive(Clone)]
pub(super) struct Seat {
    pub(super) cell: Arc<StockCell>,
    cells: Arc<DashMap<SkuId, Arc<StockCell>>>,
    pub(super) flags: Arc<SoldOutFlags>,
    pub(super) gate: Gate,
    pub(super) clock: Arc<dyn Clock>,
}

impl Seat {
    /// Takes note of what was read from the store.
    pub(super) fn note(&self, sku: &Sku) {
        self.cell.note(sku, self.clock.now().monotonic);
        self.flags.note(&sku.sku_id, sku.level.version, sku.level.available);
    }

    /// Takes the SKU out of the directory: whoever looks for it now starts another actor.
    pub(super) fn leave(&self) {
        let sku_id = &self.cell.sku_id;
        self.cells.remove_if(sku_id, |_, cell| Arc::ptr_eq(cell, &self.cell));
        self.flags.forget(sku_id);
        self.gate.ledger.rest(sku_id);
    }
}
