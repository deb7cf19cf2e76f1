//! The fast gate in front of the store: soft state that may be lost at any time.

use std::sync::Arc;
use std::time::Duration;

use super::Answer;
use crate::domain::id::{GrantId, SkuId};

/// Why the ledger did not answer. The work then goes to the store without a gate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger does not answer: {0}")]
pub struct LedgerError(pub String);

/// Units wanted under a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReserveRequest {
    /// Names the grant; a repeat finds the first and takes nothing more.
    pub grant: GrantId,
    /// Units wanted.
    pub quantity: u32,
    /// Who wants them, for the ledger's own records.
    pub who: Arc<str>,
}

/// What became of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReserveVerdict {
    /// The units are held under the grant, for its lifetime.
    Granted,
    /// Fewer units are available than wanted.
    Refused(Refusal),
}

/// Why the ledger did not grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Units available; may be below zero while the store is ahead.
    pub available: i64,
}

/// The answer to a batch of requests for one SKU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReserveReply {
    /// The ledger does not know the SKU: neither zero nor unlimited, but to be read from the store.
    Missing,
    /// One verdict per request, in their order.
    Answered {
        /// The verdicts.
        verdicts: Vec<ReserveVerdict>,
        /// What the store had available at `version`.
        base: i64,
        /// The stock row's version that `base` belongs to.
        version: u64,
        /// How long ago the base was taken or confirmed.
        base_age: Duration,
    },
}

/// What the store committed, to be taken over by the ledger. Absolute, idempotent, ordered by `version`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// Grants whose placement is over: these and no others are dropped.
    pub grants: Vec<GrantId>,
    /// The stock row's `(version, available)`; taken as the new base unless older than the ledger's own.
    pub level: Option<(u64, i64)>,
}

/// What the ledger holds for a SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerLevel {
    /// What the store had available at `version`.
    pub base: i64,
    /// The stock row's version that `base` belongs to.
    pub version: u64,
    /// Base less the open grants; may be below zero while the store is ahead.
    pub available: i64,
    /// Open grants.
    pub grants: usize,
}

/// Per SKU a base and the open grants; `available` is base less grants and is never clamped.
///
/// Every call ends within about half a second, with an error if nothing else: placements wait for it.
pub trait Ledger: Send + Sync + 'static {
    /// Holds units for each request, all or nothing per request, in order, idempotent by grant.
    fn reserve(&self, sku_id: &SkuId, requests: Vec<ReserveRequest>) -> Answer<'_, Result<ReserveReply, LedgerError>>;

    /// Takes over what the store committed. With a level, an unknown SKU becomes known.
    fn settle(&self, sku_id: &SkuId, settlement: Settlement) -> Answer<'_, Result<(), LedgerError>>;

    /// Tells that this node has no use for a SKU for now. A ledger in this process may forget it, unless it holds
    /// grants; one that others share must not.
    fn rest(&self, sku_id: &SkuId);

    /// Whether it may know a SKU, so that what becomes of it has to be told also by a node where it is not live. A ledger
    /// that others share always says yes; what one in this process has forgotten is read from the store again anyway.
    fn may_know(&self, sku_id: &SkuId) -> bool;

    /// Forgets a SKU with all its grants: it is missing then.
    fn forget(&self, sku_id: &SkuId) -> Answer<'_, Result<(), LedgerError>>;

    /// Whether it answers, as far as known. While it does not, its calls fail at once, and it finds out by itself when
    /// it answers again.
    fn is_answering(&self) -> bool;

    /// What the ledger holds for a SKU; none if it does not know it.
    fn read(&self, sku_id: &SkuId) -> Answer<'_, Result<Option<LedgerLevel>, LedgerError>>;
}
