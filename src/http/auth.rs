//! Who is calling: the bearer token, looked up by its digest.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actors::domain::time::Monotonic;
use actors::ports::{Clock, StoreError};
use dashmap::DashMap;

use super::pace::Pace;
use super::problem::Refusal;
use crate::access::{Caller, IssuedToken, Revoked, TokenHash, TokenPage, Tokens};

/// How long a token that was found is taken as good without asking again: bounds how long a revoked one still works on
/// a node that did not revoke it.
const FOUND_LASTS: Duration = Duration::from_secs(1);

/// Tokens that are remembered at most. A node that serves more callers than this in a second asks the store again.
const REMEMBERED_MAX: usize = 100_000;

/// A caller that was found.
struct Found {
    caller: Caller,
    at: Monotonic,
    /// How many revocations this node had done before the store was asked.
    revocations: u64,
}

/// Finds callers, gives tokens out and takes them back.
pub(super) struct Gate {
    tokens: Arc<dyn Tokens>,
    clock: Arc<dyn Clock>,
    found: DashMap<TokenHash, Found>,
    revocations: AtomicU64,
    /// How much each may ask, if that is limited.
    pub(super) pace: Option<Pace>,
}

impl Gate {
    pub(super) fn new(tokens: Arc<dyn Tokens>, clock: Arc<dyn Clock>) -> Self {
        Self { tokens, clock, found: DashMap::new(), revocations: AtomicU64::new(0), pace: None }
    }

    /// Whoever sent a request with these headers.
    pub(super) async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let token = bearer(headers).ok_or(Refusal::Unauthenticated)?;
        let hash = TokenHash::of(token);
        let caller = self.look_up(hash).await?.ok_or(Refusal::TokenNotKnown)?;
        if let Some(pace) = &self.pace {
            pace.admit(&hash).map_err(Refusal::RateLimited)?;
        }
        Ok(caller)
    }

    /// Gives out a token that speaks for `caller`.
    pub(super) async fn issue(&self, caller: Caller, label: Option<String>) -> Result<IssuedToken, Refusal> {
        Ok(self.tokens.issue(caller, label).await?)
    }

    /// A page of tokens.
    pub(super) async fn list(&self, before: Option<i64>, limit: usize) -> Result<TokenPage, Refusal> {
        Ok(self.tokens.list(before, limit).await?)
    }

    /// Takes a token back. When this returns it lets nobody in on this node, and a second later on no other.
    pub(super) async fn revoke(&self, token_id: &str) -> Result<(), Refusal> {
        let revoked = self.tokens.revoke(token_id.to_owned()).await;
        // Whatever was found before is asked for again, also what is being asked for right now, and also if it is not
        // known whether the revocation was committed.
        self.revocations.fetch_add(1, Ordering::AcqRel);
        self.found.clear();
        match revoked? {
            Revoked::Done => Ok(()),
            Revoked::Unknown => Err(Refusal::UnknownToken(token_id.to_owned())),
            Revoked::LastAdmin => Err(Refusal::LastAdminToken),
        }
    }

    async fn look_up(&self, hash: TokenHash) -> Result<Option<Caller>, StoreError> {
        let at = self.clock.now().monotonic;
        let revocations = self.revocations.load(Ordering::Acquire);
        if let Some(found) = self.found.get(&hash)
            && at.since(found.at) < FOUND_LASTS
            && found.revocations == revocations
        {
            return Ok(Some(found.caller.clone()));
        }
        let caller = self.tokens.find(hash).await?;
        match &caller {
            Some(caller) => {
                if self.found.len() >= REMEMBERED_MAX {
                    self.found.clear();
                }
                self.found.insert(hash, Found { caller: caller.clone(), at, revocations })
            }
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
