//! Whether the service lives, and whether it can serve.

pub(super) mod live;
mod readiness;
pub(super) mod ready;

pub(super) use readiness::Readiness;
