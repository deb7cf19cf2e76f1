//! A database of a test's own on a MySQL server, or MariaDB in its place.

use std::thread::Builder;
use std::time::Duration;

use floodgate::backend::mysql::{MysqlOptions, Tls};
use floodgate::settings::{Flags, Settings, StoreSettings};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder, Row};
use ulid::Ulid;

/// What names the server that tests share.
pub(crate) const VARIABLE: &str = "FLOODGATE_TEST_MYSQL_URL";

/// A database that is gone with this.
pub(crate) struct Database {
    pub(crate) options: MysqlOptions,
}

impl Database {
    /// A name for a new database on the server that the tests share. Without one there is nothing to test, which must
    /// not pass for a test.
    pub(crate) fn new() -> Self {
        let url = std::env::var(VARIABLE).unwrap_or_else(|_| {
            panic!("{VARIABLE} is not set: scripts/services up mysql; set -a; . target/services/env")
        });
        Self::on(&url)
    }

    /// A name for a new database on the server of a url.
    pub(crate) fn on(url: &str) -> Self {
        let environment = [("FLOODGATE_STORE__URL".to_owned(), url.to_owned())];
        let settings = Settings::load(&Flags::default(), environment).expect("a good url");
        let StoreSettings::Mysql(settings) = settings.store else { panic!("{VARIABLE} names no mysql") };
        let database = format!("floodgate_{}", Ulid::new().to_string().to_lowercase());
        let options = MysqlOptions {
            host: settings.host,
            port: settings.port,
            user: settings.user.0,
            password: settings.password.0,
            database,
            tls: Tls::Off,
            connections: 4,
            timeout: Duration::from_secs(3),
        };
        Self { options }
    }

    /// Makes the database if it is not there.
    pub(crate) async fn create(&self) {
        let create = format!("CREATE DATABASE IF NOT EXISTS {}", self.options.database);
        let mut server = Conn::new(self.server()).await.expect("the server is there");
        server.query_drop(create).await.expect("the user may make databases");
    }

    /// The server, as connections name it.
    pub(crate) fn server(&self) -> Opts {
        let MysqlOptions { host, port, user, password, .. } = &self.options;
        let options = OptsBuilder::default().ip_or_hostname(host).tcp_port(*port).prefer_socket(false);
        options.user(Some(user)).pass(Some(password)).into()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server(), self.options.database.clone());
        // Where a runtime runs already, another has to be on a thread of its own.
        let dropping = Builder::new().spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let drop_it = async {
                // A server that is gone takes its databases along.
                let Ok(mut server) = Conn::new(server).await else { return };
                let dropped: Result<Vec<Row>, _> = server.query(format!("DROP DATABASE IF EXISTS {name}")).await;
                if let Err(error) = dropped {
                    eprintln!("the database {name} is left behind: {error}");
                }
            };
            // A server that a failed test has left hanging is not waited for.
            let drop_it = async { tokio::time::timeout(Duration::from_secs(5), drop_it).await };
            runtime.expect("a runtime can be built").block_on(drop_it)
        });
        let _ = dropping.map(std::thread::JoinHandle::join);
    }
}
