//! Per-user purchase limits: units held in orders not cancelled.

use std::ops::Range;
use std::time::Duration;

use fastrand::Rng;

use crate::domain::commit::{Mutation, Verdict};
use crate::domain::limits::{ORDERS_SUMMED_MAX, QUANTITY_MAX};
use crate::domain::order::{CancelReason, Order, Status};
use crate::domain::rejection::Rejection;
use crate::testing::contract::Bench;
use crate::testing::fixtures::{
    PRICE, action, cancellation, order_id, payment, place, put_limited_sku, put_sku, sku_id, user_id,
};

/// More orders than are summed up time and again.
const MANY: u64 = 3 * ORDERS_SUMMED_MAX as u64;

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

/// Places these orders of a unit each and cancels them again.
async fn place_and_cancel(bench: &Bench, numbers: Range<u64>, user: &str, sku: &str) {
    let placed: Vec<_> = numbers.clone().map(|number| wanted(number, user, sku, 1)).collect();
    let cancelled: Vec<_> =
        numbers.map(|number| Mutation::Cancel(cancellation(number, CancelReason::Customer))).collect();
    for batch in [placed, cancelled] {
        let verdicts = bench.commit(batch).await.verdicts;
        assert!(verdicts.iter().all(Result::is_ok), "{verdicts:?}");
    }
}

/// What a limit of a SKU with plenty of stock says a user holds.
async fn held(bench: &Bench, number: u64, user: &str, sku: &str) -> u64 {
    match bench.refused(wanted(number, user, sku, QUANTITY_MAX)).await {
        Rejection::PurchaseLimitReached { held, .. } => held,
        other => panic!("the limit is to refuse, got {other:?}"),
    }
}

/// However many orders came before: what is bought and given up is counted, in whatever batch and way.
pub async fn a_limit_counts_on_after_a_long_history(bench: Bench) {
    limited(&bench, "a", 3).await;
    for first in [1_000, 2_000] {
        bench.one(Mutation::PutSku(put_sku("a"))).await.expect("the limit is lifted");
        place_and_cancel(&bench, first..first + MANY, "u", "a").await;
        bench.one(Mutation::PutSku(put_limited_sku("a", 3))).await.expect("the limit is back");
        let batch: Vec<_> = (1..=5).map(|number| wanted(first + 100 + number, "u", "a", 1)).collect();
        let reached = Some("purchase_limit_reached");
        assert_eq!(codes(&bench.commit(batch).await.verdicts), [None, None, None, reached, reached]);
        bench.change(Mutation::Pay(payment(&format!("p-{first}"), first + 101, PRICE))).await;
        for number in [101, 102] {
            assert_eq!(bench.refused(wanted(first + 200, "u", "a", 1)).await.code(), "purchase_limit_reached");
            bench.change(Mutation::Cancel(cancellation(first + number, CancelReason::Shop))).await;
            bench.place(place(first + 200 + number, "u", &[("a", 1)])).await;
        }
        bench.clock.advance(Duration::from_secs(900));
        bench.change(Mutation::Expire(order_id(first + 103))).await;
        let batch = [wanted(first + 400, "u", "a", 2), wanted(first + 401, "u", "a", 1)];
        assert_eq!(codes(&bench.commit(batch).await.verdicts), [reached, None]);
        let all = [301, 302, 401].map(|number| Mutation::Cancel(cancellation(first + number, CancelReason::Shop)));
        assert_eq!(codes(&bench.commit(all).await.verdicts), [None; 3]);
    }
}

/// Also what the same batch buys and gives up around it.
pub async fn a_limit_lifted_and_set_in_one_batch_counts_all_of_it(bench: Bench) {
    bench.stock_up("a", 100).await;
    place_and_cancel(&bench, 1_000..1_000 + MANY, "u", "a").await;
    bench.one(Mutation::PutSku(put_limited_sku("a", 2))).await.expect("the sku has a limit");
    bench.place(place(1, "u", &[("a", 1)])).await;
    bench.place(place(2, "v", &[("a", 1)])).await;
    let (lift, set) = (Mutation::PutSku(put_sku("a")), Mutation::PutSku(put_limited_sku("a", 4)));
    let batch = [
        lift.clone(),
        wanted(3, "u", "a", 3),
        set.clone(),
        wanted(4, "u", "a", 1),
        Mutation::Cancel(cancellation(1, CancelReason::Customer)),
        wanted(5, "u", "a", 1),
        lift.clone(),
        set.clone(),
        wanted(6, "u", "a", 1),
    ];
    let reached = Some("purchase_limit_reached");
    let expected = [None, None, None, reached, None, None, None, None, reached];
    assert_eq!(codes(&bench.commit(batch).await.verdicts), expected);
    let batch = [lift.clone(), wanted(7, "u", "a", 1)];
    assert_eq!(codes(&bench.commit(batch).await.verdicts), [None; 2]);
    let batch = [Mutation::Cancel(cancellation(3, CancelReason::Customer)), set, wanted(8, "u", "a", 3)];
    assert_eq!(codes(&bench.commit(batch).await.verdicts), [None, None, reached]);
    bench.place(place(9, "u", &[("a", 2)])).await;
    bench.place(place(10, "v", &[("a", 3)])).await;
}

