//! The service as it is, called without a network: embedded, or on the stack that the environment names.

use actix_web::App as Door;
use actix_web::body::to_bytes;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::test::{TestRequest, init_service};
use actors::domain::id::SkuId;
use floodgate::access::Role;
use floodgate::app::App;
use floodgate::http::configure;
use floodgate::settings::{Flags, Settings};
use futures_util::future::{FutureExt as _, LocalBoxFuture};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::answer::Answer;
use crate::draw::{SKUS, USERS};
use crate::memory::{Caller, text_of};
use crate::request::Request;
use crate::stack::Stack;

type Called = LocalBoxFuture<'static, Answer>;

/// See the module.
pub(crate) struct Shop {
    app: App,
    admin: String,
    call: Box<dyn Fn(TestRequest) -> Called>,
    // Dropped last, when nobody works on it any more.
    _stack: Stack,
    _directory: TempDir,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let data = directory.path().join("data");
        let flags = Flags { listen: Some(([127, 0, 0, 1], 0).into()), data: Some(data.clone()), ..Flags::default() };
        let printer = ("FLOODGATE_PRINTER__PATH".to_owned(), directory.path().join("events").display().to_string());
        let stack = Stack::open(&[]).await;
        let settings = Settings::load(&flags, std::iter::once(printer).chain(stack.settings()));
        let app = App::start(settings.expect("good settings")).await.expect("it starts");
        let front = app.front();
        let service = init_service(Door::new().configure(move |config| configure(config, front))).await;
        let admin = std::fs::read_to_string(data.join("admin-token")).expect("a token was written").trim().to_owned();
        let call = move |request: TestRequest| {
            let answered = service.call(request.to_request());
            async move { read(answered.await.expect("every request has an answer")).await }.boxed_local()
        };
        let shop = Self { app, admin, call: Box::new(call), _stack: stack, _directory: directory };
        for sku_id in SKUS {
            let goods = json!({"name": sku_id, "price": "1.00", "on_sale": true});
            shop.manage("PUT", &format!("/skus/{sku_id}"), &goods).await;
            shop.manage("POST", &format!("/skus/{sku_id}/stock"), &json!({"change": 100_000})).await;
        }
        shop
    }

    /// Callers of every role, some of them twice, and one without a token that is good.
    pub(crate) async fn callers(&self) -> Vec<Caller> {
        let mut callers = vec![Caller { token: "nonsense".to_owned(), role: Role::Admin }];
        let wanted = [
            json!({"role": "customer", "user_id": USERS[0]}),
            json!({"role": "customer", "user_id": USERS[1]}),
            json!({"role": "service"}),
            json!({"role": "service"}),
        ];
        for wanted in wanted {
            let created = self.manage("POST", "/admin/tokens", &wanted).await;
            let role = text_of(&created, "role").parse().expect("a role");
            callers.push(Caller { token: text_of(&created, "token"), role });
        }
        let admin = Caller { token: self.admin.clone(), role: Role::Admin };
        callers.extend(std::iter::repeat_n(admin, 5));
        callers
    }

    /// The answer to a request; none if no parser would hand it on.
    pub(crate) async fn send(&self, request: &Request) -> Option<Answer> {
        Some((self.call)(request.build()?).await)
    }

    /// Nothing that was sent has left the service with something wrong inside.
    pub(crate) async fn assert_sound(self) {
        for kind in self.app.node().live.totals() {
            let (name, total) = kind;
            assert_eq!(total.restarts, 0, "an actor of the kind {name} was made again");
        }
        for sku_id in SKUS {
            let sku_id: SkuId = sku_id.parse().expect("an id");
            let verdict = self.app.node().verdicts.give(Some(sku_id), None, 1).await.expect("the store is there");
            let differences: Vec<&String> = verdict.skus.iter().flat_map(|sku| &sku.differences).collect();
            assert!(differences.is_empty(), "{differences:?}");
        }
        self.app.stop().await;
    }

    async fn manage(&self, method: &str, path: &str, body: &Value) -> Value {
        let headers = [
            ("Authorization", format!("Bearer {}", self.admin)),
            ("Content-Type", "application/json".to_owned()),
            ("Idempotency-Key", "first".to_owned()),
        ];
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: String::new(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.into_bytes())).into(),
            body: body.to_string().into_bytes(),
        };
        let answer = self.send(&request).await.expect("a good request");
        assert!(answer.status < 300, "{answer:?}");
        answer.json().expect("json")
    }
}

async fn read(answered: ServiceResponse) -> Answer {
    let (request, response) = answered.into_parts();
    let header = |(name, value): (&actix_web::http::header::HeaderName, &actix_web::http::header::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Answer {
        method: request.method().to_string(),
        route: request.match_pattern(),
        status: response.status().as_u16(),
        headers: response.headers().iter().map(header).collect(),
        body: to_bytes(response.into_body()).await.expect("a body in memory").into(),
    }
}
