//! What the service says of itself: the OpenAPI document, a page to read it, and a page for every problem.
//!
//! All of it is in the program; the pages load nothing from elsewhere.

pub(super) mod document;
pub(super) mod file;
pub(super) mod page;
pub(super) mod problem;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::Bytes;

/// The files of the documentation page.
pub(super) const FILES: [&str; 5] =
    ["page.css", "swagger-initializer.js", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "swagger-ui.css"];

/// Swagger UI sets styles on elements and draws icons from data; nothing comes from elsewhere.
const POLICY: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/// An answer for a browser.
fn shown(content_type: &str, body: impl Into<Bytes>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, content_type))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((CACHE_CONTROL, "max-age=300"))
        .body(body.into())
}
