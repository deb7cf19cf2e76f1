//! Tokens: who may call, given out and taken back.

pub(in crate::http) mod create;
pub(in crate::http) mod list;
pub(in crate::http) mod revoke;

use actors::domain::id::UserId;
use actors::domain::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Role, TokenRecord};
use crate::http::schema::{like, maybe};
use crate::rfc3339;

/// A token as those who manage tokens see it: never the token itself.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
struct TokenBody<'a> {
    token_id: &'a str,
    #[schema(schema_with = like::<Role>)]
    role: &'a str,
    #[schema(schema_with = maybe::<UserId>)]
    user_id: Option<&'a str>,
    label: Option<&'a str>,
    #[schema(schema_with = like::<Timestamp>)]
    created_at: String,
}

impl<'a> TokenBody<'a> {
    fn of(token: &'a TokenRecord) -> Self {
        Self {
            token_id: &token.token_id,
            role: &token.role,
            user_id: token.user_id.as_ref().map(|user_id| user_id.as_str()),
            label: token.label.as_deref(),
            created_at: rfc3339::text(token.created_at),
        }
    }
}
