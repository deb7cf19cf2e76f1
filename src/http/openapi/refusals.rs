//! Refusals in the document: those that a handler names, those that follow from the route's row, and what each is.
//!
//! A handler names its own as `(status = 409, description = "sold_out | price_changed")`.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::Method;
use utoipa::openapi::content::Content;
use utoipa::openapi::header::Header;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr, Response, Responses};

use crate::access::Role;
use crate::http::body::BodyRule;
use crate::http::problem::pages::page_of;
use crate::http::routes::{Handler, Route};

const SEPARATOR: &str = " | ";

/// Adds what a handler did not say: refusals of any request, problem documents, headers of every answer.
pub(super) fn complete(responses: &mut Responses, route: &Route) {
    let mut codes: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
    for code in common(route) {
        if let Some(page) = page_of(code) {
            codes.entry(page.status).or_default().insert(code.to_owned());
        }
    }
    for (status, response) in &responses.responses {
        if let (Some(status), RefOr::T(response)) = (refused(status), response)
            && response.content.is_empty()
        {
            codes.entry(status).or_default().extend(response.description.split(SEPARATOR).map(str::to_owned));
        }
    }
    for (status, codes) in codes {
        let response = responses.responses.entry(status.to_string()).or_insert_with(|| Response::new("").into());
        if let RefOr::T(response) = response
            && response.content.is_empty()
        {
            describe(response, &codes);
        }
    }
    for (status, response) in &mut responses.responses {
        if let RefOr::T(response) = response {
            add_headers(status, response);
        }
    }
}

fn refused(status: &str) -> Option<u16> {
    status.parse().ok().filter(|status| *status >= 400)
}

/// What any request of this route may be refused with.
fn common(route: &Route) -> Vec<&'static str> {
    let mut codes = vec!["malformed_request", "unknown_field"];
    if !route.query.is_empty() {
        codes.push("invalid_field");
    }
    if route.body != BodyRule::None {
        let of_bodies =
            ["malformed_json", "request_timeout", "body_too_large", "unsupported_media_type", "invalid_field"];
        codes.extend(of_bodies);
    }
    if let Handler::Only(roles, _) = route.handler {
        codes.extend(["unauthenticated", "rate_limited", "unavailable"]);
        if roles.len() < Role::ALL.len() {
            codes.push("forbidden");
        }
        if route.method != Method::GET {
            codes.extend(["busy", "outcome_unknown"]);
        }
    }
    codes
}

fn describe(response: &mut Response, codes: &BTreeSet<String>) {
    let explained = |code: &String| {
        let meaning = page_of(code).map_or("", |page| page.meaning);
        format!("[`{code}`](/problems/{code}): {meaning}")
    };
    response.description = codes.iter().map(explained).collect::<Vec<_>>().join("\n\n");
    let narrowed = ObjectBuilder::new()
        .property("code", ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes.iter().cloned())));
    let schema = AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(narrowed);
    response.content.insert("application/problem+json".to_owned(), Content::new(Some(Schema::from(schema))).into());
}

fn add_headers(status: &str, response: &mut Response) {
    let mut add = |name: &str, kind: Type, description: &str| {
        let mut header = Header::new(ObjectBuilder::new().schema_type(kind));
        header.description = Some(description.to_owned());
        response.headers.insert(name.to_owned(), header.into());
    };
    add("X-Request-Id", Type::String, "Names this request, also in the service's log.");
    match status {
        "401" => add("WWW-Authenticate", Type::String, "`Bearer`."),
        "429" | "503" => add("Retry-After", Type::Integer, "Seconds after which another try is worth it."),
        _ => {}
    }
}

/// The shape of every problem document; what else there is depends on the code.
pub(super) fn problem_schema() -> RefOr<Schema> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let count = || ObjectBuilder::new().schema_type(Type::Integer);
    let mut problem = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("Why a request was refused (RFC 9457). Clients act on `code`; `detail` is for people."))
        .property("type", text().pattern(Some("^/problems/[a-z_]+$")).description(Some("A page that explains it.")))
        .property("status", count());
    for name in ["title", "code", "detail", "request_id"] {
        problem = problem.property(name, text());
    }
    for name in ["type", "title", "status", "code", "detail", "request_id"] {
        problem = problem.required(name);
    }
    for name in ["field", "sku_id", "order_id", "payment_id", "token_id", "unit_price", "order_status"] {
        problem = problem.property(name, text());
    }
    for name in ["available", "wanted", "limit", "held", "given", "max", "version"] {
        problem = problem.property(name, count());
    }
    problem.into()
}

#[cfg(test)]
mod tests {
    use utoipa::OpenApi as _;

    use super::*;
    use crate::http::routes::Described;

    #[test]
    fn every_code_that_a_handler_names_is_one_and_has_its_status() {
        for (path, item) in Described::openapi().paths.paths {
            let operations = [item.get, item.put, item.post, item.patch, item.delete];
            let responses = operations.into_iter().flatten().flat_map(|operation| operation.responses.responses);
            for (status, response) in responses {
                let (Some(status), RefOr::T(response)) = (refused(&status), response) else { continue };
                if !response.content.is_empty() {
                    continue;
                }
                for code in response.description.split(SEPARATOR) {
                    assert_eq!(page_of(code).map(|page| page.status), Some(status), "{code} of {path}");
                }
            }
        }
    }
}
