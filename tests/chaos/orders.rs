//! Acknowledged orders, keys and half orders, across `kill -9`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::service::{Answer, Service, wait};

#[actix_web::test]
async fn every_acknowledged_order_survives_and_every_key_keeps_its_answer() {
    let mut service = Service::start().await;
    service.stock_up("a", 100_000, 900).await;
    let acknowledged: Rc<RefCell<BTreeMap<String, Answer>>> = Rc::default();
    for round in 0..4 {
        // Clients buy until the service dies under them.
        let buying = join_all((0..24).map(|client| {
            let (service, acknowledged) = (&service, Rc::clone(&acknowledged));
            async move {
                for attempt in 0.. {
                    let key = format!("k-{round}-{client}-{attempt}");
                    let answer = place(service, &key, "a", 1 + attempt % 3).await;
                    match answer.status {
                        201 => acknowledged.borrow_mut().insert(key, answer),
                        0 => return,
                        _ => None,
                    };
                }
            }
        }));
        let killing = async {
            wait(Duration::from_millis(200 + 130 * round)).await;
            service.kill_under_load();
        };
        tokio::join!(buying, killing);
        service.restart().await;
    }
    let acknowledged = acknowledged.take();
    assert!(acknowledged.len() > 50, "only {} orders were acknowledged", acknowledged.len());
    for (key, first) in &acknowledged {
        let order = service.get(&format!("/orders/{}", first.text("order_id"))).await;
        assert_eq!((order.status, &order.body), (200, &first.body), "{key}");
        let quantity = first.body["items"][0]["quantity"].as_u64().expect("a quantity");
        let again = place(&service, key, "a", quantity).await;
        assert_eq!((again.status, &again.body, again.replayed), (201, &first.body, true), "{key}");
    }
    service.expect_agreement().await;
    let order_ids: Vec<String> = acknowledged.values().map(|answer| answer.text("order_id")).collect();
    service.expect_every_event_printed(&order_ids).await;
}

#[actix_web::test]
async fn a_key_gives_one_order_and_one_answer_across_death_and_sell_out() {
    let mut service = Service::start().await;
    service.stock_up("last", 3, 900).await;
    let first = place(&service, "mine", "last", 1).await;
    assert_eq!((first.status, first.replayed), (201, false));
    service.kill();
    assert_eq!(place(&service, "mine", "last", 1).await.status, 0, "the service is down");
    service.restart().await;
    assert_eq!(place(&service, "mine", "last", 1).await.body, first.body);
    assert_eq!(place(&service, "theirs", "last", 2).await.status, 201);
    assert_eq!(place(&service, "too-late", "last", 1).await.text("code"), "sold_out");
    assert_eq!(place(&service, "mine", "last", 1).await.body, first.body, "sold out or not");
    assert_eq!(place(&service, "mine", "last", 2).await.text("code"), "idempotency_key_reused");
    service.restart().await;
    let again = place(&service, "mine", "last", 1).await;
    assert_eq!((again.status, again.body, again.replayed), (201, first.body, true));
    assert_eq!(service.units("last").await, (3, 0, 3, 0));
}

#[actix_web::test]
async fn orders_of_two_lines_in_opposite_order_are_whole_or_not_at_all() {
    let service = Service::start().await;
    service.stock_up("left", 60, 900).await;
    service.stock_up("right", 60, 900).await;
    let answers = join_all((0..200).map(|number| {
        let service = &service;
        async move {
            let lines = [json!({"sku_id": "left", "quantity": 1}), json!({"sku_id": "right", "quantity": 1})];
            let lines = if number % 2 == 0 { lines } else { [lines[1].clone(), lines[0].clone()] };
            let body = json!({"items": lines, "user_id": format!("u-{number}")});
            service.insist("/orders", Some("k"), body).await
        }
    }))
    .await;
    let placed = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(placed, 60, "every unit is sold, each in a whole order");
    let refused = answers.iter().filter(|answer| answer.text("code") == "sold_out").count();
    assert_eq!(refused, 140);
    assert_eq!(service.units("left").await, (60, 0, 60, 0));
    assert_eq!(service.units("right").await, (60, 0, 60, 0));
    service.expect_agreement().await;
}

async fn place(service: &Service, key: &str, sku: &str, quantity: u64) -> Answer {
    let body = json!({"items": [{"sku_id": sku, "quantity": quantity}], "user_id": "u-1"});
    service.post("/orders", Some(key), body).await
}
