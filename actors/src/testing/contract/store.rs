//! What a `Store` owes the core.

pub mod catalogue;
pub mod changes;
pub mod keys;
pub mod lifecycle;
pub mod limits;
pub mod listing;
pub mod payments;
pub mod placing;
pub mod progress;
pub mod refunds;
pub mod stock;
pub mod whole;
