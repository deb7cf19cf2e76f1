//! The route table in process, before a node on ports in memory: who may do what.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::App;
use actix_web::body::to_bytes;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Data;
use actors::domain::money::Currency;
use actors::node::Node;
use actors::ports::{Answer, StoreError};
use actors::testing::bench_node::BenchNode;
use actors::testing::fixtures::user_id;
use futures_util::future::{FutureExt as _, LocalBoxFuture, ready};
use serde_json::{Value, json};

use super::Front;
use super::routes::{Handler, ROUTES, configure};
use crate::access::{Caller, TokenHash, Tokens};

const CUSTOMER: &str = "token-of-u";
const OTHER: &str = "token-of-v";
const SERVICE: &str = "token-of-service";
const ADMIN: &str = "token-of-admin";

struct Known(Vec<(TokenHash, Caller)>);

impl Tokens for Known {
    fn find(&self, hash: TokenHash) -> Answer<'_, Result<Option<Caller>, StoreError>> {
        let found = self.0.iter().find(|(known, _)| *known == hash);
        ready(Ok(found.map(|(_, caller)| caller.clone()))).boxed()
    }
}

type Answered = LocalBoxFuture<'static, (StatusCode, Value)>;

/// The front door in process.
struct Shop(Box<dyn Fn(TestRequest) -> Answered>);

impl Shop {
    async fn open() -> Self {
        Self::before(BenchNode::start().node).await
    }

    async fn before(node: Arc<Node>) -> Self {
        let callers = [
            (CUSTOMER, Caller::Customer(user_id("u"))),
            (OTHER, Caller::Customer(user_id("v"))),
            (SERVICE, Caller::Service),
            (ADMIN, Caller::Admin),
        ];
        let tokens = Known(callers.map(|(token, caller)| (TokenHash::of(token), caller)).into());
        let front = Data::new(Front::new(node, "n1".to_owned(), Arc::new(tokens), Currency::default(), 7));
        let service = Rc::new(init_service(App::new().configure(move |config| configure(config, front))).await);
        Self(Box::new(move |request| {
            let service = Rc::clone(&service);
            async move {
                let answer = actix_web::test::call_service(&*service, request.to_request()).await;
                let status = answer.status();
                let body = to_bytes(answer.into_body()).await.expect("a body in memory");
                (status, serde_json::from_slice(&body).expect("answers are json"))
            }
            .boxed_local()
        }))
    }

    async fn send(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = TestRequest::with_uri(path).method(method);
        request = request.insert_header(("Authorization", format!("Bearer {token}")));
        request = request.insert_header(("Idempotency-Key", "k"));
        if let Some(body) = body {
            request = request.set_json(body);
        }
        (self.0)(request).await
    }

    async fn get(&self, token: &str, path: &str) -> (StatusCode, Value) {
        self.send(token, Method::GET, path, None).await
    }

    async fn post(&self, token: &str, path: &str, body: Value) -> (StatusCode, Value) {
        self.send(token, Method::POST, path, Some(body)).await
    }

    /// Puts up a SKU `a` with ten units.
    async fn stock(&self) {
        let goods = json!({"name": "a", "price": "1.00", "on_sale": true});
        assert_eq!(self.send(SERVICE, Method::PUT, "/skus/a", Some(goods)).await.0, StatusCode::CREATED);
        assert_eq!(self.post(SERVICE, "/skus/a/stock", json!({"change": 10})).await.0, StatusCode::OK);
    }

    /// Places an order with a customer's token. Answers its path.
    async fn placed(&self, token: &str) -> String {
        let (status, order) = self.post(token, "/orders", json!({"items": [{"sku_id": "a", "quantity": 1}]})).await;
        assert_eq!(status, StatusCode::CREATED, "{order}");
        format!("/orders/{}", order["order_id"].as_str().expect("an id"))
    }
}

/// Runs a test beside a node whose time stands still.
fn in_process(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    tokio::task::LocalSet::new().block_on(&runtime.expect("no io is needed"), test);
}

#[test]
fn each_route_lets_in_the_roles_of_its_row_and_no_other() {
    in_process(async {
        let shop = Shop::open().await;
        for route in ROUTES {
            let Handler::Only(roles, _) = route.handler else { continue };
            for (token, caller) in [(CUSTOMER, "customer"), (SERVICE, "service"), (ADMIN, "admin")] {
                let path = route.path.replace("{id}", "01KAJ3ZZZZZZZZZZZZZZZZZZZZ");
                let (status, answer) = shop.send(token, route.method.clone(), &path, Some(json!({}))).await;
                let may = roles.iter().any(|role| role.name() == caller);
                assert_eq!(answer["code"] != "forbidden", may, "{caller} {} {}: {answer}", route.method, route.path);
                assert_eq!(status != StatusCode::FORBIDDEN, may);
            }
        }
    });
}

