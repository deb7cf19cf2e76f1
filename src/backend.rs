//! The outside systems: one folder each, one file per port that it serves.

pub mod otlp;
pub mod printer;
pub mod redis;
pub mod sqlite;
