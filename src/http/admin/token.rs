//! Tokens: who may call, given out and taken back.

pub(in crate::http) mod create;
pub(in crate::http) mod list;
pub(in crate::http) mod revoke;

use serde::Serialize;

use crate::access::TokenRecord;
use crate::rfc3339;

/// A token as those who manage tokens see it: never the token itself.
#[derive(Serialize)]
struct TokenBody<'a> {
    token_id: &'a str,
    role: &'a str,
    user_id: Option<&'a str>,
    label: Option<&'a str>,
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
