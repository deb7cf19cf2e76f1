//! What every request goes through: a name, the caller, the body, the handler, the access line.

use std::rc::Rc;
use std::sync::atomic::Ordering;

use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::http::{ConnectionType, Method};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actors::domain::rejection::Rejection;
use actors::domain::time::Now;

use super::answer::Answer;
use super::call::{Call, Visit};
use super::connection::{InHand, Peer};
use super::problem::Refusal;
use super::query::Query;
use super::routes::{Handler, Route};
use super::{Front, body, sliced, unread};
use crate::access::Caller;
use crate::trace::{Origin, Served};

/// The header that tells which trace a request belongs to.
const TRACE_PARENT: &str = "traceparent";
/// The code of refusals of what is more than can be served.
const BUSY: &str = "busy";
/// Stands for the answer where the connection was lost before there was one. What was asked for may still be done.
const CONNECTION_LOST: (u16, &str) = (499, "connection_lost");
/// What begins so is about orders and SKUs.
const SHOP: [&str; 2] = ["/orders", "/skus"];
/// The one route that may be opened to everyone.
const METRICS: &str = "/metrics";

/// What a request's method and path lead to.
#[derive(Clone, Copy)]
pub(super) enum Target {
    Route(&'static Route),
    /// Something is at the path, for these methods.
    OtherMethods(&'static str),
    Nothing,
}

impl Target {
    pub(super) const fn pattern(&self) -> &'static str {
        match self {
            Self::Route(route) => route.path,
            Self::OtherMethods(path) => path,
            Self::Nothing => "-",
        }
    }

    /// The method, if there is something for it.
    pub(super) fn method(&self) -> Option<&'static str> {
        match self {
            Self::Route(route) => Some(route.method.as_str()),
            Self::OtherMethods(_) | Self::Nothing => None,
        }
    }
}

/// Answers a request.
pub(super) async fn serve(
    target: Target,
    front: Data<Front>,
    request: HttpRequest,
    mut payload: Payload,
) -> HttpResponse {
    let in_hand = request.conn_data::<Rc<Peer>>().map(|peer| peer.take_in_hand(request.headers()));
    let mut asked = Asked::of(target, front.clone(), &request);
    let is_chunked = unread::is_chunked(request.headers());
    let answered = respond(target, front.clone(), request, &mut payload, in_hand.as_ref()).await;
    if !unread::is_here(&mut payload) {
        in_hand.iter().for_each(InHand::leaves_body);
    }
    let (code, mut answer) = match answered {
        Ok(answer) if answer.status().is_success() => ("ok", answer),
        Ok(answer) => ("-", answer),
        Err(refusal) => (refusal.code(), refusal.answer(&asked.request_id, &front.currency)),
    };
    asked.note(answer.status().as_u16(), code);
    if let Ok(value) = asked.request_id.parse() {
        answer.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    if front.is_leaving.load(Ordering::Relaxed) {
        answer.head_mut().set_connection_type(ConnectionType::Close);
    }
    let answer = sliced::slice(answer);
    if is_chunked { unread::hold(payload, answer) } else { answer }
}

/// What is noted of a request, whatever becomes of it.
struct Asked {
    target: Target,
    front: Data<Front>,
    method: Method,
    origin: Option<Origin>,
    request_id: String,
    started: Now,
    is_noted: bool,
}

impl Asked {
    fn of(target: Target, front: Data<Front>, request: &HttpRequest) -> Self {
        let method = request.method().clone();
        let origin = front.tracer.as_ref().and_then(|_| origin_of(request.headers()));
        let (request_id, started) = (front.request_ids.next(), front.node.clock.now());
        Self { target, front, method, origin, request_id, started, is_noted: false }
    }

    fn note(&mut self, status: u16, code: &'static str) {
        self.is_noted = true;
        let elapsed = self.front.node.clock.now().monotonic.since(self.started.monotonic);
        self.front.metrics.note(self.target, status, code, elapsed);
        note(&self.method, self.target.pattern(), status, code, elapsed.as_micros(), &self.request_id);
        if let Some(tracer) = &self.front.tracer {
            tracer.served(Served {
                origin: self.origin.take(),
                method: self.target.method(),
                route: self.target.pattern(),
                status,
                code,
                request_id: self.request_id.clone(),
                started: self.started.wall,
                elapsed,
            });
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.is_noted {
            let (status, code) = CONNECTION_LOST;
            self.note(status, code);
        }
    }
}

async fn respond(
    target: Target,
    front: Data<Front>,
    request: HttpRequest,
    payload: &mut Payload,
    in_hand: Option<&InHand>,
) -> Answer {
    let route = match target {
        Target::Route(route) => route,
        Target::OtherMethods(path) => return Err(Refusal::MethodNotAllowed(super::routes::methods_of(path))),
        Target::Nothing => return Err(Refusal::RouteNotFound),
    };
    if !front.takes_orders && SHOP.iter().any(|shop| route.path.starts_with(shop)) {
        let reason = "this node works on events and leaves orders to others; ask one of those".to_owned();
        return Err(Rejection::Unavailable(reason).into());
    }
    match route.handler {
        Handler::Open(handler) => {
            Query::parse(request.query_string(), route.query)?;
            handler(Visit { front, request }).await
        }
        Handler::Only(roles, handler) => {
            let caller = match front.are_metrics_open && route.path == METRICS {
                true => Caller::Admin,
                false => front.gate.caller(request.headers()).await?,
            };
            if !roles.contains(&caller.role()) {
                return Err(Refusal::Forbidden(caller.role().name()));
            }
            let query = Query::parse(request.query_string(), route.query)?;
            in_hand.iter().for_each(|in_hand| in_hand.hears_body(true));
            let body = body::read(route.body, request.headers(), payload, &*front.node.clock).await;
            in_hand.iter().for_each(|in_hand| in_hand.hears_body(false));
            let body = body?;
            handler(Call { front, caller, request, query, body }).await
        }
    }
}

fn origin_of(headers: &HeaderMap) -> Option<Origin> {
    Origin::parse(headers.get(TRACE_PARENT)?.to_str().ok()?)
}

/// Writes the access line. A failure of ours is a warning, so that it is told where other access lines are not; being
/// busy is none, and under overload would drown all else.
fn note(method: &Method, route: &'static str, status: u16, code: &str, elapsed_us: u128, request_id: &str) {
    let is_failure = status >= 500 && code != BUSY;
    if is_failure {
        tracing::warn!(target: "floodgate::access", %method, route, status, code, elapsed_us, request_id, "answered");
    } else {
        tracing::info!(target: "floodgate::access", %method, route, status, code, elapsed_us, request_id, "answered");
    }
}
