//! The `floodgate` program: parses the command line and runs the command.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    floodgate::command::run()
}
