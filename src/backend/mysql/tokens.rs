//! Access tokens, on the store's connections.

use std::sync::Arc;

use actors::domain::id::UserId;
use actors::domain::time::Timestamp;
use actors::ports::{Answer, CommitError, StoreError};

use super::MysqlStore;
use super::call::Connection;
use super::engine::Engine;
use super::fault::Fault;
use super::rows::Columns;
use super::sql::Sql;
use super::transaction::{End, commit_error};
use crate::backend::rows::{self, token_columns};
use crate::backend::tokens::{NewToken, Removal, StoredToken, TokenStore};

/// The tokens of a store.
#[derive(Clone)]
pub struct MysqlTokens {
    engine: Arc<Engine>,
}

impl MysqlTokens {
    /// The tokens kept beside what `store` keeps.
    pub fn of(store: &MysqlStore) -> Self {
        Self { engine: Arc::clone(&store.engine) }
    }

    fn write<T: Send + 'static>(
        &self,
        work: impl AsyncFnOnce(&mut Connection, Timestamp) -> Result<End<T>, Fault> + Send + 'static,
    ) -> Answer<'static, Result<T, CommitError>> {
        let written = self.engine.run(async move |desk| {
            let now = desk.clock.now().wall;
            let work = async move |connection: &mut Connection, ()| work(connection, now).await;
            desk.transact(async |_: &mut Connection| Ok(()), work).await.map_err(commit_error)
        });
        Box::pin(async move {
            written.await.unwrap_or_else(|fault| match fault {
                Fault::BrokeOff => Err(CommitError::Unknown(fault.to_string())),
                refused => Err(CommitError::NotDone(refused.to_string())),
            })
        })
    }
}

impl TokenStore for MysqlTokens {
    fn insert(&self, token: NewToken) -> Answer<'_, Result<Timestamp, CommitError>> {
        const SQL: &str = "INSERT INTO access_token (token_id, token_hash, role, user_id, label, create_time) \
             VALUES (?, ?, ?, ?, ?, ?)";
        self.write(async move |connection: &mut Connection, now| {
            let NewToken { token_id, token_hash, role, user_id, label } = token;
            let user_id = user_id.as_ref().map(UserId::as_str);
            let row = [
                token_id.into(),
                token_hash.to_vec().into(),
                role.into(),
                user_id.into(),
                label.into(),
                now.millis().into(),
            ];
            connection.run(Sql::new("insert token", SQL, row)).await?;
            Ok(End::Commit(now))
        })
    }

    fn remove(&self, token_id: String, needed_role: &'static str) -> Answer<'_, Result<Removal, CommitError>> {
        // Of two who take away the last two of the role, the second waits here, and then finds one.
        const NEEDED: &str = "SELECT token_id FROM access_token FORCE INDEX (idx_access_token_role) \
             WHERE role = ? ORDER BY id FOR UPDATE";
        const REMOVE: &str = "DELETE FROM access_token WHERE token_id = ?";
        self.write(async move |connection: &mut Connection, _| {
            let sql = Sql::new("lock tokens", NEEDED, [needed_role.into()]);
            let needed = connection.all(sql, |row| Columns::of(row).text()).await?;
            if needed == [token_id.as_str()] {
                return Ok(End::Rollback(Removal::LastOfRole));
            }
            let removed = connection.run(Sql::new("remove token", REMOVE, [token_id.into()])).await?;
            if removed == [1] { Ok(End::Commit(Removal::Done)) } else { Ok(End::Rollback(Removal::Unknown)) }
        })
    }

    fn find(&self, token_hash: [u8; 32]) -> Answer<'_, Result<Option<StoredToken>, StoreError>> {
        const SQL: &str = concat!("SELECT ", token_columns!(), " FROM access_token WHERE token_hash = ?");
        let find = self.engine.read(async move |connection: &mut Connection| {
            connection
                .first(Sql::new("find token", SQL, [token_hash.to_vec().into()]), |row| {
                    rows::token(&mut Columns::of(row))
                })
                .await
        });
        Box::pin(async move { Ok(find.await?.map(|(_, token)| token)) })
    }

    fn list(&self, before: Option<i64>, limit: usize) -> Answer<'_, Result<Vec<(i64, StoredToken)>, StoreError>> {
        const SQL: &str =
            concat!("SELECT ", token_columns!(), " FROM access_token WHERE id < ? ORDER BY id DESC LIMIT ?");
        let before = before.unwrap_or(i64::MAX);
        self.engine.list(async move |connection: &mut Connection| {
            connection
                .all(Sql::new("list tokens", SQL, [before.into(), limit.into()]), |row| {
                    rows::token(&mut Columns::of(row))
                })
                .await
        })
    }

    fn count(&self) -> Answer<'_, Result<u64, StoreError>> {
        let count = self.engine.read(async |connection: &mut Connection| {
            let sql = Sql::plain("count tokens", "SELECT COUNT(*) FROM access_token");
            connection.first(sql, |row| Columns::of(row).count()).await
        });
        Box::pin(async move { Ok(count.await?.unwrap_or(0)) })
    }
}
