//! What becomes of an order after it was paid, what may be amended, and how it is deleted.

use std::time::Duration;

use crate::domain::commit::{AmendOrder, Mutation, Outcome};
use crate::domain::event::EventType;
use crate::domain::order::{Amendment, CancelReason, ExpectedVersion, Order, Status};
use crate::domain::payment::RefundReason;
use crate::domain::rejection::Rejection;
use crate::ports::OrderQuery;
use crate::testing::contract::Bench;
use crate::testing::fixtures::{PRICE, action, cancellation, new_remark, order_id, payment, place};

/// Ten units, two of them in an order that was paid.
async fn paid_order(bench: &Bench) {
    bench.stock_up("a", 10).await;
    bench.place(place(1, "u", &[("a", 2)])).await;
    bench.change(Mutation::Pay(payment("p", 1, 2 * PRICE))).await;
    bench.clock.advance(Duration::from_secs(1));
}

async fn types(bench: &Bench, number: u64) -> Vec<EventType> {
    let events = bench.store.events(order_id(number)).await.expect("the store can be read");
    events.into_iter().map(|event| event.event_type).collect()
}

/// Two steps, two versions, two events; the stock was sold when it was paid.
pub async fn a_paid_order_is_shipped_and_received(bench: Bench) {
    paid_order(&bench).await;
    let before = bench.sku("a").await;
    let shipped = bench.change(Mutation::Ship(action(1))).await;
    assert_eq!((shipped.status(), shipped.version), (Status::Shipped, 3));
    assert_eq!(bench.order(1).await, Some(shipped));
    let received = bench.change(Mutation::Receive(action(1))).await;
    assert_eq!((received.status(), received.version), (Status::Completed, 4));
    assert_eq!(bench.order(1).await, Some(received));
    assert_eq!(bench.sku("a").await, before, "neither level nor flow moves");
    let told = [EventType::OrderSubmitted, EventType::OrderPaid, EventType::OrderShipped, EventType::OrderCompleted];
    assert_eq!(types(&bench, 1).await, told);
    bench.assert_sound([1]).await;
}

/// A change out of turn is refused and writes nothing, and so is one of an order that is not there.
pub async fn an_order_is_shipped_received_and_deleted_in_its_turn_only(bench: Bench) {
    bench.stock_up("a", 10).await;
    bench.place(place(1, "u", &[("a", 2)])).await;
    let pay = || Mutation::Pay(payment("p", 1, 2 * PRICE));
    let (ship, receive, delete) =
        (|| Mutation::Ship(action(1)), || Mutation::Receive(action(1)), || Mutation::Delete(action(1)));
    let table = [
        (Status::Submitted, vec![ship(), receive(), delete()], pay()),
        (Status::Paid, vec![receive(), delete()], ship()),
        (Status::Shipped, vec![ship(), delete()], receive()),
        (Status::Completed, vec![ship(), receive()], delete()),
    ];
    for (status, refused, next) in table {
        let before = bench.order(1).await;
        for mutation in refused {
            let refusal = bench.refused(mutation).await;
            assert!(matches!(refusal, Rejection::IllegalTransition { status: now, .. } if now == status), "{refusal}");
        }
        assert_eq!(bench.order(1).await, before);
        bench.change(next).await;
    }
    for unknown in [Mutation::Ship(action(9)), Mutation::Receive(action(9)), Mutation::Delete(action(9))] {
        assert_eq!(bench.refused(unknown).await, Rejection::OrderNotFound(order_id(9)));
    }
    bench.assert_sound([1]).await;
}

/// The shop may take back what is on its way.
pub async fn a_shipped_order_that_is_cancelled_returns_its_stock(bench: Bench) {
    paid_order(&bench).await;
    let cancel = Mutation::Cancel(cancellation(1, CancelReason::Shop));
    let verdicts = bench.commit([Mutation::Ship(action(1)), cancel]).await.verdicts;
    assert!(verdicts.iter().all(Result::is_ok), "{verdicts:?}");
    assert_eq!(bench.units("a").await, (10, 10, 0, 0));
    assert_eq!(bench.order(1).await.map(|order| (order.status(), order.version)), Some((Status::Cancelled, 4)));
    bench.assert_sound([1]).await;
}

fn amend(number: u64, expected: ExpectedVersion, source: Option<Option<&str>>) -> Mutation {
    let source = source.map(|source| source.map(str::to_owned));
    let amendment = Amendment { source, remark: None };
    Mutation::Amend(AmendOrder { expected, amendment, ..new_remark(number, "") })
}

/// What is named is changed or cleared, the rest is kept, and the deadline stays.
pub async fn an_amendment_changes_what_it_names(bench: Bench) {
    bench.stock_up("a", 10).await;
    let placed = bench.place(place(1, "u", &[("a", 1)])).await;
    bench.clock.advance(Duration::from_secs(1));
    let amended = bench.change(Mutation::Amend(new_remark(1, "ring twice"))).await;
    assert_eq!((amended.source.as_deref(), amended.remark.as_deref()), (Some("web"), Some("ring twice")));
    assert_eq!((amended.version, &amended.state, &amended.lines), (2, &placed.state, &placed.lines));
    assert!(amended.updated_at > placed.updated_at);
    assert_eq!(bench.order(1).await, Some(amended));
    let amended = bench.change(amend(1, ExpectedVersion::OneOf(vec![2]), Some(None))).await;
    assert_eq!((amended.source.as_deref(), amended.remark.as_deref()), (None, Some("ring twice")));
    assert_eq!(bench.order(1).await, Some(amended));
    let told = [EventType::OrderSubmitted, EventType::OrderAmended, EventType::OrderAmended];
    assert_eq!(types(&bench, 1).await, told);
    bench.assert_sound([1]).await;
}

