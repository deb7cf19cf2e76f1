//! Where the service keeps its things.

use std::path::PathBuf;

use serde::Deserialize;

use super::SettingsError;

/// Settings of the data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataSettings {
    /// The directory; made if it is not there.
    pub dir: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    dir: PathBuf,
}

impl DataSettings {
    pub(super) fn check(Raw { dir }: Raw) -> Result<Self, SettingsError> {
        if dir.as_os_str().is_empty() {
            return Err(SettingsError::bad("data.dir", "must name a directory"));
        }
        Ok(Self { dir })
    }
}
