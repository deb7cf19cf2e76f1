//! Access tokens, on the store's connections. What a role may do is not known here.

use std::sync::Arc;

use actors::domain::id::UserId;
use actors::ports::{Clock, CommitError, StoreError};
use rusqlite::params;

use super::SqliteStore;
use super::fault::Fault;
use super::queries::first;
use super::rows::Columns;
use super::store::Connections;
use super::transaction::End;
use super::writer::commit_error;

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
}

/// The tokens of a store.
#[derive(Clone)]
pub struct SqliteTokens {
    connections: Arc<Connections>,
    clock: Arc<dyn Clock>,
}

impl SqliteTokens {
    /// The tokens kept beside what `store` keeps.
    pub fn of(store: &SqliteStore, clock: Arc<dyn Clock>) -> Self {
        Self { connections: Arc::clone(&store.connections), clock }
    }

    /// Stores a token. Its id and its digest must be new.
    ///
    /// # Errors
    /// Fails like any other commit.
    pub async fn insert(&self, token: NewToken) -> Result<(), CommitError> {
        const SQL: &str = "INSERT INTO access_token (token_id, token_hash, role, user_id, label, create_time) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let now = self.clock.now().wall;
        let stored = self.connections.writer.run(move |writer| {
            let stored = writer.transact(|connection| {
                let user_id = token.user_id.as_ref().map(UserId::as_str);
                let NewToken { token_id, token_hash, role, label, .. } = &token;
                let row = params![token_id, token_hash, role, user_id, label, now.millis()];
                connection.prepare_cached(SQL)?.execute(row)?;
                Ok(End::Commit(()))
            });
            stored.map_err(commit_error)
        });
        let stored = stored.map_err(|refusal| CommitError::NotDone(refusal.to_string()))?;
        stored.await.unwrap_or_else(|_| Err(CommitError::Unknown(Fault::BrokeOff.to_string())))
    }

    /// The token with this digest.
    ///
    /// # Errors
    /// Fails if the store cannot be read.
    pub async fn find(&self, token_hash: [u8; 32]) -> Result<Option<StoredToken>, StoreError> {
        const SQL: &str = "SELECT token_id, role, label, user_id FROM access_token WHERE token_hash = ?1";
        let find = self.connections.read(move |connection| {
            first(connection, SQL, [token_hash], |row| {
                let mut columns = Columns::of(row);
                let (token_id, role, label) = (columns.take()?, columns.take()?, columns.take()?);
                Ok(StoredToken { token_id, role, label, user_id: columns.optional_id()? })
            })
        });
        find.await
    }

    /// How many tokens there are.
    ///
    /// # Errors
    /// Fails if the store cannot be read.
    pub async fn count(&self) -> Result<u64, StoreError> {
        const SQL: &str = "SELECT count(*) FROM access_token";
        let count = self.connections.read(|connection| first(connection, SQL, [], |row| Columns::of(row).count()));
        Ok(count.await?.unwrap_or(0))
    }
}
