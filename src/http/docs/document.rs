//! `GET /openapi.json`.

use super::shown;
use crate::http::answer::Answer;
use crate::http::call::Visit;

/// Gives this document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "documentation",
    operation_id = "get_openapi",
    responses((status = 200, description = "This document.", content_type = "application/json", body = Object))
)]
pub(in crate::http) async fn handle(visit: Visit) -> Answer {
    Ok(shown("application/json", visit.front.document.clone()))
}
