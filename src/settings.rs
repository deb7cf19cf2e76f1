//! Settings: one struct per concern, each with its default, load and check side by side.
//!
//! Defaults come with the program, then the file named by `--config`, then the environment, then flags. What is not
//! known or not good stops the start with one sentence.

mod data;
mod ledger;
mod log;
mod printer;
mod server;
mod shop;
mod store;
mod stream;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use config::{Config, Environment, File, FileFormat};
use serde::Deserialize;

pub use data::DataSettings;
pub use ledger::LedgerSettings;
pub use log::{LogFormat, LogSettings};
pub use printer::PrinterSettings;
pub use server::ServerSettings;
pub use shop::ShopSettings;
pub use store::StoreSettings;
pub use stream::StreamSettings;

const DEFAULTS: &str = include_str!("../config/default.toml");
/// What the name of every setting in the environment begins with.
const PREFIX: &str = "FLOODGATE";
/// What stands between section and name there. Other variables with the prefix belong to commands.
const SEPARATOR: &str = "__";

/// What is wrong with the settings, as one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The layers cannot be read, or name a setting that does not exist.
    #[error("the settings cannot be read: {0}")]
    Unreadable(String),
    /// A setting has a value that it may not have.
    #[error("the setting {name} {problem}")]
    Bad {
        /// The setting, as section and name.
        name: &'static str,
        /// What is wrong with it, to be read after the name.
        problem: String,
    },
}

impl SettingsError {
    fn bad(name: &'static str, problem: impl std::fmt::Display) -> Self {
        Self::Bad { name, problem: problem.to_string() }
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
        let unreadable = |error: config::ConfigError| SettingsError::Unreadable(one_line(&error));
        let mut layers = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(path) = &flags.config {
            layers = layers.add_source(File::from(path.as_path()).format(FileFormat::Toml));
        }
        layers = layers.add_source(
            Environment::with_prefix(PREFIX)
                .prefix_separator("_")
                .separator(SEPARATOR)
                .source(Some(settings_of(environment))),
        );
        let listen = flags.listen.map(|listen| listen.to_string());
        let data = flags.data.as_ref().map(|data| data.display().to_string());
        for (name, value) in [("server.listen", listen), ("data.dir", data)] {
            layers = layers.set_override_option(name, value).map_err(unreadable)?;
        }
        let merged = layers.build().map_err(unreadable)?;
        let raw: Raw = serde_path_to_error::deserialize(merged).map_err(|error| {
            let path = error.path().to_string();
            let place = if path == "." { String::new() } else { format!("{path}: ") };
            SettingsError::Unreadable(place + &one_line(error.inner()))
        })?;
        Self::check(raw)
    }

    fn check(raw: Raw) -> Result<Self, SettingsError> {
        let data = DataSettings::check(raw.data)?;
        Ok(Self {
            server: ServerSettings::check(&raw.server)?,
            shop: ShopSettings::check(raw.shop)?,
            store: StoreSettings::check(&raw.store, &data)?,
            ledger: LedgerSettings::check(&raw.ledger)?,
            stream: StreamSettings::check(&raw.stream)?,
            printer: PrinterSettings::check(raw.printer)?,
            log: LogSettings::check(raw.log)?,
            data,
        })
    }
}

/// A sentence of what may come with a drawing of the place.
fn one_line(error: &config::ConfigError) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.contains('|'));
    lines.collect::<Vec<_>>().join(", ")
}

fn settings_of(environment: impl IntoIterator<Item = (String, String)>) -> HashMap<String, String> {
    let is_setting = |name: &String| name.strip_prefix(PREFIX).is_some_and(|rest| rest.contains(SEPARATOR));
    environment.into_iter().filter(|(name, _)| is_setting(name)).collect()
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
        assert_eq!(settings.store.path, PathBuf::from("data/floodgate.db"));
        assert_eq!(settings.store.max_pages, None);
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
        assert_eq!(settings.store.path, PathBuf::from("c/floodgate.db"));
    }

    #[test]
    fn what_is_not_good_is_refused_with_a_sentence_that_names_it() {
        let table: [(&str, &str, &str); 21] = [
            ("FLOODGATE_SHOP__CURENCY", "EUR", "shop"),
            ("FLOODGATE_SHOPS__CURRENCY", "EUR", "shops"),
            ("FLOODGATE_SHOP__CURRENCY", "euro", "shop.currency"),
            ("FLOODGATE_SHOP__CURRENCY_DIGITS", "5", "shop.currency_digits"),
            ("FLOODGATE_SHOP__CURRENCY_DIGITS", "two", "shop.currency_digits"),
            ("FLOODGATE_SHOP__PAYMENT_WINDOW_S", "0", "shop.payment_window_s"),
            ("FLOODGATE_SHOP__PAYMENT_WINDOW_S", "2592001", "shop.payment_window_s"),
            ("FLOODGATE_SHOP__PAYMENT_WINDOW_S", "-1", "shop.payment_window_s"),
            ("FLOODGATE_SERVER__LISTEN", "nowhere", "server.listen"),
            ("FLOODGATE_SERVER__ROLE", "front", "server.role"),
            ("FLOODGATE_DATA__DIR", "", "data.dir"),
            ("FLOODGATE_STORE__URL", "mysql://root@db/shop", "not built yet"),
            ("FLOODGATE_STORE__URL", "postgres://db", "store.url"),
            ("FLOODGATE_STORE__URL", "sqlite:", "store.url"),
            ("FLOODGATE_STORE__MAX_PAGES", "-1", "store.max_pages"),
            ("FLOODGATE_LEDGER__URL", "redis://cache", "not built yet"),
            ("FLOODGATE_STREAM__URL", "kafka://a:9092", "not built yet"),
            ("FLOODGATE_STREAM__URL", "", "stream.url"),
            ("FLOODGATE_PRINTER__PATH", "", "printer.path"),
            ("FLOODGATE_LOG__LEVEL", "lots=of=it", "log.level"),
            ("FLOODGATE_LOG__FORMAT", "xml", "log.format"),
        ];
        for (name, value, part) in table {
            let sentence = load(&[(name, value)]).map(|_| ()).expect_err(name);
            assert!(sentence.contains(part), "{name}={value}: {sentence}");
            assert!(!sentence.contains('\n'), "{name}={value}: {sentence}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_or_not_toml_is_refused() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("shop.toml");
        let flags = Flags { config: Some(file.clone()), ..Flags::default() };
        let sentence = || Settings::load(&flags, []).map(|_| ()).expect_err("no good file").to_string();
        assert!(sentence().contains("shop.toml"), "{}", sentence());
        std::fs::write(&file, "[shop").expect("a file");
        assert!(sentence().contains("shop.toml") && !sentence().contains('\n'), "{}", sentence());
    }
}
