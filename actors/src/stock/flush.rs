//! One flush of a stock actor's queue: settle what is over, reserve for all who wait as one call, and re-read the store
//! once if the ledger's answer cannot be believed.

use std::mem::take;
use std::sync::Arc;

use crate::domain::id::SkuId;
use crate::domain::limits::BASE_AGE_MAX;
use crate::domain::stock::Sku;
use crate::ports::{Ledger, ReserveReply, ReserveRequest, ReserveVerdict, Settlement, Store};

/// What a flush needs from the world.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) store: Arc<dyn Store>,
}

/// What a flush came to.
#[derive(Default)]
pub(super) struct Flushed {
    /// One admission per request, in their order.
    pub(super) admissions: Vec<Admission>,
    /// The ledger's base and its version, as of the flush.
    pub(super) base: Option<(u64, i64)>,
    /// The SKU, if it was read from the store.
    pub(super) reread: Option<Sku>,
    /// Whether the ledger knew a newer version than the store has. Versions never go back, so the ledger was told of
    /// another store: the one before a backup was restored, or another shop's. It would refuse for ever.
    pub(super) is_foreign: bool,
}

/// Whether a request may go on to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Units are held under its grant.
    Granted,
    /// The ledger does not answer: the store decides alone.
    Ungated,
    /// Fewer units are there than wanted.
    Refused {
        /// Units available, as far as known.
        available: i64,
    },
    /// The store has the units, but placements in flight hold them: what becomes of those decides.
    Held,
    /// There is no such SKU.
    Unknown,
    /// Whoever was asked is gone, and it is not known whether units are held.
    Lost,
    /// Neither ledger nor store could tell.
    Unavailable(String),
}

impl Gate {
    pub(super) async fn flush(
        &self,
        sku_id: &SkuId,
        settlement: Option<Settlement>,
        requests: &[ReserveRequest],
    ) -> Flushed {
        if let Some(settlement) = settlement
            && let Err(error) = self.ledger.settle(sku_id, settlement).await
        {
            // The grants lapse and the base is re-read: nothing is lost but speed. The ledger tells of its outage itself.
            tracing::debug!(%sku_id, %error, "settlement lost");
        }
        let admissions = vec![Admission::Ungated; requests.len()];
        let mut flushed = Flushed { admissions, ..Flushed::default() };
        if requests.is_empty() {
            return flushed;
        }
        let every: Vec<usize> = (0..requests.len()).collect();
        let doubtful = self.reserve(sku_id, requests, every, &mut flushed).await;
        if !doubtful.is_empty() && self.reread(sku_id, &doubtful, &mut flushed).await {
            self.reserve(sku_id, requests, doubtful, &mut flushed).await;
        }
        flushed
    }

    /// Asks the ledger for the requests at `asked`; answers which refusals cannot be believed without a re-read.
    async fn reserve(
        &self,
        sku_id: &SkuId,
        requests: &[ReserveRequest],
        asked: Vec<usize>,
        flushed: &mut Flushed,
    ) -> Vec<usize> {
        let batch = asked.iter().map(|index| requests[*index].clone()).collect();
        let (verdicts, base, version, base_age) = match self.ledger.reserve(sku_id, batch).await {
            Ok(ReserveReply::Missing) => return asked,
            Ok(ReserveReply::Answered { verdicts, base, version, base_age }) => (verdicts, base, version, base_age),
            Err(error) => {
                tracing::debug!(%sku_id, %error, "going to the store without a gate");
                for index in asked {
                    flushed.admissions[index] = Admission::Ungated;
                }
                return Vec::new();
            }
        };
        flushed.base = Some((version, base));
        let is_old = base_age > BASE_AGE_MAX;
        let mut doubtful = Vec::new();
        for (index, verdict) in asked.into_iter().zip(verdicts) {
            let ReserveVerdict::Refused(refusal) = verdict else {
                flushed.admissions[index] = Admission::Granted;
                continue;
            };
            let is_there = base >= i64::from(requests[index].quantity);
            flushed.admissions[index] =
                if is_there { Admission::Held } else { Admission::Refused { available: refusal.available } };
            // What is held waits; what is not there is believed only if nothing is there, and that is known for sure.
            if is_old || (base > 0 && !is_there) {
                doubtful.push(index);
            }
        }
        doubtful
    }

    /// Reads the SKU from the store into the ledger. Answers whether the reserve is worth another try.
    async fn reread(&self, sku_id: &SkuId, doubtful: &[usize], flushed: &mut Flushed) -> bool {
        let read = self.store.skus(vec![sku_id.clone()]).await;
        let ahead = flushed.base.map_or(0, |(version, _)| version);
        let admission = match read.map(|mut skus| skus.remove(sku_id)) {
            Ok(Some(sku)) if sku.level.version < ahead => {
                let version = sku.level.version;
                tracing::warn!(%sku_id, version, ahead, "the ledger knew of a store that this one is not, and forgets");
                // Ungated whether it has forgotten or not; if not, it is found out again.
                let _ = self.ledger.forget(sku_id).await;
                *flushed = Flushed { base: None, reread: Some(sku), is_foreign: true, ..take(flushed) };
                Admission::Ungated
            }
            Ok(Some(sku)) => {
                let level = Some((sku.level.version, sku.level.available));
                let settled = self.ledger.settle(sku_id, Settlement { grants: Vec::new(), level }).await;
                flushed.reread = Some(sku);
                if settled.is_ok() {
                    return true;
                }
                Admission::Ungated
            }
            Ok(None) => Admission::Unknown,
            Err(error) => Admission::Unavailable(error.to_string()),
        };
        for index in doubtful {
            flushed.admissions[*index] = admission.clone();
        }
        false
    }
}
