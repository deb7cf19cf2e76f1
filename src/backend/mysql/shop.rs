//! What the database remembers of the shop: which one it is, and the currency that its amounts are in.

use actors::domain::money::Currency;
use actors::domain::time::Timestamp;

use super::call::Connection;
use super::fault::Fault;
use super::gate::NotUsable;
use super::rows::Columns;
use super::sql::Sql;
use crate::backend::shop::{ShopId, refusal};

/// Remembers the shop's currency, which is the only one from then on. More fraction digits are taken, fewer are not.
pub(super) async fn keep_currency(connection: &mut Connection, wanted: &Currency, now: Timestamp) -> Result<(), Fault> {
    let mut stored = stored(connection).await?;
    if stored.is_none() {
        let row = [wanted.code.as_str().into(), wanted.digits.into(), now.millis().into(), now.millis().into()];
        let insert = "INSERT INTO shop_info (id, currency, currency_digits, create_time, update_time) \
             VALUES (1, ?, ?, ?, ?)";
        match connection.run(Sql::new("remember currency", insert, row)).await {
            Ok(_) => return Ok(()),
            // Another node came first, and what it remembers counts.
            Err(fault) if fault.is_duplicate() => stored = self::stored(connection).await?,
            Err(fault) => return Err(fault),
        }
    }
    let Some(stored) = stored.filter(|stored| stored != wanted) else { return Ok(()) };
    if let Some(refusal) = refusal(stored, wanted) {
        return Err(NotUsable::from(refusal).into());
    }
    let more = "UPDATE shop_info SET currency_digits = ?, update_time = ? WHERE id = 1 AND currency_digits < ?";
    let values = [wanted.digits.into(), now.millis().into(), wanted.digits.into()];
    connection.run(Sql::new("remember digits", more, values)).await?;
    Ok(())
}

/// Tells which shop the database is, from the first time on that this is asked.
pub(super) async fn tell_shop_id(connection: &mut Connection, shop_id: &ShopId, now: Timestamp) -> Result<(), Fault> {
    let mut stored = stored_id(connection).await?;
    if stored.is_none() {
        let drawn = ShopId::draw().map_err(NotUsable::from)?;
        let insert = "INSERT INTO shop_identity (id, shop_id, create_time) VALUES (1, ?, ?)";
        let row = [drawn.as_str().into(), now.millis().into()];
        stored = match connection.run(Sql::new("remember shop", insert, row)).await {
            Ok(_) => Some(drawn),
            // Another node came first, and what it drew counts.
            Err(fault) if fault.is_duplicate() => stored_id(connection).await?,
            Err(fault) => return Err(fault),
        };
    }
    if let Some(stored) = stored {
        shop_id.tell(stored);
    }
    Ok(())
}

async fn stored_id(connection: &mut Connection) -> Result<Option<String>, Fault> {
    let sql = Sql::plain("read shop", "SELECT shop_id FROM shop_identity");
    connection.first(sql, |row| Columns::of(row).text()).await
}

async fn stored(connection: &mut Connection) -> Result<Option<Currency>, Fault> {
    let sql = Sql::plain("read currency", "SELECT currency, currency_digits FROM shop_info");
    let read = |row: &mysql_async::Row| {
        let mut columns = Columns::of(row);
        Ok(Currency { code: columns.text()?, digits: columns.number()? })
    };
    connection.first(sql, read).await
}
