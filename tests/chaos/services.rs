//! The real services beside ours, as `scripts/services` knows them.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use tokio::sync::{Mutex, MutexGuard};

/// Whoever breaks a service has it alone.
static BREAKING: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);

/// A service that may be broken. It is whole again when this is dropped.
pub(crate) struct Breakable {
    name: &'static str,
    pub(crate) url: String,
    _alone: MutexGuard<'static, ()>,
}

impl Breakable {
    /// Takes the service with this name, at the place that the variable names. Without one there is nothing to test,
    /// which must not pass for a test.
    pub(crate) async fn take(name: &'static str, variable: &str) -> Self {
        let alone = BREAKING.lock().await;
        let url = std::env::var(variable).unwrap_or_else(|_| {
            panic!("{variable} is not set: scripts/services up {name}; set -a; . target/services/env")
        });
        Self { name, url, _alone: alone }
    }

    /// `kill`, `start`, `pause` or `resume`, and done when that is done.
    pub(crate) async fn make(&self, what: &'static str) {
        self.make_of(self.name, what).await;
    }

    /// The same of one of its nodes.
    pub(crate) async fn make_of(&self, node: &'static str, what: &'static str) {
        let made = actix_web::web::block(move || services(what, node)).await.expect("the pool runs it");
        assert!(made, "scripts/services {what} {node} fails");
    }

    /// Where it keeps its data.
    pub(crate) fn data(&self) -> PathBuf {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let directory = std::env::var_os("FLOODGATE_SERVICES_DIR");
        directory.map_or_else(|| root.join("target/services"), PathBuf::from).join("data").join(self.name)
    }
}

impl Drop for Breakable {
    fn drop(&mut self) {
        // One that is not paused or runs already refuses, and needs nothing.
        services("resume", self.name);
        services("start", self.name);
    }
}

fn services(what: &str, name: &str) -> bool {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scripts/services");
    Command::new(script).args([what, name]).status().expect("the script is there").success()
}
