//! Names of requests: in every answer, every problem document and every access line.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts requests from a salt, so that ids differ between starts.
#[derive(Debug)]
pub(super) struct RequestIds {
    salt: u32,
    next: AtomicU64,
}

impl RequestIds {
    pub(super) const fn new(salt: u32) -> Self {
        Self { salt, next: AtomicU64::new(1) }
    }

    /// Names the next request.
    pub(super) fn next(&self) -> String {
        format!("{:08x}-{:x}", self.salt, self.next.fetch_add(1, Ordering::Relaxed))
    }
}
