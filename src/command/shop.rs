//! A small typed client of the service's API: each call is one request and one answer. Trying again is the caller's, but
//! for what the service's rate limit held back.

mod pages;
mod refusal;
pub(super) mod wire;

use std::cell::Cell;
use std::io::ErrorKind;
use std::time::Duration;

use actix_web::web::Bytes;
use actors::domain::limits::PAGE_MAX;
use actors::ports::Clock as _;
use awc::error::{ConnectError, FreezeRequestError, PayloadError, SendRequestError};
use awc::http::header::{AUTHORIZATION, HeaderMap, RETRY_AFTER};
use awc::http::{Method, StatusCode};
use awc::{Client, ClientRequest, Connector, FrozenClientRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(super) use pages::Pages;
pub(super) use refusal::{Doubt, Refusal};

use super::Failure;
use super::cli::TargetArgs;
use super::target::{self, BaseUrl};
use crate::app::clock::SystemClock;
use wire::{
    ActorList, CreatedToken, EventList, FlowPage, Live, Order, OrderPage, PayAnswer, Stock, TokenList, Verdict,
    WantedToken,
};

/// How long an answer may take to begin, and then to end. Twice the service's own deadline and then some.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request waits in all for the service's rate limit to let it through.
const HELD_BACK_MAX: Duration = Duration::from_secs(60);
/// It waits so long at least, whatever the service asks for.
const HELD_BACK_MIN: Duration = Duration::from_millis(100);
/// What the service calls that.
const RATE_LIMITED: &str = "rate_limited";
/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is used again: less than the service keeps it, so that it is not closed under a request.
const IDLE_MAX: Duration = Duration::from_secs(3);
/// Bytes of an answer. A verdict over a whole catalogue is the longest.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The service as its client sees it.
pub(super) struct Shop {
    client: Client,
    url: BaseUrl,
    requests: Cell<u64>,
    clock: SystemClock,
    /// How long an answer that has begun may take to end.
    answer_max: Duration,
}

impl Shop {
    /// Opens a shop that keeps at most `connections` connections.
    pub(super) fn new(url: BaseUrl, token: &str, connections: u16) -> Self {
        let connector =
            Connector::new().limit(usize::from(connections)).conn_keep_alive(IDLE_MAX).timeout(CONNECT_TIMEOUT);
        let client = Client::builder()
            .connector(connector)
            .timeout(REQUEST_TIMEOUT)
            .disable_redirects()
            .add_default_header((AUTHORIZATION, format!("Bearer {token}")))
            .finish();
        let (requests, clock) = (Cell::new(0), SystemClock::start());
        Self { client, url, requests, clock, answer_max: REQUEST_TIMEOUT }
    }

    /// The shop that these arguments mean, if a service answers there. That is asked first: where nothing runs, a
    /// missing token is not what is wrong.
    pub(super) async fn running(args: &TargetArgs) -> Result<Self, Failure> {
        let url = target::url_of(args)?;
        match Self::new(url.clone(), "", 1).live().await {
            Ok(_) => {}
            Err(refusal) if refusal.is_unreachable() => {
                let problem = format!("no service answers at {}; start one with floodgate", url.as_str());
                return Err(Failure::Work(problem));
            }
            Err(refusal) => {
                let problem = format!("what answers at {} is no service in good health: {refusal}", url.as_str());
                return Err(Failure::Work(problem));
            }
        }
        Ok(Self::new(url, &target::token_of(args)?, 1))
    }

    /// Requests sent so far.
    pub(super) fn requests(&self) -> u64 {
        self.requests.get()
    }

    /// Whether a service answers at all.
    pub(super) async fn is_alive(&self) -> bool {
        self.live().await.is_ok()
    }

    async fn live(&self) -> Result<Live, Refusal> {
        self.send(self.request(Method::GET, "/health/live"), None::<&()>).await
    }

    /// A SKU; none if there is no such SKU.
    pub(super) async fn sku(&self, sku_id: &str) -> Result<Option<Value>, Refusal> {
        let found = self.get(&format!("/skus/{sku_id}")).await?;
        found.map(|sku| about(sku, sku_id)).transpose()
    }

    /// Makes a SKU, with no stock.
    pub(super) async fn put_sku(
        &self,
        sku_id: &str,
        name: &str,
        price: &str,
        payment_window_s: u32,
    ) -> Result<Value, Refusal> {
        let body = json!({"name": name, "price": price, "on_sale": true, "payment_window_s": payment_window_s});
        about(self.send(self.request(Method::PUT, &format!("/skus/{sku_id}")), Some(&body)).await?, sku_id)
    }

    /// Adds units to a SKU, once per key, which is told as the reason, too.
    pub(super) async fn add_stock(&self, sku_id: &str, units: u32, key: &str) -> Result<Stock, Refusal> {
        let request = self.request(Method::POST, &format!("/skus/{sku_id}/stock"));
        self.send(keyed(request, key), Some(&json!({"change": units, "reason": key}))).await
    }

    /// A SKU's stock; none if there is no such SKU.
    pub(super) async fn stock(&self, sku_id: &str) -> Result<Option<Stock>, Refusal> {
        self.get(&format!("/skus/{sku_id}/stock")).await
    }

    /// A page of what happened to a SKU's stock.
    pub(super) async fn stock_flow(&self, sku_id: &str, cursor: Option<&str>) -> Result<FlowPage, Refusal> {
        let path = format!("/skus/{sku_id}/stock/flow?limit={PAGE_MAX}{}", from(cursor));
        self.send(self.request(Method::GET, &path), None::<&()>).await
    }

    /// A page of the orders of a SKU.
    pub(super) async fn orders(&self, sku_id: &str, cursor: Option<&str>) -> Result<OrderPage, Refusal> {
        let path = format!("/orders?sku_id={sku_id}&limit={PAGE_MAX}{}", from(cursor));
        self.send(self.request(Method::GET, &path), None::<&()>).await
    }

    /// Places an order of one line, once per key.
    pub(super) async fn place(&self, user_id: &str, sku_id: &str, quantity: u32, key: &str) -> Result<Order, Refusal> {
        let items = json!([{"sku_id": sku_id, "quantity": quantity}]);
        let body = json!({"items": items, "user_id": user_id, "source": "rush"});
        self.send(keyed(self.request(Method::POST, "/orders"), key), Some(&body)).await
    }

    /// Tells of a captured payment, once per payment id.
    pub(super) async fn pay(&self, order_id: &str, payment_id: &str, amount: &str) -> Result<PayAnswer, Refusal> {
        let request = self.request(Method::POST, &format!("/orders/{order_id}/pay"));
        self.send(request, Some(&json!({"payment_id": payment_id, "amount": amount}))).await
    }

    /// An order; none if the service does not know it.
    pub(super) async fn order(&self, order_id: &str) -> Result<Option<Order>, Refusal> {
        self.get(&format!("/orders/{order_id}")).await
    }

    /// What happened to an order; none if the service does not know it.
    pub(super) async fn events(&self, order_id: &str) -> Result<Option<EventList>, Refusal> {
        self.get(&format!("/orders/{order_id}/events")).await
    }

    /// The service's own verdict, on one SKU or on all.
    pub(super) async fn verdict(&self, sku_id: Option<&str>) -> Result<Verdict, Refusal> {
        let path = match sku_id {
            Some(sku_id) => format!("/admin/verdict?sku_id={sku_id}"),
            None => "/admin/verdict".to_owned(),
        };
        self.send(self.request(Method::GET, &path), None::<&()>).await
    }

    /// A page of the actors that live, of one kind or of all.
    pub(super) async fn actors(&self, kind: Option<&str>, cursor: Option<&str>) -> Result<ActorList, Refusal> {
        let filters = [("kind", kind), ("cursor", cursor)];
        let given = filters.iter().filter_map(|(name, value)| value.map(|value| format!("&{name}={value}")));
        let path = format!("/admin/actors?limit=100{}", given.collect::<String>());
        self.send(self.request(Method::GET, &path), None::<&()>).await
    }

    /// Gives out a token.
    pub(super) async fn create_token(&self, wanted: &WantedToken<'_>) -> Result<CreatedToken, Refusal> {
        self.send(self.request(Method::POST, "/admin/tokens"), Some(wanted)).await
    }

    /// A page of the tokens that were given out.
    pub(super) async fn tokens(&self, cursor: Option<&str>) -> Result<TokenList, Refusal> {
        let path = format!("/admin/tokens?limit={PAGE_MAX}{}", from(cursor));
        self.send(self.request(Method::GET, &path), None::<&()>).await
    }

    /// Takes a token back.
    pub(super) async fn revoke_token(&self, token_id: &str) -> Result<(), Refusal> {
        let request = self.request(Method::DELETE, &format!("/admin/tokens/{token_id}"));
        match self.exchange(request, None::<&()>).await? {
            (StatusCode::NO_CONTENT, _) => Ok(()),
            (status, _) => {
                Err(Refusal::unreadable(&format_args!("a token that is revoked is told by 204, not {status}")))
            }
        }
    }

    fn request(&self, method: Method, path: &str) -> ClientRequest {
        self.client.request(method, format!("{}{path}", self.url.as_str()))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Refusal> {
        match self.send(self.request(Method::GET, path), None::<&()>).await {
            Ok(found) => Ok(Some(found)),
            // A 404 of any other code (a route, a proxy) says nothing about the thing asked for.
            Err(refusal) if matches!(refusal.code.as_str(), "order_not_found" | "sku_not_found") => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    async fn send<T: DeserializeOwned>(
        &self,
        request: ClientRequest,
        body: Option<&impl Serialize>,
    ) -> Result<T, Refusal> {
        let (_, answer) = self.exchange(request, body).await?;
        serde_json::from_slice(&answer).map_err(|error| Refusal::unreadable(&error))
    }

    /// Sends a request, again if the service's rate limit held it back; the answer if it says yes.
    async fn exchange(
        &self,
        request: ClientRequest,
        body: Option<&impl Serialize>,
    ) -> Result<(StatusCode, Bytes), Refusal> {
        let request = request.freeze().map_err(|error| not_sendable(&error))?;
        let mut waited = Duration::ZERO;
        loop {
            let refusal = match self.exchange_once(&request, body).await {
                Err(refusal) if refusal.code == RATE_LIMITED => refusal,
                answered => return answered,
            };
            let Some(wait) = refusal.retry_after.map(|wait| wait.max(HELD_BACK_MIN)) else { return Err(refusal) };
            waited = waited.saturating_add(wait);
            if waited > HELD_BACK_MAX {
                return Err(refusal);
            }
            self.clock.sleep(wait).await;
        }
    }

    async fn exchange_once(
        &self,
        request: &FrozenClientRequest,
        body: Option<&impl Serialize>,
    ) -> Result<(StatusCode, Bytes), Refusal> {
        self.requests.set(self.requests.get() + 1);
        let sent = match body {
            Some(body) => request.send_json(body),
            None => request.send(),
        };
        let mut answer = sent.await.map_err(|error| not_answered(&error))?.timeout(self.answer_max);
        let bytes = answer.body().limit(ANSWER_BYTES_MAX).await.map_err(|error| not_finished(&error))?;
        if answer.status().is_success() {
            return Ok((answer.status(), bytes));
        }
        Err(Refusal::of_answer(answer.status().as_u16(), retry_after(answer.headers()), &bytes))
    }
}

/// The SKU, if it is the one that was asked for.
fn about(sku: Value, sku_id: &str) -> Result<Value, Refusal> {
    if sku["sku_id"] == sku_id {
        Ok(sku)
    } else {
        Err(Refusal::unreadable(&format_args!("it does not tell of {sku_id}")))
    }
}

fn from(cursor: Option<&str>) -> String {
    cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"))
}

fn keyed(request: ClientRequest, key: &str) -> ClientRequest {
    request.insert_header(("Idempotency-Key", key))
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

fn not_sendable(error: &FreezeRequestError) -> Refusal {
    Refusal::of_client("invalid_url", Doubt::None, error)
}

fn not_finished(error: &PayloadError) -> Refusal {
    match error {
        PayloadError::Io(error) if error.kind() == ErrorKind::TimedOut => {
            Refusal::of_client("timed_out", Doubt::MayHaveLanded, &"the answer does not come to its end")
        }
        _ => Refusal::broken_off(error),
    }
}

fn not_answered(error: &SendRequestError) -> Refusal {
    match error {
        SendRequestError::Url(problem) => Refusal::of_client("invalid_url", Doubt::None, problem),
        // So the client names a connection that ends while it waits for the answer.
        SendRequestError::Connect(ConnectError::Disconnected | ConnectError::H2(_)) => Refusal::broken_off(error),
        SendRequestError::Connect(ConnectError::Timeout) => Refusal::never_sent(&"connecting took too long"),
        SendRequestError::Connect(problem) => Refusal::never_sent(problem),
        SendRequestError::Timeout => Refusal::of_client("timed_out", Doubt::MayHaveLanded, error),
        _ => Refusal::broken_off(error),
    }
}

#[cfg(test)]
mod tests;
