//! Paying, cancelling and expiring: who wins, what moves, what is told.

use std::time::Duration;

use crate::domain::commit::{Mutation, Outcome};
use crate::domain::event::EventType;
use crate::domain::order::{CancelReason, Order, OrderState, SYSTEM, Status};
use crate::domain::payment::{Refund, RefundReason};
use crate::domain::rejection::Rejection;
use crate::testing::contract::Bench;
use crate::testing::fixtures::{PRICE, cancellation, money, order_id, payment, place};

const WINDOW: Duration = Duration::from_secs(900);

async fn order_of_three(bench: &Bench) -> Order {
    bench.stock_up("a", 10).await;
    let order = bench.place(place(1, "u", &[("a", 3)])).await;
    bench.clock.advance(Duration::from_secs(1));
    order
}

/// A paid order keeps its units for good.
pub async fn paying_turns_reserved_units_into_sold_ones(bench: Bench) {
    let before = order_of_three(&bench).await;
    let versions = bench.sku("a").await.level.version;
    let verdict = bench.one(Mutation::Pay(payment("p", 1, 3 * PRICE))).await;
    let order = bench.order(1).await.expect("the order exists");
    assert_eq!(verdict, Ok(Outcome::Paid { order: order.clone(), refund: None }));
    assert_eq!((&order.state, order.version, order.refund), (&OrderState::Paid, 2, None));
    assert!(order.updated_at > before.updated_at);
    assert_eq!(order.lines, before.lines);
    assert_eq!(bench.units("a").await, (10, 7, 0, 3));
    assert_eq!(bench.sku("a").await.level.version, versions + 1);
    bench.assert_sound([1]).await;
}

/// A cancelled order's units may be sold again.
pub async fn cancelling_gives_reserved_units_back(bench: Bench) {
    order_of_three(&bench).await;
    let order = bench.change(Mutation::Cancel(cancellation(1, CancelReason::Customer))).await;
    let text = Some("changed my mind".to_owned());
    assert_eq!(order.state, OrderState::Cancelled { reason: CancelReason::Customer, text });
    assert_eq!((order.version, order.refund), (2, None));
    assert_eq!(bench.order(1).await, Some(order));
    assert_eq!(bench.units("a").await, (10, 10, 0, 0));
    let refusal = bench.refused(Mutation::Cancel(cancellation(1, CancelReason::Shop))).await;
    assert_eq!(refusal, Rejection::IllegalTransition { status: Status::Cancelled, wanted: "cancelled" });
    assert_eq!(bench.units("a").await, (10, 10, 0, 0));
    bench.assert_sound([1]).await;
}

/// Money that was taken is owed back; the notice that brought it is still answered as it was.
pub async fn cancelling_what_was_paid_returns_the_stock_and_owes_the_payment_back(bench: Bench) {
    order_of_three(&bench).await;
    let notice = payment("p", 1, 3 * PRICE);
    bench.change(Mutation::Pay(notice.clone())).await;
    let order = bench.change(Mutation::Cancel(cancellation(1, CancelReason::Shop))).await;
    assert_eq!((order.status(), order.version), (Status::Cancelled, 3));
    assert_eq!(order.refund, Some(Refund { due: money(3 * PRICE), reason: RefundReason::OrderCancelled }));
    assert_eq!(bench.order(1).await, Some(order.clone()));
    assert_eq!(bench.units("a").await, (10, 10, 0, 0));
    assert_eq!(bench.one(Mutation::Pay(notice)).await, Ok(Outcome::Paid { order, refund: None }));
    bench.assert_sound([1]).await;
}

/// The committed state decides: not due, paid and unknown orders are left alone.
pub async fn expiring_gives_back_only_what_is_due_and_unpaid(bench: Bench) {
    bench.stock_up("a", 10).await;
    for number in 1..=2 {
        bench.place(place(number, "u", &[("a", 3)])).await;
    }
    bench.clock.advance(WINDOW - Duration::from_millis(1));
    assert_eq!(bench.one(Mutation::Expire(order_id(1))).await, Ok(Outcome::NotDue));
    bench.change(Mutation::Pay(payment("p", 2, 3 * PRICE))).await;
    bench.clock.advance(Duration::from_millis(1));
    let batch = [1, 2, 3, 1].map(|number| Mutation::Expire(order_id(number)));
    let verdicts = bench.commit(batch).await.verdicts;
    let expired = bench.order(1).await.expect("the order exists");
    assert_eq!(verdicts[0], Ok(Outcome::OrderChanged(expired.clone())));
    assert!(verdicts[1..].iter().all(|verdict| *verdict == Ok(Outcome::NotDue)), "{verdicts:?}");
    assert_eq!(expired.state, OrderState::Cancelled { reason: CancelReason::PaymentTimeout, text: None });
    let events = bench.store.events(order_id(1)).await.expect("the store can be read");
    assert_eq!(events[1].by, SYSTEM);
    assert_eq!(events[1].reason.as_deref(), Some("payment_timeout"));
    assert_eq!(bench.units("a").await, (10, 7, 0, 3));
    bench.assert_sound([1, 2]).await;
}

