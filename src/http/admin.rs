//! What only operators see.

pub(super) mod token;
pub(super) mod verdict;
