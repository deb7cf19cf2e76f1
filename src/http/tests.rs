//! The front door in process, before a node on ports that can be made to fail.

use std::sync::Arc;
use std::time::Duration;

use actix_web::App;
use actix_web::http::Method;
use actix_web::test::{TestRequest, call_and_read_body_json, init_service};
use actix_web::web::Data;
use actors::domain::money::Currency;
use actors::ports::{Answer, CommitError, StoreError};
use actors::testing::bench_node::BenchNode;
use actors::testing::fixtures::put_sku;
use futures_util::future::{FutureExt as _, ready};
use serde_json::{Value, json};

use super::{Front, configure};
use crate::access::{Caller, IssuedToken, Revoked, TokenHash, TokenPage, Tokens};

/// Takes every token for an admin's, and keeps none.
struct Anyone;

impl Tokens for Anyone {
    fn find(&self, _: TokenHash) -> Answer<'_, Result<Option<Caller>, StoreError>> {
        ready(Ok(Some(Caller::Admin))).boxed()
    }

    fn issue(&self, _: Caller, _: Option<String>) -> Answer<'_, Result<IssuedToken, CommitError>> {
        ready(Err(CommitError::NotDone("no tokens are kept".to_owned()))).boxed()
    }

    fn list(&self, _: Option<i64>, _: usize) -> Answer<'_, Result<TokenPage, StoreError>> {
        ready(Ok(TokenPage::default())).boxed()
    }

    fn revoke(&self, _: String) -> Answer<'_, Result<Revoked, CommitError>> {
        ready(Ok(Revoked::Unknown)).boxed()
    }
}

/// Runs a test beside a node whose time stands still.
fn in_process(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    tokio::task::LocalSet::new().block_on(&runtime.expect("no io is needed"), test);
}

fn request(method: Method, path: &str, body: &Value) -> TestRequest {
    let request = TestRequest::with_uri(path).method(method).set_json(body);
    request.insert_header(("Authorization", "Bearer any")).insert_header(("Idempotency-Key", "k"))
}

#[test]
fn a_verdict_on_many_skus_is_read_in_small_steps() {
    in_process(async {
        let bench = BenchNode::start();
        let node = Arc::clone(&bench.node);
        let front = Data::new(Front::new(node, "n1".to_owned(), Arc::new(Anyone), Currency::default(), 7));
        let service = init_service(App::new().configure(move |config| configure(config, front))).await;
        for number in 0..50 {
            let sku = format!("sku-{number}");
            bench.node.orders.put_sku(put_sku(&sku)).await.expect("the store is open");
        }
        let asked = request(Method::GET, "/admin/verdict", &Value::Null).to_request();
        let verdict: Value = call_and_read_body_json(&service, asked).await;
        assert_eq!(verdict["skus"].as_array().map(Vec::len), Some(50));
        assert!(bench.store.audited_at_once() <= 20, "{}", bench.store.audited_at_once());
    });
}

#[test]
fn a_printer_that_fails_is_named_as_degraded_while_orders_are_taken() {
    in_process(async {
        let bench = BenchNode::start();
        let node = Arc::clone(&bench.node);
        let front = Data::new(Front::new(node, "n1".to_owned(), Arc::new(Anyone), Currency::default(), 7));
        let service = init_service(App::new().configure(move |config| configure(config, front))).await;
        bench.sink.set_broken(true);
        let goods = json!({"name": "a", "price": "1.00", "on_sale": true});
        let order = json!({"user_id": "u", "items": [{"sku_id": "a", "quantity": 1}]});
        for (method, path, body) in [
            (Method::PUT, "/skus/a", goods),
            (Method::POST, "/skus/a/stock", json!({"change": 10})),
            (Method::POST, "/orders", order),
        ] {
            let answer: Value = call_and_read_body_json(&service, request(method, path, &body).to_request()).await;
            assert!(answer["code"].is_null(), "{path}: {answer}");
        }
        for (is_broken, degraded) in [(true, json!(["printer"])), (false, json!([]))] {
            bench.sink.set_broken(is_broken);
            bench.clock.sleep(Duration::from_secs(1)).await;
            let asked = TestRequest::with_uri("/health/ready").to_request();
            let answer: Value = call_and_read_body_json(&service, asked).await;
            assert_eq!(answer, json!({"ready": true, "degraded": degraded}));
        }
    });
}
