//! Whether the service lives, and whether it can serve.

pub(super) mod live;
pub(super) mod ready;
