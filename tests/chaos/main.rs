//! Real processes, really killed. Each test is a story: healthy, break, the expected answer, restore, healthy.
#![expect(clippy::expect_used, clippy::panic, reason = "a failed expectation fails the test it stands in")]

mod bad_days;
mod cluster;
mod deadlines;
mod health;
mod kafka;
mod mysql;
mod nodes;
mod orders;
mod overload;
mod panics;
mod peers;
mod redis;
mod rush;
#[path = "../contract/server.rs"]
mod server;
mod service;
mod services;
mod stop;
mod storms;
mod told;
mod topic;
mod wire;
