//! What tests need: values, clocks, and suites that say what a backend owes the core.

pub mod contract;
pub mod fixtures;
pub mod manual_clock;