/// Arrival order decides, and the loser is told by what has become of the order.
pub async fn of_a_payment_and_a_cancellation_in_one_batch_the_first_wins(bench: Bench) {
    bench.stock_up("a", 10).await;
    for number in 1..=2 {
        bench.place(place(number, "u", &[("a", 3)])).await;
    }
    bench.clock.advance(WINDOW);
    let batch = [
        Mutation::Pay(payment("p-1", 1, 3 * PRICE)),
        Mutation::Expire(order_id(1)),
        Mutation::Expire(order_id(2)),
        Mutation::Pay(payment("p-2", 2, 3 * PRICE)),
    ];
    let verdicts = bench.commit(batch).await.verdicts;
    assert_eq!(verdicts[1], Ok(Outcome::NotDue));
    assert!(matches!(verdicts[0], Ok(Outcome::Paid { refund: None, .. })));
    assert!(matches!(verdicts[3], Ok(Outcome::Paid { refund: Some(RefundReason::OrderCancelled), .. })));
    assert_eq!(bench.units("a").await, (10, 7, 0, 3));
    bench.assert_sound([1, 2]).await;
}

/// Two changes are two versions and two events.
pub async fn an_order_may_change_twice_in_one_batch(bench: Bench) {
    order_of_three(&bench).await;
    let batch = [Mutation::Pay(payment("p", 1, 3 * PRICE)), Mutation::Cancel(cancellation(1, CancelReason::Shop))];
    let committed = bench.commit(batch).await;
    assert_eq!(committed.events.iter().map(|event| event.version).collect::<Vec<_>>(), [2, 3]);
    let order = bench.order(1).await.expect("the order exists");
    assert_eq!((order.status(), order.version), (Status::Cancelled, 3));
    assert_eq!(bench.units("a").await, (10, 10, 0, 0));
    bench.assert_sound([1]).await;
}

/// There is nothing to change about an order that is not there.
pub async fn changes_of_unknown_orders_are_refused(bench: Bench) {
    let missing = Rejection::OrderNotFound(order_id(1));
    assert_eq!(bench.refused(Mutation::Pay(payment("p", 1, PRICE))).await, missing);
    assert_eq!(bench.refused(Mutation::Cancel(cancellation(1, CancelReason::Shop))).await, missing);
    assert_eq!(bench.one(Mutation::Expire(order_id(1))).await, Ok(Outcome::NotDue));
}

/// The events of an order tell its whole story, each with who and why.
pub async fn every_change_writes_one_event_without_a_gap(bench: Bench) {
    order_of_three(&bench).await;
    bench.change(Mutation::Pay(payment("p-1", 1, 3 * PRICE))).await;
    bench.change(Mutation::Pay(payment("p-2", 1, PRICE))).await;
    bench.change(Mutation::Cancel(cancellation(1, CancelReason::Customer))).await;
    let events = bench.store.events(order_id(1)).await.expect("the store can be read");
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.version, event.event_type, event.status, event.by.as_str(), event.reason.as_deref()))
        .collect();
    let expected = [
        (1, EventType::OrderSubmitted, Status::Submitted, "u", None),
        (2, EventType::OrderPaid, Status::Paid, "shop", None),
        (3, EventType::OrderRefundDue, Status::Paid, "shop", Some("already_paid")),
        (4, EventType::OrderCancelled, Status::Cancelled, "customer", Some("customer")),
    ];
    assert_eq!(told, expected);
    bench.assert_sound([1]).await;
}

/// All lines of an order move together.
pub async fn changes_hold_for_every_line(bench: Bench) {
    bench.stock_up("a", 10).await;
    bench.stock_up("b", 10).await;
    bench.place(place(1, "u", &[("a", 1), ("b", 2)])).await;
    bench.place(place(2, "u", &[("a", 3), ("b", 4)])).await;
    bench.change(Mutation::Pay(payment("p", 1, 3 * PRICE))).await;
    assert_eq!((bench.units("a").await, bench.units("b").await), ((10, 6, 3, 1), (10, 4, 4, 2)));
    bench.change(Mutation::Cancel(cancellation(2, CancelReason::Customer))).await;
    assert_eq!((bench.units("a").await, bench.units("b").await), ((10, 9, 0, 1), (10, 8, 0, 2)));
    bench.change(Mutation::Cancel(cancellation(1, CancelReason::Customer))).await;
    assert_eq!((bench.units("a").await, bench.units("b").await), ((10, 10, 0, 0), (10, 10, 0, 0)));
    assert_eq!(bench.sku("a").await.flow_seq, 6, "a restock, two reserves, a confirm, a release and a return");
    bench.assert_sound([1, 2]).await;
}
