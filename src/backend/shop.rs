//! What every store remembers of the shop: which one it is, and the currency that its amounts are in.

use std::sync::{Arc, OnceLock};

use actors::domain::money::Currency;
use actors::ports::CommitError;

/// Which shop a database is. Made at random with the database, and known here as soon as that has told it: a server may
/// come later than we do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShopId(Arc<OnceLock<String>>);

impl ShopId {
    /// One that is known.
    pub fn known(id: impl Into<String>) -> Self {
        Self(Arc::new(OnceLock::from(id.into())))
    }

    /// The id, if it is known.
    pub fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    /// Takes note of what the database told. It tells the same each time.
    pub(in crate::backend) fn tell(&self, id: String) {
        self.0.get_or_init(|| id);
    }

    /// An id that no other database has.
    pub(in crate::backend) fn draw() -> Result<String, getrandom::Error> {
        Ok(format!("{:016x}{:016x}", getrandom::u64()?, getrandom::u64()?))
    }
}

/// Why a shop may not use the database with its currency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CurrencyError {
    /// The amounts are in another currency.
    #[error("the database's amounts are in {stored}, so shop.currency must be {stored} and not {wanted}")]
    Other {
        /// The currency that the database remembers.
        stored: String,
        /// The shop's.
        wanted: String,
    },
    /// The amounts may have more fraction digits.
    #[error(
        "the database's amounts have {stored} fraction digits, so shop.currency_digits must be {stored} or more, not {wanted}"
    )]
    FewerDigits {
        /// The fraction digits that the database remembers.
        stored: u32,
        /// The shop's.
        wanted: u32,
    },
    /// The database does not take it.
    #[error("the shop's currency cannot be stored: {0}")]
    NotStored(#[from] CommitError),
}

/// Why a shop with the currency `wanted` may not use a store that remembers `stored`, if it may not.
pub(in crate::backend) fn refusal(stored: Currency, wanted: &Currency) -> Option<CurrencyError> {
    if stored.code != wanted.code {
        return Some(CurrencyError::Other { stored: stored.code, wanted: wanted.code.clone() });
    }
    let (stored, wanted) = (stored.digits, wanted.digits);
    (wanted < stored).then_some(CurrencyError::FewerDigits { stored, wanted })
}
