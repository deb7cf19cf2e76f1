//! Actors that panic under load: each is back at once, everyone gets an answer, and all adds up in the end.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use actors::node::LiveActor;
use awc::Client;
use floodgate::app::App;
use floodgate::settings::{Flags, Settings};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::service::wait;

/// How often every actor is poisoned.
const ROUNDS: u64 = 100;

#[actix_web::test]
async fn actors_may_panic_again_and_again_under_load() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let printed = directory.path().join("printed");
    let environment = [("FLOODGATE_PRINTER__PATH".to_owned(), printed.display().to_string())];
    let flags = Flags {
        listen: Some(([127, 0, 0, 1], 0).into()),
        data: Some(directory.path().join("data")),
        ..Flags::default()
    };
    let app = App::start(Settings::load(&flags, environment).expect("valid settings")).await.expect("it starts");
    let token = std::fs::read_to_string(app.token_file()).expect("the token is there");
    let shop = Shop { url: app.url().to_owned(), token: token.trim().to_owned(), client: Client::default() };
    shop.put_up("a", 1_000_000).await;
    shop.put_up("rare", 1).await;
    let is_over = Rc::new(Cell::new(false));
    let trading = join_all((0..16).map(|client| shop.trade(client, Rc::clone(&is_over))));
    let panicking = async {
        let kinds = app.node().live.list(None, None, 100);
        for round in 0..ROUNDS {
            for LiveActor { kind, key, .. } in &kinds {
                app.node().live.poison(kind, key);
            }
            // Each has something to do within this time; the sweeper and the worker by their own clocks.
            wait(Duration::from_millis(if round % 10 == 9 { 1_100 } else { 40 })).await;
        }
        is_over.set(true);
    };
    let (tallies, ()) = tokio::join!(trading, panicking);
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    let mut acknowledged = Vec::new();
    for (status, order_id) in tallies.into_iter().flatten() {
        *statuses.entry(status).or_default() += 1;
        acknowledged.extend(order_id);
    }
    assert!(statuses.keys().all(|status| matches!(status, 200 | 201 | 409 | 503)), "{statuses:?}");
    assert!(acknowledged.len() > 200, "{statuses:?}");
    let lost = app.node().live.list(None, None, 100);
    for LiveActor { kind, key, restarts, .. } in lost {
        // The sweeper has something to do once a second only, the worker as often as events come together.
        let least = if matches!(kind, "sweeper" | "worker") { 3 } else { 20 };
        assert!(restarts >= least || key == "rare", "{kind} {key} was lost {restarts} times only");
    }
    for order_id in &acknowledged {
        assert_eq!(shop.get(&format!("/orders/{order_id}")).await.0, 200, "{order_id} is there");
    }
    shop.expect_agreement().await;
    assert!(app.node().drain(Duration::from_secs(10)).await, "every event is printed");
    app.stop().await;
    let lines = std::fs::read_to_string(printed).expect("it was printed");
    let mut seen = std::collections::BTreeSet::new();
    assert!(lines.lines().all(|line| seen.insert(line.to_owned())), "the process lived, so nothing is printed twice");
    assert!(seen.len() >= acknowledged.len());
}

struct Shop {
    url: String,
    token: String,
    client: Client,
}

impl Shop {
    /// Places and pays until it is over. Gives every status, and the orders that were acknowledged.
    async fn trade(&self, client: usize, is_over: Rc<Cell<bool>>) -> Vec<(u16, Option<String>)> {
        let mut tally = Vec::new();
        for attempt in 0_u64.. {
            if is_over.get() {
                break;
            }
            let body = json!({"items": [{"sku_id": "a", "quantity": 1}], "user_id": format!("u-{client}")});
            let (status, order) = self.post("/orders", &format!("k-{client}-{attempt}"), body).await;
            // Only some want the rare one: who wants units that a lost placement holds has to wait for its grant to lapse.
            if client.is_multiple_of(4) {
                let body = json!({"items": [{"sku_id": "rare", "quantity": 1}], "user_id": format!("u-{client}")});
                tally.push((self.post("/orders", &format!("r-{client}-{attempt}"), body).await.0, None));
            }
            let order_id = (status == 201).then(|| order["order_id"].as_str().unwrap_or_default().to_owned());
            if let Some(order_id) = &order_id {
                let body = json!({"payment_id": format!("p-{order_id}"), "amount": order["amount"]});
                tally.push((self.post(&format!("/orders/{order_id}/pay"), "", body).await.0, None));
            }
            tally.push((status, order_id));
        }
        tally
    }

    async fn put_up(&self, sku: &str, units: u64) {
        let goods = json!({"name": sku, "price": "1.00", "on_sale": true});
        let put = self.client.put(format!("{}/skus/{sku}", self.url)).bearer_auth(&self.token).send_json(&goods).await;
        assert_eq!(put.expect("it answers").status(), 201);
        assert_eq!(self.post(&format!("/skus/{sku}/stock"), "k", json!({"change": units})).await.0, 200);
        // So that its actor is live and can be lost from the start on.
        assert_eq!(self.post("/admin/warm-up", "", json!({"sku_ids": [sku]})).await.0, 200);
    }

    async fn post(&self, path: &str, key: &str, body: Value) -> (u16, Value) {
        let mut request = self.client.post(format!("{}{path}", self.url)).bearer_auth(&self.token);
        if !key.is_empty() {
            request = request.insert_header(("Idempotency-Key", key));
        }
        let mut answer =
            request.timeout(Duration::from_secs(10)).send_json(&body).await.expect("every request is answered");
        (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        let mut answer = request.send().await.expect("every request is answered");
        (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
    }

    async fn expect_agreement(&self) {
        let mut verdict = Value::Null;
        for _ in 0..300 {
            verdict = self.get("/admin/verdict").await.1;
            if verdict["state"] == "agrees" {
                return;
            }
            wait(Duration::from_millis(50)).await;
        }
        panic!("no agreement after 15 s: {verdict}");
    }
}