#[test]
fn a_customer_acts_for_itself() {
    in_process(async {
        let shop = Shop::open().await;
        shop.stock().await;
        let named = json!({"user_id": "u", "items": [{"sku_id": "a", "quantity": 1}]});
        let (status, refused) = shop.post(CUSTOMER, "/orders", named).await;
        assert_eq!((status, &refused["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("field_not_allowed")));
        let order = shop.placed(CUSTOMER).await;
        assert_eq!(shop.get(CUSTOMER, &order).await.1["user_id"], "u");
        let (status, cancelled) = shop.send(CUSTOMER, Method::POST, &format!("{order}/cancel"), None).await;
        assert_eq!((status, &cancelled["cancel_reason"]), (StatusCode::OK, &json!("customer")));
        let (_, events) = shop.get(CUSTOMER, &format!("{order}/events")).await;
        let by: Vec<&Value> = events["events"].as_array().into_iter().flatten().map(|event| &event["by"]).collect();
        assert_eq!(by, ["u", "u"]);
    });
}

#[test]
fn a_foreign_order_answers_like_an_unknown_one() {
    in_process(async {
        let shop = Shop::open().await;
        shop.stock().await;
        let foreign = shop.placed(OTHER).await;
        let unknown = "/orders/01KAJ3ZZZZZZZZZZZZZZZZZZZZ".to_owned();
        for (method, rest) in [(Method::GET, ""), (Method::GET, "/events"), (Method::POST, "/cancel")] {
            let mut answers = Vec::new();
            for order in [&foreign, &unknown] {
                let (status, mut answer) = shop.send(CUSTOMER, method.clone(), &format!("{order}{rest}"), None).await;
                let id = order.trim_start_matches("/orders/");
                assert_eq!((status, &answer["order_id"]), (StatusCode::NOT_FOUND, &json!(id)));
                answer["detail"] = json!(answer["detail"].as_str().map(|detail| detail.replace(id, "")));
                for name in ["order_id", "request_id"] {
                    answer[name] = Value::Null;
                }
                answers.push(answer);
            }
            assert_eq!(answers[0], answers[1], "{method} {rest}");
        }
        assert_eq!(shop.get(OTHER, &foreign).await.1["status"], "submitted");
    });
}

#[test]
fn a_list_shows_a_customer_its_own_orders_only() {
    in_process(async {
        let shop = Shop::open().await;
        shop.stock().await;
        shop.placed(CUSTOMER).await;
        shop.placed(OTHER).await;
        let mut seen = BTreeMap::new();
        for (token, filter) in
            [(CUSTOMER, ""), (CUSTOMER, "?user_id=u"), (CUSTOMER, "?user_id=v"), (SERVICE, ""), (ADMIN, "?user_id=v")]
        {
            let (_, page) = shop.get(token, &format!("/orders{filter}")).await;
            let users = page["orders"].as_array().into_iter().flatten().filter_map(|order| order["user_id"].as_str());
            seen.insert((token, filter), users.collect::<Vec<_>>().join(" "));
        }
        let expected = [
            ((CUSTOMER, ""), "u"),
            ((CUSTOMER, "?user_id=u"), "u"),
            ((CUSTOMER, "?user_id=v"), ""),
            ((SERVICE, ""), "v u"),
            ((ADMIN, "?user_id=v"), "v"),
        ];
        assert_eq!(seen, expected.map(|(key, users)| (key, users.to_owned())).into());
    });
}

#[test]
fn a_printer_that_fails_is_named_as_degraded_while_orders_are_taken() {
    in_process(async {
        let bench = BenchNode::start();
        let shop = Shop::before(Arc::clone(&bench.node)).await;
        shop.stock().await;
        bench.sink.set_broken(true);
        shop.placed(CUSTOMER).await;
        for (is_broken, degraded) in [(true, json!(["printer"])), (false, json!([]))] {
            bench.sink.set_broken(is_broken);
            bench.clock.sleep(Duration::from_secs(1)).await;
            let expected = json!({"ready": true, "degraded": degraded});
            assert_eq!(shop.get(CUSTOMER, "/health/ready").await, (StatusCode::OK, expected));
        }
    });
}
