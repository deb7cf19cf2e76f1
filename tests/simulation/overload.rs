//! A node with more to do than it can, under a clock that stands still: what is bounded stays bounded.

#![expect(clippy::expect_used, reason = "a failed expectation fails the test it stands in")]

use std::time::Duration;

use actors::domain::commit::PutSku;
use actors::domain::limits::{ANSWER_PATIENCE, IN_HAND_MAX};
use actors::domain::order::{Status, WantedLine};
use actors::domain::payment::PaymentNotice;
use actors::domain::rejection::Rejection;
use actors::domain::stock::Goods;
use actors::order::OrderRequest;
use actors::testing::bench_node::BenchNode;
use actors::testing::fixtures::{PRICE, payment, put_sku, sku_id, stock_change, user_id};
use futures_util::future::join_all;
use tokio::task::LocalSet;

pub(crate) fn run(test: impl AsyncFnOnce(BenchNode)) {
    run_on(BenchNode::start, test);
}

/// Runs a test on the node that `start` starts, with goods put up.
pub(crate) fn run_on(start: impl FnOnce() -> BenchNode, test: impl AsyncFnOnce(BenchNode)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without io can always be built");
    LocalSet::new().block_on(&runtime, async {
        let bench = start();
        bench.node.orders.put_sku(put_sku("a")).await.expect("the store is open");
        bench.node.orders.change_stock(stock_change("a", 100_000, "k")).await.expect("the store is open");
        test(bench).await;
    });
}

pub(crate) fn request(number: usize) -> OrderRequest {
    let line = WantedLine { sku_id: sku_id("a"), quantity: 1, expected_unit_price: None };
    let user = user_id(&format!("u-{number}"));
    OrderRequest { by: user.to_string(), user_id: user, lines: vec![line], source: None, remark: None, key: None }
}

#[test]
fn what_is_more_than_a_node_takes_in_hand_is_busy_at_once_and_the_rest_is_served() {
    run(async |bench| {
        bench.store.set_open(false);
        let started = bench.clock.now().monotonic;
        let attempts = IN_HAND_MAX + 2_000;
        let asked = join_all((0..attempts).map(|number| {
            let bench = &bench;
            async move {
                let answer = bench.node.orders.place(request(number)).await;
                (answer, bench.clock.now().monotonic.since(started))
            }
        }));
        let opening = async {
            bench.clock.sleep(Duration::from_secs(2)).await;
            bench.store.set_open(true);
        };
        let (answers, ()) = tokio::join!(asked, opening);
        let (served, busy): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(answer, _)| answer.is_ok());
        assert_eq!(served.len(), IN_HAND_MAX, "what was taken in hand is served");
        assert!(busy.iter().all(|(answer, _)| *answer == Err(Rejection::Busy)));
        assert!(busy.iter().all(|(_, after)| after.is_zero()), "busy is said at once");
    });
}

#[test]
fn what_waits_too_long_for_the_store_is_refused_and_holds_nothing() {
    run(async |bench| {
        bench.store.set_open(false);
        let asked = join_all((0..100).map(|number| bench.node.orders.place(request(number))));
        let opening = async {
            bench.clock.sleep(Duration::from_secs(5)).await;
            bench.store.set_open(true);
        };
        let (answers, ()) = tokio::join!(asked, opening);
        assert!(answers.iter().all(|answer| matches!(answer, Err(Rejection::Unavailable(_)))), "{answers:?}");
        let sku = bench.disk.tables().skus[&sku_id("a")].clone();
        assert_eq!((sku.level.available, sku.level.reserved), (100_000, 0));
        assert!(bench.node.orders.place(request(1)).await.is_ok(), "and the node goes on");
    });
}

