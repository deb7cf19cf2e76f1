//! The printer: one JSON line per order event, to a file or to standard output.
//!
//! A thread of its own writes, so that a slow reader of a pipe holds up nobody but the printer.

mod lines;
mod place;
mod sink;

pub use sink::{LinePrinter, OpenError};
