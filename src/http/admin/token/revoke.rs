//! `DELETE /admin/tokens/{token_id}`: takes a token back, at once.

use actix_web::HttpResponse;

use crate::http::answer::Answer;
use crate::http::call::Call;

pub(in crate::http) async fn handle(call: Call) -> Answer {
    call.front.gate.revoke(call.path_text("token_id")).await?;
    Ok(HttpResponse::NoContent().finish())
}
