//! The composition root: the only place that puts ports and core together.

mod admin_token;
pub mod clock;
mod close;
mod data_dir;
pub mod dead_letters;
pub mod ids;
mod open_ledger;
mod open_store;
mod open_stream;
mod own_files;
mod spawn;
mod tokens;

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actix::Arbiter;
use actix_web::web::Data;
use actors::node::{Node, Ports};
use actors::ports::{Clock, CommitError, StoreError};
use futures_util::future::{Either, join, select};

use crate::access::{Caller, IssuedToken, Tokens as _};
use crate::backend::mysql::Migrated;
use crate::backend::otlp::OtlpExporter;
use crate::backend::printer::{self, LinePrinter};
use crate::backend::shop::CurrencyError;
use crate::backend::{kafka, redis};
use crate::backend::{mysql, sqlite};
use crate::http::{Front, HttpServer};
use crate::settings::{Settings, StoreSettings};
use admin_token::AdminToken;
use clock::SystemClock;
use data_dir::DataDir;
use ids::UlidIds;
use open_ledger::{OpenLedger, open_ledger};
use open_store::{OpenStore, migrate_mysql, open_store};
use open_stream::{OpenStream, open_stream};
use own_files::OwnFiles;
use spawn::OnArbiter;
use tokens::StoredTokens;

