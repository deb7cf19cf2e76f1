//! What is written of the settings: the examples in `config/`, and the table of the README.

use std::path::{Path, PathBuf};

use floodgate::settings::{Flags, LedgerSettings, NodeRole, Settings, StoreSettings, StreamSettings};

const DEFAULTS: &str = include_str!("../../config/default.toml");
const README: &str = include_str!("../../README.md");

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

#[expect(clippy::expect_used, reason = "a failed expectation fails the test it stands in")]
fn load(path: PathBuf, environment: &[(&str, &str)]) -> Settings {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let flags = Flags { config: Some(path), ..Flags::default() };
    Settings::load(&flags, environment).expect("the settings are good")
}

/// Every setting, as section and name.
fn names() -> Vec<String> {
    let mut section = String::new();
    let mut names = Vec::new();
    for line in DEFAULTS.lines() {
        if let Some(named) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = named.to_owned();
        } else if let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            names.push(format!("{section}.{name}"));
        }
    }
    assert!(names.len() > 20, "the settings were found: {names:?}");
    names
}

#[test]
fn the_example_of_the_defaults_is_the_defaults() {
    let plain = Settings::load(&Flags::default(), []).expect("the settings are good");
    assert_eq!(load(example("default.toml"), &[]), plain);
}

#[test]
fn the_example_of_several_nodes_has_known_settings_only_and_shares_everything() {
    let settings = load(example("cluster.toml"), &[]);
    assert!(matches!(settings.store, StoreSettings::Mysql(_)), "{:?}", settings.store);
    assert!(matches!(settings.ledger, LedgerSettings::Redis { .. }), "{:?}", settings.ledger);
    assert!(matches!(settings.stream, StreamSettings::Kafka(_)), "{:?}", settings.stream);
}

#[test]
fn the_example_of_several_nodes_gives_way_to_the_environment() {
    let settings = load(
        example("cluster.toml"),
        &[
            ("FLOODGATE_STORE__URL", "mysql://shop:word@db.example/shop"),
            ("FLOODGATE_LEDGER__URL", "redis+cluster://default:word@a.example:7001,b.example:7002"),
            ("FLOODGATE_STREAM__URL", "kafka://c.example:9092"),
            ("FLOODGATE_SERVER__NODE", "n7"),
            ("FLOODGATE_SERVER__ROLE", "worker"),
        ],
    );
    assert_eq!(settings.store.to_string(), "mysql://db.example:3306/shop");
    assert!(matches!(settings.ledger, LedgerSettings::Redis { url, .. } if url.is_cluster));
    assert!(
        matches!(settings.stream, StreamSettings::Kafka(kafka) if kafka.brokers == [("c.example".to_owned(), 9092)])
    );
    assert_eq!((settings.server.node.as_str(), settings.server.role), ("n7", NodeRole::Worker));
}

#[test]
fn the_table_of_the_readme_has_every_setting() {
    let rows: Vec<&str> = README.lines().filter(|line| line.starts_with("| `")).collect();
    let is_told = |name: &String| rows.iter().any(|row| row.contains(&format!("`{name}`")));
    let untold: Vec<String> = names().into_iter().filter(|name| !is_told(name)).collect();
    super::report("has no row in the README's table", untold);
}
