//! Ports in memory, a clock that stands still, contract suites and the simulated world.
//!
//! Nothing here is part of the product: feature `testing` only.
#![expect(clippy::expect_used, reason = "a failed expectation fails the test it stands in")]

pub mod bench_node;
pub mod clock;
pub mod contract;
pub mod fixtures;
pub mod manual_clock;
pub mod memory_outbox;
pub mod memory_store;
pub mod memory_stream;
pub mod world;
