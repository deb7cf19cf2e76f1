//! The OpenAPI document: what the handlers say of themselves, completed with what the route table knows.
//!
//! Beside each handler stand its summary, its bodies, its headers and the codes of the refusals that are its own. Who
//! may, path and query parameters, and the refusals that any request may meet follow from the route's row, so that no
//! handler can forget them. Codes are explained by the table that the problem pages are made of.

mod headers;
mod parameters;
mod refusals;

use actix_web::http::Method;
use actors::domain::money::Currency;
use utoipa::OpenApi as _;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{AdditionalProperties, Components, Schema};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Info, License, OpenApi, RefOr, Required, Server, Tag};

pub(super) use headers::{IfMatch, Key, RequiredKey};

use super::body::BodyRule;
use super::routes::{Described, Handler, ROUTES, Route};
use super::schema::{MONEY_PATTERN, MONEY_TAKEN_PATTERN};
use crate::access::Role;

const BEARER: &str = "bearer";
/// The nouns, in the order in which they are shown.
const TAGS: [(&str, &str); 5] = [
    ("orders", "Orders and everything that becomes of them."),
    ("skus", "What is sold, and how much of it there is."),
    ("admin", "What only operators see and do."),
    ("health", "Whether the service is well."),
    ("documentation", "What the service says of itself."),
];

/// The document as JSON, for a shop with this currency.
pub fn document(currency: &Currency) -> String {
    // A tree of strings and numbers cannot fail to be written.
    let text = serde_json::to_string_pretty(&complete()).unwrap_or_default();
    in_currency(&text, currency.digits) + "\n"
}

/// The number of fraction digits is the shop's own.
fn in_currency(document: &str, digits: u32) -> String {
    let (shown, taken) = match digits {
        0 => ("^[0-9]{1,14}$".to_owned(), "^[0-9]{1,14}$".to_owned()),
        _ => (format!(r"^[0-9]{{1,14}}\.[0-9]{{{digits}}}$"), format!(r"^[0-9]{{1,14}}(\.[0-9]{{1,{digits}}})?$")),
    };
    let escaped = |pattern: &str| format!("\"{}\"", pattern.replace('\\', r"\\"));
    document.replace(&escaped(MONEY_PATTERN), &escaped(&shown)).replace(&escaped(MONEY_TAKEN_PATTERN), &escaped(&taken))
}

fn complete() -> OpenApi {
    let mut document = Described::openapi();
    document.info = Info::builder()
        .title("Floodgate")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("An order and stock service for moments when everyone buys at once."))
        .license(Some(License::builder().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    let tag = |(name, description): (&str, &str)| Tag::builder().name(name).description(Some(description)).build();
    document.tags = Some(TAGS.map(tag).to_vec());
    document.servers = Some(vec![Server::new("/")]);
    for route in ROUTES {
        let item = document.paths.paths.get_mut(route.path);
        if let Some(operation) = item.and_then(|item| operation_of(item, &route.method)) {
            complete_operation(operation, route);
        }
    }
    let components = document.components.get_or_insert_with(Components::new);
    components.schemas.values_mut().for_each(require_all);
    components.schemas.insert("Problem".to_owned(), refusals::problem_schema());
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.security_schemes.insert(BEARER.to_owned(), bearer.into());
    document
}

fn operation_of<'a>(item: &'a mut PathItem, method: &Method) -> Option<&'a mut Operation> {
    let operation = match method.as_str() {
        "GET" => &mut item.get,
        "PUT" => &mut item.put,
        "POST" => &mut item.post,
        "PATCH" => &mut item.patch,
        "DELETE" => &mut item.delete,
        _ => return None,
    };
    operation.as_mut()
}

fn complete_operation(operation: &mut Operation, route: &Route) {
    let mut parameters = parameters::of(route);
    parameters.append(operation.parameters.get_or_insert_default());
    operation.parameters = (!parameters.is_empty()).then_some(parameters);
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        body.required = Some(if route.body == BodyRule::Required { Required::True } else { Required::False });
    }
    let who = match route.handler {
        Handler::Open(_) => {
            operation.security = Some(Vec::new());
            "Open to everyone.".to_owned()
        }
        Handler::Only(roles, _) => {
            operation.security = Some(vec![SecurityRequirement::new::<&str, [&str; 0], &str>(BEARER, [])]);
            let names: Vec<&str> = roles.iter().copied().map(Role::name).collect();
            format!("Roles: {}.", names.join(", "))
        }
    };
    let said = operation.description.take().filter(|text| !text.is_empty());
    operation.description = Some(said.map_or_else(|| who.clone(), |text| format!("{text}\n\n{who}")));
    refusals::complete(&mut operation.responses, route);
}

/// An answer has all its members always; a request, which takes no others, has optional ones.
fn require_all(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            let is_request =
                matches!(object.additional_properties.as_deref(), Some(AdditionalProperties::FreeForm(false)));
            if !is_request {
                object.required = object.properties.keys().cloned().collect();
            }
        }
        RefOr::T(Schema::AllOf(all)) => all.items.iter_mut().for_each(require_all),
        _ => {}
    }
}
