//! What the database remembers of the shop: the currency that its amounts are in.

use actors::domain::money::Currency;
use actors::domain::time::Timestamp;

use super::call::Connection;
use super::fault::Fault;
use super::gate::NotUsable;
use super::rows::Columns;
use super::sql::Sql;
use crate::backend::shop::refusal;

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

async fn stored(connection: &mut Connection) -> Result<Option<Currency>, Fault> {
    let sql = Sql::plain("read currency", "SELECT currency, currency_digits FROM shop_info");
    let read = |row: &mysql_async::Row| {
        let mut columns = Columns::of(row);
        Ok(Currency { code: columns.text()?, digits: columns.number()? })
    };
    connection.first(sql, read).await
}
