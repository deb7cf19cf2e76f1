//! Where the core's actors run.

/// Runs a task on the thread where actors live. The core never starts a thread itself.
pub trait Spawn: Send + Sync + 'static {
    /// Runs `task` soon, on the actors' thread, inside their `LocalSet`.
    fn spawn(&self, task: Box<dyn FnOnce() + Send>);
}
