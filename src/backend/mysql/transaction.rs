//! Transactions that end: committed, rolled back, or told apart as not known.

use super::call::Connection;
use super::engine::Desk;
use super::fault::Fault;
use super::pool::Pool;
use super::sql::Sql;
use crate::backend::transaction;
pub(super) use crate::backend::transaction::{End, commit_error};

/// Why a transaction did not end as it should.
pub(super) type Failure = transaction::Failure<Fault>;

impl Desk {
    /// Runs `work` in a transaction. `before` is read outside of it, on the same connection: what never changes.
    pub(super) async fn transact<B, T>(
        &self,
        before: impl AsyncFnOnce(&mut Connection) -> Result<B, Fault>,
        work: impl AsyncFnOnce(&mut Connection, B) -> Result<End<T>, Fault>,
    ) -> Result<T, Failure> {
        self.transact_on(&self.writers, before, work).await
    }

    /// The same on a connection from this pool.
    pub(super) async fn transact_on<B, T>(
        &self,
        pool: &Pool,
        before: impl AsyncFnOnce(&mut Connection) -> Result<B, Fault>,
        work: impl AsyncFnOnce(&mut Connection, B) -> Result<End<T>, Fault>,
    ) -> Result<T, Failure> {
        let mut connection = self.take(pool).await.map_err(Failure::NotDone)?;
        let outcome = transact(&mut connection, before, work).await;
        match &outcome {
            Ok(_) => pool.keep(connection),
            Err(failure) => self.let_go(pool, connection, failure).await,
        }
        outcome
    }

    /// A connection is used again only if the server itself has refused what was wrong with a row. Any other is closed:
    /// whatever is open on it is rolled back with it.
    async fn let_go(&self, pool: &Pool, mut connection: Connection, failure: &Failure) {
        let fault = failure.fault();
        if fault.is_lost_connection() || matches!(fault, Fault::Silent) {
            // The others may lead to the same dead end, and what is read next must not come from there.
            self.writers.forget();
            self.readers.forget();
            self.relays.forget();
            return;
        }
        let is_sound = matches!(failure, Failure::NotDone(fault) if fault.lies_in_rows());
        // Rolled back with a word, its locks are free at once for whoever tries again.
        let is_rolled_back = connection.run(Sql::plain("roll back", "ROLLBACK")).await.is_ok();
        if is_sound && is_rolled_back {
            pool.keep(connection);
        }
    }
}

async fn transact<B, T>(
    connection: &mut Connection,
    before: impl AsyncFnOnce(&mut Connection) -> Result<B, Fault>,
    work: impl AsyncFnOnce(&mut Connection, B) -> Result<End<T>, Fault>,
) -> Result<T, Failure> {
    let before = before(connection).await.map_err(Failure::NotDone)?;
    connection.run(Sql::plain("begin", "START TRANSACTION")).await.map_err(Failure::NotDone)?;
    match work(connection, before).await.map_err(Failure::NotDone)? {
        End::Commit(done) => {
            // From here on nobody knows until the server has answered.
            connection.run(Sql::plain("commit", "COMMIT")).await.map_err(Failure::Unknown)?;
            Ok(done)
        }
        End::Rollback(done) => {
            connection.run(Sql::plain("roll back", "ROLLBACK")).await.map_err(Failure::NotDone)?;
            Ok(done)
        }
    }
}
