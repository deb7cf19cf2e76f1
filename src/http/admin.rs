//! What only operators see.

pub(super) mod actor;
pub(super) mod actors;
pub(super) mod verdict;
