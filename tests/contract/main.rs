//! The suites of the core, run on every backend there is.

mod sqlite;
