//! The `floodgate` program: parses the command line and runs the command.

#![forbid(unsafe_code)]

use std::process::ExitCode;

/// An order is many small allocations that are freed by another thread, which this one is made for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    floodgate::command::run()
}
