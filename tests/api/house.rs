//! The service under test: started as `floodgate serve` starts it, stopped like it, and started again on its data.

use std::path::{Path, PathBuf};
use std::thread::{Builder, JoinHandle};

use actix_web::rt::System;
use floodgate::app::App;
use floodgate::settings::{Flags, Settings};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::client::Client;
use crate::stack::Stack;

/// A running service, the directory it keeps files in, and the stack that it stands on.
pub(crate) struct House {
    pub(crate) client: Client,
    directory: TempDir,
    data: PathBuf,
    stack: Stack,
    settings: Vec<(String, String)>,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl House {
    pub(crate) fn open() -> Self {
        Self::with(&[])
    }

    /// Opens with settings, named as in the environment but for the prefix.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        let settings = settings.iter().map(|(name, value)| (format!("FLOODGATE_{name}"), (*value).to_owned()));
        let settings: Vec<_> = settings.collect();
        Self::of(ground(&settings), settings)
    }

    /// Opens on files alone, whatever the other tests stand on.
    pub(crate) fn embedded(settings: &[(&str, &str)]) -> Self {
        let settings = settings.iter().map(|(name, value)| (format!("FLOODGATE_{name}"), (*value).to_owned()));
        Self::of(Stack::Embedded, settings.collect())
    }

    /// Opens on what is there.
    pub(crate) fn on(directory: TempDir, data: &Path, stack: Stack) -> Self {
        Self::start(directory, data.to_owned(), stack, Vec::new())
    }

    /// Stops the service and starts another on the same data.
    pub(crate) fn restart(mut self) -> Self {
        self.stop();
        let directory = std::mem::replace(&mut self.directory, temporary());
        let stack = std::mem::replace(&mut self.stack, Stack::Embedded);
        Self::start(directory, self.data.clone(), stack, self.settings.clone())
    }

    /// Whether it stands on MySQL, Redis and Kafka.
    pub(crate) const fn is_full(&self) -> bool {
        matches!(self.stack, Stack::Full(_))
    }

    /// Makes the ledger forget all that it knows, if it outlives the service.
    pub(crate) fn lose_ledger(&self) {
        if let Stack::Full(place) = &self.stack {
            place.lose_ledger().expect("redis answers");
        }
    }

    /// What it stands on.
    pub(crate) const fn stack(&self) -> &Stack {
        &self.stack
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// The lines that were printed.
    pub(crate) fn printed(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.data().join("events.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }

    /// Stops the service; its data stays as long as the house.
    pub(crate) fn stop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            thread.join().expect("the service stops without a panic");
        }
    }

    fn of(stack: Stack, settings: Vec<(String, String)>) -> Self {
        let directory = temporary();
        let data = directory.path().to_owned();
        Self::start(directory, data, stack, settings)
    }

    fn start(directory: TempDir, data: PathBuf, stack: Stack, settings: Vec<(String, String)>) -> Self {
        let flags = Flags { listen: Some(([127, 0, 0, 1], 0).into()), data: Some(data.clone()), ..Flags::default() };
        let printer = data.join("events.jsonl").display().to_string();
        let mut environment = vec![("FLOODGATE_PRINTER__PATH".to_owned(), printer)];
        environment.extend(stack.settings());
        environment.extend(settings.iter().cloned());
        let loaded = Settings::load(&flags, environment).expect("good settings");
        let (stop, stopped) = oneshot::channel::<()>();
        let (told, url) = std::sync::mpsc::channel();
        let serve = async move {
            let app = App::start(loaded).await.expect("the service starts");
            told.send(app.url().to_owned()).expect("the test waits for it");
            let stop = async {
                let _ = stopped.await;
            };
            app.serve_until(stop).await.expect("the service does not break down");
        };
        let thread = Builder::new().spawn(move || System::new().block_on(serve)).expect("a thread");
        let url: String = url.recv().expect("the service starts");
        let token = std::fs::read_to_string(data.join("admin-token")).expect("a token was written");
        let address = url.trim_start_matches("http://").parse().expect("an address");
        let client = Client { address, token: token.trim().to_owned() };
        Self { client, directory, data, stack, settings, running: Some((stop, thread)) }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // A test that fails must not fail once more in here.
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// The stack that the tests run on, ready for a shop with these settings.
pub(crate) fn ground(settings: &[(String, String)]) -> Stack {
    System::new().block_on(Stack::open(settings))
}
