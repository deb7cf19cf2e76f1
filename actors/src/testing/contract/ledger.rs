//! What a `Ledger` owes the core: a gate that never lets more pass than it was told is there, for as long as it
//! remembers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::domain::id::{GrantId, OrderId, SkuId};
use crate::domain::limits::GRANT_LIFETIME;
use crate::ports::{
    Answer, Ledger, LedgerLevel, Refusal, ReserveReply, ReserveRequest, ReserveVerdict, Settlement, Signals,
    StockSignal,
};
use crate::testing::fixtures::sku_id;

use ReserveVerdict::{Granted, Refused};

/// An empty ledger, and a way to let its own clock go on.
pub trait LedgerBackend: Send + Sync + 'static {
    /// The ledger under test.
    fn ledger(&self) -> Arc<dyn Ledger>;

    /// What tells of its levels.
    fn signals(&self) -> Arc<dyn Signals>;

    /// Lets so much time pass on the ledger's own clock.
    fn pass(&self, duration: Duration) -> Answer<'_, ()>;
}

/// A ledger with shorthands for what cases do again and again.
pub struct LedgerBench {
    backend: Box<dyn LedgerBackend>,
    sku_id: SkuId,
}

impl LedgerBench {
    /// Opens the ledger.
    pub fn on(backend: impl LedgerBackend) -> Self {
        Self { backend: Box::new(backend), sku_id: sku_id("a") }
    }

    async fn reply(&self, wanted: &[(u128, u32)]) -> ReserveReply {
        let request = |(grant, quantity): &(u128, u32)| {
            let who = format!("buyer-{grant}").into();
            ReserveRequest { grant: named(*grant), quantity: *quantity, who }
        };
        let requests = wanted.iter().map(request).collect();
        self.backend.ledger().reserve(&self.sku_id, requests).await.expect("the ledger answers")
    }

    async fn reserve(&self, wanted: &[(u128, u32)]) -> Vec<ReserveVerdict> {
        match self.reply(wanted).await {
            ReserveReply::Answered { verdicts, .. } => verdicts,
            ReserveReply::Missing => panic!("the sku is to be known"),
        }
    }

    async fn settle(&self, grants: &[u128], level: Option<(u64, i64)>) {
        let settlement = Settlement { grants: grants.iter().map(|grant| named(*grant)).collect(), level };
        self.backend.ledger().settle(&self.sku_id, settlement).await.expect("the ledger answers");
    }

    /// Base, version, available and open grants.
    async fn read(&self) -> Option<(i64, u64, i64, usize)> {
        let level = self.backend.ledger().read(&self.sku_id).await.expect("the ledger answers");
        level.map(|LedgerLevel { base, version, available, grants }| (base, version, available, grants))
    }
}

fn named(grant: u128) -> GrantId {
    GrantId::of_order(OrderId::from_u128(grant))
}

fn refused(available: i64) -> ReserveVerdict {
    Refused(Refusal { available })
}

/// A SKU nobody settled is missing: neither sold out nor unlimited.
pub async fn an_unknown_sku_is_missing(bench: LedgerBench) {
    assert_eq!(bench.reply(&[(1, 1)]).await, ReserveReply::Missing);
    assert_eq!(bench.read().await, None);
    bench.settle(&[1], None).await;
    assert_eq!(bench.reply(&[(1, 1)]).await, ReserveReply::Missing);
}

/// A settlement with a level makes a SKU known.
pub async fn a_settled_level_makes_a_sku_known(bench: LedgerBench) {
    bench.settle(&[], Some((7, 3))).await;
    assert_eq!(bench.read().await, Some((3, 7, 3, 0)));
    let ReserveReply::Answered { verdicts, base, version, base_age } = bench.reply(&[(1, 2)]).await else {
        panic!("the sku is known");
    };
    assert_eq!((verdicts, base, version), (vec![Granted], 3, 7));
    assert!(base_age < Duration::from_secs(1));
}

