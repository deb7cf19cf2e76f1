//! Real processes, really killed. Each test is a story: healthy, break, the expected answer, restore, healthy.
#![expect(clippy::expect_used, clippy::panic, reason = "a failed expectation fails the test it stands in")]

mod bad_days;
mod cluster;
mod deadlines;
mod health;
mod kafka;
mod mysql;
#[path = "../contract/mysql_server.rs"]
mod mysql_server;
mod nodes;
mod orders;
mod overload;
mod panics;
mod peers;
mod redis;
mod rush;
mod service;
mod services;
mod stop;
mod storms;
mod told;
mod topic;
mod wire;
