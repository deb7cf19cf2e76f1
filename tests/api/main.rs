//! The API over real HTTP: the real service, on SQLite in a temporary directory and a free port.
#![expect(clippy::expect_used, clippy::panic, reason = "a failed expectation fails the test it stands in")]

mod actors;
mod bodies;
mod callers;
mod catalogue;
mod client;
mod crowds;
mod docs;
mod door;
mod full_disk;
mod house;
mod lifecycle;
mod lists;
mod matrix;
mod orders;
mod payments;
mod peers;
mod process;
mod refunds;
mod restarts;
mod skus;
mod starts;
mod token_command;
mod tracing;
mod watching;
