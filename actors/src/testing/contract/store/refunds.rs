//! Payments that are owed back: each is listed, and settled once.

use std::time::Duration;

use crate::domain::commit::{Mutation, Outcome};
use crate::domain::order::CancelReason;
use crate::domain::payment::{PaymentRefund, RefundReason, RefundStatus};
use crate::domain::rejection::Rejection;
use crate::ports::{Clock, ListedRefund, RefundQuery};
use crate::testing::contract::Bench;
use crate::testing::fixtures::{PRICE, cancellation, money, order_id, payment, payment_id, place, user_id};

/// Three payments owed back and one that is kept. Two of the three are owed back since the same moment; the one that
/// was recorded first is owed back last.
async fn three_refunds(bench: &Bench) {
    bench.stock_up("a", 10).await;
    for (number, user) in [(1, "u"), (2, "v")] {
        bench.place(place(number, user, &[("a", 1)])).await;
        bench.change(Mutation::Pay(payment(&format!("p-{number}"), number, PRICE))).await;
    }
    bench.clock.advance(Duration::from_secs(1));
    bench.change(Mutation::Pay(payment("p-4", 2, 7))).await;
    bench.change(Mutation::Pay(payment("p-3", 1, 5))).await;
    bench.clock.advance(Duration::from_secs(1));
    bench.change(Mutation::Cancel(cancellation(1, CancelReason::Shop))).await;
}

async fn every_page(bench: &Bench, status: Option<RefundStatus>, limit: usize) -> Vec<ListedRefund> {
    let mut all: Vec<ListedRefund> = Vec::new();
    let mut after = None;
    loop {
        let query = RefundQuery { status, after: after.clone(), limit };
        let page = bench.store.refunds(query).await.expect("the store can be read");
        assert!(page.refunds.len() <= limit && (page.next.is_none() || page.refunds.len() == limit));
        all.extend(page.refunds);
        let Some(next) = page.next else { return all };
        assert!(after.is_none_or(|after| next > after), "a cursor goes on");
        after = Some(next);
    }
}

async fn listed(bench: &Bench, status: Option<RefundStatus>) -> Vec<String> {
    let all = every_page(bench, status, 9).await;
    all.into_iter().map(|refund| refund.payment_id.to_string()).collect()
}

/// What is owed back longest comes first, whenever it was paid, in pages of every size.
pub async fn what_is_owed_back_is_listed_and_nothing_else(bench: Bench) {
    three_refunds(&bench).await;
    let now = bench.clock.now().wall;
    let refund = |name: &str, number, user: &str, units, reason, seconds_ago| ListedRefund {
        payment_id: payment_id(name),
        order_id: order_id(number),
        user_id: user_id(user),
        amount: money(units),
        refund: PaymentRefund::due(reason, now.minus(Duration::from_secs(seconds_ago))),
    };
    let expected = [
        refund("p-3", 1, "u", 5, RefundReason::AlreadyPaid, 1),
        refund("p-4", 2, "v", 7, RefundReason::AlreadyPaid, 1),
        refund("p-1", 1, "u", PRICE, RefundReason::OrderCancelled, 0),
    ];
    for limit in [1, 2, 3, 100] {
        assert_eq!(every_page(&bench, Some(RefundStatus::Due), limit).await, expected, "{limit}");
        assert_eq!(every_page(&bench, None, limit).await, expected, "{limit}");
        assert_eq!(every_page(&bench, Some(RefundStatus::Done), limit).await, [], "{limit}");
    }
}

/// A settled refund is done, keeps its place among all, and leaves the order as it is.
pub async fn a_refund_is_settled_once_and_its_order_stays(bench: Bench) {
    three_refunds(&bench).await;
    let before = (bench.order(2).await, bench.store.events(order_id(2)).await);
    let settle = || Mutation::SettleRefund(payment_id("p-4"));
    bench.clock.advance(Duration::from_secs(1));
    let first = bench.one(settle()).await;
    let Ok(Outcome::RefundSettled(payment)) = &first else { panic!("the refund is to be settled, got {first:?}") };
    assert_eq!((payment.order_id, payment.amount), (order_id(2), money(7)));
    assert_eq!(payment.refund.map(|refund| refund.status), Some(RefundStatus::Done));
    assert_eq!(listed(&bench, Some(RefundStatus::Due)).await, ["p-3", "p-1"]);
    assert_eq!(listed(&bench, Some(RefundStatus::Done)).await, ["p-4"]);
    for limit in [1, 2, 9] {
        let all: Vec<_> =
            every_page(&bench, None, limit).await.into_iter().map(|refund| refund.payment_id.to_string()).collect();
        assert_eq!(all, ["p-3", "p-4", "p-1"], "{limit}");
    }
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(bench.one(settle()).await, first, "a repeat is answered alike");
    assert_eq!((bench.order(2).await, bench.store.events(order_id(2)).await), before);
    bench.assert_sound([1, 2]).await;
}

/// What is not known or kept is not given back.
pub async fn only_what_is_owed_back_is_settled(bench: Bench) {
    three_refunds(&bench).await;
    let unknown = bench.refused(Mutation::SettleRefund(payment_id("p-9"))).await;
    assert_eq!(unknown, Rejection::PaymentNotFound(payment_id("p-9")));
    let kept = bench.refused(Mutation::SettleRefund(payment_id("p-2"))).await;
    assert_eq!(kept, Rejection::NoRefundDue(payment_id("p-2")));
    assert_eq!(listed(&bench, Some(RefundStatus::Done)).await, Vec::<String>::new());
    bench.change(Mutation::Cancel(cancellation(2, CancelReason::Shop))).await;
    bench.one(Mutation::SettleRefund(payment_id("p-2"))).await.expect("now it is owed back");
    bench.assert_sound([1, 2]).await;
}

/// Each mutation of a batch sees what the ones before it did.
pub async fn a_payment_may_be_taken_owed_back_and_settled_in_one_batch(bench: Bench) {
    bench.stock_up("a", 10).await;
    bench.place(place(1, "u", &[("a", 1)])).await;
    let settle = |name: &str| Mutation::SettleRefund(payment_id(name));
    let batch = [
        Mutation::Pay(payment("p-1", 1, PRICE)),
        settle("p-1"),
        Mutation::Cancel(cancellation(1, CancelReason::Shop)),
        settle("p-1"),
        Mutation::Pay(payment("p-2", 1, PRICE)),
        settle("p-2"),
        settle("p-2"),
    ];
    let verdicts = bench.commit(batch).await.verdicts;
    assert_eq!(verdicts[1], Err(Rejection::NoRefundDue(payment_id("p-1"))));
    assert!(verdicts.iter().enumerate().all(|(index, verdict)| index == 1 || verdict.is_ok()), "{verdicts:?}");
    assert_eq!(listed(&bench, Some(RefundStatus::Done)).await, ["p-1", "p-2"]);
    assert_eq!(listed(&bench, Some(RefundStatus::Due)).await, Vec::<String>::new());
    bench.assert_sound([1]).await;
}

/// What was settled stays settled.
pub async fn settled_refunds_outlive_a_restart(bench: Bench) {
    three_refunds(&bench).await;
    bench.one(Mutation::SettleRefund(payment_id("p-3"))).await.expect("it is owed back");
    let before = every_page(&bench, None, 9).await;
    let Some(bench) = bench.reopened().await else { return };
    assert_eq!(every_page(&bench, None, 9).await, before);
    assert_eq!(listed(&bench, Some(RefundStatus::Due)).await, ["p-4", "p-1"]);
}
