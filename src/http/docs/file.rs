//! `GET /docs/{file}`: what the documentation page is made of.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::web::Bytes;
use utoipa_swagger_ui::Config;

use super::{FILES, shown};
use crate::http::answer::Answer;
use crate::http::call::Visit;
use crate::http::problem::Refusal;

const PAGE_CSS: &str = "body{font:16px/1.5 sans-serif;max-width:42em;margin:3em auto;padding:0 1em;color:#222}\
                        h1::first-letter{text-transform:uppercase}code{background:#eee;padding:.1em .3em}";

/// Gives a file of the documentation page.
#[utoipa::path(
    get,
    path = "/docs/{file}",
    tag = "documentation",
    operation_id = "get_docs_file",
    responses(
        (status = 200, description = "The file.", content(
            (String = "text/css"),
            (String = "text/javascript")
        )),
        (status = 404, description = "route_not_found")
    )
)]
pub(in crate::http) async fn handle(visit: Visit) -> Answer {
    let name = visit.path_text("file");
    if !FILES.contains(&name) {
        return Err(Refusal::RouteNotFound);
    }
    if name == "page.css" {
        return Ok(shown("text/css", PAGE_CSS));
    }
    let config = Config::from("/openapi.json").use_base_layout().validator_url("none");
    match utoipa_swagger_ui::serve(name, Arc::new(config)) {
        Ok(Some(file)) => {
            let bytes = match file.bytes {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => Bytes::from(bytes),
            };
            Ok(shown(&file.content_type, bytes))
        }
        Ok(None) => Err(Refusal::RouteNotFound),
        Err(error) => {
            tracing::error!(%error, name, "a file of the documentation page cannot be made");
            Err(Refusal::RouteNotFound)
        }
    }
}
