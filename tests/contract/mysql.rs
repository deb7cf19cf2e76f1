//! MySQL, or MariaDB in its place, in a database of its own for every case.

use std::sync::Arc;

use actors::domain::commit::Rules;
use actors::domain::money::Currency;
use actors::node::Events;
use actors::ports::{Answer, Clock};
use actors::testing::contract::{Backend, Opened};
use actors::testing::manual_clock::ManualClock;
use actors::{outbox_contract, store_contract};
use floodgate::backend::mysql::{MysqlOutbox, MysqlStore};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, OptsBuilder};

use crate::mysql_database::Database;

impl Database {
    /// Opens the store, with tables up to date.
    pub(crate) async fn open_store(&self, clock: Arc<dyn Clock>) -> MysqlStore {
        self.create().await;
        let store = self.store(clock);
        store.migrate().await.expect("an empty database takes every migration");
        store
    }

    /// A store on what is there.
    pub(crate) fn store(&self, clock: Arc<dyn Clock>) -> MysqlStore {
        MysqlStore::open(&self.options, clock, Rules::default(), currency()).expect("a thread can be started")
    }

    /// A store whose clock stands still.
    pub(crate) async fn fresh_store(&self) -> MysqlStore {
        self.open_store(Arc::<ManualClock>::default()).await
    }

    /// A connection of somebody else's.
    pub(crate) async fn other(&self) -> Conn {
        let options = OptsBuilder::from_opts(self.server()).db_name(Some(&self.options.database));
        Conn::new(options).await.expect("the server is there")
    }

    /// What a statement of somebody else's reads, each row as one text.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        self.other().await.query(sql).await.expect("the query is sound")
    }
}

/// The currency of every test's shop.
pub(crate) fn currency() -> Currency {
    Currency { code: "CNY".to_owned(), digits: 2 }
}

impl Backend for Database {
    fn open(&self, clock: Arc<dyn Clock>) -> Answer<'_, Opened> {
        Box::pin(async move {
            let store = self.open_store(clock).await;
            let events = Events::Outbox(Arc::new(MysqlOutbox::of(&store)));
            Opened { store: Arc::new(store), events }
        })
    }

    fn is_durable(&self) -> bool {
        true
    }
}

fn mysql() -> Database {
    Database::new()
}

store_contract!(mysql);
outbox_contract!(mysql);