#[test]
fn a_store_that_hangs_is_not_asked_again_and_again_to_expire_the_same_orders() {
    run(async |bench| {
        join_all((0..500).map(|number| bench.node.orders.place(request(number)))).await;
        bench.store.set_open(false);
        let before = bench.store.asked();
        // The shop's default window, and ten minutes of sweeps on top.
        bench.clock.sleep(Duration::from_secs(900 + 600)).await;
        bench.store.set_open(true);
        bench.clock.sleep(Duration::from_secs(10)).await;
        // Two per order at most: its own, and that of a sweep that looked just before. Not one per sweep.
        let asked = bench.store.asked() - before;
        assert!(asked <= 1_100, "{asked} mutations were asked for");
        let tables = bench.disk.tables();
        assert!(tables.orders.values().all(|order| order.status() == Status::Cancelled && order.version == 2));
        assert_eq!(tables.skus[&sku_id("a")].level.available, 100_000);
    });
}

#[test]
fn ten_thousand_deadlines_in_one_moment_give_one_event_each_within_half_a_second() {
    run(async |bench| {
        let placed = join_all((0..5_000).map(|number| bench.node.orders.place(request(number)))).await;
        let more = join_all((5_000..10_000).map(|number| bench.node.orders.place(request(number)))).await;
        assert!(placed.iter().chain(&more).all(Result::is_ok));
        bench.clock.sleep(Duration::from_secs(900) + Duration::from_millis(500)).await;
        let tables = bench.disk.tables();
        assert!(tables.orders.values().all(|order| order.status() == Status::Cancelled && order.version == 2));
        assert_eq!((tables.orders.len(), tables.events.len()), (10_000, 20_000));
        assert_eq!(tables.skus[&sku_id("a")].level.available, 100_000);
    });
}

#[test]
fn nobody_hears_sold_out_because_of_a_placement_that_is_refused_in_the_end() {
    run(async |bench| {
        let limited = PutSku { goods: Goods { purchase_limit: Some(1), ..put_sku("b").goods }, ..put_sku("b") };
        bench.node.orders.put_sku(limited).await.expect("the store is open");
        bench.node.orders.change_stock(stock_change("b", 2, "k")).await.expect("the store is open");
        let place = |user: usize, key: &str| {
            let line = WantedLine { sku_id: sku_id("b"), quantity: 1, expected_unit_price: None };
            let key = Some(key.parse().expect("a valid key"));
            bench.node.orders.place(OrderRequest { lines: vec![line], key, ..request(user) })
        };
        let first = place(1, "first").await.expect("there are two");
        bench.store.set_open(false);
        // A replay, and an attempt of a user who has as much as one may: neither takes the last unit in the end.
        let (replay, greedy, honest) = (place(1, "first"), place(1, "more"), place(2, "mine"));
        let opening = async {
            bench.clock.sleep(Duration::from_secs(1)).await;
            bench.store.set_open(true);
        };
        let (replay, greedy, honest, ()) = tokio::join!(replay, greedy, honest, opening);
        assert_eq!(replay.map(|placed| (placed.order.order_id, placed.replayed)), Ok((first.order.order_id, true)));
        assert_eq!(greedy.map_err(|rejection| rejection.code()).err(), Some("purchase_limit_reached"));
        assert!(honest.is_ok(), "{honest:?}");
        assert_eq!(place(3, "late").await.map_err(|rejection| rejection.code()).err(), Some("sold_out"));
    });
}

#[test]
fn while_the_store_hangs_nobody_hears_sold_out_of_what_may_come_back() {
    run(async |bench| {
        bench.node.orders.put_sku(put_sku("b")).await.expect("the store is open");
        bench.node.orders.change_stock(stock_change("b", 5, "k")).await.expect("the store is open");
        bench.store.set_open(false);
        let line = || vec![WantedLine { sku_id: sku_id("b"), quantity: 1, expected_unit_price: None }];
        let asked =
            join_all((0..50).map(|number| bench.node.orders.place(OrderRequest { lines: line(), ..request(number) })));
        let opening = async {
            bench.clock.sleep(Duration::from_secs(6)).await;
            bench.store.set_open(true);
        };
        let (answers, ()) = tokio::join!(asked, opening);
        assert!(answers.iter().all(|answer| matches!(answer, Err(Rejection::Unavailable(_)))), "{answers:?}");
        assert_eq!(bench.disk.tables().skus[&sku_id("b")].level.available, 5);
        bench.clock.sleep(Duration::from_secs(7)).await;
        assert!(bench.node.orders.place(OrderRequest { lines: line(), ..request(1) }).await.is_ok());
    });
}

