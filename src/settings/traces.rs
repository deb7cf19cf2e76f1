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
        let is_good = |uri: Uri| uri.scheme_str() == Some("http") && has_plain_address(&uri) && uri.query().is_none();
        if !endpoint.is_empty() && !endpoint.parse().is_ok_and(is_good) {
            let problem = format!("must be a url such as http://127.0.0.1:4318, or empty, not {endpoint:?}");
            return Err(SettingsError::bad("traces.endpoint", problem));
        }
        Ok(Self { endpoint: Some(endpoint).filter(|endpoint| !endpoint.is_empty()) })
    }
}

/// Whether it names a host and, if any, a port that there is, and nobody's name and password, which nobody would be told.
pub fn has_plain_address(uri: &Uri) -> bool {
    let Some(authority) = uri.authority().filter(|authority| !authority.host().is_empty()) else { return false };
    match authority.as_str().strip_prefix(authority.host()) {
        Some("") => true,
        Some(port) => port.strip_prefix(':').and_then(|port| port.parse().ok()).is_some_and(|port: u16| port > 0),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_address_that_can_be_called() {
        let table = [
            ("", true),
            ("http://127.0.0.1:4318", true),
            ("http://[::1]:4318/otlp", true),
            ("http://collector", true),
            ("http://127.0.0.1:99999", false),
            ("http://127.0.0.1:0", false),
            ("http://127.0.0.1:", false),
            ("http://user:pw@127.0.0.1:4318", false),
            ("http://user@collector", false),
            ("http://collector?x", false),
        ];
        for (endpoint, wanted) in table {
            let checked = TracesSettings::check(Raw { endpoint: endpoint.to_owned() });
            assert_eq!(checked.is_ok(), wanted, "{endpoint:?}");
        }
    }
}
