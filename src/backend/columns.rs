//! The columns of a row, one after the other, as the domain's types. A value that the domain would never have written is
//! damage, and never guessed at. How a driver gives what is in a column is its store's to say, by [`Row`].

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use actors::domain::id::{BodyHash, MalformedId};
use actors::domain::money::Money;
use actors::domain::order::Status;
use actors::domain::time::Timestamp;

use super::snapshot::Malformed;

/// A row as a driver gives it, each column by its place; nothing where there is null.
pub(in crate::backend) trait Row {
    /// What goes wrong with the store.
    type Fault: From<Malformed>;

    /// What the column is called.
    fn name_at(&self, index: usize) -> Option<Cow<'_, str>>;

    /// A text.
    fn text_at(&self, index: usize) -> Result<Option<&str>, Self::Fault>;

    /// Bytes.
    fn bytes_at(&self, index: usize) -> Result<Option<&[u8]>, Self::Fault>;

    /// A whole number.
    fn number_at(&self, index: usize) -> Result<Option<i64>, Self::Fault>;

    /// A sum of money.
    fn money_at(&self, index: usize) -> Result<Option<Money>, Self::Fault>;

    /// Tells what is wrong with a column.
    fn damaged(&self, index: usize, why: &dyn Display) -> Self::Fault {
        let column = self.name_at(index).unwrap_or("?".into());
        Malformed(format!("a row does not read at {column}: {why}")).into()
    }
}

/// A row whose columns are taken one after the other.
pub(in crate::backend) struct Columns<'row, R> {
    row: &'row R,
    next: usize,
}

impl<'row, R: Row> Columns<'row, R> {
    /// Starts at the first column.
    pub(in crate::backend) const fn of(row: &'row R) -> Self {
        Self { row, next: 0 }
    }

    /// Steps over the next column, and tells which row and place that is.
    const fn step(&mut self) -> (&'row R, usize) {
        let index = self.next;
        self.next += 1;
        (self.row, index)
    }

    /// What has to be there, of the column taken last.
    pub(in crate::backend) fn there<T>(&self, value: Option<T>) -> Result<T, R::Fault> {
        value.ok_or_else(|| self.damaged(&"nothing there"))
    }

    /// Takes a text that may be missing, as the row holds it.
    pub(in crate::backend) fn optional_str(&mut self) -> Result<Option<&'row str>, R::Fault> {
        let (row, index) = self.step();
        row.text_at(index)
    }

    /// Takes a text.
    pub(in crate::backend) fn text(&mut self) -> Result<String, R::Fault> {
        let text = self.optional_text()?;
        self.there(text)
    }

    /// Takes a text that may be missing.
    pub(in crate::backend) fn optional_text(&mut self) -> Result<Option<String>, R::Fault> {
        Ok(self.optional_str()?.map(str::to_owned))
    }

    /// Takes a whole number of any width.
    pub(in crate::backend) fn number<T: TryFrom<i64>>(&mut self) -> Result<T, R::Fault> {
        let number = self.optional_number()?;
        self.there(number)
    }

    /// Takes a whole number that may be missing.
    pub(in crate::backend) fn optional_number<T: TryFrom<i64>>(&mut self) -> Result<Option<T>, R::Fault> {
        let (row, index) = self.step();
        let Some(number) = row.number_at(index)? else { return Ok(None) };
        T::try_from(number).map(Some).map_err(|_| self.damaged(&"not a number that fits"))
    }

    /// Takes a count that is never negative.
    pub(in crate::backend) fn count(&mut self) -> Result<u64, R::Fault> {
        self.number()
    }

    /// Takes an id.
    pub(in crate::backend) fn id<T: FromStr<Err = MalformedId>>(&mut self) -> Result<T, R::Fault> {
        let id = self.optional_id()?;
        self.there(id)
    }

    /// Takes an id that may be missing.
    pub(in crate::backend) fn optional_id<T: FromStr<Err = MalformedId>>(&mut self) -> Result<Option<T>, R::Fault> {
        let Some(text) = self.optional_str()? else { return Ok(None) };
        text.parse().map(Some).map_err(|error| self.damaged(&error))
    }

    /// Takes a point in time.
    pub(in crate::backend) fn time(&mut self) -> Result<Timestamp, R::Fault> {
        Ok(Timestamp::from_millis(self.number()?))
    }

    /// Takes a point in time that may be missing.
    pub(in crate::backend) fn optional_time(&mut self) -> Result<Option<Timestamp>, R::Fault> {
        Ok(self.optional_number()?.map(Timestamp::from_millis))
    }

    /// Takes a sum of money.
    pub(in crate::backend) fn money(&mut self) -> Result<Money, R::Fault> {
        let sum = self.optional_money()?;
        self.there(sum)
    }

    /// Takes a sum of money that may be missing.
    pub(in crate::backend) fn optional_money(&mut self) -> Result<Option<Money>, R::Fault> {
        let (row, index) = self.step();
        row.money_at(index)
    }

    /// Takes yes or no.
    pub(in crate::backend) fn flag(&mut self) -> Result<bool, R::Fault> {
        match self.number::<i64>()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.damaged(&"not a flag")),
        }
    }

    /// Takes an order's status.
    pub(in crate::backend) fn status(&mut self) -> Result<Status, R::Fault> {
        let code = self.number()?;
        Status::from_code(code).ok_or_else(|| self.damaged(&"not a status"))
    }

    /// Takes one of a list of names.
    pub(in crate::backend) fn name<T>(&mut self, from_name: fn(&str) -> Option<T>) -> Result<T, R::Fault> {
        let name = self.optional_name(from_name)?;
        self.there(name)
    }

    /// Takes one of a list of names, or nothing.
    pub(in crate::backend) fn optional_name<T>(
        &mut self,
        from_name: fn(&str) -> Option<T>,
    ) -> Result<Option<T>, R::Fault> {
        let Some(name) = self.optional_str()? else { return Ok(None) };
        from_name(name).map(Some).ok_or_else(|| self.damaged(&"not one of the known names"))
    }

    /// Takes the digest of a body.
    pub(in crate::backend) fn body_hash(&mut self) -> Result<BodyHash, R::Fault> {
        let hash = self.optional_body_hash()?;
        self.there(hash)
    }

    /// Takes the digest of a body that may be missing.
    pub(in crate::backend) fn optional_body_hash(&mut self) -> Result<Option<BodyHash>, R::Fault> {
        let (row, index) = self.step();
        let Some(bytes) = row.bytes_at(index)? else { return Ok(None) };
        let bytes = bytes.try_into().map_err(|_| self.damaged(&"not a digest"))?;
        Ok(Some(BodyHash::from_bytes(bytes)))
    }

    /// Tells what is wrong with the column taken last.
    pub(in crate::backend) fn damaged(&self, why: &dyn Display) -> R::Fault {
        self.row.damaged(self.next.saturating_sub(1), why)
    }
}
