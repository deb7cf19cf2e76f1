//! Access tokens as stores keep them. What a role may do is not known here.

use actors::domain::id::UserId;
use actors::domain::time::Timestamp;
use actors::ports::{Answer, CommitError, StoreError};

/// A token to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Names the token to those who manage tokens.
    pub token_id: String,
    /// The digest of the token itself.
    pub token_hash: [u8; 32],
    /// The role's name.
    pub role: String,
    /// The user it speaks for, if it is bound to one.
    pub user_id: Option<UserId>,
    /// What the shop calls it.
    pub label: Option<String>,
}

/// A stored token, without its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredToken {
    /// Names the token to those who manage tokens.
    pub token_id: String,
    /// The role's name.
    pub role: String,
    /// The user it speaks for, if it is bound to one.
    pub user_id: Option<UserId>,
    /// What the shop calls it.
    pub label: Option<String>,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// What became of taking a token away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Done,
    /// There is no token with this id.
    Unknown,
    /// It is the only one of its role, and there has to be one.
    LastOfRole,
}

/// The tokens of a store.
pub trait TokenStore: Send + Sync + 'static {
    /// Stores a token and tells when. Its id and its digest must be new.
    fn insert(&self, token: NewToken) -> Answer<'_, Result<Timestamp, CommitError>>;

    /// Takes a token away, unless it is the last of the role that there has to be one of.
    fn remove(&self, token_id: String, needed_role: &'static str) -> Answer<'_, Result<Removal, CommitError>>;

    /// The token with this digest.
    fn find(&self, token_hash: [u8; 32]) -> Answer<'_, Result<Option<StoredToken>, StoreError>>;

    /// Tokens with their places in the order of making, newest first, from before the place `before` on.
    fn list(&self, before: Option<i64>, limit: usize) -> Answer<'_, Result<Vec<(i64, StoredToken)>, StoreError>>;

    /// How many tokens there are.
    fn count(&self) -> Answer<'_, Result<u64, StoreError>>;
}
