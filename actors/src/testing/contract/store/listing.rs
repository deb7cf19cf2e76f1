//! Lists: orders, deadlines, audits.

use std::time::Duration;

use crate::domain::commit::{Mutation, PutSku};
use crate::domain::id::OrderId;
use crate::domain::invariant::OrderTotals;
use crate::domain::order::{CancelReason, Order, Status};
use crate::domain::stock::Goods;
use crate::domain::time::Timestamp;
use crate::ports::{Clock, OrderQuery};
use crate::testing::contract::Bench;
use crate::testing::fixtures::{PRICE, cancellation, order_id, payment, place, put_sku, sku_id, user_id};

/// Reads all pages of a query, checking that each keeps to the limit.
async fn every_page(bench: &Bench, query: OrderQuery) -> Vec<Order> {
    let mut all = Vec::new();
    let mut query = query;
    loop {
        let page = bench.store.orders(query.clone()).await.expect("the store can be read");
        assert!(page.orders.len() <= query.limit);
        all.extend(page.orders);
        let Some(next) = page.next else { return all };
        assert!(query.before.is_none_or(|before| next < before), "a cursor goes on");
        query.before = Some(next);
    }
}

/// Eighteen orders of two users and two SKUs in three statuses, committed in another order than their ids'.
async fn mixed_orders(bench: &Bench) -> Vec<Order> {
    bench.stock_up("a", 100).await;
    bench.stock_up("b", 100).await;
    let baskets: [&[(&str, u32)]; 3] = [&[("a", 1)], &[("b", 1)], &[("a", 1), ("b", 1)]];
    for step in 0..18 {
        let number = (step * 7) % 18 + 1;
        let user = if number % 2 == 0 { "u" } else { "v" };
        let lines = baskets[usize::try_from(number / 2 % 3).expect("a small number")];
        bench.place(place(number, user, lines)).await;
        match number % 5 {
            0 => {
                let sum = PRICE * i64::try_from(lines.len()).expect("a small number");
                bench.change(Mutation::Pay(payment(&format!("p-{number}"), number, sum))).await;
            }
            1 => {
                bench.change(Mutation::Cancel(cancellation(number, CancelReason::Shop))).await;
            }
            _ => {}
        }
    }
    let mut orders = Vec::new();
    for number in (1..=18).rev() {
        orders.push(bench.order(number).await.expect("the order exists"));
    }
    orders
}

/// Every filter, alone and with the others, in pages of every size: nothing skipped, nothing repeated.
pub async fn orders_are_listed_newest_first_by_every_combination_of_filters(bench: Bench) {
    let orders = mixed_orders(&bench).await;
    for user in [None, Some("u"), Some("v"), Some("nobody")] {
        for status in
            [None, Some(Status::Submitted), Some(Status::Paid), Some(Status::Cancelled), Some(Status::Shipped)]
        {
            for sku in [None, Some("a"), Some("b"), Some("nothing")] {
                let belongs = |order: &&Order| {
                    user.is_none_or(|user| order.user_id.as_str() == user)
                        && status.is_none_or(|status| order.status() == status)
                        && sku.is_none_or(|sku| order.lines.iter().any(|line| line.sku_id.as_str() == sku))
                };
                let expected: Vec<Order> = orders.iter().filter(belongs).cloned().collect();
                for limit in [1, 2, 5, 100] {
                    let (user_id, sku_id) = (user.map(user_id), sku.map(sku_id));
                    let query = OrderQuery { user_id, status, sku_id, before: None, limit };
                    assert_eq!(every_page(&bench, query.clone()).await, expected, "{query:?}");
                }
            }
        }
    }
}

/// New orders sort before the cursor and do not disturb who pages on.
pub async fn orders_placed_while_paging_are_neither_skipped_nor_repeated_before_the_cursor(bench: Bench) {
    bench.stock_up("a", 100).await;
    for number in 1..=5 {
        bench.place(place(number, "u", &[("a", 1)])).await;
    }
    let query = OrderQuery { user_id: Some(user_id("u")), limit: 2, ..OrderQuery::default() };
    let first = bench.store.orders(query.clone()).await.expect("the store can be read");
    for number in 6..=8 {
        bench.place(place(number, "u", &[("a", 1)])).await;
    }
    let rest = every_page(&bench, OrderQuery { before: first.next, ..query }).await;
    let listed: Vec<_> = first.orders.iter().chain(&rest).map(|order| order.order_id).collect();
    assert_eq!(listed, [5, 4, 3, 2, 1].map(order_id));
}

