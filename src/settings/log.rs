//! What is told while the service runs, on standard error.

use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use super::SettingsError;

/// Settings of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// A level, or directives.
    pub level: String,
    /// How a line is written.
    pub format: LogFormat,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    level: String,
    format: String,
}

impl LogSettings {
    pub(super) fn check(Raw { level, format }: Raw) -> Result<Self, SettingsError> {
        if let Err(error) = EnvFilter::try_new(&level) {
            return Err(SettingsError::bad("log.level", format!("is neither a level nor directives: {error}")));
        }
        let format = match format.as_str() {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            _ => return Err(SettingsError::bad("log.format", format!("must be text or json, not {format:?}"))),
        };
        Ok(Self { level, format })
    }
}
