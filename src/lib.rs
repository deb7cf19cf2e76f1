//! The shell of Floodgate: everything that knows a database, HTTP, a file or a terminal.
//!
//! It is a library so that tests start the real thing. `ARCHITECTURE.md` is the map.

#![forbid(unsafe_code)]

pub mod access;
pub mod app;
pub mod backend;
pub mod command;
pub mod http;
pub mod rfc3339;
pub mod settings;
pub mod trace;
