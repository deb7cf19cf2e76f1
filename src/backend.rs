//! The outside systems: one folder each, one file per port that it serves.

mod event_line;
pub mod kafka;
pub mod otlp;
pub mod printer;
pub mod sqlite;
