//! Settings: one struct per concern, each with its default, load and check side by side.
//!
//! Defaults come with the program, then the file named by `--config`, then the environment, then flags. What is not
//! known or not good stops the start with one sentence.

mod address;
mod data;
mod layers;
mod ledger;
mod limits;
mod log;
mod metrics;
mod mysql;
mod printer;
mod redis_url;
mod secret;
mod server;
mod shop;
mod store;
mod stream;
mod traces;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

pub use data::DataSettings;
pub use ledger::LedgerSettings;
pub use limits::LimitsSettings;
pub use log::{LogFormat, LogSettings};
pub use metrics::MetricsSettings;
pub use mysql::{MysqlSettings, TlsSettings};
pub use printer::PrinterSettings;
pub use redis_url::RedisUrl;
pub use secret::Secret;
pub use server::{NodeRole, ServerSettings};
pub use shop::ShopSettings;
pub use store::StoreSettings;
pub use stream::{KafkaLoginSettings, KafkaSettings, KafkaTlsSettings, StreamSettings};
pub use traces::{TracesSettings, has_plain_address};

/// What is wrong with the settings, as one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A layer cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// There is no such setting.
    #[error("there is no setting {name}{hint}")]
    Unknown {
        /// What was given.
        name: String,
        /// What may have been meant, to be read after the sentence; empty if nothing is near.
        hint: String,
    },
    /// A setting has a value that it may not have.
    #[error("the setting {name} {problem}")]
    Bad {
        /// The setting, as section and name.
        name: String,
        /// What is wrong with it, to be read after the name.
        problem: String,
    },
}

impl SettingsError {
    fn bad(name: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self::Bad { name: name.into(), problem: problem.to_string() }
    }
}

/// What the command line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// A file of settings.
    pub config: Option<PathBuf>,
    /// For `server.listen`.
    pub listen: Option<SocketAddr>,
    /// For `data.dir`.
    pub data: Option<PathBuf>,
    /// For `server.role`.
    pub role: Option<NodeRole>,
}

/// Every setting, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where it listens.
    pub server: ServerSettings,
    /// Where it keeps its things.
    pub data: DataSettings,
    /// The shop's rules.
    pub shop: ShopSettings,
    /// The durable truth.
    pub store: StoreSettings,
    /// The fast gate in front of it.
    pub ledger: LedgerSettings,
    /// Where order events go.
    pub stream: StreamSettings,
    /// Where they are printed.
    pub printer: PrinterSettings,
    /// Who may read what is counted.
    pub metrics: MetricsSettings,
    /// What one caller may take.
    pub limits: LimitsSettings,
    /// Who is told of requests.
    pub traces: TracesSettings,
    /// What is told while it runs.
    pub log: LogSettings,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    server: server::Raw,
    data: data::Raw,
    shop: shop::Raw,
    store: store::Raw,
    ledger: ledger::Raw,
    stream: stream::Raw,
    printer: printer::Raw,
    metrics: metrics::Raw,
    limits: limits::Raw,
    traces: traces::Raw,
    log: log::Raw,
}

