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

    /// Whether a request may go on to the ledger: no flag, or it is the one that looks again.
    pub fn lets_pass(&self, sku_id: &SkuId, now: Monotonic) -> bool {
        let is_flagged = self.seen.get(sku_id).is_some_and(|seen| seen.sold_out);
        if !is_flagged {
            return true;
        }
        let Some(mut seen) = self.seen.get_mut(sku_id) else { return true };
        if seen.probed_at.is_some_and(|probed_at| now.since(probed_at) < SOLD_OUT_PROBE_INTERVAL) {
            return false;
        }
        seen.probed_at = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(millis: u64) -> Monotonic {
        Monotonic::since_start(Duration::from_millis(millis))
    }

    #[test]
    fn a_flag_lets_one_request_a_second_pass() {
        let flags = SoldOutFlags::default();
        let sku: SkuId = "a".parse().expect("a valid id");
        assert!(flags.lets_pass(&sku, at(0)));
        flags.note(&sku, 5, 0);
        let table = [(0, true), (1, false), (999, false), (1_000, true), (1_500, false)];
        for (millis, passes) in table {
            assert_eq!(flags.lets_pass(&sku, at(millis)), passes, "at {millis} ms");
        }
    }

    #[test]
    fn a_flag_is_never_set_by_older_news_and_is_cleared_by_newer() {
        let flags = SoldOutFlags::default();
        let sku: SkuId = "a".parse().expect("a valid id");
        flags.note(&sku, 5, 0);
        assert!(flags.lets_pass(&sku, at(0)));
        assert!(!flags.lets_pass(&sku, at(1)));
        flags.note(&sku, 6, 3);
        assert!(flags.lets_pass(&sku, at(2)));
        flags.note(&sku, 5, 0);
        assert!(flags.lets_pass(&sku, at(3)));
        flags.note(&sku, 7, 0);
        flags.note(&sku, 6, 9);
        assert!(!flags.lets_pass(&sku, at(4)));
    }
}
