//! Path and query parameters, by name: the route's row says which there are, this says what each one is.

use actors::domain::id::{OrderId, PaymentId, SkuId, UserId};
use actors::domain::limits::{PAGE_DEFAULT, PAGE_MAX};
use actors::domain::order::Status;
use actors::domain::payment::RefundStatus;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{RefOr, Required};

use crate::http::docs;
use crate::http::problem::pages::PAGES;
use crate::http::routes::Route;
use crate::http::schema::like;

/// The parameters of a route.
pub(super) fn of(route: &Route) -> Vec<RefOr<Parameter>> {
    let in_path = names_in(route.path).map(|name| (name, ParameterIn::Path, Required::True));
    let in_query = route.query.iter().map(|&name| (name, ParameterIn::Query, Required::False));
    let parameter = |(name, place, required): (&str, ParameterIn, Required)| {
        let (description, schema) = meaning(route.path, name);
        Parameter::builder()
            .name(name)
            .parameter_in(place)
            .required(required)
            .description(Some(description))
            .schema(Some(schema))
            .build()
            .into()
    };
    in_path.chain(in_query).map(parameter).collect()
}

/// The names in braces.
fn names_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
}

fn meaning(path: &str, name: &str) -> (&'static str, RefOr<Schema>) {
    match (name, path) {
        ("id", path) if path.contains("/skus/") => ("The SKU's id.", like::<SkuId>()),
        ("id", path) if path.contains("/refunds/") => ("The payment's id.", like::<PaymentId>()),
        ("id", path) if path.contains("/tokens/") => ("The token's id.", text().pattern(Some("^[0-9a-f]{32}$")).into()),
        ("id", _) => ("The order's id.", like::<OrderId>()),
        ("sku_id", _) => ("Only this SKU.", like::<SkuId>()),
        ("user_id", _) => ("Only this user's.", like::<UserId>()),
        ("status", "/admin/refunds") => ("Only with this status.", like::<RefundStatus>()),
        ("status", _) => ("Only with this status.", like::<Status>()),
        ("kind", _) => ("The kind of actor.", text().into()),
        ("key", _) => ("The actor's key, such as a SKU's id.", text().into()),
        ("limit", _) => ("How many items the page has at most.", limit().into()),
        ("cursor", _) => {
            let cursor = text().pattern(Some("^([0-9a-f]{2})+$"));
            ("Where the list goes on: the `next_cursor` of a page with the same filters.", cursor.into())
        }
        ("code", _) => ("The problem's code.", text().enum_values(Some(PAGES.iter().map(|page| page.code))).into()),
        ("file", _) => ("A file of the documentation page.", text().enum_values(Some(docs::FILES)).into()),
        _ => ("", text().into()),
    }
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn limit() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(PAGE_MAX))
        .default(Some(PAGE_DEFAULT.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::routes::ROUTES;

    #[test]
    fn every_parameter_is_explained() {
        for route in ROUTES {
            for name in names_in(route.path).chain(route.query.iter().copied()) {
                assert!(!meaning(route.path, name).0.is_empty(), "{name} of {}", route.path);
            }
        }
    }
}
