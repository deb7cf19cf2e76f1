//! A Kafka of a test's own, to be killed and held up.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A server that is gone with this, and all that is in it.
pub(crate) struct Server {
    directory: TempDir,
}

impl Server {
    /// Starts a server.
    pub(crate) fn start() -> Self {
        let server = Self { directory: TempDir::new().expect("a temporary directory") };
        server.tell(&["up", "kafka"]);
        server
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        let variables = std::fs::read_to_string(self.directory.path().join("env")).expect("the services say where");
        let url = variables.lines().find_map(|line| line.strip_prefix("FLOODGATE_TEST_KAFKA_URL="));
        url.expect("kafka is among them").trim_matches(['"', '\'']).to_owned()
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(&self) {
        self.tell(&["kill", "kafka"]);
    }

    /// Starts it again, on the same port with the same data.
    pub(crate) fn start_again(&self) {
        self.tell(&["start", "kafka"]);
    }

    /// Holds it up: connections stay open, nothing answers.
    pub(crate) fn pause(&self) {
        self.tell(&["pause", "kafka"]);
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.tell(&["resume", "kafka"]);
    }

    fn tell(&self, arguments: &[&str]) {
        let Output { status, stdout, stderr } = self.run(arguments);
        let told = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(status.success(), "scripts/services {arguments:?}: {told}");
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/services");
        let mut command = Command::new(script);
        command.args(arguments).env("FLOODGATE_SERVICES_DIR", self.directory.path());
        command.output().expect("the script can be run")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.run(&["down", "--purge"]);
    }
}
