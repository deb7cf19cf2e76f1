//! Answers that say yes.

use actix_web::http::header::{CONTENT_TYPE, ContentType, RETRY_AFTER};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;

use super::problem::{RETRY_AFTER_S, Refusal};

/// What a handler comes to.
pub(super) type Answer = Result<HttpResponse, Refusal>;

/// Tells that this is the answer of an earlier attempt under the same key.
pub(super) const REPLAYED: (&str, &str) = ("Idempotency-Replayed", "true");

/// Answers with a body.
pub(super) fn ok(body: &impl Serialize) -> HttpResponse {
    write(HttpResponse::Ok(), body)
}

/// Answers with a status, headers that were set, and a body.
pub(super) fn write(mut answer: HttpResponseBuilder, body: &impl Serialize) -> HttpResponse {
    answer.insert_header((CONTENT_TYPE, ContentType::json()));
    match serde_json::to_vec(body) {
        Ok(body) => answer.body(body),
        Err(error) => {
            // Structs of strings and numbers cannot fail to be written; if one does, it must not look like an answer.
            tracing::error!(%error, "an answer cannot be written");
            HttpResponse::ServiceUnavailable().insert_header((RETRY_AFTER, RETRY_AFTER_S)).finish()
        }
    }
}
