//! Which tracing system is told of requests.

use actix_web::http::Uri;
use serde::Deserialize;

use super::SettingsError;

/// Settings of traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracesSettings {
    /// The collector that takes OTLP over HTTP; none: nobody is told.
    pub endpoint: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    endpoint: String,
}

impl TracesSettings {
    pub(super) fn check(Raw { endpoint }: Raw) -> Result<Self, SettingsError> {
        let is_good = |uri: Uri| uri.scheme_str() == Some("http") && uri.host().is_some() && uri.query().is_none();
        if !endpoint.is_empty() && !endpoint.parse().is_ok_and(is_good) {
            let problem = format!("must be a url such as http://127.0.0.1:4318, or empty, not {endpoint:?}");
            return Err(SettingsError::bad("traces.endpoint", problem));
        }
        Ok(Self { endpoint: Some(endpoint).filter(|endpoint| !endpoint.is_empty()) })
    }
}
