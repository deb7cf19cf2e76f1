//! What a `Store` owes the core.

pub mod changes;
pub mod keys;
pub mod limits;
pub mod listing;
pub mod payments;
pub mod placing;
pub mod stock;
pub mod whole;
