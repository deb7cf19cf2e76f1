//! Rows as SQLite gives them: every value is of the type that it was stored as.

use std::borrow::Cow;

use actors::domain::money::Money;
use rusqlite::types::{FromSqlResult, ValueRef};

use super::fault::Fault;
use crate::backend::columns::{self, Row};

/// A row whose columns are taken one after the other.
pub(super) type Columns<'row> = columns::Columns<'row, rusqlite::Row<'row>>;

impl Row for rusqlite::Row<'_> {
    type Fault = Fault;

    fn name_at(&self, index: usize) -> Option<Cow<'_, str>> {
        self.as_ref().column_name(index).ok().map(Cow::from)
    }

    fn text_at(&self, index: usize) -> Result<Option<&str>, Fault> {
        value(self, index, ValueRef::as_str_or_null)
    }

    fn bytes_at(&self, index: usize) -> Result<Option<&[u8]>, Fault> {
        value(self, index, ValueRef::as_blob_or_null)
    }

    fn number_at(&self, index: usize) -> Result<Option<i64>, Fault> {
        value(self, index, ValueRef::as_i64_or_null)
    }

    fn money_at(&self, index: usize) -> Result<Option<Money>, Fault> {
        let Some(units) = self.number_at(index)? else { return Ok(None) };
        let sum = Money::from_ten_thousandths(units);
        sum.map(Some).ok_or_else(|| self.damaged(index, &"not a sum of money"))
    }
}

fn value<'row, T>(
    row: &'row rusqlite::Row<'_>,
    index: usize,
    read: impl FnOnce(&ValueRef<'row>) -> FromSqlResult<Option<T>>,
) -> Result<Option<T>, Fault> {
    read(&row.get_ref(index)?).map_err(|error| row.damaged(index, &error))
}
