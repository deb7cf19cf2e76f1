//! MySQL, Redis and Kafka of a test's own, as one service's or several nodes' full stack, to be broken as it likes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use ulid::Ulid;

use crate::service::Service;
use crate::topic::Topic;

/// Sets of servers at once. They take some seconds and 600 MiB each, so they are shared, one test after the other.
const SETS: usize = 2;
/// What a set consists of.
const NAMES: [&str; 3] = ["mysql", "redis", "kafka"];

static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(SETS)));
static IDLE: Mutex<Vec<Servers>> = Mutex::new(Vec::new());

/// Servers that nobody else uses for as long as this lives, with a database, a topic and keys that were never used.
pub(crate) struct Cluster {
    /// None only while it is dropped.
    servers: Option<Servers>,
    name: String,
    _place: OwnedSemaphorePermit,
}

/// One of each, in a directory of their own.
struct Servers {
    directory: PathBuf,
    /// Ends them once this process has ended, however it did.
    _guardian: Child,
}

impl Cluster {
    /// Servers that all run. The tables are there.
    pub(crate) async fn take() -> Self {
        let place = Arc::clone(&PLACES).acquire_owned().await.expect("it is never closed");
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let servers = actix_web::web::block(|| idle.map_or_else(Servers::start, Servers::mended)).await;
        let servers = servers.expect("the pool runs it");
        let name = format!("floodgate_{}", Ulid::new().to_string().to_lowercase());
        let cluster = Self { servers: Some(servers), name, _place: place };
        let mut server = Conn::new(cluster.database_options()).await.expect("the server is there");
        server.query_drop(format!("CREATE DATABASE {}", cluster.name)).await.expect("the user may make databases");
        let (code, said) = cluster.node("n0", &[]).command("migrate");
        assert_eq!(code, Some(0), "{said}");
        cluster
    }

    /// The same, with one service on them that is ready, and a member of the group.
    pub(crate) async fn with_a_service() -> (Self, Service) {
        let cluster = Self::take().await;
        let mut service = cluster.node("n1", &[]);
        service.restart().await;
        service.until_member().await;
        (cluster, service)
    }

    /// A service on them that is not started yet, with settings of its own.
    pub(crate) fn node(&self, name: &str, settings: &[(&str, &str)]) -> Service {
        let (store, prefix) = (self.store_url(), format!("{}:", self.name.trim_start_matches("floodgate_")));
        let [ledger, stream] = ["REDIS", "KAFKA"].map(|server| self.servers().url(server));
        let common = [
            ("STORE__URL", store.as_str()),
            ("LEDGER__URL", &ledger),
            ("LEDGER__PREFIX", &prefix),
            ("STREAM__URL", &stream),
            ("STREAM__TOPIC", &self.name),
            // Few are soon made and soon loaded, and still more than there are members.
            ("STREAM__PARTITIONS", "4"),
            ("SERVER__NODE", name),
        ];
        Service::not_started(&[&common, settings].concat())
    }

    /// `kill`, `start`, `pause` or `resume` of one of the servers, and done when that is done.
    pub(crate) async fn make(&self, what: &'static str, name: &'static str) {
        let directory = self.servers().directory.clone();
        let made = actix_web::web::block(move || services(&directory, &[what, name])).await;
        made.expect("the pool runs it").unwrap_or_else(|told| panic!("scripts/services {what} {name}: {told}"));
    }

    /// The same of several at once.
    pub(crate) async fn make_all(&self, what: &'static str, names: &[&'static str]) {
        // One after the other, as the script holds a lock; none of these waits for long but a start.
        for name in names {
            self.make(what, name).await;
        }
    }

    /// Where one of the servers keeps its data.
    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.servers().directory.join("data").join(name)
    }

    /// What one of the servers has said since its last start.
    pub(crate) fn log(&self, name: &str) -> String {
        let log = self.servers().directory.join("log").join(format!("{name}.log"));
        std::fs::read_to_string(log).unwrap_or_default()
    }

    /// Where Redis is.
    pub(crate) fn redis_url(&self) -> String {
        self.servers().url("REDIS")
    }

    /// The topic of this cluster's order events.
    pub(crate) fn topic(&self) -> Topic {
        Topic::of(&self.servers().url("KAFKA"), &self.name)
    }

    /// Every event that is committed, by order and version.
    pub(crate) async fn committed(&self) -> Vec<(String, u64)> {
        self.rows("SELECT order_id, version FROM order_event ORDER BY order_id, version").await
    }

    /// How many events were not handed on yet.
    pub(crate) async fn unpublished(&self) -> u64 {
        self.rows("SELECT COUNT(*), 0 FROM unpublished_event").await.first().map_or(0, |(count, _): &(u64, u64)| *count)
    }

    async fn rows<A, B>(&self, sql: &str) -> Vec<(A, B)>
    where
        (A, B): mysql_async::prelude::FromRow + Send + 'static,
    {
        let mut database = Conn::new(self.database_options()).await.expect("the server is there");
        database.query_drop(format!("USE {}", self.name)).await.expect("the database is there");
        database.query(sql).await.expect("the query is sound")
    }

    fn servers(&self) -> &Servers {
        self.servers.as_ref().expect("it is there until this is dropped")
    }

    fn store_url(&self) -> String {
        let url = self.servers().url("MYSQL");
        let (server, _) = url.rsplit_once('/').expect("it names a database");
        format!("{server}/{}", self.name)
    }

    fn database_options(&self) -> Opts {
        let options = Opts::from_url(&self.servers().url("MYSQL")).expect("a good url");
        OptsBuilder::from_opts(options).prefer_socket(false).into()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Whatever is broken is mended by who takes them next.
        IDLE.lock().unwrap_or_else(PoisonError::into_inner).extend(self.servers.take());
    }
}

impl Servers {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory").keep();
        // Tests end by ending the process, with nothing dropped: so somebody else has to see to the servers. It does when
        // this process no longer holds the other end of its input.
        let ending = r#"trap '' INT TERM HUP; cat >/dev/null; "$0" down --purge; rm -rf "$FLOODGATE_SERVICES_DIR""#;
        let guardian = Command::new("sh")
            .args(["-c", ending])
            .arg(script())
            .env("FLOODGATE_SERVICES_DIR", &directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let servers = Self { directory, _guardian: guardian.expect("every machine has sh") };
        servers.up();
        servers
    }

    /// The same servers, with those running that are not.
    fn mended(self) -> Self {
        for name in NAMES {
            // One that is not paused refuses, and needs nothing.
            let _ = services(&self.directory, &["resume", name]);
        }
        self.up();
        self
    }

    fn up(&self) {
        let up = services(&self.directory, &[&["up"], NAMES.as_slice()].concat());
        up.unwrap_or_else(|told| panic!("the servers are not up: {told}"));
    }

    /// Where the server with this name in variables is.
    fn url(&self, name: &str) -> String {
        let variables = std::fs::read_to_string(self.directory.join("env")).expect("the services say where");
        let url = variables.lines().find_map(|line| line.strip_prefix(&format!("FLOODGATE_TEST_{name}_URL=")));
        url.expect("it is among them").to_owned()
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/services")
}

/// Runs the script; tells what it said if it fails.
fn services(directory: &Path, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(script());
    command.args(arguments).env("FLOODGATE_SERVICES_DIR", directory);
    let Output { status, stdout, stderr } = command.output().expect("the script can be run");
    let told = || [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    if status.success() { Ok(()) } else { Err(told()) }
}
