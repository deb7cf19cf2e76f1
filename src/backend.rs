//! The outside systems, a folder each: every file serves one port of the core. What stores have in common stands here.

mod columns;
mod event_line;
pub mod kafka;
pub mod mysql;
pub mod otlp;
mod pages;
pub mod printer;
pub mod redis;
mod rows;
pub mod shop;
mod snapshot;
pub mod sqlite;
pub mod tokens;
mod transaction;
