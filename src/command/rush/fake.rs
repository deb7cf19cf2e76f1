//! A tiny shop in memory, on a free port of this machine, with faults that a rush must notice or sit out.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard};

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use futures_util::stream;
use serde_json::{Value, json};

use crate::command::target::BaseUrl;

/// The token that the fake takes.
pub(super) const TOKEN: &str = "secret";

/// What is wrong with a shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing.
    None,
    /// It sells three units more than it has, and its books follow.
    Oversells,
    /// It sells three units more than it has, and its books hide it.
    OversellsAndHidesIt,
    /// It forgets its first order once that is paid.
    LosesAnOrder,
    /// It breaks every second connection, half of them after the work is done.
    BreaksConnections,
    /// It does so while orders are placed, and never else.
    BreaksPlacements,
    /// It refuses one buyer although there is stock.
    KeepsOneBack,
    /// It takes three orders and is down for every further one.
    GoesDown,
    /// It tells of a payment but records no event.
    SkipsAnEvent,
    /// Its own verdict is never better than this.
    Says(&'static str),
    /// Somebody else puts five more units in after three orders.
    Restocked,
    /// Somebody else takes the SKU off sale after three orders.
    TakenOffSale,
    /// Somebody else buys two units after three orders.
    BoughtByOthers,
}

#[derive(Default)]
struct Books {
    breakable: u64,
    sku_id: Option<String>,
    total: i64,
    orders: BTreeMap<String, FakeOrder>,
    keys: BTreeMap<String, String>,
    kept_back: bool,
    is_off_sale: bool,
    /// Why units were put in, time by time.
    reasons: Vec<String>,
    /// Units ever put into orders.
    taken: i64,
    /// Orders ever made.
    made: usize,
}

struct FakeOrder {
    user_id: String,
    quantity: i64,
    is_paid: bool,
}

/// A shop with a fault.
pub(super) struct Fake {
    fault: Fault,
    books: Mutex<Books>,
}

/// A running fake; stop it when done.
pub(super) struct RunningFake {
    pub(super) url: BaseUrl,
    handle: ServerHandle,
}

impl RunningFake {
    /// Starts a shop with `fault`.
    pub(super) fn start(fault: Fault) -> Self {
        let fake = Data::new(Fake { fault, books: Mutex::default() });
        let app = move || App::new().app_data(fake.clone()).default_service(web::to(answer));
        let server = HttpServer::new(app).workers(1).disable_signals();
        let server = server.bind(("127.0.0.1", 0)).expect("a free port");
        let url = BaseUrl::parse(&format!("http://{}", server.addrs()[0])).expect("a url");
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { url, handle }
    }

    /// Stops the shop.
    pub(super) async fn stop(self) {
        self.handle.stop(false).await;
    }
}

async fn answer(fake: Data<Fake>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let is_placement = request.method() == "POST" && request.path() == "/orders";
    let breaks = match fake.fault {
        Fault::BreaksConnections => true,
        Fault::BreaksPlacements => is_placement,
        _ => false,
    };
    let count = fake.count(breaks);
    if breaks && count % 4 == 1 {
        return broken();
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let done = fake.answer(&request, &body);
    if breaks && count % 4 == 3 { broken() } else { done }
}

/// An answer that ends before it begins: the connection is closed under the client.
fn broken() -> HttpResponse {
    HttpResponse::Ok().streaming(stream::once(async { Err::<Bytes, _>(io::Error::other("broken on purpose")) }))
}

fn refuse(status: u16, code: &str) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).expect("a status");
    HttpResponse::build(status).content_type("application/problem+json").json(json!({"code": code, "detail": "no"}))
}

