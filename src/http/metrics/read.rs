//! `GET /metrics`: what was counted since the start, in Prometheus' text format.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use actors::domain::rejection::Rejection;
use prometheus::TEXT_FORMAT;

use crate::http::answer::Answer;
use crate::http::call::Call;

/// Tells what was counted since the start, in Prometheus' text format.
///
/// An admin's token is needed unless the service is configured otherwise.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "admin",
    operation_id = "get_metrics",
    responses((status = 200, description = "The numbers.", content((String = "text/plain"))))
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let text = call.front.metrics.text(&call.front.node);
    let text = text.map_err(|error| Rejection::Unavailable(format!("the metrics cannot be written: {error}")))?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, TEXT_FORMAT)).body(text))
}