impl Settings {
    /// Loads every layer, with the environment of this process.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn of_process(flags: &Flags) -> Result<Self, SettingsError> {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            let value = value.to_string_lossy().into_owned();
            Some((name.into_string().ok()?, value))
        });
        Self::load(flags, environment)
    }

    /// Loads every layer: defaults, the file the flags name, this environment, the flags.
    ///
    /// # Errors
    /// Refuses settings that do not exist and values that are not good, with a sentence that says which.
    pub fn load(flags: &Flags, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingsError> {
        let merged = layers::merge(flags, environment)?;
        let raw: Raw = serde_path_to_error::deserialize(merged)
            .map_err(|error| SettingsError::Unreadable(format!("the settings cannot be read: {error}")))?;
        Self::check(raw)
    }

    fn check(raw: Raw) -> Result<Self, SettingsError> {
        let data = DataSettings::check(raw.data)?;
        let settings = Self {
            server: ServerSettings::check(&raw.server)?,
            shop: ShopSettings::check(raw.shop)?,
            store: StoreSettings::check(&raw.store, &data)?,
            ledger: LedgerSettings::check(&raw.ledger)?,
            stream: StreamSettings::check(&raw.stream)?,
            printer: PrinterSettings::check(raw.printer)?,
            metrics: MetricsSettings::check(&raw.metrics)?,
            limits: LimitsSettings::check(&raw.limits)?,
            traces: TracesSettings::check(raw.traces)?,
            log: LogSettings::check(raw.log)?,
            data,
        };
        settings.check_together()?;
        Ok(settings)
    }

    /// Refuses what is good by itself and breaks a promise together.
    fn check_together(&self) -> Result<(), SettingsError> {
        let role = self.server.role;
        let is_shared = matches!(self.stream, StreamSettings::Kafka(_));
        if role != NodeRole::All && !is_shared {
            let name = role.name();
            let problem = format!(
                "must be all where stream.url is store:, not {name}: what this node commits would wait for a worker that \
                 nobody can be; let stream.url name kafka"
            );
            return Err(SettingsError::bad("server.role", problem));
        }
        if role != NodeRole::All && matches!(self.store, StoreSettings::Sqlite { .. }) {
            let name = role.name();
            let problem = format!(
                "must be all where store.url is sqlite, not {name}: a worker records what is done in the store that the \
                 others use, and a SQLite file has one process; let store.url name mysql"
            );
            return Err(SettingsError::bad("server.role", problem));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn load(environment: &[(&str, &str)]) -> Result<Settings, String> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::load(&Flags::default(), environment).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let settings = load(&[]).expect("the defaults are good");
        assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
        let path = PathBuf::from("data/floodgate.db");
        assert_eq!(settings.store, StoreSettings::Sqlite { path, max_pages: None });
        assert_eq!(settings.shop.payment_window, Duration::from_secs(900));
        assert_eq!(settings.printer.path, None);
    }

    #[test]
    fn each_layer_overrides_the_one_below() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("shop.toml");
        std::fs::write(&file, "[shop]\ncurrency = \"EUR\"\npayment_window_s = 5\n[data]\ndir = \"a\"").expect("a file");
        let flags = Flags { config: Some(file), data: Some(PathBuf::from("c")), ..Flags::default() };
        let environment =
            [("FLOODGATE_DATA__DIR", "b"), ("FLOODGATE_SHOP__PAYMENT_WINDOW_S", "7"), ("FLOODGATE_URL", "x")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::load(&flags, environment).expect("good settings");
        assert_eq!(settings.shop.currency.code, "EUR");
        assert_eq!(settings.shop.payment_window, Duration::from_secs(7));
        assert_eq!(settings.data.dir, PathBuf::from("c"));
        assert_eq!(settings.store.to_string(), "c/floodgate.db");
    }

    #[test]
    fn what_breaks_a_promise_together_is_refused_with_the_reason() {
        let kafka = ("FLOODGATE_STREAM__URL", "kafka://b:9092");
        let mysql = ("FLOODGATE_STORE__URL", "mysql://u:p@h:3306/d");
        let role = |name| ("FLOODGATE_SERVER__ROLE", name);
        let good: [&[(&str, &str)]; 5] =
            [&[], &[kafka], &[mysql], &[mysql, kafka, role("worker")], &[mysql, kafka, role("api")]];
        for environment in good {
            assert_eq!(load(environment).map(|_| ()), Ok(()), "{environment:?}");
        }
        let bad: [(&[(&str, &str)], &str); 4] = [
            (&[role("worker")], "must be all where stream.url is store:, not worker"),
            (&[mysql, role("api")], "must be all where stream.url is store:, not api"),
            (&[kafka, role("worker")], "must be all where store.url is sqlite, not worker"),
            (&[kafka, role("api")], "must be all where store.url is sqlite, not api"),
        ];
        for (environment, expected) in bad {
            let sentence = load(environment).map(|_| ()).expect_err(expected);
            assert!(sentence.contains(expected), "{sentence}");
        }
    }

    #[test]
    fn what_is_not_good_is_refused_with_a_sentence_that_names_it() {
        let table: [(&str, &str, &str); 30] = [
            ("SHOP__CURRENCY", "euro", "shop.currency must be a code such as CNY, not \"euro\""),
            ("SHOP__CURRENCY_DIGITS", "5", "shop.currency_digits must be from 0 to 4, not 5"),
            (
                "SHOP__CURRENCY_DIGITS",
                "two",
                "shop.currency_digits must be a whole number from 0 to 4294967295, not \"two\"",
            ),
            ("SHOP__PAYMENT_WINDOW_S", "0", "shop.payment_window_s must be from 1 to 2592000, not 0"),
            (
                "SHOP__PAYMENT_WINDOW_S",
                "-1",
                "shop.payment_window_s must be a whole number from 0 to 4294967295, not \"-1\"",
            ),
            ("SERVER__LISTEN", "localhost:80", "server.listen must be an address and a port, such as"),
            ("SERVER__ROLE", "front", "server.role must be all, api or worker, not \"front\""),
            ("SERVER__ROLE", "api", "server.role must be all where stream.url is store:, not api"),
            ("DATA__DIR", "", "data.dir must name a directory"),
            (
                "STORE__URL",
                "mysql://db",
                "store.url must be written mysql://<user>:<password>@<host>:<port>/<database>",
            ),
            ("STORE__URL", "postgres://a:SECRET@db", "store.url must be sqlite:<file> or mysql://"),
            ("STORE__URL", "sqlite:", "store.url must be sqlite:<file> or mysql://"),
            (
                "STORE__URL",
                "sqlite::memory:",
                "store.url must be sqlite:<file>, and \":memory:\" is no file that can hold a",
            ),
            (
                "STORE__URL",
                "sqlite:file:x?mode=memory",
                "store.url must be sqlite:<file>, and \"file:x?mode=memory\" is no",
            ),
            ("STORE__MAX_PAGES", "1.5", "store.max_pages must be a whole number from 0 to 4294967295, not \"1.5\""),
            (
                "LEDGER__URL",
                "redis://a:1,b:2",
                "ledger.url names several servers; those of a cluster are redis+cluster",
            ),
            ("LEDGER__URL", "reddis://u:secret@a", "ledger.url must be memory: or redis://..., not reddis:..."),
            ("LEDGER__PREFIX", "{a}", "ledger.prefix must be 1 to 32 of A-Z a-z 0-9 . _ : -, not \"{a}\""),
            ("STREAM__URL", "", "stream.url must be store: or kafka://<host>:<port>,<host>:<port>"),
            ("PRINTER__PATH", "", "printer.path must name a file"),
            ("METRICS__ACCESS", "all", "metrics.access must be admin or open, not \"all\""),
            ("TRACES__ENDPOINT", "collector", "traces.endpoint must be a url such as http://127.0.0.1:4318, or empty"),
            ("TRACES__ENDPOINT", "https://collector", "traces.endpoint must be a url such as http://127.0.0.1:4318"),
            (
                "TRACES__ENDPOINT",
                "http://127.0.0.1:99999",
                "traces.endpoint must be a url such as http://127.0.0.1:4318",
            ),
            ("LOG__LEVEL", "info,floodgate=", "log.level must be auto, error, warn, info, debug or trace"),
            ("LIMITS__IN_HAND", "0", "limits.in_hand must be from 1 to 8192, not 0"),
            ("LIMITS__REQUESTS_PER_S", "1000001", "limits.requests_per_s must be from 0 (no limit) to 1000000, not"),
            ("LOG__LEVEL", "lots=of=it", "log.level must be auto, error, warn, info, debug or trace"),
            ("LOG__LEVEL", "loud", "log.level must be auto, error, warn, info, debug or trace"),
            ("LOG__FORMAT", "xml", "log.format must be text or json, not \"xml\""),
        ];
        for (name, value, wanted) in table {
            let sentence = load(&[(&format!("FLOODGATE_{name}"), value)]).map(|_| ()).expect_err(name);
            assert!(sentence.starts_with(&format!("the setting {wanted}")), "{name}={value}: {sentence}");
            assert!(!sentence.contains('\n'), "{name}={value}: {sentence}");
        }
    }

    #[test]
    fn a_variable_that_is_no_setting_is_refused_with_the_right_spelling_when_it_is_near() {
        let table = [
            ("FLOODGATE_SHOP__CURENCY", "; did you mean FLOODGATE_SHOP__CURRENCY?"),
            ("FLOODGATE_SHOPS__CURRENCY", "; did you mean FLOODGATE_SHOP__CURRENCY?"),
            ("FLOODGATE_LOG_LEVEL", "; did you mean FLOODGATE_LOG__LEVEL?"),
            ("FLOODGATE_LISTEN", "; did you mean FLOODGATE_SERVER__LISTEN?"),
            ("FLOODGATE_Data__Dir", "; did you mean FLOODGATE_DATA__DIR?"),
            ("FLOODGATE_FRUIT__APPLE", ""),
            ("FLOODGATE_", ""),
        ];
        for (name, hint) in table {
            let sentence = load(&[(name, "x")]).map(|_| ()).expect_err(name);
            assert_eq!(sentence, format!("there is no setting {name}{hint}"));
        }
        let others =
            ["URL", "TOKEN", "TEST_MYSQL_URL", "SERVICES", "SERVICES_DIR"].map(|name| format!("FLOODGATE_{name}"));
        let others = [others.each_ref().map(String::as_str).as_slice(), &["FLOODGATES", "PATH"]].concat();
        let others: Vec<_> = others.into_iter().map(|name| (name, "x")).collect();
        assert!(load(&others).is_ok());
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_in_one_sentence() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("shop.toml");
        let flags = Flags { config: Some(file.clone()), ..Flags::default() };
        let sentence = || Settings::load(&flags, []).map(|_| ()).expect_err("no good file").to_string();
        assert!(sentence().starts_with(&format!("the settings file {} cannot be read: ", file.display())));
        let table = [
            ("[shop", "shop.toml is not toml: unclosed table, expected `]` at line 1, column 6"),
            ("[shop]\ncurency = \"EUR\"", "there is no setting shop.curency; did you mean shop.currency?"),
            ("[shops]\ncurrency = \"EUR\"", "there is no setting shops.currency; did you mean shop.currency?"),
            ("currency = \"EUR\"", "there is no setting currency; did you mean shop.currency?"),
            ("shop = 1", "the setting shop is a section, as in [shop]"),
            ("[shop]\ncurrency = [1]", "the setting shop.currency must be one value"),
            ("[shop]\ncurrency = 7", "the setting shop.currency must be a text in quotes, not 7"),
            (
                "[shop]\npayment_window_s = 1.5",
                "the setting shop.payment_window_s must be a whole number from 0 to 4294967295, not 1.5",
            ),
            (
                "[store]\nmax_pages = -1",
                "the setting store.max_pages must be a whole number from 0 to 4294967295, not -1",
            ),
        ];
        for (text, wanted) in table {
            std::fs::write(&file, text).expect("a file");
            assert!(sentence().ends_with(wanted) && !sentence().contains('\n'), "{}", sentence());
        }
    }
}
