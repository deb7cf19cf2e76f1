//! What a transaction decides: pure functions from what was read under lock to what is written.
//!
//! Every store does the same three steps: read the [`Facts`] that [`Needs`] names, call [`decide`], write the
//! [`Changes`]. So both stores give the same outcome for the same history.

mod decide;
mod facts;
mod mutation;
mod purchase;

pub use decide::{Rules, decide};
pub use facts::{
    ChangedOrder, Changes, Decided, Facts, KeyRecord, KeyedAnswer, Needs, NewOrder, RefundedOrder, StockKeyRecord,
    StockWrite,
};
pub use mutation::{AmendOrder, CancelOrder, Mutation, OrderAction, Outcome, PutSku, Verdict};
pub use purchase::{Held, Purchase, PurchaseCount, Purchases};