#[test]
fn who_asks_a_store_that_hangs_is_answered_and_the_key_stays_taken_until_the_work_has_ended() {
    run(async |bench| {
        let first = bench.node.orders.place(request(1)).await.expect("the store is open").order;
        let keyed = |key: &str| OrderRequest { key: Some(key.parse().expect("a valid key")), ..request(2) };
        let notice = PaymentNotice { order_id: first.order_id, ..payment("p-1", 0, PRICE) };
        bench.store.set_open(false);
        let started = bench.clock.now().monotonic;
        let orders = &bench.node.orders;
        let code = |rejection: Rejection| rejection.code();
        let change = stock_change("a", 5, "more");
        let (paid, placed, changed) =
            tokio::join!(orders.pay(notice), orders.place(keyed("k")), orders.change_stock(change.clone()));
        assert_eq!(bench.clock.now().monotonic.since(started), ANSWER_PATIENCE);
        assert_eq!(paid.map_err(code).err(), Some("outcome_unknown"));
        assert_eq!(placed.map_err(code).err(), Some("outcome_unknown"));
        assert_eq!(changed.map_err(code).err(), Some("outcome_unknown"));
        assert_eq!(orders.place(keyed("k")).await.map_err(code).err(), Some("request_in_progress"));
        assert_eq!(orders.change_stock(change.clone()).await.map_err(code).err(), Some("request_in_progress"));
        assert_eq!(bench.clock.now().monotonic.since(started), ANSWER_PATIENCE, "which is said at once");
        bench.store.set_open(true);
        bench.clock.sleep(Duration::from_millis(10)).await;
        let paid = bench.disk.tables().orders[&first.order_id].clone();
        assert_eq!(paid.status(), Status::Paid, "the work went on");
        // These two ran out of time under the lock, so they are not done, and the keys are free.
        assert_eq!(orders.place(keyed("k")).await.map(|placed| placed.replayed), Ok(false));
        assert_eq!(orders.change_stock(change).await.map(|changed| changed.replayed), Ok(false));
    });
}

#[test]
fn a_store_that_cannot_be_read_keeps_nobody_waiting_for_ever() {
    run(async |bench| {
        bench.store.set_readable(false);
        let started = bench.clock.now().monotonic;
        let line = WantedLine { sku_id: sku_id("b"), quantity: 1, expected_unit_price: None };
        let key = Some("k".parse().expect("a valid key"));
        let wanted = OrderRequest { lines: vec![line], key, ..request(1) };
        let answer = bench.node.orders.place(wanted.clone()).await;
        assert!(matches!(answer, Err(Rejection::Unavailable(_))), "{answer:?}");
        assert_eq!(bench.clock.now().monotonic.since(started), ANSWER_PATIENCE);
        bench.store.set_readable(true);
        let answer = bench.node.orders.place(wanted).await;
        assert_eq!(answer.map_err(|rejection| rejection.code()).err(), Some("sku_not_found"), "the key is free");
    });
}

#[test]
fn an_overdue_order_is_counted_once_however_often_it_is_found() {
    run(async |bench| {
        bench.node.orders.place(request(1)).await.expect("the store is open");
        bench.store.set_open(false);
        bench.clock.sleep(Duration::from_secs(900 + 600)).await;
        let counts = bench.node.live.counts.totals();
        assert_eq!(counts[&("sweeper", "found")], 1, "in ten minutes of sweeps");
    });
}
