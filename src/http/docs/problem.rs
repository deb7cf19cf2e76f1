//! `GET /problems/{code}`: what a refusal means and what to do.

use super::shown;
use crate::http::answer::Answer;
use crate::http::call::Visit;
use crate::http::problem::Refusal;
use crate::http::problem::pages::page_of;

/// Explains a problem.
#[utoipa::path(
    get,
    path = "/problems/{code}",
    tag = "documentation",
    operation_id = "explain_problem",
    responses(
        (status = 200, description = "What the code means and what to do.", content_type = "text/html", body = String),
        (status = 404, description = "route_not_found")
    )
)]
pub(in crate::http) async fn handle(visit: Visit) -> Answer {
    let page = page_of(visit.path_text("code")).ok_or(Refusal::RouteNotFound)?;
    Ok(shown("text/html; charset=utf-8", page.html()))
}
