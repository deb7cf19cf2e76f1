//! `floodgate serve`: runs the service until it is told to stop.

use std::process::ExitCode;

use super::Failure;
use super::cli::ServeArgs;

/// Runs the service.
pub(super) fn run(args: ServeArgs) -> Result<ExitCode, Failure> {
    Err(Failure::Work(format!("this build cannot serve yet: {args:?}")))
}
