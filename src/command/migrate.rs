//! `floodgate migrate`: brings the store's tables up to date.

use std::process::ExitCode;

use actix_web::rt::System;

use super::cli::MigrateArgs;
use super::{Failure, say};
use crate::app;
use crate::settings::{Flags, Settings};

/// Migrates, and says what came of it.
pub(super) fn run(args: MigrateArgs) -> Result<ExitCode, Failure> {
    let MigrateArgs { data, config } = args;
    let settings = Settings::of_process(&Flags { config, data, ..Flags::default() });
    let settings = settings.map_err(|error| Failure::Usage(error.to_string()))?;
    let done = System::new().block_on(app::migrate(settings)).map_err(Failure::of_start)?;
    say(&done);
    Ok(ExitCode::SUCCESS)
}
