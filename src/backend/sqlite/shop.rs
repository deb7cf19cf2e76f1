//! What the database remembers of the shop: which one it is, and the currency that its amounts are in.

use actors::domain::money::Currency;
use actors::ports::CommitError;
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::fault::Fault;
use super::queries::first;
use super::rows::Columns;
use super::transaction::End;
use super::transaction::commit_error;
use crate::backend::shop::{CurrencyError, ShopId, refusal};

impl SqliteStore {
    /// Remembers the shop's currency, which is the only one from then on. More fraction digits are taken, fewer are not.
    ///
    /// # Errors
    /// Refuses another currency than the one remembered.
    pub async fn keep_currency(&self, currency: &Currency) -> Result<(), CurrencyError> {
        let wanted = currency.clone();
        let kept = self.connections.writer.run(move |writer| {
            let now = writer.now();
            let kept = writer.transact(|connection| {
                let stored = stored(connection)?;
                if stored.as_ref() == Some(&wanted) {
                    return Ok(End::Rollback(Ok(())));
                }
                if let Some(refusal) = stored.and_then(|stored| refusal(stored, &wanted)) {
                    return Ok(End::Rollback(Err(refusal)));
                }
                let keep = "INSERT INTO shop_info (id, currency, currency_digits, create_time, update_time) \
                     VALUES (1, ?1, ?2, ?3, ?3) ON CONFLICT (id) DO UPDATE SET \
                     currency_digits = excluded.currency_digits, update_time = excluded.update_time";
                let row = params![wanted.code, wanted.digits, now.wall.millis()];
                connection.prepare_cached(keep)?.execute(row)?;
                Ok(End::Commit(Ok(())))
            });
            kept.map_err(commit_error)
        });
        let kept = kept.map_err(|refusal| CommitError::NotDone(refusal.to_string()))?;
        kept.await.unwrap_or_else(|_| Err(CommitError::Unknown(Fault::BrokeOff.to_string())))?
    }

    /// Which shop the database is, from the first time on that this is asked.
    ///
    /// # Errors
    /// The database does not take it.
    pub async fn shop_id(&self) -> Result<ShopId, CommitError> {
        let drawn = ShopId::draw().map_err(|error| CommitError::NotDone(error.to_string()))?;
        let kept = self.connections.writer.run(move |writer| {
            let now = writer.now().wall;
            let kept = writer.transact(|connection| {
                let stored = first(connection, "SELECT shop_id FROM shop_identity", [], |row| Ok(row.get(0)?))?;
                if let Some(stored) = stored {
                    return Ok(End::Rollback(stored));
                }
                let keep = "INSERT INTO shop_identity (id, shop_id, create_time) VALUES (1, ?1, ?2)";
                connection.prepare_cached(keep)?.execute(params![drawn, now.millis()])?;
                Ok(End::Commit(drawn.clone()))
            });
            kept.map_err(commit_error)
        });
        let kept = kept.map_err(|refusal| CommitError::NotDone(refusal.to_string()))?;
        let kept = kept.await.unwrap_or_else(|_| Err(CommitError::Unknown(Fault::BrokeOff.to_string())));
        kept.map(ShopId::known)
    }
}

fn stored(connection: &Connection) -> Result<Option<Currency>, Fault> {
    first(connection, "SELECT currency, currency_digits FROM shop_info", [], |row| {
        let mut columns = Columns::of(row);
        Ok(Currency { code: columns.text()?, digits: columns.number()? })
    })
}