/// Why the service does not start, as one sentence.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another server holds the data directory.
    #[error("{} is in use by {holder}; stop it first, or give another directory with --data", .dir.display())]
    InUse {
        /// The directory.
        dir: PathBuf,
        /// Who holds it.
        holder: String,
    },
    /// The data directory, or a file in it, cannot be used.
    #[error("cannot use {}: {error}", .path.display())]
    Data {
        /// What cannot be used.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {listen}: {error}; give another address with --listen")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// The printer is told to print to a file of the service's own.
    #[error("cannot print order events to {}, which is {what}; name another file as printer.path", .path.display())]
    OwnFile {
        /// Where it is to print.
        path: PathBuf,
        /// What is there.
        what: &'static str,
    },
    /// The printer's place cannot be written.
    #[error("{0}")]
    Printer(#[from] printer::OpenError),
    /// The database cannot be used.
    #[error("{0}")]
    Store(#[from] sqlite::OpenError),
    /// The database server's database must not be used as it is.
    #[error("{0}")]
    NotUsable(#[from] mysql::NotUsable),
    /// The database server's tables cannot be brought up to date.
    #[error("the store cannot be migrated: {0}")]
    NotMigrated(String),
    /// The system gives no thread.
    #[error("the system gives no thread: {0}")]
    NoThread(io::Error),
    /// There was a database, and now there is none.
    #[error(
        "the database {} is not there or empty, though {} was made with it; put the database back, or delete that file \
         to begin an empty shop",
        .store.display(),
        .token.display()
    )]
    StoreLost {
        /// Where it was.
        store: PathBuf,
        /// What tells of it.
        token: PathBuf,
    },
    /// The ledger cannot be used as it is configured.
    #[error("{0}")]
    Ledger(#[from] redis::ConfigurationError),
    /// The ledger is kept for another shop.
    #[error("{0}")]
    OtherShop(#[from] redis::OtherShop),
    /// The thread of the core has ended.
    #[error("the thread of the core ended as soon as it was started")]
    Core,
    /// The database's amounts are in another currency.
    #[error("{0}")]
    Currency(#[from] CurrencyError),
    /// Which shop the database is cannot be stored.
    #[error("which shop this is cannot be stored: {0}")]
    NotNamed(CommitError),
    /// The stream cannot be used as it is configured.
    #[error("{0}")]
    Stream(#[from] kafka::ConfigurationError),
    /// The tokens cannot be read.
    #[error("{0}")]
    Tokens(#[from] StoreError),
    /// A token cannot be stored.
    #[error("a token cannot be stored: {0}")]
    NewToken(#[from] CommitError),
    /// The system gives no randomness.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

impl StartError {
    /// Whether another configuration would help, rather than a repair.
    pub const fn is_configuration(&self) -> bool {
        match self {
            Self::InUse { .. }
            | Self::Data { .. }
            | Self::Listen { .. }
            | Self::OwnFile { .. }
            | Self::Printer(_)
            | Self::Ledger(_)
            | Self::OtherShop(_)
            | Self::Stream(_)
            | Self::StoreLost { .. } => true,
            Self::Currency(error) => !matches!(error, CurrencyError::NotStored(_)),
            Self::Store(error) => error.is_misplaced,
            Self::NotUsable(_) => true,
            Self::NotMigrated(_)
            | Self::NoThread(_)
            | Self::Tokens(_)
            | Self::NewToken(_)
            | Self::NotNamed(_)
            | Self::Core
            | Self::Random(_) => false,
        }
    }
}

/// Gives out a token in the store of a service that is not running, as its first start would find it; or in a store that
/// nodes share, whoever runs.
///
/// # Errors
/// Tells in one sentence why not; above all that the service is running after all.
pub async fn issue_offline(
    settings: Settings,
    caller: Caller,
    label: Option<String>,
) -> Result<IssuedToken, StartError> {
    let Settings { server, data, shop, store, .. } = settings;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let path = data_dir::admin_token_in(&data.dir);
    // What is shared is no one's own, and no node's directory has anything to do with it.
    let held = matches!(store, StoreSettings::Sqlite { .. }).then(|| DataDir::open(&data.dir)).transpose()?;
    let OpenStore { tokens, .. } = open_store(store, &shop, &path, &clock).await?;
    if held.is_some() {
        AdminToken::provide(&path, &*tokens, &server.node).await?;
    }
    Ok(StoredTokens(tokens).issue(caller, label).await?)
}

/// Brings the tables of the store up to date, and tells what came of it in a sentence.
///
/// # Errors
/// Tells in one sentence why that cannot be done.
pub async fn migrate(settings: Settings) -> Result<String, StartError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let place = settings.store.to_string();
    match settings.store {
        // It is by being opened, as a start would.
        store @ StoreSettings::Sqlite { .. } => {
            let data = DataDir::open(&settings.data.dir)?;
            open_store(store, &settings.shop, &data.admin_token(), &clock).await?;
            Ok(format!("{place} is up to date"))
        }
        // Services that run may go on.
        StoreSettings::Mysql(mysql) => Ok(match migrate_mysql(mysql, &settings.shop, &clock).await? {
            Migrated { applied: 0, version } => format!("{place} was up to date, at version {version}"),
            Migrated { applied, version } => {
                format!("{place} is at version {version} now; migrations applied: {applied}")
            }
        }),
    }
}

/// How long everything that a stop does may take together, with what the process does last within the fifteen seconds
/// that a stop may take. What hangs is left behind.
const STOP_DEADLINE: Duration = Duration::from_secs(13);
/// How much of that is kept for closing the store.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);
/// How long a stop waits for events to be printed, once nobody asks any more.
const DRAIN_DEADLINE: Duration = Duration::from_secs(4);

/// A running service.
pub struct App {
    // Dropped in this order: nobody asks any more, nobody works any more, the directory is free.
    server: HttpServer,
    front: Data<Front>,
    node: Arc<Node>,
    core: Arbiter,
    exporter: Option<OtlpExporter>,
    data: DataDir,
    url: String,
    admin_token: AdminToken,
}

impl App {
    /// Starts the service inside a running actix `System`. It serves until [`App::stop`].
    ///
    /// # Errors
    /// Tells in one sentence why it cannot.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let Settings { server, data, shop, store, ledger, stream, printer, metrics, limits, traces, log: _ } = settings;
        let database = match &store {
            StoreSettings::Sqlite { path, .. } => Some(&**path),
            StoreSettings::Mysql(_) => None,
        };
        let own = OwnFiles::of(&data.dir, database);
        let data = DataDir::open(&data.dir)?;
        if let Some(path) = printer.path.as_deref()
            && let Some(what) = own.named_by(path)
        {
            return Err(StartError::OwnFile { path: path.to_owned(), what });
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let opened = open_store(store, &shop, &data.admin_token(), &clock).await?;
        let OpenStore { store, events, tokens, shop_id, is_there, calls: store_calls } = opened;
        let admin_token = if is_there {
            AdminToken::provide(&data.admin_token(), &*tokens, &server.node).await?
        } else {
            let node = server.node.clone();
            AdminToken::provide_later(data.admin_token(), Arc::clone(&tokens), node, Arc::clone(&clock))
        };
        let opened = open_stream(stream, shop_id.clone(), server.role, &clock)?;
        let (shared, stream_calls) = opened.map(|OpenStream { stream, calls }| (stream, calls)).unzip();
        let sink = Arc::new(LinePrinter::open(printer.path.as_deref())?);
        let core = Arbiter::new();
        let OpenLedger { ledger, signals, calls: ledger_calls } =
            open_ledger(ledger, shop_id, server.node.as_str(), &clock, &core.handle()).await?;
        let ports = Ports {
            ledger,
            signals,
            events,
            stream: shared,
            store,
            sink,
            clock,
            ids: Arc::new(UlidIds::new()),
            spawn: Arc::new(OnArbiter::of(&core)),
        };
        let node = Node::bounded(&ports, limits.in_hand);
        let salt = getrandom::u32()?;
        let node = Arc::new(node);
        let tokens = Arc::new(StoredTokens(tokens));
        let mut front = Front::new(Arc::clone(&node), server.node.to_string(), tokens, shop.currency, salt);
        if let Some(requests_per_s) = limits.requests_per_s {
            front = front.limited_to(requests_per_s);
        }
        for calls in store_calls.into_iter().chain(ledger_calls).chain(stream_calls) {
            front = front.telling(calls);
        }
        if !server.role.takes_orders() {
            front = front.taking_no_orders();
        }
        if metrics.is_open {
            front = front.with_open_metrics();
        }
        let mut exporter = None;
        if let Some(endpoint) = traces.endpoint {
            let (tracer, started) = OtlpExporter::start(&endpoint, server.node.as_str());
            front = front.traced_by(Arc::new(tracer));
            exporter = Some(started);
        }
        let front = Data::new(front);
        let server = HttpServer::start(server.listen, front.clone())
            .map_err(|error| StartError::Listen { listen: server.listen, error })?;
        let url = format!("http://{}", reachable(server.address()));
        data.announce(&url);
        Ok(Self { server, front, node, core, exporter, data, url, admin_token })
    }

    /// Where the API is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The node behind the API.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// What the API's handlers work with, for who calls them without a network.
    pub fn front(&self) -> Data<Front> {
        self.front.clone()
    }

    /// The file that holds the admin token.
    pub fn token_file(&self) -> &Path {
        &self.admin_token.path
    }

    /// What there is to say about the admin token, if anything.
    pub fn token_news(&self) -> Option<&'static str> {
        self.admin_token.news
    }

    /// Serves until `stop` comes, then finishes what is in hand.
    ///
    /// # Errors
    /// The server broke down by itself.
    pub async fn serve_until(mut self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let broken_down = self.server.ended_or(stop).await;
        self.stop().await;
        broken_down
    }

    /// Stops: takes no new requests, finishes those in hand, and leaves the directory free. Whatever hangs, it is done
    /// when its time is up: a store that is still at work then is closed when that ends, or by the end of the process.
    pub async fn stop(self) {
        let Self { server, front, node, core, exporter, data, .. } = self;
        let clock = Arc::clone(&node.clock);
        let began = clock.now().monotonic;
        let left = |of: Duration| of.saturating_sub(clock.now().monotonic.since(began));
        let for_work = STOP_DEADLINE - CLOSE_DEADLINE;
        if let Either::Right(_) = select(pin!(server.stop()), clock.sleep(left(for_work))).await {
            tracing::warn!("some requests are still in hand, they are cut off");
        }
        let print = async {
            if !node.drain(left(for_work).min(DRAIN_DEADLINE)).await {
                tracing::warn!("some events are not printed yet; they are when the service starts again");
            }
        };
        let tell = async {
            if let Some(exporter) = exporter {
                exporter.finish(clock.sleep(left(for_work))).await;
            }
        };
        join(print, tell).await;
        let close = move || {
            core.stop();
            if core.join().is_err() {
                tracing::error!("the thread of the core ended in a panic");
            }
            // The store is closed before the directory is free for another server.
            drop((front, node));
            data.leave();
        };
        if !close::on_a_thread(close, clock.sleep(left(STOP_DEADLINE))).await {
            tracing::warn!("the store is still at work, it is left behind; what was acknowledged is in it");
        }
    }
}

/// An address at which a server on this machine can be called: one that listens everywhere does so on loopback too.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, listen.port())
}