/// Each request gets all its units or none, in the order they were asked.
pub async fn requests_are_all_or_nothing_in_their_order(bench: LedgerBench) {
    bench.settle(&[], Some((1, 5))).await;
    let verdicts = bench.reserve(&[(1, 3), (2, 3), (3, 2), (4, 1)]).await;
    assert_eq!(verdicts, vec![Granted, refused(2), Granted, refused(0)]);
    assert_eq!(bench.read().await, Some((5, 1, 0, 2)));
}

/// A retry finds its first grant and takes nothing more, even when nothing is left.
pub async fn a_repeated_grant_takes_nothing_more(bench: LedgerBench) {
    bench.settle(&[], Some((1, 2))).await;
    assert_eq!(bench.reserve(&[(1, 2), (1, 2)]).await, vec![Granted, Granted]);
    assert_eq!(bench.reserve(&[(1, 2), (2, 1)]).await, vec![Granted, refused(0)]);
    assert_eq!(bench.read().await, Some((2, 1, 0, 1)));
}

/// A settlement drops the grants it names and no others.
pub async fn a_settlement_drops_exactly_the_grants_it_names(bench: LedgerBench) {
    bench.settle(&[], Some((1, 10))).await;
    bench.reserve(&[(1, 1), (2, 2), (3, 3)]).await;
    bench.settle(&[1, 3, 9], None).await;
    assert_eq!(bench.read().await, Some((10, 1, 8, 1)));
    bench.settle(&[1, 3, 9], None).await;
    assert_eq!(bench.read().await, Some((10, 1, 8, 1)));
}

/// A committed order leaves the grants and the base in one step: it is counted in either, never in both or none.
pub async fn a_commit_moves_from_grants_to_base_in_one_step(bench: LedgerBench) {
    bench.settle(&[], Some((1, 5))).await;
    bench.reserve(&[(1, 2)]).await;
    bench.settle(&[1], Some((2, 3))).await;
    assert_eq!(bench.read().await, Some((3, 2, 3, 0)));
}

/// An older level never replaces a newer one, though its grants are dropped all the same.
pub async fn an_older_level_is_passed_over(bench: LedgerBench) {
    bench.settle(&[], Some((5, 4))).await;
    bench.reserve(&[(1, 1)]).await;
    bench.settle(&[1], Some((4, 9))).await;
    assert_eq!(bench.read().await, Some((4, 5, 4, 0)));
    bench.settle(&[], Some((6, 2))).await;
    assert_eq!(bench.read().await, Some((2, 6, 2, 0)));
}

/// What is available goes below zero while the store is ahead, so that later settlements add up.
pub async fn what_is_available_is_never_clamped(bench: LedgerBench) {
    bench.settle(&[], Some((1, 5))).await;
    bench.reserve(&[(1, 4)]).await;
    bench.settle(&[], Some((2, 1))).await;
    assert_eq!(bench.read().await, Some((1, 2, -3, 1)));
    assert_eq!(bench.reserve(&[(2, 1)]).await, vec![refused(-3)]);
    bench.settle(&[1], None).await;
    assert_eq!(bench.reserve(&[(2, 1)]).await, vec![Granted]);
}

/// A grant that nobody settles lapses after its lifetime, and not before.
pub async fn a_grant_lapses_after_its_lifetime(bench: LedgerBench) {
    bench.settle(&[], Some((1, 1))).await;
    assert_eq!(bench.reserve(&[(1, 1)]).await, vec![Granted]);
    bench.backend.pass(GRANT_LIFETIME / 2).await;
    assert_eq!(bench.reserve(&[(2, 1)]).await, vec![refused(0)]);
    bench.backend.pass(GRANT_LIFETIME).await;
    assert_eq!(bench.read().await, Some((1, 1, 1, 0)));
    assert_eq!(bench.reserve(&[(2, 1)]).await, vec![Granted]);
}

/// A retry keeps its grant alive for another lifetime.
pub async fn a_repeated_grant_lives_on(bench: LedgerBench) {
    bench.settle(&[], Some((1, 1))).await;
    bench.reserve(&[(1, 1)]).await;
    bench.backend.pass(GRANT_LIFETIME * 2 / 3).await;
    bench.reserve(&[(1, 1)]).await;
    bench.backend.pass(GRANT_LIFETIME * 2 / 3).await;
    assert_eq!(bench.read().await, Some((1, 1, 0, 1)));
}