/// After any history, what counts towards a limit is what the orders say.
pub async fn what_is_held_is_the_sum_of_the_orders_after_any_history(bench: Bench) {
    for seed in 0..4 {
        let skus = ["a", "b", "c"].map(|sku| format!("{sku}-{seed}"));
        for sku in &skus {
            bench.stock_up(sku, 10_000_000).await;
        }
        let mut history = History { rng: Rng::with_seed(seed), first: 100_000 * (seed + 1), placed: 0, seed };
        for round in 0..50 {
            let batch: Vec<_> = (0..history.rng.u8(1..12)).map(|_| history.mutation(&skus)).collect();
            bench.commit(batch).await;
            bench.clock.advance(Duration::from_secs(history.rng.u64(0..200)));
            if history.rng.u8(0..4) == 0 {
                history.compare(&bench, &skus, round).await;
            }
        }
        history.compare(&bench, &skus, 50).await;
    }
}

/// A history that is being made up, of orders numbered from `first`.
struct History {
    rng: Rng,
    first: u64,
    placed: u64,
    seed: u64,
}

impl History {
    fn user(&mut self) -> String {
        // The first has many orders, the last few.
        format!("u-{}-{}", self.seed, [0, 0, 0, 0, 1, 1, 1, 2][self.rng.usize(0..8)])
    }

    /// Something to do, now and then to a SKU's limit. The last SKU is bought seldom.
    fn mutation(&mut self, skus: &[String; 3]) -> Mutation {
        let number = self.first + self.rng.u64(0..=self.placed);
        match self.rng.u8(0..100) {
            0..55 => {
                self.placed += 1;
                let number = self.first + self.placed;
                let lines = [(skus[0].as_str(), 2), (skus[1].as_str(), 1), (skus[2].as_str(), 3)];
                let lines =
                    [&lines[..1], &lines[1..2], &lines[..2], &lines[2..]][[0, 0, 1, 1, 2, 2, 3][self.rng.usize(0..7)]];
                let user = self.user();
                Mutation::Place(place(number, &user, lines))
            }
            55..75 => Mutation::Cancel(cancellation(number, CancelReason::Customer)),
            75..82 => Mutation::Expire(order_id(number)),
            82..88 => Mutation::Pay(payment(&format!("p-{number}"), number, PRICE)),
            88..90 => Mutation::Ship(action(number)),
            90..92 => Mutation::Receive(action(number)),
            92..95 => Mutation::Delete(action(number)),
            _ => {
                let sku = &skus[self.rng.usize(0..3)];
                let limit = self.rng.bool().then_some(100_000);
                Mutation::PutSku(limit.map_or_else(|| put_sku(sku), |limit| put_limited_sku(sku, limit)))
            }
        }
    }

    /// Asks what some user holds of some SKU, and fails unless that is what the orders say. The limits stay as they are.
    async fn compare(&mut self, bench: &Bench, skus: &[String; 3], round: u64) {
        let mut orders: Vec<Order> = Vec::new();
        for number in 1..=self.placed {
            orders.extend(bench.order(self.first + number).await);
        }
        for sku in skus {
            let is_limited = bench.sku(sku).await.goods.purchase_limit.is_some();
            for user in (0..3).map(|user| format!("u-{}-{user}", self.seed)) {
                if !is_limited || self.rng.u8(0..3) == 0 {
                    continue;
                }
                let own = orders.iter().filter(|order| order.user_id == user_id(&user));
                let lines = own.filter(|order| order.status() != Status::Cancelled).flat_map(|order| &order.lines);
                let sum: u64 =
                    lines.filter(|line| line.sku_id == sku_id(sku)).map(|line| u64::from(line.quantity)).sum();
                let number = self.first + 99_999;
                assert_eq!(held(bench, number, &user, sku).await, sum, "{user} of {sku}, round {round}");
            }
        }
    }
}
