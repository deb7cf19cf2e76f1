//! `GET /docs`: the page that shows the OpenAPI document.

use super::shown;
use crate::http::answer::Answer;
use crate::http::call::Visit;

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Floodgate</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/swagger-ui-standalone-preset.js"></script>
<script src="/docs/swagger-initializer.js"></script>
"#;

/// Shows the operations in a browser, and tries them.
#[utoipa::path(
    get,
    path = "/docs",
    tag = "documentation",
    operation_id = "get_docs",
    responses((status = 200, description = "The page.", content_type = "text/html", body = String))
)]
pub(in crate::http) async fn handle(_: Visit) -> Answer {
    Ok(shown("text/html; charset=utf-8", PAGE))
}
