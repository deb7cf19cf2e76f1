//! Rows as MySQL gives them: a statement sent as text is answered in texts.

use std::borrow::Cow;
use std::str::FromStr as _;

use actors::domain::money::{Money, STORED_DIGITS};
use mysql_async::Value;
use rust_decimal::Decimal;

use super::fault::Fault;
use crate::backend::columns::{self, Row};

/// A row whose columns are taken one after the other.
pub(super) type Columns<'row> = columns::Columns<'row, mysql_async::Row>;

impl Row for mysql_async::Row {
    type Fault = Fault;

    fn name_at(&self, index: usize) -> Option<Cow<'_, str>> {
        self.columns_ref().get(index).map(|column| column.name_str())
    }

    fn text_at(&self, index: usize) -> Result<Option<&str>, Fault> {
        let bytes = self.bytes_at(index)?;
        bytes.map(|bytes| std::str::from_utf8(bytes).map_err(|error| self.damaged(index, &error))).transpose()
    }

    fn bytes_at(&self, index: usize) -> Result<Option<&[u8]>, Fault> {
        match self.as_ref(index) {
            Some(Value::NULL) => Ok(None),
            Some(Value::Bytes(bytes)) => Ok(Some(bytes)),
            _ => Err(self.damaged(index, &"not what was asked for")),
        }
    }

    fn number_at(&self, index: usize) -> Result<Option<i64>, Fault> {
        let text = self.text_at(index)?;
        text.map(|text| text.parse().map_err(|_| self.damaged(index, &"not a number that fits"))).transpose()
    }

    fn money_at(&self, index: usize) -> Result<Option<Money>, Fault> {
        let Some(text) = self.text_at(index)? else { return Ok(None) };
        let units = Decimal::from_str(text).ok().map(|mut sum| {
            sum.rescale(STORED_DIGITS);
            sum.mantissa()
        });
        let sum = units.and_then(|units| i64::try_from(units).ok()).and_then(Money::from_ten_thousandths);
        sum.map(Some).ok_or_else(|| self.damaged(index, &"not a sum of money"))
    }
}
