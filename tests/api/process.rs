//! `floodgate serve` in a process of its own, for what ends a process or keeps it from starting.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use crate::client::Client;
use crate::stack::Stack;

/// Ends of stops: all deadlines of a stop and a little.
pub(crate) const STOP: Duration = Duration::from_secs(20);

/// Runs the program to its end.
pub(crate) fn floodgate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_floodgate")).args(arguments).output().expect("the program runs")
}

/// A running process; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    data: PathBuf,
}

impl Process {
    /// Starts a service that keeps its files in `data`, with settings named as in the environment but for the prefix.
    pub(crate) fn start(stack: &Stack, data: &Path, settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_floodgate"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        // Nobody reads what it says before its end, and a pipe holds little.
        command.env("FLOODGATE_LOG__LEVEL", "warn");
        command.envs(stack.settings());
        command.envs(settings.iter().map(|(name, value)| (format!("FLOODGATE_{name}"), value)));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        Self { child: child.expect("the program runs"), data: data.to_owned() }
    }

    /// Waits until it serves. Answers a client with its admin token.
    pub(crate) fn client(&mut self) -> Client {
        let pid = format!("\"pid\":{}}}", self.child.id());
        for _ in 0..400 {
            let run = fs::read_to_string(self.data.join("run.json")).unwrap_or_default();
            if run.contains(&pid) {
                let url = run.split('"').find(|part| part.starts_with("http")).expect("it says where it runs");
                let address = url.trim_start_matches("http://").parse().expect("an address");
                let token = fs::read_to_string(self.data.join("admin-token")).expect("a token was written");
                return Client { address, token: token.trim().to_owned() };
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("it does not serve after 10 s");
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(told.expect("every machine has kill").success());
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        self.child.wait().expect("it is our child");
    }

    /// Waits for its end. Answers how it ended and what it said.
    pub(crate) fn end(&mut self, within: Duration) -> (ExitStatus, String) {
        for _ in 0..within.as_millis() / 25 {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                let mut said = String::new();
                self.child.stderr.take().expect("it was piped").read_to_string(&mut said).expect("it is text");
                return (status, said);
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("it has not ended after {within:?}");
    }

    /// Waits for the end of a start that must not be: exit code 2, and a sentence of these words.
    pub(crate) fn expect_refused(mut self, words: &[&str]) {
        let (status, said) = self.end(Duration::from_secs(10));
        let said = said.lines().last().unwrap_or_default();
        assert_eq!(status.code(), Some(2), "{said}");
        for word in words {
            assert!(said.contains(word), "no {word} in {said}");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
