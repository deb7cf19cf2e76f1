//! Access tokens, on the store's connections.

use std::sync::Arc;

use actors::domain::id::UserId;
use actors::domain::time::Timestamp;
use actors::ports::{Answer, Clock, CommitError, StoreError};
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::fault::Fault;
use super::queries::{all, first, limit_of};
use super::rows::Columns;
use super::store::Connections;
use super::transaction::{End, commit_error};
use crate::backend::rows::{self, token_columns};
use crate::backend::tokens::{NewToken, Removal, StoredToken, TokenStore};

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

    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<End<T>, Fault> + Send + 'static,
    ) -> Answer<'static, Result<T, CommitError>> {
        let written = self.connections.writer.run(move |writer| writer.transact(work).map_err(commit_error));
        Box::pin(async move {
            let written = written.map_err(|refusal| CommitError::NotDone(refusal.to_string()))?;
            written.await.unwrap_or_else(|_| Err(CommitError::Unknown(Fault::BrokeOff.to_string())))
        })
    }
}

impl TokenStore for SqliteTokens {
    fn insert(&self, token: NewToken) -> Answer<'_, Result<Timestamp, CommitError>> {
        const SQL: &str = "INSERT INTO access_token (token_id, token_hash, role, user_id, label, create_time) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let now = self.clock.now().wall;
        self.write(move |connection| {
            let user_id = token.user_id.as_ref().map(UserId::as_str);
            let NewToken { token_id, token_hash, role, label, .. } = &token;
            let row = params![token_id, token_hash, role, user_id, label, now.millis()];
            connection.prepare_cached(SQL)?.execute(row)?;
            Ok(End::Commit(now))
        })
    }

    fn remove(&self, token_id: String, needed_role: &'static str) -> Answer<'_, Result<Removal, CommitError>> {
        const ROLE: &str = "SELECT role FROM access_token WHERE token_id = ?1";
        const OTHER: &str = "SELECT 1 FROM access_token WHERE role = ?1 AND token_id <> ?2";
        const REMOVE: &str = "DELETE FROM access_token WHERE token_id = ?1";
        self.write(move |connection| {
            let role = first(connection, ROLE, [&token_id], |row| Columns::of(row).text())?;
            let Some(role) = role else { return Ok(End::Rollback(Removal::Unknown)) };
            if role == needed_role && !connection.prepare_cached(OTHER)?.exists([needed_role, &token_id])? {
                return Ok(End::Rollback(Removal::LastOfRole));
            }
            connection.prepare_cached(REMOVE)?.execute([&token_id])?;
            Ok(End::Commit(Removal::Done))
        })
    }

    fn find(&self, token_hash: [u8; 32]) -> Answer<'_, Result<Option<StoredToken>, StoreError>> {
        const SQL: &str = concat!("SELECT ", token_columns!(), " FROM access_token WHERE token_hash = ?1");
        let find = self
            .connections
            .read(move |connection| first(connection, SQL, [token_hash], |row| rows::token(&mut Columns::of(row))));
        Box::pin(async move { Ok(find.await?.map(|(_, token)| token)) })
    }

    fn list(&self, before: Option<i64>, limit: usize) -> Answer<'_, Result<Vec<(i64, StoredToken)>, StoreError>> {
        const SQL: &str =
            concat!("SELECT ", token_columns!(), " FROM access_token WHERE id < ?1 ORDER BY id DESC LIMIT ?2");
        let before = before.unwrap_or(i64::MAX);
        let limit = limit_of(limit);
        self.connections
            .list(move |connection| all(connection, SQL, [before, limit], |row| rows::token(&mut Columns::of(row))))
    }

    fn count(&self) -> Answer<'_, Result<u64, StoreError>> {
        const SQL: &str = "SELECT count(*) FROM access_token";
        let count = self.connections.read(|connection| first(connection, SQL, [], |row| Columns::of(row).count()));
        Box::pin(async move { Ok(count.await?.unwrap_or(0)) })
    }
}
