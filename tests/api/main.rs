//! The API over real HTTP: the real service, on a free port, embedded or on MySQL, Redis and Kafka.
//!
//! `FLOODGATE_TEST_STACK=full cargo test --test api -- --skip embedded::` runs it on the services that `scripts/services`
//! has brought up.
#![expect(clippy::expect_used, clippy::panic, reason = "a failed expectation fails the test it stands in")]

mod actors;
mod bodies;
mod callers;
mod catalogue;
mod client;
mod crowds;
mod docs;
mod door;
mod embedded;
mod house;
mod lifecycle;
mod lists;
mod matrix;
#[path = "../contract/mysql_database.rs"]
mod mysql_database;
mod orders;
mod payments;
mod peers;
mod process;
mod refunds;
mod restarts;
mod skus;
mod stack;
mod token_command;
mod tracing;
mod watching;
