//! The embedded store: one SQLite file, one writing connection, a few reading ones.
//!
//! Every connection lives on a thread of its own and is fed by a queue. WAL keeps readers and the writer out of each
//! other's way, `synchronous = FULL` makes a commit durable before it is answered.

mod audit;
mod checkpoint;
mod connection;
mod event_log;
mod facts;
mod fault;
mod files;
mod flow;
mod held;
mod listing;
mod migrate;
#[cfg(test)]
mod plan;
mod queries;
mod reader;
mod refunds;
mod rows;
mod shop;
mod sku_list;
mod store;
mod tail;
mod threads;
mod tokens;
mod transaction;
mod unfiled;
mod write;
mod writer;

use std::path::PathBuf;

pub use event_log::SqliteEventLog;
pub use store::SqliteStore;
pub use tokens::SqliteTokens;

/// Where the database is and how it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// The database file; it is made if it is not there, its directory is not.
    pub path: PathBuf,
    /// Pages of 4 KiB that the file may have at most; none: no limit of ours.
    pub max_page_count: Option<u32>,
    /// Threads that read single rows, each with a connection of its own. Lists and audits have one more each.
    pub readers: usize,
    /// Pages that the write-ahead log takes before it is copied into the file: more is faster, and pauses longer.
    pub checkpoint_pages: u32,
    /// Memory for pages, per connection, in KiB.
    pub cache_kib: u32,
}

impl SqliteOptions {
    /// The defaults for a database at `path`.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), max_page_count: None, readers: 2, checkpoint_pages: 4_000, cache_kib: 32 * 1024 }
    }
}

/// Why the database cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database {} cannot be opened: {why}", .path.display())]
pub struct OpenError {
    /// The database file.
    pub path: PathBuf,
    /// What is wrong.
    pub why: String,
    /// Whether nothing can be kept at this path, rather than that something is wrong with what is kept there.
    pub is_misplaced: bool,
}
