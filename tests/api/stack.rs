//! What a service under test stands on: nothing but itself, or MySQL, Redis and Kafka, with a place of its own in each.

use floodgate::settings::{Flags, Settings};
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

/// A database, gone with this; a prefix in Redis; a topic and its group in Kafka. What is left behind under the last two
/// is small, and goes with the services' data.
pub(crate) struct Place {
    database: Database,
    name: String,
}

impl Stack {
    /// The stack that the environment names, ready for a shop with these settings. Without one of its services there is
    /// nothing to test, which must not pass for a test.
    pub(crate) async fn open(shop: &[(String, String)]) -> Self {
        let stack = match std::env::var(STACK).as_deref() {
            Err(_) | Ok("embedded") => Self::Embedded,
            Ok("full") => Self::Full(Box::new(Place { database: Database::new(), name: format!("t-{}", Ulid::new()) })),
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
        let mut store = Url::parse(&service(MYSQL)).unwrap_or_else(|error| panic!("{MYSQL}: {error}"));
        store.set_path(&place.database.options.database);
        let settings = [
            ("STORE__URL", store.into()),
            ("LEDGER__URL", service(REDIS)),
            ("LEDGER__PREFIX", format!("{}:", place.name)),
            ("STREAM__URL", service(KAFKA)),
            ("STREAM__TOPIC", place.name.clone()),
            ("STREAM__GROUP", place.name.clone()),
            // Soon made, and still more than one.
            ("STREAM__PARTITIONS", "2".to_owned()),
        ];
        settings.map(|(name, value)| (format!("FLOODGATE_{name}"), value)).into()
    }

    /// Whether it is the one with MySQL, Redis and Kafka.
    pub(crate) const fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }
}

fn service(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: scripts/services up mysql redis kafka; set -a; . target/services/env")
    })
}
