//! `GET /health/ready`: orders can be taken. Without the store they cannot.

use actix_web::HttpResponse;
use actix_web::http::header::RETRY_AFTER;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::answer::{Answer, ok, write};
use crate::http::call::Visit;
use crate::http::problem::RETRY_AFTER_S;

#[derive(Serialize, ToSchema)]
struct Ready {
    ready: bool,
    degraded: Vec<&'static str>,
}

#[derive(Serialize, ToSchema)]
struct NotReady {
    ready: bool,
    reasons: Vec<String>,
}

/// Tells whether orders can be taken.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "health",
    operation_id = "is_ready",
    responses(
        (status = 200, description = "Orders can be taken; what is `degraded` is named.", body = Ready),
        (status = 503, description = "Orders cannot be taken: there is no store.", body = NotReady)
    )
)]
pub(in crate::http) async fn handle(visit: Visit) -> Answer {
    let Err(reason) = visit.front.readiness.check().await else {
        return Ok(ok(&Ready { ready: true, degraded: visit.front.node.degraded() }));
    };
    let mut answer = HttpResponse::ServiceUnavailable();
    answer.insert_header((RETRY_AFTER, RETRY_AFTER_S));
    Ok(write(answer, &NotReady { ready: false, reasons: vec![reason] }))
}
