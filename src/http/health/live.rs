//! `GET /health/live`: the process answers.

use serde::Serialize;
use utoipa::ToSchema;

use crate::http::answer::{Answer, ok};
use crate::http::call::Visit;

#[derive(Serialize, ToSchema)]
struct Live {
    live: bool,
}

/// Tells that the process answers.
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "health",
    operation_id = "is_live",
    responses((status = 200, description = "It answers.", body = Live))
)]
pub(in crate::http) async fn handle(_: Visit) -> Answer {
    Ok(ok(&Live { live: true }))
}