/// The base's age counts from the last level that was not older.
pub async fn a_level_of_the_same_version_refreshes_the_base(bench: LedgerBench) {
    bench.settle(&[], Some((3, 1))).await;
    bench.backend.pass(Duration::from_secs(2)).await;
    let age = async || match bench.reply(&[]).await {
        ReserveReply::Answered { base_age, .. } => base_age,
        ReserveReply::Missing => panic!("the sku is known"),
    };
    assert!(age().await >= Duration::from_secs(2));
    bench.settle(&[], Some((2, 1))).await;
    assert!(age().await >= Duration::from_secs(2), "an older level does not refresh");
    bench.settle(&[], Some((3, 1))).await;
    assert!(age().await < Duration::from_secs(1));
}

/// A SKU that rests keeps its grants; without any it may be forgotten, but not half.
pub async fn a_resting_sku_keeps_its_grants(bench: LedgerBench) {
    bench.settle(&[], Some((3, 5))).await;
    bench.reserve(&[(1, 2)]).await;
    bench.backend.ledger().rest(&bench.sku_id);
    assert_eq!(bench.read().await, Some((5, 3, 3, 1)));
    bench.settle(&[1], None).await;
    bench.backend.ledger().rest(&bench.sku_id);
    assert!(matches!(bench.read().await, None | Some((5, 3, 5, 0))));
}

/// A SKU that is forgotten is missing, with all its grants, and may be settled at an older version.
pub async fn a_forgotten_sku_is_missing(bench: LedgerBench) {
    bench.settle(&[], Some((3, 5))).await;
    bench.reserve(&[(1, 2)]).await;
    bench.backend.ledger().forget(&bench.sku_id).await.expect("the ledger answers");
    assert_eq!(bench.read().await, None);
    assert_eq!(bench.reply(&[(1, 2)]).await, ReserveReply::Missing);
    bench.settle(&[], Some((2, 4))).await;
    assert_eq!(bench.read().await, Some((4, 2, 4, 0)));
}

/// What happens to one SKU is nothing to another.
pub async fn skus_do_not_share_anything(bench: LedgerBench) {
    bench.settle(&[], Some((1, 1))).await;
    let other = LedgerBench { sku_id: sku_id("b"), ..bench };
    assert_eq!(other.reply(&[(1, 1)]).await, ReserveReply::Missing);
    other.settle(&[], Some((9, 1))).await;
    assert_eq!(other.reserve(&[(1, 1)]).await, vec![Granted]);
    let first = LedgerBench { sku_id: sku_id("a"), ..other };
    assert_eq!(first.read().await, Some((1, 1, 1, 0)));
}

/// Whoever listens hears of levels that are newer than what the ledger had, and of no others.
pub async fn newer_levels_are_told_to_whoever_listens(bench: LedgerBench) {
    let told = Arc::<Mutex<Vec<StockSignal>>>::default();
    let hear = Arc::clone(&told);
    bench.backend.signals().subscribe(Arc::new(move |signal| {
        hear.lock().unwrap_or_else(PoisonError::into_inner).push(signal);
    }));
    let heard = || told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut version = 0;
    // What was settled before anyone listened is told to nobody, and listening may take a while to begin.
    while heard().is_empty() && version < 100 {
        version += 1;
        bench.settle(&[], Some((version, 7))).await;
        bench.backend.pass(Duration::from_millis(50)).await;
    }
    bench.settle(&[], Some((version, 7))).await;
    bench.settle(&[], Some((version - 1, 9))).await;
    bench.settle(&[1], None).await;
    bench.settle(&[], Some((version + 1, 0))).await;
    bench.backend.pass(Duration::from_millis(500)).await;
    let signal = |version, available| StockSignal { sku_id: bench.sku_id.clone(), version, available };
    assert_eq!(heard(), [signal(version, 7), signal(version + 1, 0)]);
}
