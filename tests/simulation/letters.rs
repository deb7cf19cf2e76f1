//! Events whose effect is refused by itself: tried again, put aside, and holding up nobody but their own order.

#![expect(clippy::expect_used, reason = "a failed expectation fails the test it stands in")]

use std::time::Duration;

use actors::domain::id::OrderId;
use actors::domain::limits::{EFFECT_ATTEMPTS_MAX, PARKED_EVENTS_MAX};
use actors::domain::payment::PaymentNotice;
use actors::ports::FaultClass;
use actors::testing::bench_node::BenchNode;
use actors::testing::fixtures::{PRICE, order_id, payment};
use actors::testing::memory_stream::Broker;

use crate::overload::{request, run_on};

/// The id of the next orders: ids are counted, and putting goods up took two.
fn upcoming(number: u64) -> OrderId {
    order_id(number + 2)
}

fn run(test: impl AsyncFnOnce(BenchNode, Broker)) {
    let broker = Broker::default();
    let shared = broker.clone();
    run_on(move || BenchNode::start_sharing(&shared), async |bench| test(bench, broker).await);
}

/// Places an order and pays it: two events.
async fn two_events(bench: &BenchNode, number: u64) -> OrderId {
    let buyer = usize::try_from(number).expect("a small number");
    let order_id = bench.node.orders.place(request(buyer)).await.expect("there is enough").order.order_id;
    let notice = payment(&format!("p-{number}"), 0, PRICE);
    let notice = PaymentNotice { order_id, ..notice };
    bench.node.orders.pay(notice).await.expect("it can be paid");
    order_id
}

fn versions(bench: &BenchNode, order_id: OrderId) -> Vec<u32> {
    bench.sink.lines().into_iter().filter(|(id, _)| *id == order_id).map(|(_, version)| version).collect()
}

async fn pass(bench: &BenchNode, millis: u64) {
    bench.clock.sleep(Duration::from_millis(millis)).await;
}

#[test]
fn an_event_that_is_refused_is_tried_again_with_its_order_behind_it_and_others_go_on() {
    run(async |bench, broker| {
        bench.sink.refuse(upcoming(0), 1, 3);
        let refused = two_events(&bench, 1).await;
        assert_eq!(refused, upcoming(0));
        let others = [two_events(&bench, 2).await, two_events(&bench, 3).await];
        pass(&bench, 150).await;
        assert_eq!(versions(&bench, refused), [0_u32; 0], "it waits, with what comes after it");
        assert!(others.iter().all(|other| versions(&bench, *other) == [1, 2]), "{:?}", bench.sink.lines());
        pass(&bench, 2_500).await;
        assert_eq!(versions(&bench, refused), [1, 2]);
        assert_eq!(broker.aside(), []);
        assert!(bench.node.degraded().is_empty(), "the printer is sound");
    });
}

#[test]
fn what_is_refused_each_time_is_put_aside_with_its_cause_and_its_order_goes_on() {
    run(async |bench, broker| {
        bench.sink.refuse(upcoming(0), 1, usize::MAX);
        let refused = two_events(&bench, 1).await;
        pass(&bench, 6_000).await;
        assert_eq!(versions(&bench, refused), [2]);
        let aside = broker.aside();
        let [((about, event), _, cause)] = &aside[..] else { panic!("{aside:?}") };
        assert_eq!((*about, event.as_ref().map(|event| event.version)), (refused, Ok(1)));
        assert_eq!(
            (cause.class, cause.attempts, &*cause.reason),
            (FaultClass::Refused, EFFECT_ATTEMPTS_MAX, "it has no room")
        );
        let done = bench.disk.tables().done.get(&("printer".into(), refused)).copied();
        assert_eq!(done, Some(2), "what is put aside is done with");
    });
}

#[test]
fn orders_that_are_refused_again_and_again_at_the_same_time_do_not_get_in_each_others_way() {
    run(async |bench, broker| {
        (0..3).for_each(|number| bench.sink.refuse(upcoming(number), 1, 3));
        for number in 0..3 {
            two_events(&bench, number).await;
        }
        pass(&bench, 6_000).await;
        assert!((0..3).all(|number| versions(&bench, upcoming(number)) == [1, 2]), "{:?}", bench.sink.lines());
        assert_eq!(broker.aside(), []);
    });
}

#[test]
fn a_repeat_that_waits_behind_a_refused_event_is_dropped_and_what_follows_goes_on() {
    run(async |bench, broker| {
        bench.sink.refuse(upcoming(0), 1, 3);
        let order_id = bench.node.orders.place(request(1)).await.expect("there is enough").order.order_id;
        pass(&bench, 150).await;
        let first = bench.node.store.events(order_id).await.expect("the store can be read").remove(0);
        broker.append(first, false);
        pass(&bench, 150).await;
        let notice = PaymentNotice { order_id, ..payment("p", 0, PRICE) };
        bench.node.orders.pay(notice).await.expect("it can be paid");
        pass(&bench, 6_000).await;
        assert_eq!(versions(&bench, order_id), [1, 2]);
    });
}

#[test]
fn what_cannot_be_read_is_put_aside_at_once() {
    run(async |bench, broker| {
        broker.append_nonsense(order_id(0));
        let order_id = two_events(&bench, 1).await;
        pass(&bench, 500).await;
        assert_eq!(versions(&bench, order_id), [1, 2]);
        let classes: Vec<_> = broker.aside().into_iter().map(|(_, _, cause)| cause.class).collect();
        assert_eq!(classes, [FaultClass::Unreadable]);
    });
}

#[test]
fn a_repeat_is_dropped_and_a_replay_is_not() {
    run(async |bench, broker| {
        let order_id = two_events(&bench, 1).await;
        pass(&bench, 500).await;
        let first = bench.node.store.events(order_id).await.expect("the store can be read").remove(0);
        broker.append(first.clone(), false);
        pass(&bench, 500).await;
        assert_eq!(versions(&bench, order_id), [1, 2], "a repeat");
        broker.append(first, true);
        pass(&bench, 500).await;
        assert_eq!(versions(&bench, order_id), [1, 2, 1], "a replay");
    });
}

#[test]
fn no_more_is_held_back_than_may_be_and_all_of_it_comes_out_in_the_end() {
    run(async |bench, broker| {
        let orders = u64::try_from(PARKED_EVENTS_MAX).expect("a small number") * 2;
        (0..orders).for_each(|number| bench.sink.refuse(upcoming(number), 1, 1));
        for number in 0..orders {
            two_events(&bench, number).await;
        }
        pass(&bench, 10_000).await;
        assert_eq!(bench.sink.printed() as u64, orders * 2);
        assert!((0..orders).all(|number| versions(&bench, upcoming(number)) == [1, 2]));
        assert_eq!(broker.aside(), []);
    });
}
