//! `DELETE /admin/tokens/{id}`: takes a token back, at once.

use actix_web::HttpResponse;

use crate::http::answer::Answer;
use crate::http::call::Call;

/// Takes a token back, at once.
#[utoipa::path(
    delete,
    path = "/admin/tokens/{id}",
    tag = "admin",
    operation_id = "revoke_token",
    responses(
        (status = 204, description = "It lets nobody in any more."),
        (status = 404, description = "token_not_found"),
        (status = 409, description = "last_admin_token")
    )
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    call.front.gate.revoke(call.path_text("id")).await?;
    Ok(HttpResponse::NoContent().finish())
}
