//! The shell around the core: everything that knows a database, HTTP, a file or a terminal.
#![forbid(unsafe_code)]

pub mod backend;