impl Fake {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("no test panics with it")
    }

    /// Counts the requests that may break.
    fn count(&self, breaks: bool) -> u64 {
        let mut books = self.books();
        books.breakable += u64::from(breaks);
        books.breakable
    }

    fn answer(&self, request: &HttpRequest, body: &Value) -> HttpResponse {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let path: Vec<&str> = request.path().trim_matches('/').split('/').collect();
        let mut books = self.books();
        if path[0] != "health" && header("Authorization") != format!("Bearer {TOKEN}") {
            return refuse(401, "unauthenticated");
        }
        match (request.method().as_str(), path.as_slice()) {
            ("GET", ["health", "live"]) => HttpResponse::Ok().json(json!({"live": true})),
            ("PUT", ["skus", sku_id]) => {
                books.sku_id = Some((*sku_id).to_owned());
                HttpResponse::Ok().json(books.sku())
            }
            (_, ["skus", sku_id, ..]) if books.sku_id.as_deref() != Some(sku_id) => refuse(404, "sku_not_found"),
            ("GET", ["skus", _]) => HttpResponse::Ok().json(books.sku()),
            ("GET", ["skus", _, "stock", "flow"]) => HttpResponse::Ok().json(books.flow()),
            ("GET", ["orders"]) => HttpResponse::Ok().json(books.orders()),
            ("POST", ["skus", _, "stock"]) => {
                if books.keys.insert(header("Idempotency-Key").to_owned(), String::new()).is_none() {
                    books.total += body["change"].as_i64().expect("a change");
                    books.reasons.push(body["reason"].as_str().expect("a reason").to_owned());
                }
                HttpResponse::Ok().json(books.stock(self.fault))
            }
            ("GET", ["skus", _, "stock"]) => HttpResponse::Ok().json(books.stock(self.fault)),
            ("POST", ["orders"]) => self.place(&mut books, header("Idempotency-Key"), body),
            (_, ["orders", id, ..]) if !books.orders.contains_key(*id) => refuse(404, "order_not_found"),
            ("GET", ["orders", id]) => HttpResponse::Ok().json(books.order(id)),
            ("POST", ["orders", id, "pay"]) => {
                books.orders.get_mut(*id).expect("it was found").is_paid = true;
                let paid = json!({"outcome": "paid", "reason": null, "order": books.order(id)});
                if self.fault == Fault::LosesAnOrder && *id == "order-0" {
                    books.orders.remove(*id);
                }
                HttpResponse::Ok().json(paid)
            }
            ("GET", ["orders", id, "events"]) => {
                let is_told = books.orders[*id].is_paid && self.fault != Fault::SkipsAnEvent;
                let types = ["order_submitted", "order_paid"].into_iter().take(1 + usize::from(is_told));
                let events: Vec<Value> =
                    (1..).zip(types).map(|(version, kind)| json!({"version": version, "type": kind})).collect();
                HttpResponse::Ok().json(json!({"events": events}))
            }
            ("GET", ["admin", "verdict"]) => HttpResponse::Ok().json(books.verdict(self.fault)),
            _ => refuse(404, "route_not_found"),
        }
    }

    fn place(&self, books: &mut Books, key: &str, body: &Value) -> HttpResponse {
        let user_id = body["user_id"].as_str().expect("a user").to_owned();
        let quantity = body["items"][0]["quantity"].as_i64().expect("a quantity");
        let key = format!("{user_id} {key}");
        if let Some(id) = books.keys.get(&key) {
            return HttpResponse::Created().insert_header(("Idempotency-Replayed", "true")).json(books.order(id));
        }
        // Each buyer of a rush is a user of its own and makes one attempt.
        if books.orders.values().any(|order| order.user_id == user_id) {
            return refuse(409, "purchase_limit_reached");
        }
        if self.fault == Fault::KeepsOneBack && !books.kept_back && !books.orders.is_empty() {
            books.kept_back = true;
            books.total -= quantity;
            return refuse(409, "sold_out");
        }
        if books.made == 3 {
            books.meet(self.fault);
        }
        if self.fault == Fault::GoesDown && books.made == 3 {
            return refuse(503, "unavailable");
        }
        if books.is_off_sale {
            return refuse(409, "sku_not_on_sale");
        }
        let surplus = if matches!(self.fault, Fault::Oversells | Fault::OversellsAndHidesIt) { 3 } else { 0 };
        if books.taken + quantity > books.total + surplus {
            return refuse(409, "sold_out");
        }
        let id = books.make(user_id, quantity);
        books.keys.insert(key, id.clone());
        HttpResponse::Created().json(books.order(&id))
    }
}

impl Books {
    /// Makes an order.
    fn make(&mut self, user_id: String, quantity: i64) -> String {
        let id = format!("order-{}", self.made);
        self.made += 1;
        self.taken += quantity;
        self.orders.insert(id.clone(), FakeOrder { user_id, quantity, is_paid: false });
        id
    }

    /// Lets somebody else in.
    fn meet(&mut self, fault: Fault) {
        match fault {
            Fault::Restocked if self.reasons.len() == 1 => {
                self.total += 5;
                self.reasons.push("delivery".to_owned());
            }
            Fault::TakenOffSale => self.is_off_sale = true,
            Fault::BoughtByOthers => {
                self.make("somebody".to_owned(), 2);
            }
            _ => {}
        }
    }

    fn sku(&self) -> Value {
        json!({"sku_id": self.sku_id, "on_sale": !self.is_off_sale})
    }

    fn flow(&self) -> Value {
        let entry = |kind: &str, reason: Option<&String>| json!({"kind": kind, "reason": reason});
        let restocks = self.reasons.iter().map(|reason| entry("restock", Some(reason)));
        let entries: Vec<Value> = self.orders.values().map(|_| entry("reserve", None)).chain(restocks).collect();
        json!({"entries": entries, "next_cursor": null})
    }

    fn orders(&self) -> Value {
        let orders: Vec<Value> = self.orders.keys().map(|id| self.order(id)).collect();
        json!({"orders": orders, "next_cursor": null})
    }

    fn order(&self, id: &str) -> Value {
        let order = &self.orders[id];
        let (status, version) = if order.is_paid { ("paid", 2) } else { ("submitted", 1) };
        json!({"order_id": id, "user_id": order.user_id, "status": status, "version": version, "amount": "10.00",
            "items": [{"sku_id": self.sku_id, "quantity": order.quantity}]})
    }

    fn stock(&self, fault: Fault) -> Value {
        let units = |is_paid: bool| -> i64 {
            self.orders.values().filter(|order| order.is_paid == is_paid).map(|order| order.quantity).sum()
        };
        let (mut reserved, mut sold, mut total) = (units(false), units(true), self.total);
        if fault == Fault::OversellsAndHidesIt {
            (reserved, sold) = (0, total.min(reserved + sold));
        }
        if self.kept_back {
            total += 1;
        }
        json!({"sku_id": self.sku_id, "total": total, "available": total - reserved - sold, "reserved": reserved,
            "sold": sold})
    }

    fn verdict(&self, fault: Fault) -> Value {
        let stock = self.stock(fault);
        let state = if let Fault::Says(state) = fault { state } else { "agrees" };
        json!({"state": state, "skus": [{"sku_id": self.sku_id, "state": state, "store": stock, "orders": stock,
            "ledger": {"available": stock["available"], "grants": 0}, "actor": null, "differences": []}]})
    }
}
