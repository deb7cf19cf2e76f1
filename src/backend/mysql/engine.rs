//! The thread that all work on the database runs on, and how work gets there.
//!
//! Connections belong to the thread they were opened on, which outlives the threads that serve requests; so what was
//! begun is finished though nobody waits for it.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;
use std::time::Duration;

use actors::domain::commit::Rules;
use actors::domain::money::Currency;
use actors::ports::{Answer, Clock, StoreError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::timeout;

use super::MysqlOptions;
use super::call::{Connection, Wire};
use super::fault::Fault;
use super::gate::Gate;
use super::pool::{Places, Pool};
use super::sql::Sql;
use crate::backend::shop::ShopId;
use crate::calls::CallCounts;

/// Pieces of work that may wait for the thread; it takes them up at once, so this is met only when something is wrong.
const WAITING_MAX: usize = 4_096;
/// Connections that write. The committer has one transaction in flight; tokens and the readiness check write, too.
const WRITERS: usize = 2;
/// Connections that hand events on. A node does that one batch after the other, but the last one may hang.
const RELAYS: usize = 2;
/// How long work in hand may go on once the store is closed.
const FAREWELL: Duration = Duration::from_secs(5);

type Job = Box<dyn FnOnce(Rc<Desk>) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// A way to the thread. The thread ends with the last of them.
pub(super) struct Engine {
    jobs: mpsc::Sender<Job>,
    pub(super) calls: Arc<CallCounts>,
    /// Which shop the database is, once that is known.
    pub(super) shop_id: ShopId,
    /// Whether the latest read failed: an outage is told of once, and not by everyone who meets it.
    is_failing: Arc<AtomicBool>,
}

/// What work on the thread has at hand.
pub(super) struct Desk {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rules: Rules,
    pub(super) readers: Pool,
    pub(super) writers: Pool,
    /// Held for as long as it takes to hand events on.
    pub(super) relays: Pool,
    /// Half of the readers at most, so that every request's token is not looked up behind lists.
    listing: Places,
    gate: Rc<Gate>,
}

impl Engine {
    /// Starts the thread; no connection is opened before there is work.
    pub(super) fn start(
        options: &MysqlOptions,
        clock: Arc<dyn Clock>,
        rules: Rules,
        currency: Currency,
    ) -> std::io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let calls = Arc::new(CallCounts::of("mysql"));
        let wire = Wire { clock: Arc::clone(&clock), calls: Arc::clone(&calls), limit: options.timeout };
        let (reading, locking, places) = (options.reading(), options.locking(), options.connections);
        let shop_id = ShopId::default();
        let told = shop_id.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        Builder::new().name("mysql".to_owned()).spawn(move || {
            let listing = Places::new(places / 2, wire.limit);
            let desk = Rc::new(Desk {
                clock,
                rules,
                readers: Pool::new(reading, wire.clone(), places),
                writers: Pool::new(locking.clone(), wire.clone(), WRITERS),
                relays: Pool::new(locking, wire, RELAYS),
                listing,
                gate: Gate::new(currency, told),
            });
            LocalSet::new().block_on(&runtime, work(&desk, waiting));
        })?;
        Ok(Self { jobs, calls, shop_id, is_failing: Arc::default() })
    }

    /// Has work done on the thread, whether or not anybody waits for it.
    pub(super) fn run<T: Send + 'static, F: Future<Output = T> + 'static>(
        &self,
        work: impl FnOnce(Rc<Desk>) -> F + Send + 'static,
    ) -> Answer<'static, Result<T, Fault>> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |desk| {
            let work = work(desk);
            Box::pin(async move {
                // Whoever asked may have gone away.
                let _ = answer.send(work.await);
            })
        });
        let sent = self.jobs.try_send(job).map_err(|_| Fault::Full);
        Box::pin(async move {
            sent?;
            answered.await.map_err(|_| Fault::BrokeOff)
        })
    }

    /// Reads on a connection of its own.
    pub(super) fn read<T: Send + 'static>(
        &self,
        work: impl AsyncFn(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'static, Result<T, StoreError>> {
        self.answer(move |desk| async move { desk.read(&work).await })
    }

    fn answer<T: Send + 'static, F: Future<Output = Result<T, Fault>> + 'static>(
        &self,
        work: impl FnOnce(Rc<Desk>) -> F + Send + 'static,
    ) -> Answer<'static, Result<T, StoreError>> {
        let answer = self.run(work);
        let is_failing = Arc::clone(&self.is_failing);
        Box::pin(async move {
            let outcome = answer.await.and_then(|outcome| outcome);
            if matches!(outcome, Err(Fault::Full)) {
                // That tells nothing about the database.
                return outcome.map_err(StoreError::from);
            }
            let was_failing = is_failing.swap(outcome.is_err(), Ordering::Relaxed);
            match &outcome {
                Ok(_) if was_failing => tracing::info!("the database is read again"),
                Err(error) if was_failing => tracing::debug!(%error, "database not read"),
                Err(error) => tracing::warn!(%error, "database not read"),
                Ok(_) => {}
            }
            outcome.map_err(StoreError::from)
        })
    }

    /// Reads a page of a list, which may take long, on a connection of its own.
    pub(super) fn list<T: Send + 'static>(
        &self,
        work: impl AsyncFn(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'static, Result<T, StoreError>> {
        self.answer(move |desk| async move {
            let _place = desk.listing.take().await?;
            desk.read(&work).await
        })
    }

    /// Reads a page of a list or an audit on a connection of its own, where all statements see the same committed state.
    pub(super) fn read_snapshot<T: Send + 'static>(
        &self,
        work: impl AsyncFn(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'static, Result<T, StoreError>> {
        let work = async move |connection: &mut Connection| {
            let begin = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION READ ONLY";
            connection.run(Sql::plain("begin snapshot", begin)).await?;
            let done = work(connection).await?;
            connection.run(Sql::plain("end snapshot", "COMMIT")).await?;
            Ok(done)
        };
        self.list(work)
    }
}

async fn work(desk: &Rc<Desk>, mut waiting: mpsc::Receiver<Job>) {
    let mut in_hand = JoinSet::new();
    while let Some(job) = waiting.recv().await {
        in_hand.spawn_local(job(Rc::clone(desk)));
        // What is done is let go of.
        while in_hand.try_join_next().is_some() {}
    }
    if timeout(FAREWELL, in_hand.join_all()).await.is_err() {
        tracing::warn!("the database is left with work in hand");
    }
}

impl Desk {
    /// A connection from a pool, to a database that may be used.
    pub(super) async fn take(&self, pool: &Pool) -> Result<Connection, Fault> {
        let mut connection = pool.take().await?;
        self.gate.pass(&mut connection).await?;
        Ok(connection)
    }

    async fn read<T>(&self, work: &impl AsyncFn(&mut Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        match self.read_once(work).await {
            // The server may be back by now, or only have ended what it found idle.
            Err(fault) if fault.is_lost_connection() => {
                self.readers.forget();
                self.read_once(work).await
            }
            outcome => outcome,
        }
    }

    async fn read_once<T>(&self, work: &impl AsyncFn(&mut Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut connection = self.take(&self.readers).await?;
        // After a fault the connection is closed: nobody knows what is still to come on it.
        let done = work(&mut connection).await?;
        self.readers.keep(connection);
        Ok(done)
    }
}
