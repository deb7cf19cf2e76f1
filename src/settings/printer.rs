//! Where order events are printed.

use std::path::PathBuf;

use serde::Deserialize;

use super::SettingsError;

/// Settings of the printer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrinterSettings {
    /// The file; none: standard output.
    pub path: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    path: PathBuf,
}

impl PrinterSettings {
    pub(super) fn check(Raw { path }: Raw) -> Result<Self, SettingsError> {
        if path.as_os_str().is_empty() {
            return Err(SettingsError::bad("printer.path", "must name a file, or be - for standard output"));
        }
        Ok(Self { path: (path.as_os_str() != "-").then_some(path) })
    }
}
