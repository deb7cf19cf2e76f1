//! Callers, from the tokens that the store keeps.

use actors::ports::{Answer, StoreError};

use crate::access::{Caller, Role, TokenHash, Tokens};
use crate::backend::sqlite::SqliteTokens;

/// The store's tokens, read as callers.
pub(super) struct StoredTokens(pub(super) SqliteTokens);

impl Tokens for StoredTokens {
    fn find(&self, hash: TokenHash) -> Answer<'_, Result<Option<Caller>, StoreError>> {
        Box::pin(async move {
            let Some(token) = self.0.find(*hash.as_bytes()).await? else {
                return Ok(None);
            };
            let caller = Role::from_name(&token.role).and_then(|role| Caller::of(role, token.user_id));
            if caller.is_none() {
                // A newer version may have written it; what is not understood lets nobody in.
                tracing::warn!(token_id = %token.token_id, role = %token.role, "token that speaks for nobody");
            }
            Ok(caller)
        })
    }
}
