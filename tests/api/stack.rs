//! What a service under test stands on: nothing but itself, or MySQL, Redis and Kafka, with a place of its own in each.

use floodgate::settings::{Flags, Settings};
use redis::{Client, RedisResult};
use ulid::Ulid;
use url::Url;

use crate::mysql_database::{Database, VARIABLE as MYSQL};

/// Says on which stack the tests run; the embedded one if it is not set.
const STACK: &str = "FLOODGATE_TEST_STACK";
const REDIS: &str = "FLOODGATE_TEST_REDIS_URL";
const KAFKA: &str = "FLOODGATE_TEST_KAFKA_URL";

/// See the module.
pub(crate) enum Stack {
    /// SQLite, the ledger and the event log in the process.
    Embedded,
    /// MySQL, Redis and Kafka, as the tests share them.
    Full(Box<Place>),
}

/// A database and a prefix in Redis, gone with this; a topic and its group in Kafka, which are small and go with its data.
pub(crate) struct Place {
    database: Database,
    /// The services' URLs.
    mysql: Url,
    redis: String,
    kafka: String,
    name: String,
}

impl Stack {
    /// The stack that the environment names, ready for a shop with these settings. Without one of its services there is
    /// nothing to test, which must not pass for a test.
    pub(crate) async fn open(shop: &[(String, String)]) -> Self {
        let stack = match std::env::var(STACK).as_deref() {
            Err(_) | Ok("embedded") => Self::Embedded,
            Ok("full") => Self::Full(Box::new(Place::new())),
            Ok(other) => panic!("{STACK} must be embedded or full, not {other}"),
        };
        if let Self::Full(place) = &stack {
            place.database.create().await;
            let settings = Settings::load(&Flags::default(), [shop, &stack.settings()].concat());
            let migrated = floodgate::app::migrate(settings.expect("good settings")).await;
            migrated.expect("an empty database takes every migration");
        }
        stack
    }

    /// What a service is told of it, named as in the environment.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let Self::Full(place) = self else { return Vec::new() };
        let mut store = place.mysql.clone();
        store.set_path(&place.database.options.database);
        let settings = [
            ("STORE__URL", store.into()),
            ("LEDGER__URL", place.redis.clone()),
            ("LEDGER__PREFIX", format!("{}:", place.name)),
            ("STREAM__URL", place.kafka.clone()),
            ("STREAM__TOPIC", place.name.clone()),
            ("STREAM__GROUP", place.name.clone()),
            // Soon made, and still more than one.
            ("STREAM__PARTITIONS", "2".to_owned()),
        ];
        settings.map(|(name, value)| (format!("FLOODGATE_{name}"), value)).into()
    }
}

impl Place {
    fn new() -> Self {
        let mysql = Url::parse(&service(MYSQL)).unwrap_or_else(|error| panic!("{MYSQL}: {error}"));
        let (redis, kafka, name) = (service(REDIS), service(KAFKA), format!("t-{}", Ulid::new()));
        Self { database: Database::new(), mysql, redis, kafka, name }
    }

    /// Removes all that the ledger knows.
    pub(crate) fn lose_ledger(&self) -> RedisResult<()> {
        let mut redis = Client::open(self.redis.as_str())?.get_connection()?;
        let keys: Vec<String> = redis::cmd("KEYS").arg(format!("{}:*", self.name)).query(&mut redis)?;
        if keys.is_empty() { Ok(()) } else { redis::cmd("DEL").arg(keys).query(&mut redis) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A test that fails because redis is gone must not fail once more in here.
        if let Err(error) = self.lose_ledger() {
            eprintln!("keys of {} are left behind: {error}", self.name);
        }
    }
}

fn service(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: scripts/services up mysql redis kafka; set -a; . target/services/env")
    })
}
