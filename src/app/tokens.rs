//! Tokens: made here, kept by the store, read as callers. Also for a store that no service holds.

use std::sync::Arc;

use actors::ports::{Answer, CommitError, StoreError};

use crate::access::{Caller, IssuedToken, Revoked, Role, TokenHash, TokenPage, TokenRecord, Tokens};
use crate::backend::tokens::{NewToken, Removal, StoredToken, TokenStore};

/// Bytes of a token: far too many to guess.
const TOKEN_BYTES: usize = 32;
/// Bytes of a token's id: enough that no two are the same.
const TOKEN_ID_BYTES: usize = 16;

/// The store's tokens, read as callers.
pub(super) struct StoredTokens(pub(super) Arc<dyn TokenStore>);

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

    fn issue(&self, caller: Caller, label: Option<String>) -> Answer<'_, Result<IssuedToken, CommitError>> {
        Box::pin(async move {
            let made = make(&caller, label);
            let (token, stored) =
                made.map_err(|error| CommitError::NotDone(format!("the system gives no random numbers: {error}")))?;
            let NewToken { token_id, role, user_id, label, .. } = stored.clone();
            let created_at = self.0.insert(stored).await?;
            tracing::info!(%token_id, %role, "token given out");
            Ok(IssuedToken { token, record: TokenRecord { token_id, role, user_id, label, created_at } })
        })
    }

    fn list(&self, before: Option<i64>, limit: usize) -> Answer<'_, Result<TokenPage, StoreError>> {
        Box::pin(async move {
            // One more than is shown tells whether there is a next page.
            let mut found = self.0.list(before, limit.saturating_add(1)).await?;
            let has_more = found.len() > limit;
            found.truncate(limit);
            let next = found.last().map(|(place, _)| *place).filter(|_| has_more);
            Ok(TokenPage { tokens: found.into_iter().map(|(_, token)| record_of(token)).collect(), next })
        })
    }

    fn revoke(&self, token_id: String) -> Answer<'_, Result<Revoked, CommitError>> {
        Box::pin(async move {
            let removal = self.0.remove(token_id.clone(), Role::Admin.name()).await?;
            Ok(match removal {
                Removal::Done => {
                    tracing::info!(%token_id, "token revoked");
                    Revoked::Done
                }
                Removal::Unknown => Revoked::Unknown,
                Removal::LastOfRole => Revoked::LastAdmin,
            })
        })
    }
}

fn record_of(token: StoredToken) -> TokenRecord {
    let StoredToken { token_id, role, user_id, label, created_at } = token;
    TokenRecord { token_id, role, user_id, label, created_at }
}

/// Makes a token, and what is stored of it.
pub(super) fn make(caller: &Caller, label: Option<String>) -> Result<(String, NewToken), getrandom::Error> {
    let mut random = [0; TOKEN_BYTES + TOKEN_ID_BYTES];
    getrandom::fill(&mut random)?;
    let (token, id) = random.split_at(TOKEN_BYTES);
    let token = hex(token);
    let stored = NewToken {
        token_id: hex(id),
        token_hash: *TokenHash::of(&token).as_bytes(),
        role: caller.role().name().to_owned(),
        user_id: caller.user_id().cloned(),
        label,
    };
    Ok((token, stored))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
