//! Per-user purchase limits: units held in orders not cancelled.

use crate::domain::commit::{Mutation, Verdict};
use crate::domain::order::CancelReason;
use crate::domain::rejection::Rejection;
use crate::testing::contract::Bench;
use crate::testing::fixtures::{PRICE, cancellation, payment, place, put_limited_sku, put_sku, sku_id};

async fn limited(bench: &Bench, sku: &str, limit: u32) {
    bench.stock_up(sku, 100).await;
    bench.one(Mutation::PutSku(put_limited_sku(sku, limit))).await.expect("the sku is put up");
}

fn wanted(number: u64, user: &str, sku: &str, units: u32) -> Mutation {
    Mutation::Place(place(number, user, &[(sku, units)]))
}

fn codes(verdicts: &[Verdict]) -> Vec<Option<&'static str>> {
    verdicts.iter().map(|verdict| verdict.as_ref().err().map(Rejection::code)).collect()
}

/// What was committed before counts.
pub async fn a_purchase_limit_holds_across_batches(bench: Bench) {
    limited(&bench, "a", 3).await;
    bench.place(place(1, "u", &[("a", 2)])).await;
    let refusal = bench.refused(wanted(2, "u", "a", 2)).await;
    assert_eq!(refusal, Rejection::PurchaseLimitReached { sku_id: sku_id("a"), limit: 3, held: 2 });
    bench.place(place(3, "u", &[("a", 1)])).await;
    assert_eq!(bench.refused(wanted(4, "u", "a", 1)).await.code(), "purchase_limit_reached");
    assert_eq!(bench.units("a").await, (100, 97, 3, 0));
}

/// What the same batch accepted counts.
pub async fn a_purchase_limit_holds_within_a_batch(bench: Bench) {
    limited(&bench, "a", 3).await;
    bench.place(place(1, "u", &[("a", 1)])).await;
    let batch: Vec<_> = (2..=5).map(|number| wanted(number, "u", "a", 1)).collect();
    let reached = Some("purchase_limit_reached");
    assert_eq!(codes(&bench.commit(batch).await.verdicts), [None, None, reached, reached]);
}

/// Paying keeps a purchase, cancelling gives it up, before payment or after.
pub async fn paid_orders_count_and_cancelled_ones_do_not(bench: Bench) {
    limited(&bench, "a", 2).await;
    bench.place(place(1, "u", &[("a", 1)])).await;
    bench.place(place(2, "u", &[("a", 1)])).await;
    bench.change(Mutation::Pay(payment("p", 1, PRICE))).await;
    assert_eq!(bench.refused(wanted(3, "u", "a", 1)).await.code(), "purchase_limit_reached");
    bench.change(Mutation::Cancel(cancellation(2, CancelReason::Customer))).await;
    bench.change(Mutation::Cancel(cancellation(1, CancelReason::Customer))).await;
    bench.place(place(4, "u", &[("a", 2)])).await;
    bench.assert_sound([1, 2, 4]).await;
}

/// Each mutation of a batch sees what the ones before it did.
pub async fn a_cancellation_makes_room_in_the_same_batch(bench: Bench) {
    limited(&bench, "a", 1).await;
    bench.place(place(1, "u", &[("a", 1)])).await;
    let batch = [
        wanted(2, "u", "a", 1),
        Mutation::Cancel(cancellation(1, CancelReason::Customer)),
        wanted(3, "u", "a", 1),
        wanted(4, "u", "a", 1),
    ];
    let reached = Some("purchase_limit_reached");
    assert_eq!(codes(&bench.commit(batch).await.verdicts), [reached, None, None, reached]);
}

/// A limit counts what was bought before there was one.
pub async fn a_limit_set_in_the_same_batch_counts_what_is_held(bench: Bench) {
    bench.stock_up("a", 100).await;
    bench.place(place(1, "u", &[("a", 2)])).await;
    let batch = [Mutation::PutSku(put_limited_sku("a", 2)), wanted(2, "u", "a", 1), wanted(3, "v", "a", 1)];
    assert_eq!(codes(&bench.commit(batch).await.verdicts), [None, Some("purchase_limit_reached"), None]);
    bench.one(Mutation::PutSku(put_sku("a"))).await.expect("the limit is lifted");
    bench.place(place(4, "u", &[("a", 9)])).await;
}

/// A limit is per user and per SKU.
pub async fn other_users_and_other_skus_do_not_count(bench: Bench) {
    limited(&bench, "a", 2).await;
    limited(&bench, "b", 2).await;
    bench.place(place(1, "u", &[("a", 2), ("b", 1)])).await;
    bench.place(place(2, "v", &[("a", 2)])).await;
    bench.place(place(3, "u", &[("b", 1)])).await;
    let batch = [wanted(4, "u", "b", 1), wanted(5, "v", "b", 2), wanted(6, "v", "a", 1)];
    let reached = Some("purchase_limit_reached");
    assert_eq!(codes(&bench.commit(batch).await.verdicts), [reached, None, reached]);
}
