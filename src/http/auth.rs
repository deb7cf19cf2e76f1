//! Who is calling: the bearer token, looked up by its digest.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actors::domain::time::Monotonic;
use actors::ports::{Clock, StoreError};
use dashmap::DashMap;

use super::problem::Refusal;
use crate::access::{Caller, TokenHash, Tokens};

/// How long a token that was found is taken as good without asking again: bounds how long a revoked one still works on
/// a node that did not revoke it.
const FOUND_LASTS: Duration = Duration::from_secs(1);

/// Finds callers. Only tokens that exist are remembered, so what is remembered is bounded by what was given out.
pub(super) struct Gate {
    tokens: Arc<dyn Tokens>,
    clock: Arc<dyn Clock>,
    found: DashMap<TokenHash, (Caller, Monotonic)>,
}

impl Gate {
    pub(super) fn new(tokens: Arc<dyn Tokens>, clock: Arc<dyn Clock>) -> Self {
        Self { tokens, clock, found: DashMap::new() }
    }

    /// Whoever sent a request with these headers.
    pub(super) async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let token = bearer(headers).ok_or(Refusal::Unauthenticated)?;
        self.look_up(TokenHash::of(token)).await?.ok_or(Refusal::TokenNotKnown)
    }

    async fn look_up(&self, hash: TokenHash) -> Result<Option<Caller>, StoreError> {
        let now = self.clock.now().monotonic;
        if let Some(found) = self.found.get(&hash)
            && now.since(found.1) < FOUND_LASTS
        {
            return Ok(Some(found.0.clone()));
        }
        let caller = self.tokens.find(hash).await?;
        match &caller {
            Some(caller) => self.found.insert(hash, (caller.clone(), now)),
            None => self.found.remove(&hash).map(|(_, found)| found),
        };
        Ok(caller)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn only_bearer_tokens_are_taken() {
        let table: [(&str, Option<&str>); 7] = [
            ("Bearer abc", Some("abc")),
            ("bearer abc", Some("abc")),
            ("Bearer  abc ", Some("abc")),
            ("Bearer ", None),
            ("Bearer", None),
            ("Basic abc", None),
            ("", None),
        ];
        for (value, token) in table {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_str(value).expect("a valid value"));
            assert_eq!(bearer(&headers), token, "{value:?}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
