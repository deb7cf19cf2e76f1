//! What is not paid in time comes back, exactly and once, whether or not anyone was there at the deadline.

use std::collections::BTreeMap;
use std::time::Duration;

use actors::ports::Clock as _;
use floodgate::app::clock::SystemClock;
use futures_util::future::join_all;
use serde_json::json;

use crate::service::{Service, wait};

#[actix_web::test]
async fn units_of_orders_whose_deadline_passed_while_the_service_was_down_are_back_after_the_restart() {
    let mut service = Service::start().await;
    service.stock_up("a", 2_000, 3).await;
    let orders = place_many(&service, "a", 500, |number| 1 + number % 4).await;
    service.kill();
    wait(Duration::from_secs(4)).await;
    service.restart().await;
    // Promised within 5 s of the restart; real runs get five times as long before they fail.
    service.expect_back("a", 2_000).await;
    for order_id in orders.iter().step_by(50) {
        let order = service.get(&format!("/orders/{order_id}")).await.body;
        assert_eq!((&order["status"], &order["cancel_reason"]), (&json!("cancelled"), &json!("payment_timeout")));
        assert_eq!(order["version"], 2, "cancelled once");
    }
    service.expect_agreement().await;
    service.expect_every_event_printed(&orders).await;
}

#[actix_web::test]
async fn ten_thousand_deadlines_in_one_second_give_one_event_each() {
    let service = Service::start().await;
    service.stock_up("a", 30_000, 60).await;
    // Each batch gets a window shorter by as much as it is later, so that all end within a second or so.
    let clock = SystemClock::start();
    let begun = clock.now().monotonic;
    let mut orders = Vec::new();
    for batch in 0..10 {
        let passed = clock.now().monotonic.since(begun).as_secs();
        service.put("a", 25_u64.saturating_sub(passed).max(1)).await;
        orders.extend(place_batch(&service, "a", batch * 1_000..(batch + 1) * 1_000, |number| 1 + number % 3).await);
    }
    assert_eq!(orders.len(), 10_000);
    service.expect_back("a", 30_000).await;
    service.expect_agreement().await;
    let mut printed: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for _ in 0..200 {
        printed.clear();
        for (order_id, version) in service.printed() {
            printed.entry(order_id).or_default().push(version);
        }
        if printed.values().all(|versions| versions.len() == 2) && printed.len() == 10_000 {
            break;
        }
        wait(Duration::from_millis(50)).await;
    }
    assert_eq!(printed.len(), 10_000);
    assert!(printed.values().all(|versions| *versions == [1, 2]), "placed and cancelled, once each, in order");
}

async fn place_many(service: &Service, sku: &str, count: u64, quantity: fn(u64) -> u64) -> Vec<String> {
    place_batch(service, sku, 0..count, quantity).await
}

async fn place_batch(
    service: &Service,
    sku: &str,
    numbers: std::ops::Range<u64>,
    quantity: fn(u64) -> u64,
) -> Vec<String> {
    const CLIENTS: u64 = 32;
    let placed = join_all((0..CLIENTS).map(|client| {
        let numbers = numbers.clone();
        async move {
            let mut orders = Vec::new();
            for number in numbers.filter(|number| number % CLIENTS == client) {
                let items = json!([{"sku_id": sku, "quantity": quantity(number)}]);
                let body = json!({"items": items, "user_id": format!("u-{}", number % 97)});
                let answer = service.insist("/orders", Some(&format!("k-{number}")), body).await;
                assert_eq!(answer.status, 201, "{answer:?}");
                orders.push(answer.text("order_id"));
            }
            orders
        }
    }))
    .await;
    placed.into_iter().flatten().collect()
}
