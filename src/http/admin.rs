//! What only operators see.

pub(super) mod actor;
pub(super) mod actors;
pub(super) mod order;
pub(super) mod refund;
pub(super) mod token;
pub(super) mod verdict;
pub(super) mod warm_up;
