//! What every request goes through: a name, the caller, the body, the handler, the access line.

use std::rc::Rc;
use std::sync::atomic::Ordering;

use actix_web::http::ConnectionType;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::answer::Answer;
use super::call::{Call, Visit};
use super::connection::Peer;
use super::problem::Refusal;
use super::query::Query;
use super::routes::{Handler, Route};
use super::{Front, body, unread};
use crate::access::Caller;
use crate::trace::{Origin, Served};

/// The header that tells which trace a request belongs to.
const TRACE_PARENT: &str = "traceparent";
/// The code of refusals of what is more than can be served.
const BUSY: &str = "busy";
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
    let clock = std::sync::Arc::clone(&front.node.clock);
    let started = clock.now();
    let _in_hand = request.conn_data::<Rc<Peer>>().map(Peer::take_in_hand);
    let request_id = front.request_ids.next();
    let method = request.method().clone();
    let origin = front.tracer.as_ref().and_then(|_| origin_of(request.headers()));
    let is_chunked = unread::is_chunked(request.headers());
    let answered = respond(target, front.clone(), request, &mut payload).await;
    let (code, mut answer) = match answered {
        Ok(answer) if answer.status().is_success() => ("ok", answer),
        Ok(answer) => ("-", answer),
        Err(refusal) => (refusal.code(), refusal.answer(&request_id, &front.currency)),
    };
    let elapsed = clock.now().monotonic.since(started.monotonic);
    front.metrics.note(target, answer.status(), code, elapsed);
    note(&method, target.pattern(), answer.status(), code, elapsed.as_micros(), &request_id);
    if let Some(tracer) = &front.tracer {
        tracer.served(Served {
            origin,
            method: target.method(),
            route: target.pattern(),
            status: answer.status().as_u16(),
            code,
            request_id: request_id.clone(),
            started: started.wall,
            elapsed,
        });
    }
    if let Ok(value) = request_id.parse() {
        answer.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    if front.is_leaving.load(Ordering::Relaxed) {
        answer.head_mut().set_connection_type(ConnectionType::Close);
    }
    if is_chunked { unread::hold(payload, answer) } else { answer }
}

async fn respond(target: Target, front: Data<Front>, request: HttpRequest, payload: &mut Payload) -> Answer {
    let route = match target {
        Target::Route(route) => route,
        Target::OtherMethods(path) => return Err(Refusal::MethodNotAllowed(super::routes::methods_of(path))),
        Target::Nothing => return Err(Refusal::RouteNotFound),
    };
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
            let body = body::read(route.body, request.headers(), payload, &*front.node.clock).await?;
            handler(Call { front, caller, request, query, body }).await
        }
    }
}

fn origin_of(headers: &HeaderMap) -> Option<Origin> {
    Origin::parse(headers.get(TRACE_PARENT)?.to_str().ok()?)
}

/// Writes the access line. A failure of ours is a warning, so that it is told where other access lines are not; being
/// busy is none, and under overload would drown all else.
fn note(method: &Method, route: &'static str, status: StatusCode, code: &str, elapsed_us: u128, request_id: &str) {
    let is_failure = status.is_server_error() && code != BUSY;
    let status = status.as_u16();
    if is_failure {
        tracing::warn!(target: "floodgate::access", %method, route, status, code, elapsed_us, request_id, "answered");
    } else {
        tracing::info!(target: "floodgate::access", %method, route, status, code, elapsed_us, request_id, "answered");
    }
}
