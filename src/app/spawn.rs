//! The spawn port on an arbiter: the core's actors share one thread beside the HTTP workers.

use actix::{Arbiter, ArbiterHandle};
use actors::ports::Spawn;

/// Runs tasks on one arbiter.
pub(super) struct OnArbiter(ArbiterHandle);

impl OnArbiter {
    pub(super) fn of(arbiter: &Arbiter) -> Self {
        Self(arbiter.handle())
    }
}

impl Spawn for OnArbiter {
    fn spawn(&self, task: Box<dyn FnOnce() + Send>) {
        // An arbiter that has stopped takes nothing: then the node is on its way out.
        let _ = self.0.spawn_fn(task);
    }
}
