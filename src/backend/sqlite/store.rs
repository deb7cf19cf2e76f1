//! The `Store` port on SQLite.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use actors::domain::commit::{KeyRecord, Mutation, Rules};
use actors::domain::event::OrderEvent;
use actors::domain::id::{OrderId, ScopedKey, SkuId};
use actors::domain::order::Order;
use actors::domain::stock::Sku;
use actors::domain::time::Timestamp;
use actors::ports::{
    Answer, Clock, CommitError, Committed, FlowPage, OrderPage, OrderQuery, RefundPage, RefundQuery, SkuAudit, SkuPage,
    Store, StoreError,
};
use rusqlite::{Connection, ErrorCode};

use super::checkpoint::Checkpoints;
use super::connection::{open_writer, tell_durability};
use super::fault::Fault;
use super::files::Files;
use super::migrate::migrate;
use super::reader::Reader;
use super::tail::Tail;
use super::threads::{NotTaken, Threads};
use super::unfiled::Unfiled;
use super::writer::{Followers, Writer};
use super::{OpenError, SqliteOptions, audit, flow, listing, queries, refunds, sku_list};

/// Batches that may wait for the writer. The committer has one in flight, so this is met only when something is wrong.
const WRITES_WAITING_MAX: usize = 64;
/// Reads of a kind that may wait for a reader.
const READS_WAITING_MAX: usize = 1_024;
/// Audits that may wait. Operators ask for them, one step after the other.
const AUDITS_WAITING_MAX: usize = 64;

/// The embedded store. Clones share its threads; the database is closed with the last one.
#[derive(Clone)]
pub struct SqliteStore {
    pub(super) connections: Arc<Connections>,
}

/// The threads that own the connections.
pub(super) struct Connections {
    pub(super) tail: Arc<Tail>,
    unfiled: Arc<Unfiled>,
    // Readers are dropped before the writer, which as the last one out copies the write-ahead log into the file. What
    // looks at many rows has threads of its own, so that every request's token is not looked up behind it.
    readers: Threads<Reader>,
    lister: Threads<Reader>,
    auditor: Threads<Reader>,
    pub(super) writer: Threads<Writer>,
}

impl SqliteStore {
    /// Opens the database, makes it if it is not there, and brings its tables up to date.
    ///
    /// # Errors
    /// Refuses a database that cannot be used, with a sentence that says why.
    pub fn open(options: SqliteOptions, clock: Arc<dyn Clock>, rules: Rules) -> Result<Self, OpenError> {
        let path = options.path.clone();
        let refused =
            |why: &dyn std::fmt::Display| OpenError { path: path.clone(), why: why.to_string(), is_misplaced: false };
        create(&path);
        let connection = open_writer(&options, true)
            .map_err(|fault| OpenError { is_misplaced: lies_in_the_path(&fault), ..refused(&fault) })?;
        migrate(&connection, clock.now().wall).map_err(|error| refused(&error))?;
        tell_durability(&connection).map_err(|fault| refused(&fault))?;
        let files = Arc::new(Files::of(&path).map_err(|fault| refused(&fault))?);
        let tail = Arc::<Tail>::default();
        let unfiled = Arc::new(Unfiled::read(&connection).map_err(|fault| refused(&fault))?);
        let checkpoints = Checkpoints::start(&options, &files).map_err(|error| refused(&error))?;
        let readers = |name: &str, count: usize, waiting_max: usize| {
            let open = |_| Reader::open(options.clone(), Arc::clone(&files));
            let readers = (0..count).map(open).collect::<Result<_, _>>().map_err(|fault| refused(&fault))?;
            Threads::start(name, readers, waiting_max).map_err(|error| refused(&error))
        };
        let lister = readers("sqlite-lister", 1, READS_WAITING_MAX)?;
        let auditor = readers("sqlite-auditor", 1, AUDITS_WAITING_MAX)?;
        let readers = readers("sqlite-reader", options.readers.max(1), READS_WAITING_MAX)?;
        let followers = Followers { unfiled: Arc::clone(&unfiled), tail: Arc::clone(&tail), checkpoints };
        let writer =
            Writer::new(options, clock, rules, files, followers, connection).map_err(|fault| refused(&fault))?;
        let connections = Connections {
            tail,
            unfiled,
            writer: Threads::start("sqlite-writer", vec![writer], WRITES_WAITING_MAX)
                .map_err(|error| refused(&error))?,
            readers,
            lister,
            auditor,
        };
        Ok(Self { connections: Arc::new(connections) })
    }
}

/// Makes the file if it is not there, for its owner alone: the files that SQLite puts beside it get the same mode.
fn create(path: &Path) {
    // An existing file is not opened here: closing it would let go of the locks that this process has on it. A file that
    // cannot be made is told of by whoever opens it next.
    let _ = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
}

/// Whether nothing can be kept at the path that was given.
fn lies_in_the_path(fault: &Fault) -> bool {
    let codes = [ErrorCode::CannotOpen, ErrorCode::PermissionDenied, ErrorCode::ReadOnly];
    fault.code().is_some_and(|code| codes.contains(&code))
}

impl Connections {
    /// Reads single rows, in a transaction.
    pub(super) fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'static, Result<T, StoreError>> {
        read_on(&self.readers, work)
    }

    /// Reads a page of a list, in a transaction.
    pub(super) fn list<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'static, Result<T, StoreError>> {
        read_on(&self.lister, work)
    }
}

