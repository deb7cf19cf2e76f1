//! Which SKUs are known to be sold out: the cheapest no there is.
//!
//! A flag spares the ledger, never decides alone: one reserve a second passes it, so a lost signal costs a second.

use dashmap::DashMap;

use crate::domain::id::SkuId;
use crate::domain::limits::SOLD_OUT_PROBE_INTERVAL;
use crate::domain::time::Monotonic;

/// The node's sold-out flags.
#[derive(Debug, Default)]
pub struct SoldOutFlags {
    seen: DashMap<SkuId, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// The newest version seen of the stock row.
    version: u64,
    sold_out: bool,
    probed_at: Option<Monotonic>,
}

impl SoldOutFlags {
    /// Takes note of what the store had available at `version`; older news than what was seen is passed over.
    pub fn note(&self, sku_id: &SkuId, version: u64, base: i64) {
        let mut seen = self.seen.entry(sku_id.clone()).or_default();
        if version >= seen.version {
            seen.version = version;
            seen.sold_out = base <= 0;
        }
    }

    /// Forgets a SKU that is not live any more.
    pub fn forget(&self, sku_id: &SkuId) {
        self.seen.remove(sku_id);
    }

    /// Whether a request is to be refused for this SKU: it is flagged, and another request looks again this second.
    pub fn refuses(&self, sku_id: &SkuId, now: Monotonic) -> bool {
        self.seen.get(sku_id).is_some_and(|seen| {
            let is_probed = |probed_at: Monotonic| now.since(probed_at) < SOLD_OUT_PROBE_INTERVAL;
            seen.sold_out && seen.probed_at.is_some_and(is_probed)
        })
    }

    /// Notes that a request for this SKU is sent on: if it is flagged, it is the one that looks again.
    pub fn pass(&self, sku_id: &SkuId, now: Monotonic) {
        if self.seen.get(sku_id).is_some_and(|seen| seen.sold_out)
            && let Some(mut seen) = self.seen.get_mut(sku_id)
        {
            seen.probed_at = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(millis: u64) -> Monotonic {
        Monotonic::since_start(Duration::from_millis(millis))
    }

    fn passes(flags: &SoldOutFlags, sku_id: &SkuId, millis: u64) -> bool {
        let is_refused = flags.refuses(sku_id, at(millis));
        if !is_refused {
            flags.pass(sku_id, at(millis));
        }
        !is_refused
    }

    #[test]
    fn a_flag_lets_one_request_a_second_pass() {
        let flags = SoldOutFlags::default();
        let sku: SkuId = "a".parse().expect("a valid id");
        assert!(passes(&flags, &sku, 0));
        flags.note(&sku, 5, 0);
        let table = [(0, true), (1, false), (999, false), (1_000, true), (1_500, false)];
        for (millis, expected) in table {
            assert_eq!(passes(&flags, &sku, millis), expected, "at {millis} ms");
        }
    }

    #[test]
    fn a_flag_is_never_set_by_older_news_and_is_cleared_by_newer() {
        let flags = SoldOutFlags::default();
        let sku: SkuId = "a".parse().expect("a valid id");
        flags.note(&sku, 5, 0);
        assert!(passes(&flags, &sku, 0));
        assert!(!passes(&flags, &sku, 1));
        flags.note(&sku, 6, 3);
        assert!(passes(&flags, &sku, 2));
        flags.note(&sku, 5, 0);
        assert!(passes(&flags, &sku, 3));
        flags.note(&sku, 7, 0);
        flags.note(&sku, 6, 9);
        assert!(!passes(&flags, &sku, 4));
    }
}
