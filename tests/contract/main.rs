//! The suites of the core, run on every backend there is, and what each backend promises beyond them.
#![expect(clippy::expect_used, reason = "a failed expectation fails the test it stands in")]

mod kafka;
mod kafka_bad_days;
mod kafka_letters;
mod kafka_server;
mod memory;
mod sqlite;
mod sqlite_bad_days;
mod sqlite_counts;
mod sqlite_damage;
mod sqlite_filing;
mod sqlite_lost;
mod sqlite_readers;
mod sqlite_tables;
