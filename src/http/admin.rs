//! What only operators see.

pub(super) mod verdict;
