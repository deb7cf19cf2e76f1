//! The in-process ledger: what the Lua scripts do, in this process's memory.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

use dashmap::DashMap;
use futures_util::future::{FutureExt, ready};

use crate::domain::id::{GrantId, SkuId};
use crate::domain::limits::GRANT_LIFETIME;
use crate::domain::time::Monotonic;
use crate::ports::{
    Answer, Clock, Hear, Ledger, LedgerError, LedgerLevel, Refusal, ReserveReply, ReserveRequest, ReserveVerdict,
    Settlement, Signals, StockSignal,
};

/// A ledger that lives and dies with this process.
pub struct MemoryLedger {
    clock: Arc<dyn Clock>,
    entries: DashMap<SkuId, Entry>,
    listeners: RwLock<Vec<Hear>>,
}

#[derive(Default)]
struct Entry {
    base: i64,
    version: u64,
    base_at: Monotonic,
    granted: i64,
    grants: HashMap<GrantId, Grant>,
    /// Grants by the time they lapse. A renewed grant has an old place here too, which is passed over.
    lapses: VecDeque<(Monotonic, GrantId)>,
}

struct Grant {
    quantity: u32,
    lapses_at: Monotonic,
}

impl MemoryLedger {
    /// Builds an empty ledger.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, entries: DashMap::new(), listeners: RwLock::default() }
    }

    /// Forgets everything, as a Redis that lost its memory would.
    pub fn wipe(&self) {
        self.entries.clear();
    }
}

impl Entry {
    fn available(&self) -> i64 {
        self.base - self.granted
    }

    fn drop_lapsed(&mut self, now: Monotonic) {
        while let Some((lapses_at, grant)) = self.lapses.front().copied()
            && lapses_at < now
        {
            self.lapses.pop_front();
            if self.grants.get(&grant).is_some_and(|held| held.lapses_at < now) {
                self.drop_grant(grant);
            }
        }
    }

    fn drop_grant(&mut self, grant: GrantId) {
        if let Some(held) = self.grants.remove(&grant) {
            self.granted -= i64::from(held.quantity);
        }
    }

    fn reserve(&mut self, request: ReserveRequest, now: Monotonic) -> ReserveVerdict {
        let lapses_at = now.plus(GRANT_LIFETIME);
        if let Some(held) = self.grants.get_mut(&request.grant) {
            held.lapses_at = lapses_at;
            self.lapses.push_back((lapses_at, request.grant));
            return ReserveVerdict::Granted;
        }
        if self.available() < i64::from(request.quantity) && !cfg!(feature = "oversell") {
            return ReserveVerdict::Refused(Refusal { available: self.available() });
        }
        self.granted += i64::from(request.quantity);
        self.grants.insert(request.grant, Grant { quantity: request.quantity, lapses_at });
        self.lapses.push_back((lapses_at, request.grant));
        ReserveVerdict::Granted
    }

    /// Answers the level if it is newer than what was known.
    fn settle(&mut self, settlement: Settlement, now: Monotonic) -> Option<(u64, i64)> {
        for grant in settlement.grants {
            self.drop_grant(grant);
        }
        if let Some((version, available)) = settlement.level
            && version >= self.version
        {
            let is_newer = version > self.version;
            self.version = version;
            self.base = available;
            self.base_at = now;
            return is_newer.then_some((version, available));
        }
        None
    }
}

impl Ledger for MemoryLedger {
    fn reserve(&self, sku_id: &SkuId, requests: Vec<ReserveRequest>) -> Answer<'_, Result<ReserveReply, LedgerError>> {
        let now = self.clock.now().monotonic;
        let reply = match self.entries.get_mut(sku_id) {
            None => ReserveReply::Missing,
            Some(mut entry) => {
                entry.drop_lapsed(now);
                ReserveReply::Answered {
                    verdicts: requests.into_iter().map(|request| entry.reserve(request, now)).collect(),
                    base: entry.base,
                    version: entry.version,
                    base_age: now.since(entry.base_at),
                }
            }
        };
        ready(Ok(reply)).boxed()
    }

    fn settle(&self, sku_id: &SkuId, settlement: Settlement) -> Answer<'_, Result<(), LedgerError>> {
        let now = self.clock.now().monotonic;
        let mut entry = match self.entries.get_mut(sku_id) {
            Some(entry) => entry,
            None if settlement.level.is_none() => return ready(Ok(())).boxed(),
            None => self.entries.entry(sku_id.clone()).or_default(),
        };
        let newer = entry.settle(settlement, now);
        // Those who listen may ask for the same entry.
        drop(entry);
        if let Some((version, available)) = newer {
            for hear in &*self.listeners.read().unwrap_or_else(PoisonError::into_inner) {
                hear(StockSignal { sku_id: sku_id.clone(), version, available });
            }
        }
        ready(Ok(())).boxed()
    }

    fn rest(&self, sku_id: &SkuId) {
        let now = self.clock.now().monotonic;
        self.entries.remove_if_mut(sku_id, |_, entry| {
            entry.drop_lapsed(now);
            entry.grants.is_empty()
        });
    }

    fn may_know(&self, sku_id: &SkuId) -> bool {
        self.entries.contains_key(sku_id)
    }

    fn forget(&self, sku_id: &SkuId) -> Answer<'_, Result<(), LedgerError>> {
        self.entries.remove(sku_id);
        ready(Ok(())).boxed()
    }

    fn is_answering(&self) -> bool {
        true
    }

    fn read(&self, sku_id: &SkuId) -> Answer<'_, Result<Option<LedgerLevel>, LedgerError>> {
        let now = self.clock.now().monotonic;
        let level = self.entries.get_mut(sku_id).map(|mut entry| {
            entry.drop_lapsed(now);
            LedgerLevel {
                base: entry.base,
                version: entry.version,
                available: entry.available(),
                grants: entry.grants.len(),
            }
        });
        ready(Ok(level)).boxed()
    }
}

impl Signals for MemoryLedger {
    fn subscribe(&self, hear: Hear) {
        self.listeners.write().unwrap_or_else(PoisonError::into_inner).push(hear);
    }
}
