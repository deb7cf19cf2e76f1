//! The suites of the core, run on every backend there is, and what each backend promises beyond them.
#![expect(clippy::expect_used, clippy::panic, reason = "a failed expectation fails the test it stands in")]

mod event_schema;
mod kafka;
mod kafka_bad_days;
mod kafka_letters;
mod memory;
mod mysql;
mod mysql_bad_days;
mod mysql_database;
mod mysql_others;
mod mysql_readers;
mod mysql_tables;
mod purchase_counts;
mod redis;
mod redis_shops;
mod same_history;
mod server;
mod shop_ids;
mod sqlite;
mod sqlite_bad_days;
mod sqlite_damage;
mod sqlite_filing;
mod sqlite_lost;
mod sqlite_readers;
mod sqlite_tables;
