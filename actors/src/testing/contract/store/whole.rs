//! The store as a whole: what costs nothing, what lasts.

use std::time::Duration;

use crate::domain::commit::Mutation;
use crate::domain::order::CancelReason;
use crate::ports::Tally;
use crate::testing::contract::Bench;
use crate::testing::fixtures::{PRICE, cancellation, order_id, payment, place, place_keyed, put_sku};

/// A batch of refusals and repeats leaves versions and log as they were.
pub async fn a_batch_that_changes_nothing_writes_nothing(bench: Bench) {
    bench.stock_up("a", 1).await;
    bench.place(place_keyed(1, "u", "k", &[("a", 1)])).await;
    let before = (bench.sku("a").await, bench.store.events(order_id(1)).await);
    let batch = [
        Mutation::Place(place(2, "u", &[("a", 1)])),
        Mutation::Place(place_keyed(3, "u", "k", &[("a", 1)])),
        Mutation::Expire(order_id(1)),
    ];
    let committed = bench.commit(batch).await;
    assert_eq!((committed.events, committed.tally), (Vec::new(), Tally::default()));
    assert_eq!((bench.sku("a").await, bench.store.events(order_id(1)).await), before);
    assert!(bench.commit([]).await.verdicts.is_empty());
}

/// Only mutations that something was written for are counted, and the transaction with them.
pub async fn what_was_written_is_counted(bench: Bench) {
    bench.stock_up("a", 2).await;
    bench.place(place(9, "u", &[("a", 1)])).await;
    let one = |written| Tally { done: 1, written, ..Tally::default() };
    let acknowledged = Mutation::NoteDone { group: "readers".into(), versions: vec![(order_id(9), 1)] };
    let batch = [
        Mutation::PutSku(put_sku("b")),
        Mutation::Place(place_keyed(1, "u", "k", &[("a", 1)])),
        Mutation::Place(place(2, "u", &[("a", 1)])),
        Mutation::Place(place_keyed(3, "u", "k", &[("a", 1)])),
        Mutation::Pay(payment("p", 9, PRICE)),
        Mutation::Pay(payment("p", 9, PRICE)),
        acknowledged.clone(),
    ];
    let committed = bench.commit(batch).await;
    assert_eq!(committed.tally, one(3), "{:?}", committed.verdicts);
    assert_eq!(bench.commit([acknowledged]).await.tally, one(0));
}

/// A store that works says that it works.
pub async fn a_sound_store_says_so(bench: Bench) {
    assert_eq!(bench.store.check().await, Ok(()));
    bench.stock_up("a", 1).await;
    assert_eq!(bench.store.check().await, Ok(()));
}

/// Orders are found as they were first answered, whatever became of them.
pub async fn answers_are_as_first_given(bench: Bench) {
    bench.stock_up("a", 10).await;
    let first = bench.place(place(1, "u", &[("a", 1)])).await;
    let second = bench.place(place_keyed(2, "u", "k", &[("a", 2)])).await;
    bench.change(Mutation::Pay(payment("p", 1, PRICE))).await;
    bench.change(Mutation::Cancel(cancellation(2, CancelReason::Shop))).await;
    let asked = vec![order_id(2), order_id(1), order_id(3)];
    let answers = bench.store.answers(asked).await.expect("the store can be read");
    assert_eq!(answers.into_values().collect::<Vec<_>>(), [first, second]);
}

/// What was answered is still there.
pub async fn everything_outlives_a_restart(bench: Bench) {
    bench.stock_up("a", 10).await;
    bench.stock_up("b", 10).await;
    for number in 1..=3 {
        bench.place(place_keyed(number, "u", &format!("k-{number}"), &[("a", 1), ("b", 2)])).await;
    }
    bench.change(Mutation::Pay(payment("p", 1, 3 * PRICE))).await;
    bench.change(Mutation::Cancel(cancellation(2, CancelReason::Customer))).await;
    let mut before = Vec::new();
    for number in 1..=3 {
        before.push((bench.order(number).await, bench.store.events(order_id(number)).await));
    }
    let skus = (bench.sku("a").await, bench.sku("b").await);
    let Some(bench) = bench.reopened().await else { return };
    for (number, before) in (1..).zip(before) {
        assert_eq!((bench.order(number).await, bench.store.events(order_id(number)).await), before);
    }
    assert_eq!((bench.sku("a").await, bench.sku("b").await), skus);
    assert_eq!(bench.store.check().await, Ok(()));
    bench.assert_sound(1..=3).await;
}

/// A retry after a restart finds its first attempt, and counting goes on where it was.
pub async fn keys_and_versions_go_on_after_a_restart(bench: Bench) {
    bench.stock_up("a", 10).await;
    let first = bench.place(place_keyed(1, "u", "k", &[("a", 1)])).await;
    let level = bench.change_stock("a", 5, "more").await;
    let Some(bench) = bench.reopened().await else { return };
    bench.clock.advance(Duration::from_secs(60));
    assert_eq!(bench.replay(place_keyed(2, "u", "k", &[("a", 1)])).await, first);
    assert_eq!(bench.change_stock("a", 5, "more").await, level);
    bench.one(Mutation::PutSku(put_sku("a"))).await.expect("the sku is replaced");
    assert_eq!(bench.sku("a").await.level, level);
    assert_eq!(bench.change_stock("a", 1, "again").await.version, level.version + 1);
}