fn read_on<T: Send + 'static>(
    threads: &Threads<Reader>,
    work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
) -> Answer<'static, Result<T, StoreError>> {
    let answer = threads.run(|reader| reader.read(work));
    Box::pin(async move {
        let outcome = answer.map_err(not_taken)?.await.unwrap_or(Err(Fault::BrokeOff));
        outcome.map_err(|fault| {
            tracing::warn!(error = %fault, "database not read");
            StoreError::Unavailable(fault.to_string())
        })
    })
}

fn not_taken(refusal: NotTaken) -> StoreError {
    match refusal {
        NotTaken::Full => StoreError::Busy,
        NotTaken::Closed => StoreError::Unavailable(refusal.to_string()),
    }
}

impl Store for SqliteStore {
    fn commit(&self, mutations: Arc<[Mutation]>) -> Answer<'_, Result<Committed, CommitError>> {
        let answer = self.connections.writer.run(move |writer| writer.commit(&mutations));
        Box::pin(async move {
            let answer = answer.map_err(|refusal| CommitError::NotDone(refusal.to_string()))?;
            answer.await.unwrap_or_else(|_| Err(CommitError::Unknown(Fault::BrokeOff.to_string())))
        })
    }

    fn order(&self, order_id: OrderId) -> Answer<'_, Result<Option<Order>, StoreError>> {
        self.connections.read(move |connection| queries::order(connection, order_id))
    }

    fn answers(&self, order_ids: Vec<OrderId>) -> Answer<'_, Result<BTreeMap<OrderId, Order>, StoreError>> {
        self.connections.read(move |connection| {
            let mut answers = BTreeMap::new();
            for order_id in order_ids {
                answers.extend(queries::answer(connection, order_id)?.map(|order| (order_id, order)));
            }
            Ok(answers)
        })
    }

    fn orders(&self, query: OrderQuery) -> Answer<'_, Result<OrderPage, StoreError>> {
        let unfiled = Arc::clone(&self.connections.unfiled);
        self.connections.list(move |connection| {
            let view = unfiled.view(connection, query.user_id.iter())?;
            listing::page(connection, &view, &query)
        })
    }

    fn events(&self, order_id: OrderId) -> Answer<'_, Result<Vec<OrderEvent>, StoreError>> {
        self.connections.read(move |connection| queries::events(connection, order_id))
    }

    fn skus(&self, sku_ids: Vec<SkuId>) -> Answer<'_, Result<BTreeMap<SkuId, Sku>, StoreError>> {
        self.connections.read(move |connection| {
            let mut skus = BTreeMap::new();
            for sku_id in sku_ids {
                skus.extend(queries::sku(connection, &sku_id)?.map(|sku| (sku_id, sku)));
            }
            Ok(skus)
        })
    }

    fn sku_page(&self, after: Option<SkuId>, limit: usize) -> Answer<'_, Result<SkuPage, StoreError>> {
        self.connections.list(move |connection| sku_list::page(connection, after.as_ref(), limit))
    }

    fn flow(&self, sku_id: SkuId, before: Option<u64>, limit: usize) -> Answer<'_, Result<FlowPage, StoreError>> {
        self.connections.list(move |connection| flow::page(connection, &sku_id, before, limit))
    }

    fn refunds(&self, query: RefundQuery) -> Answer<'_, Result<RefundPage, StoreError>> {
        self.connections.list(move |connection| refunds::page(connection, &query))
    }

    fn keys(&self, keys: Vec<ScopedKey>) -> Answer<'_, Result<BTreeMap<ScopedKey, KeyRecord>, StoreError>> {
        let unfiled = Arc::clone(&self.connections.unfiled);
        self.connections.read(move |connection| {
            let view = unfiled.view(connection, keys.iter().filter_map(|key| key.scope.buyer()))?;
            let mut records = BTreeMap::new();
            for key in keys {
                records.extend(queries::key(connection, &view, &key)?.map(|record| (key, record)));
            }
            Ok(records)
        })
    }

    fn done(&self, group: Arc<str>, order_ids: Vec<OrderId>) -> Answer<'_, Result<BTreeMap<OrderId, u32>, StoreError>> {
        self.connections.read(move |connection| {
            let mut done = BTreeMap::new();
            for order_id in order_ids {
                done.extend(queries::done(connection, &group, order_id)?.map(|version| (order_id, version)));
            }
            Ok(done)
        })
    }

    fn due(&self, until: Timestamp, limit: usize) -> Answer<'_, Result<Vec<(OrderId, Timestamp)>, StoreError>> {
        self.connections.read(move |connection| queries::due(connection, until, limit))
    }

    fn audit(
        &self,
        sku_id: Option<SkuId>,
        after: Option<SkuId>,
        limit: usize,
    ) -> Answer<'_, Result<Vec<SkuAudit>, StoreError>> {
        let audit = move |connection: &Connection| audit::audit(connection, sku_id.as_ref(), after.as_ref(), limit);
        read_on(&self.connections.auditor, audit)
    }

    fn check(&self) -> Answer<'_, Result<(), StoreError>> {
        let read = self.connections.read(|connection| {
            connection.prepare_cached("SELECT count(*) FROM schema_migration")?.query_row([], |_| Ok(()))?;
            Ok(())
        });
        let written = self.connections.writer.run(Writer::check);
        Box::pin(async move {
            read.await?;
            let written = written.map_err(not_taken)?.await.unwrap_or(Err(Fault::BrokeOff));
            written.map_err(|fault| StoreError::Unavailable(fault.to_string()))
        })
    }
}
