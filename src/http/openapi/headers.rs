//! Request headers that handlers take, as the document tells of them.

use actors::domain::id::IdempotencyKey;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Required, Schema};

use crate::http::schema::like;

/// `Idempotency-Key`, where it may be left out.
pub(in crate::http) struct Key;
/// `Idempotency-Key`, where it may not.
pub(in crate::http) struct RequiredKey;
/// `If-Match`, where it may not be left out.
pub(in crate::http) struct IfMatch;

impl IntoParams for Key {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![key(Required::False)]
    }
}

impl IntoParams for RequiredKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![key(Required::True)]
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let version = ObjectBuilder::new().schema_type(Type::String).pattern(Some(r#"^"[1-9][0-9]{0,8}"$"#));
        vec![header("If-Match", "The `ETag` of the version that the change is meant for.", Required::True, version)]
    }
}

fn key(required: Required) -> Parameter {
    let description = "The client's name of this attempt, the same in each retry of it; kept for 24 h.";
    header("Idempotency-Key", description, required, like::<IdempotencyKey>())
}

fn header(name: &str, description: &str, required: Required, schema: impl Into<RefOr<Schema>>) -> Parameter {
    Parameter::builder()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}
