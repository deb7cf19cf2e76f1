//! A service of a test's own, to be killed and held up.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A server that is gone with this, and all that is in it.
pub(crate) struct Server {
    service: &'static str,
    directory: TempDir,
}

impl Server {
    /// Starts a server of this kind, as `scripts/services` calls it.
    pub(crate) fn start(service: &'static str) -> Self {
        let server = Self { service, directory: TempDir::new().expect("a temporary directory") };
        server.tell("up");
        server
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        let variables = std::fs::read_to_string(self.directory.path().join("env")).expect("the services say where");
        let variable = format!("FLOODGATE_TEST_{}_URL=", self.service.to_uppercase());
        let url = variables.lines().find_map(|line| line.strip_prefix(&variable));
        url.expect("it is among them").trim_matches(['"', '\'']).to_owned()
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(&self) {
        self.tell("kill");
    }

    /// Starts it again, on the same port with the same data.
    pub(crate) fn start_again(&self) {
        self.tell("start");
    }

    /// Holds it up: connections stay open, nothing answers.
    pub(crate) fn pause(&self) {
        self.tell("pause");
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.tell("resume");
    }

    fn tell(&self, command: &str) {
        let Output { status, stdout, stderr } = self.run(&[command, self.service]);
        let told = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(status.success(), "scripts/services {command} {}: {told}", self.service);
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