/// Of two who have seen the same, the second is told to look again.
pub async fn of_two_amendments_of_one_version_the_first_wins(bench: Bench) {
    bench.stock_up("a", 10).await;
    bench.place(place(1, "u", &[("a", 1)])).await;
    let of_first = |source| amend(1, ExpectedVersion::OneOf(vec![1]), Some(Some(source)));
    let committed = bench.commit([of_first("app"), of_first("phone")]).await;
    assert!(committed.verdicts[0].is_ok());
    assert_eq!(committed.verdicts[1], Err(Rejection::VersionMismatch { version: 2 }));
    assert_eq!(bench.refused(of_first("letter")).await, Rejection::VersionMismatch { version: 2 });
    let order = bench.order(1).await.expect("the order exists");
    assert_eq!((order.source.as_deref(), order.version), (Some("app"), 2));
    assert_eq!(bench.refused(amend(9, ExpectedVersion::Any, None)).await, Rejection::OrderNotFound(order_id(9)));
    bench.assert_sound([1]).await;
}

/// What is as wanted already is answered, and is no change.
pub async fn an_amendment_that_changes_nothing_writes_nothing(bench: Bench) {
    bench.stock_up("a", 10).await;
    let placed = bench.place(place(1, "u", &[("a", 1)])).await;
    for source in [None, Some(Some("web"))] {
        let committed = bench.commit([amend(1, ExpectedVersion::OneOf(vec![1]), source)]).await;
        assert_eq!(committed.verdicts, [Ok(Outcome::OrderChanged(placed.clone()))]);
        assert_eq!(committed.events, []);
    }
    assert_eq!(bench.order(1).await, Some(placed));
}

/// Final is final.
pub async fn a_final_order_is_not_amended(bench: Bench) {
    paid_order(&bench).await;
    bench.change(Mutation::Ship(action(1))).await;
    bench.change(Mutation::Amend(new_remark(1, "late"))).await;
    bench.change(Mutation::Receive(action(1))).await;
    bench.place(place(2, "u", &[("a", 1)])).await;
    bench.change(Mutation::Cancel(cancellation(2, CancelReason::Customer))).await;
    for (number, status) in [(1, Status::Completed), (2, Status::Cancelled)] {
        let refusal = bench.refused(Mutation::Amend(new_remark(number, "too late"))).await;
        assert_eq!(refusal, Rejection::IllegalTransition { status, wanted: "amended" });
    }
    bench.assert_sound([1, 2]).await;
}

/// Two final orders, the first deleted.
async fn deleted_order(bench: &Bench) -> Order {
    bench.stock_up("a", 10).await;
    for number in [1, 2] {
        bench.place(place(number, "u", &[("a", 2)])).await;
        bench.change(Mutation::Cancel(cancellation(number, CancelReason::Customer))).await;
    }
    bench.change(Mutation::Delete(action(1))).await
}

/// It is in no list, and still there by its id, with everything that happened to it.
pub async fn a_deleted_order_is_left_out_of_lists_and_kept(bench: Bench) {
    let deleted = deleted_order(&bench).await;
    assert!(deleted.is_deleted);
    assert_eq!((deleted.status(), deleted.version), (Status::Cancelled, 3));
    assert_eq!(bench.order(1).await, Some(deleted));
    let of_user = || OrderQuery { user_id: Some("u".parse().expect("a valid id")), limit: 9, ..OrderQuery::default() };
    for query in [
        of_user(),
        OrderQuery { status: Some(Status::Cancelled), limit: 9, ..OrderQuery::default() },
        OrderQuery { sku_id: Some("a".parse().expect("a valid id")), ..of_user() },
        OrderQuery { limit: 9, ..OrderQuery::default() },
    ] {
        let listed = bench.store.orders(query.clone()).await.expect("the store can be read").orders;
        assert_eq!(listed.iter().map(|order| order.order_id).collect::<Vec<_>>(), [order_id(2)], "{query:?}");
    }
    let told = [EventType::OrderSubmitted, EventType::OrderCancelled, EventType::OrderDeleted];
    assert_eq!(types(&bench, 1).await, told);
    bench.assert_sound([1, 2]).await;
}

/// For everyone who would change it, it is not there.
pub async fn a_deleted_order_takes_no_change(bench: Bench) {
    let deleted = deleted_order(&bench).await;
    for mutation in [
        Mutation::Cancel(cancellation(1, CancelReason::Shop)),
        Mutation::Ship(action(1)),
        Mutation::Receive(action(1)),
        Mutation::Amend(new_remark(1, "hello")),
        Mutation::Delete(action(1)),
    ] {
        assert_eq!(bench.refused(mutation).await, Rejection::OrderNotFound(order_id(1)));
    }
    assert_eq!(bench.order(1).await, Some(deleted));
}

/// The money was captured all the same, so it is recorded and owed back.
pub async fn a_payment_for_a_deleted_order_is_owed_back(bench: Bench) {
    deleted_order(&bench).await;
    let paid = bench.one(Mutation::Pay(payment("p", 1, 2 * PRICE))).await;
    let order = bench.order(1).await.expect("the order exists");
    assert_eq!(paid, Ok(Outcome::Paid { order: order.clone(), refund: Some(RefundReason::OrderCancelled) }));
    assert!(order.is_deleted);
    assert_eq!((order.status(), order.version), (Status::Cancelled, 4));
    assert_eq!(bench.units("a").await, (10, 10, 0, 0));
    bench.assert_sound([1]).await;
}