/// A page that holds the last order says so.
pub async fn the_last_page_has_no_cursor(bench: Bench) {
    bench.stock_up("a", 100).await;
    for number in 1..=4 {
        bench.place(place(number, "u", &[("a", 1)])).await;
    }
    for (limit, next) in [(3, Some(order_id(2))), (4, None), (5, None)] {
        let page = bench.store.orders(OrderQuery { limit, ..OrderQuery::default() }).await;
        assert_eq!(page.map(|page| page.next), Ok(next), "{limit}");
    }
    let nothing = OrderQuery { before: Some(order_id(1)), limit: 5, ..OrderQuery::default() };
    assert_eq!(every_page(&bench, nothing).await, []);
}

async fn due(bench: &Bench, until: Timestamp, limit: usize) -> Vec<OrderId> {
    let due = bench.store.due(until, limit).await.expect("the store can be read");
    for (order_id, expires_at) in &due {
        let order = bench.store.order(*order_id).await.expect("the store can be read");
        assert_eq!(order.and_then(|order| order.expires_at()), Some(*expires_at));
    }
    due.into_iter().map(|(order_id, _)| order_id).collect()
}

/// Only what is submitted and due, the most overdue first.
pub async fn due_orders_are_listed_by_deadline_up_to_the_limit(bench: Bench) {
    let start = bench.clock.now().wall;
    for (number, (sku, window)) in (1..).zip([("a", 30), ("b", 10), ("c", 20), ("d", 10_000)]) {
        let payment_window = Some(Duration::from_secs(window));
        let put = PutSku { goods: Goods { payment_window, ..put_sku(sku).goods }, ..put_sku(sku) };
        bench.one(Mutation::PutSku(put)).await.expect("the sku is put up");
        bench.change_stock(sku, 10, "k").await;
        bench.place(place(number, "u", &[(sku, 1)])).await;
    }
    let at = |seconds| start.plus(Duration::from_secs(seconds));
    assert_eq!(due(&bench, at(10).minus(Duration::from_millis(1)), 9).await, []);
    assert_eq!(due(&bench, at(10), 9).await, [2].map(order_id));
    assert_eq!(due(&bench, at(60), 9).await, [2, 3, 1].map(order_id));
    assert_eq!(due(&bench, at(60), 2).await, [2, 3].map(order_id));
    bench.change(Mutation::Pay(payment("p", 2, PRICE))).await;
    bench.change(Mutation::Cancel(cancellation(3, CancelReason::Customer))).await;
    assert_eq!(due(&bench, at(60), 9).await, [1].map(order_id));
}

/// Stock rows and orders are two accounts of the same units.
pub async fn an_audit_adds_up_after_everything_that_can_happen(bench: Bench) {
    let orders = mixed_orders(&bench).await;
    bench.clock.advance(Duration::from_secs(900));
    for number in [3, 10] {
        bench.one(Mutation::Expire(order_id(number))).await.expect("expiring is never refused");
    }
    bench.change_stock("a", -50, "k").await;
    bench.change_stock("b", 7, "k").await;
    bench.assert_sound(1..=18).await;
    let held = |sku: &str, statuses: &[Status]| -> i64 {
        let of_status =
            orders.iter().filter(|order| statuses.contains(&order.status()) && order.order_id != order_id(3));
        of_status.flat_map(|order| &order.lines).filter(|line| line.sku_id.as_str() == sku).map(|_| 1).sum()
    };
    for sku in ["a", "b"] {
        let audit = bench.store.audit(Some(sku_id(sku)), None, 1).await.expect("the store can be read");
        let totals = OrderTotals { reserved: held(sku, &[Status::Submitted]), sold: held(sku, &[Status::Paid]) };
        assert_eq!(audit.len(), 1);
        assert_eq!((audit[0].orders, &audit[0].sku), (totals, &bench.sku(sku).await));
    }
    assert_eq!(bench.store.audit(Some(sku_id("nothing")), None, 1).await, Ok(vec![]));
}

/// Audits of many SKUs come in pages, by id.
pub async fn an_audit_goes_on_after_the_sku_it_is_told(bench: Bench) {
    for sku in ["c", "a", "B", "b"] {
        bench.stock_up(sku, 1).await;
    }
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = bench.store.audit(None, after, 3).await.expect("the store can be read");
        let Some(last) = page.last() else { break };
        assert!(pages.len() < 4, "paging comes to an end");
        after = Some(last.sku.sku_id.clone());
        pages.push(page.iter().map(|audit| audit.sku.sku_id.to_string()).collect::<Vec<_>>());
    }
    assert_eq!(pages, [vec!["B", "a", "b"], vec!["c"]]);
}
