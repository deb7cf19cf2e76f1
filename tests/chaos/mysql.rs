//! The service on MySQL: not migrated, not there yet, killed and held up in the middle of a sale.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::server::Server;
use crate::service::{Answer, Service, wait};

/// A server of the test's own, and a service on it that is not started yet.
fn not_started() -> (Arc<Server>, Service) {
    let server = Server::start("mysql");
    let service = Service::not_started(&[("STORE__URL", &server.url())]);
    (Arc::new(server), service)
}

async fn started() -> (Arc<Server>, Service) {
    let (server, mut service) = not_started();
    let (code, said) = service.command("migrate");
    assert_eq!(code, Some(0), "{said}");
    service.restart().await;
    (server, service)
}

async fn off_the_thread(work: impl FnOnce() + Send + 'static) {
    tokio::task::spawn_blocking(work).await.expect("the script does what it is told");
}

/// Buys until it is over; gives what was acknowledged, by key.
async fn buy(service: &Service, is_over: &Cell<bool>, clients: u32) -> BTreeMap<String, Answer> {
    let acknowledged = RefCell::new(BTreeMap::new());
    let buying = (0..clients).map(|client| {
        let acknowledged = &acknowledged;
        async move {
            for attempt in 0.. {
                if is_over.get() {
                    return;
                }
                let key = format!("k-{client}-{attempt}");
                let body = json!({"items": [{"sku_id": "a", "quantity": 1}], "user_id": format!("u-{client}")});
                let answer = service.post("/orders", Some(&key), body).await;
                match answer.status {
                    201 => drop(acknowledged.borrow_mut().insert(key, answer)),
                    503 => wait(Duration::from_millis(50)).await,
                    other => panic!("{other} is no answer to an outage: {answer:?}"),
                }
            }
        }
    });
    join_all(buying).await;
    acknowledged.into_inner()
}

async fn expect_all_there(service: &Service, acknowledged: &BTreeMap<String, Answer>) {
    for (key, first) in acknowledged {
        let order = service.get(&format!("/orders/{}", first.text("order_id"))).await;
        assert_eq!((order.status, &order.body), (200, &first.body), "{key}");
    }
    service.expect_agreement().await;
    let order_ids: Vec<String> = acknowledged.values().take(100).map(|answer| answer.text("order_id")).collect();
    service.expect_every_event_printed(&order_ids).await;
}

#[actix_web::test]
async fn a_database_that_is_behind_is_refused_in_one_sentence_that_says_what_to_do() {
    let (_server, mut service) = not_started();
    service.launch();
    for _ in 0..100 {
        if service.ended().is_some() {
            break;
        }
        wait(Duration::from_millis(50)).await;
    }
    assert_eq!(service.ended().and_then(|status| status.code()), Some(2), "{}", service.log());
    let said = service.log();
    let sentence = "floodgate: the database is 12 migrations behind this binary; bring it up to date with floodgate \
                    migrate\n";
    assert!(said.ends_with(sentence), "{said}");
    let (code, said) = service.command("migrate");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("is at version 12 now"), "{said}");
    assert!(service.command("migrate").1.contains("was up to date"));
    service.restart().await;
    service.stock_up("a", 3, 900).await;
    assert_eq!(service.units("a").await, (3, 3, 0, 0));
}

#[actix_web::test]
async fn a_service_starts_without_its_database_and_serves_when_it_comes() {
    let (server, mut service) = not_started();
    assert_eq!(service.command("migrate").0, Some(0));
    server.kill();
    service.launch();
    let mut live = 0;
    for _ in 0..100 {
        live = service.get("/health/live").await.status;
        if live == 200 {
            break;
        }
        wait(Duration::from_millis(50)).await;
    }
    assert_eq!(live, 200, "{}", service.log());
    let ready = service.get("/health/ready").await;
    assert_eq!(ready.status, 503);
    let reason = ready.body["reasons"][0].as_str().unwrap_or_default();
    assert!(reason.contains("the database cannot be reached"), "{ready:?}");
    let started = Arc::clone(&server);
    off_the_thread(move || started.start_again()).await;
    service.expect_ready().await;
    for _ in 0..100 {
        if !service.token().is_empty() {
            break;
        }
        wait(Duration::from_millis(50)).await;
    }
    service.stock_up("a", 3, 900).await;
    let order = json!({"items": [{"sku_id": "a", "quantity": 1}], "user_id": "u"});
    assert_eq!(service.insist("/orders", Some("k"), order).await.status, 201);
    service.expect_agreement().await;
    server.kill();
    let refused = service.get("/skus").await;
    assert_eq!((refused.status, refused.text("code").as_str()), (503, "unavailable"));
    let url = server.url();
    let password = url.split([':', '@']).nth(2).expect("it has one");
    assert!(!service.log().contains(password), "{}", service.log());
}

#[actix_web::test]
async fn a_sale_survives_the_death_of_its_database() {
    let (server, service) = started().await;
    service.stock_up("a", 1_000_000, 900).await;
    let is_over = Cell::new(false);
    let storm = async {
        for round in 0..3 {
            wait(Duration::from_millis(600 + 170 * round)).await;
            let server = Arc::clone(&server);
            off_the_thread(move || {
                server.kill();
                server.start_again();
            })
            .await;
        }
        service.expect_ready().await;
        wait(Duration::from_millis(600)).await;
        is_over.set(true);
    };
    let (acknowledged, ()) = tokio::join!(buy(&service, &is_over, 12), storm);
    assert!(acknowledged.len() > 50, "only {} orders were acknowledged", acknowledged.len());
    expect_all_there(&service, &acknowledged).await;
}

#[actix_web::test]
async fn a_sale_survives_a_database_that_hangs() {
    let (server, service) = started().await;
    service.stock_up("a", 1_000_000, 900).await;
    let is_over = Cell::new(false);
    let storm = async {
        wait(Duration::from_millis(600)).await;
        let paused = Arc::clone(&server);
        off_the_thread(move || paused.pause()).await;
        wait(Duration::from_secs(5)).await;
        let ready = service.get("/health/ready").await;
        assert_eq!(ready.status, 503, "{ready:?}");
        let resumed = Arc::clone(&server);
        off_the_thread(move || resumed.resume()).await;
        service.expect_ready().await;
        wait(Duration::from_millis(600)).await;
        is_over.set(true);
    };
    // Fewer than it takes to fill the links, so that each has to have its answer in time.
    let (acknowledged, ()) = tokio::join!(buy(&service, &is_over, 12), storm);
    assert!(acknowledged.len() > 50, "only {} orders were acknowledged", acknowledged.len());
    expect_all_there(&service, &acknowledged).await;
}
