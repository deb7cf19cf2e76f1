//! The verdict: do store, orders, ledger and actors say the same of a SKU?
//!
//! Store and orders are read in one transaction and must always add up. Ledger and actor may lag while work is in
//! flight: that is `settling`, unless it lasts.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;

use super::directory::StockDirectory;
use crate::domain::id::SkuId;
use crate::domain::invariant::{Invariant, stock_violations};
use crate::domain::stock::Level;
use crate::domain::time::Monotonic;
use crate::ports::{Clock, Ledger, LedgerLevel, Settlement, SkuAudit, Store, StoreError};
use crate::runtime::{Counter, Counts};

/// How long a ledger may lag before that is a difference.
const SETTLING_MAX: Duration = Duration::from_secs(10);

/// The invariants that a verdict is about.
const JUDGED: [Invariant; 3] = [Invariant::StockAddsUp, Invariant::StockMatchesOrders, Invariant::LedgerMatchesStore];

/// How far those asked agree. The declaration order is that of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerdictState {
    /// All say the same.
    Agrees,
    /// Work is in flight, or a difference is younger than ten seconds.
    Settling,
    /// They differ.
    Differs,
}

impl VerdictState {
    /// Every state, the best first.
    pub const ALL: [Self; 3] = [Self::Agrees, Self::Settling, Self::Differs];

    /// The state as clients name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Settling => "settling",
            Self::Differs => "differs",
        }
    }
}

/// What everyone says of one SKU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkuVerdict {
    /// How far they agree.
    pub state: VerdictState,
    /// What the store says, and what the orders hold, read in one transaction.
    pub audit: SkuAudit,
    /// What the ledger says; none if it does not know the SKU.
    pub ledger: Option<LedgerLevel>,
    /// What the node last saw committed, if the SKU is live here.
    pub actor: Option<Level>,
    /// What differs, in words.
    pub differences: Vec<String>,
    /// The invariants that this breaks.
    pub broken: Vec<Invariant>,
}

/// The verdict on every SKU asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The most severe state of all SKUs.
    pub state: VerdictState,
    /// One verdict per SKU, by id.
    pub skus: Vec<SkuVerdict>,
}

/// Gives verdicts.
pub struct Verdicts {
    store: Arc<dyn Store>,
    ledger: Arc<dyn Ledger>,
    stock: Arc<StockDirectory>,
    clock: Arc<dyn Clock>,
    /// Since when a SKU has been behind the version that its stock row has.
    lagging: DashMap<SkuId, (u64, Monotonic)>,
    /// How often a verdict found an invariant broken.
    violations: Vec<(Invariant, Counter)>,
}

impl Verdicts {
    /// Builds it.
    pub fn new(
        store: Arc<dyn Store>,
        ledger: Arc<dyn Ledger>,
        stock: Arc<StockDirectory>,
        clock: Arc<dyn Clock>,
        counts: &Counts,
    ) -> Self {
        let counter = |invariant: Invariant| (invariant, counts.violations(invariant));
        Self { store, ledger, stock, clock, lagging: DashMap::new(), violations: JUDGED.map(counter).into() }
    }

    /// The verdict on one SKU, or on all from `after` on, by id, at most `limit`.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn give(&self, sku_id: Option<SkuId>, after: Option<SkuId>, limit: usize) -> Result<Verdict, StoreError> {
        let mut skus = Vec::new();
        for audit in self.store.audit(sku_id, after, limit).await? {
            let first = self.weigh(audit).await;
            let again = if first.state == VerdictState::Agrees { Vec::new() } else { self.reread(&first).await? };
            let verdict = match again.into_iter().next() {
                Some(audit) => self.weigh(audit).await,
                None => first,
            };
            self.count(&verdict.broken);
            skus.push(verdict);
        }
        let state = skus.iter().map(|sku| sku.state).max().unwrap_or(VerdictState::Agrees);
        Ok(Verdict { state, skus })
    }

    fn count(&self, broken: &[Invariant]) {
        let counters = self.violations.iter().filter(|(invariant, _)| broken.contains(invariant));
        counters.for_each(|(_, counter)| counter.add(1));
    }

    /// Reads a SKU that does not agree again, into the ledger too.
    async fn reread(&self, verdict: &SkuVerdict) -> Result<Vec<SkuAudit>, StoreError> {
        let audits = self.store.audit(Some(verdict.audit.sku.sku_id.clone()), None, 1).await?;
        for SkuAudit { sku, .. } in &audits {
            let settlement = Settlement { grants: Vec::new(), level: Some((sku.level.version, sku.level.available)) };
            if let Some(ledger) = verdict.ledger {
                if ledger.version > sku.level.version {
                    // It was told of another store: see `Flushed`.
                    let _ = self.ledger.forget(&sku.sku_id).await;
                }
                // A ledger that does not answer is left out of the verdict.
                let _ = self.ledger.settle(&sku.sku_id, settlement).await;
            }
            self.stock.note(sku);
        }
        Ok(audits)
    }

    async fn weigh(&self, audit: SkuAudit) -> SkuVerdict {
        let sku_id = audit.sku.sku_id.clone();
        let ledger = self.ledger.read(&sku_id).await.ok().flatten();
        let actor = self.stock.live(&sku_id).map(|cell| cell.seen().level);
        let violations = stock_violations(&sku_id, &audit.sku.level, &audit.orders);
        let mut differences: Vec<String> = violations.iter().map(ToString::to_string).collect();
        let mut broken: Vec<Invariant> = violations.iter().map(|violation| violation.invariant).collect();
        let lags = lags(&audit.sku.level, ledger.as_ref(), actor.as_ref());
        let now = self.clock.now().monotonic;
        let lag = if lags.is_empty() {
            self.lagging.remove(&sku_id);
            Duration::ZERO
        } else {
            let version = audit.sku.level.version;
            let mut lagging = self.lagging.entry(sku_id).or_insert((version, now));
            if lagging.0 != version {
                *lagging = (version, now);
            }
            now.since(lagging.1)
        };
        let is_in_flight = ledger.is_some_and(|ledger| ledger.grants > 0);
        if !is_in_flight && lag >= SETTLING_MAX {
            broken.push(Invariant::LedgerMatchesStore);
        }
        let state = if !broken.is_empty() {
            VerdictState::Differs
        } else if is_in_flight || !lags.is_empty() {
            VerdictState::Settling
        } else {
            VerdictState::Agrees
        };
        differences.extend(lags);
        SkuVerdict { state, audit, ledger, actor, differences, broken }
    }
}

fn lags(store: &Level, ledger: Option<&LedgerLevel>, actor: Option<&Level>) -> Vec<String> {
    let mut lags = Vec::new();
    if let Some(ledger) = ledger
        && (ledger.base != store.available || ledger.version != store.version)
    {
        let LedgerLevel { base, version, .. } = ledger;
        let Level { available, version: newer, .. } = store;
        lags.push(format!("the ledger's base is {base} of version {version}, the store has {available} of {newer}"));
    }
    if let Some(actor) = actor
        && actor != store
    {
        lags.push(format!("the node has seen {actor:?}, the store has {store:?}"));
    }
    lags
}
