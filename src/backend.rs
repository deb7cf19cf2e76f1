//! The outside systems, a folder each: every file serves one port of the core. What stores have in common stands here.

pub mod mysql;
pub mod otlp;
pub mod printer;
pub mod redis;
pub mod shop;
mod snapshot;
pub mod sqlite;
pub mod tokens;
