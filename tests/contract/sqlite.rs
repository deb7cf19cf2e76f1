//! SQLite in a directory of its own for every case.

use std::path::PathBuf;
use std::sync::Arc;

use actors::domain::commit::Rules;
use actors::node::Events;
use actors::ports::{Answer, Clock};
use actors::testing::contract::{Backend, Opened};
use actors::{event_log_contract, store_contract};
use floodgate::backend::sqlite::{SqliteEventLog, SqliteOptions, SqliteStore};
use tempfile::TempDir;

/// A directory for a database.
struct Directory(TempDir);

impl Directory {
    fn path(&self) -> PathBuf {
        self.0.path().join("floodgate.db")
    }
}

impl Backend for Directory {
    fn open(&self, clock: Arc<dyn Clock>) -> Answer<'_, Opened> {
        Box::pin(async move {
            let store = SqliteStore::open(SqliteOptions::at(self.path()), clock, Rules::default())
                .expect("the database can be opened");
            let events = Events::Log(Arc::new(SqliteEventLog::of(&store)));
            Opened { store: Arc::new(store), events }
        })
    }

    fn is_durable(&self) -> bool {
        true
    }
}

fn sqlite() -> Directory {
    Directory(TempDir::new().expect("a temporary directory"))
}

store_contract!(sqlite);
event_log_contract!(sqlite);
