//! Payment notices: each is recorded once and ends as paid or as refund due.

use crate::domain::commit::{Mutation, Outcome};
use crate::domain::order::{CancelReason, Status};
use crate::domain::payment::{PaymentNotice, Refund, RefundReason};
use crate::testing::contract::Bench;
use crate::testing::fixtures::{PRICE, cancellation, money, payment, place};

async fn order_of_one(bench: &Bench) {
    bench.stock_up("a", 10).await;
    bench.place(place(1, "u", &[("a", 1)])).await;
}

async fn refund(bench: &Bench, notice: PaymentNotice) -> Option<RefundReason> {
    match bench.one(Mutation::Pay(notice)).await {
        Ok(Outcome::Paid { order, refund }) => {
            assert_eq!(bench.order(1).await, Some(order));
            refund
        }
        other => panic!("the payment is to be recorded, got {other:?}"),
    }
}

/// A repeat changes nothing and hears what the first one heard.
pub async fn a_repeated_payment_gets_the_same_answer(bench: Bench) {
    order_of_one(&bench).await;
    assert_eq!(refund(&bench, payment("p-1", 1, PRICE)).await, None);
    assert_eq!(refund(&bench, payment("p-2", 1, PRICE)).await, Some(RefundReason::AlreadyPaid));
    let before = bench.order(1).await;
    assert_eq!(refund(&bench, payment("p-1", 1, PRICE)).await, None);
    assert_eq!(refund(&bench, payment("p-2", 1, PRICE)).await, Some(RefundReason::AlreadyPaid));
    bench.change(Mutation::Cancel(cancellation(1, CancelReason::Shop))).await;
    assert_eq!(refund(&bench, payment("p-1", 1, PRICE)).await, None);
    assert_eq!(before.map(|order| order.version), Some(3));
    assert_eq!(bench.order(1).await.map(|order| order.version), Some(4));
    bench.assert_sound([1]).await;
}

/// The same when both notices arrive together.
pub async fn a_repeated_payment_in_one_batch_is_recorded_once(bench: Bench) {
    order_of_one(&bench).await;
    let notice = || Mutation::Pay(payment("p", 1, PRICE));
    let committed = bench.commit([notice(), notice()]).await;
    assert_eq!(committed.verdicts[0], committed.verdicts[1]);
    assert_eq!(committed.events.len(), 1);
    assert_eq!(bench.units("a").await, (10, 9, 0, 1));
}

/// One payment id is one payment.
pub async fn a_payment_id_used_for_something_else_is_refused(bench: Bench) {
    order_of_one(&bench).await;
    bench.place(place(2, "u", &[("a", 1)])).await;
    refund(&bench, payment("p", 1, PRICE)).await;
    let before = (bench.order(1).await, bench.order(2).await);
    for other in [payment("p", 1, PRICE + 1), payment("p", 2, PRICE)] {
        assert_eq!(bench.refused(Mutation::Pay(other)).await.code(), "payment_id_reused");
    }
    assert_eq!((bench.order(1).await, bench.order(2).await), before);
    bench.assert_sound([1, 2]).await;
}

/// Refunds of one order add up.
pub async fn a_second_payment_is_owed_back(bench: Bench) {
    order_of_one(&bench).await;
    refund(&bench, payment("p-1", 1, PRICE)).await;
    refund(&bench, payment("p-2", 1, PRICE)).await;
    assert_eq!(refund(&bench, payment("p-3", 1, 5)).await, Some(RefundReason::AlreadyPaid));
    let order = bench.order(1).await.expect("the order exists");
    assert_eq!((order.status(), order.version), (Status::Paid, 4));
    assert_eq!(order.refund, Some(Refund { due: money(PRICE + 5), reason: RefundReason::AlreadyPaid }));
    assert_eq!(bench.units("a").await, (10, 9, 0, 1));
    bench.assert_sound([1]).await;
}

/// Only the whole sum pays an order, and the right one still may after a wrong one.
pub async fn a_payment_of_another_amount_is_owed_back(bench: Bench) {
    order_of_one(&bench).await;
    assert_eq!(refund(&bench, payment("p-1", 1, PRICE - 1)).await, Some(RefundReason::AmountMismatch));
    assert_eq!(refund(&bench, payment("p-1", 1, PRICE - 1)).await, Some(RefundReason::AmountMismatch), "repeated");
    assert_eq!(bench.order(1).await.map(|order| (order.status(), order.version)), Some((Status::Submitted, 2)));
    assert_eq!(bench.units("a").await, (10, 9, 1, 0));
    assert_eq!(refund(&bench, payment("p-2", 1, PRICE)).await, None);
    let order = bench.order(1).await.expect("the order exists");
    assert_eq!(order.status(), Status::Paid);
    assert_eq!(order.refund, Some(Refund { due: money(PRICE - 1), reason: RefundReason::AmountMismatch }));
    bench.assert_sound([1]).await;
}

/// Whoever pays a cancelled order gets the money back and no goods.
pub async fn a_late_payment_never_revives_an_order(bench: Bench) {
    order_of_one(&bench).await;
    bench.change(Mutation::Cancel(cancellation(1, CancelReason::Customer))).await;
    for _ in 0..2 {
        assert_eq!(refund(&bench, payment("p", 1, PRICE)).await, Some(RefundReason::OrderCancelled));
    }
    let order = bench.order(1).await.expect("the order exists");
    assert_eq!((order.status(), order.version), (Status::Cancelled, 3));
    assert_eq!(order.refund, Some(Refund { due: money(PRICE), reason: RefundReason::OrderCancelled }));
    assert_eq!(bench.units("a").await, (10, 10, 0, 0));
    bench.assert_sound([1]).await;
}
