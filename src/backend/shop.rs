//! What every store remembers of the shop: the currency that its amounts are in.

use actors::domain::money::Currency;
use actors::ports::CommitError;

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
