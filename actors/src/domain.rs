//! Pure types and rules. Nothing here waits, sends, stores or reads a clock.

pub mod commit;
pub mod event;
pub mod id;
pub mod invariant;
pub mod limits;
pub mod money;
pub mod order;
pub mod payment;
pub mod rejection;
pub mod stock;
pub mod time;
pub mod validation;
