//! A MySQL server as the store's url names it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use url::Url;

use super::{Secret, SettingsError};

/// Where a server listens if its url does not say.
const PORT: u16 = 3306;
/// Connections that read: more than any server of the usual settings has for all its nodes would be a slip.
const CONNECTIONS_MAX: u32 = 100;
/// How long an exchange with the server may take: longer than a row lock is waited for, and no longer than a grant lives.
const TIMEOUT_MS: std::ops::RangeInclusive<u32> = 1_500..=6_000;

/// Settings of a MySQL server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MysqlSettings {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who the service is there.
    pub user: Secret,
    /// How it proves that.
    pub password: Secret,
    /// The database, which has to be there.
    pub database: String,
    /// How the connection is kept from others' eyes.
    pub tls: TlsSettings,
    /// Connections that read, at most.
    pub connections: usize,
    /// How long any one exchange with the server may take.
    pub timeout: Duration,
}

/// How a connection is kept from others' eyes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsSettings {
    /// Not at all.
    Off,
    /// Encrypted, whoever the server is.
    Unverified,
    /// Encrypted, to a server whose certificate is from an authority that browsers trust, or the one in this file.
    Verified(Option<PathBuf>),
}

impl MysqlSettings {
    /// How such a url is written.
    pub(super) const FORM: &str = "mysql://<user>:<password>@<host>:<port>/<database>";

    /// No sentence repeats what was given, for a password is in it.
    pub(super) fn check(url: &str, connections: u32, timeout_ms: u32) -> Result<Self, SettingsError> {
        let bad = |problem: String| SettingsError::bad("store.url", problem);
        let malformed = || bad(format!("must be written {}", Self::FORM));
        let url = Url::parse(url).map_err(|_| malformed())?;
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(String::from).map_err(|_| malformed());
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(malformed)?;
        let database = url.path().trim_start_matches('/').to_owned();
        if url.username().is_empty() || !is_database(&database) || url.fragment().is_some() {
            return Err(malformed());
        }
        if !(1..=CONNECTIONS_MAX).contains(&connections) {
            let problem = format!("must be from 1 to {CONNECTIONS_MAX}, not {connections}");
            return Err(SettingsError::bad("store.connections", problem));
        }
        if !TIMEOUT_MS.contains(&timeout_ms) {
            let problem = format!("must be from {} to {}, not {timeout_ms}", TIMEOUT_MS.start(), TIMEOUT_MS.end());
            return Err(SettingsError::bad("store.timeout_ms", problem));
        }
        Ok(Self {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port().unwrap_or(PORT),
            user: Secret(decoded(url.username())?),
            password: Secret(decoded(url.password().unwrap_or_default())?),
            database,
            tls: TlsSettings::of(&url).map_err(bad)?,
            connections: usize::try_from(connections).map_err(|_| malformed())?,
            timeout: Duration::from_millis(timeout_ms.into()),
        })
    }
}

impl fmt::Display for MysqlSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "mysql://{}:{}/{}", self.host, self.port, self.database)
    }
}

impl TlsSettings {
    fn of(url: &Url) -> Result<Self, String> {
        let (mut tls, mut authority) = (None, None);
        for (name, value) in url.query_pairs() {
            match &*name {
                "tls" => tls = Some(value.into_owned()),
                "ca" => authority = Some(PathBuf::from(value.into_owned())),
                _ => return Err("may be followed by ?tls= and &ca= only".to_owned()),
            }
        }
        match (tls.as_deref(), authority) {
            (None | Some("off"), None) => Ok(Self::Off),
            (Some("unverified"), None) => Ok(Self::Unverified),
            (Some("verified"), authority) => Ok(Self::Verified(authority)),
            (_, Some(_)) => Err("names a ca, which needs tls=verified".to_owned()),
            _ => Err("must have tls=off, tls=verified or tls=unverified".to_owned()),
        }
    }
}

/// Names that no statement has to quote.
fn is_database(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-$".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str) -> Result<MysqlSettings, String> {
        MysqlSettings::check(url, 8, 3_000).map_err(|error| error.to_string())
    }

    #[test]
    fn a_url_is_read_in_all_its_parts() {
        let settings = check("mysql://shop:p%40ss%2Fword@db.example:3307/floodgate_1").expect("a sound url");
        assert_eq!((settings.host.as_str(), settings.port), ("db.example", 3307));
        assert_eq!((settings.user.0.as_str(), settings.password.0.as_str()), ("shop", "p@ss/word"));
        assert_eq!((settings.database.as_str(), &settings.tls), ("floodgate_1", &TlsSettings::Off));
        assert_eq!(settings.to_string(), "mysql://db.example:3307/floodgate_1");
        let settings = check("mysql://shop@[::1]/x?tls=verified&ca=/etc/ca.pem").expect("a sound url");
        assert_eq!((settings.host.as_str(), settings.port, settings.password.0.as_str()), ("::1", 3306, ""));
        assert_eq!(settings.tls, TlsSettings::Verified(Some(PathBuf::from("/etc/ca.pem"))));
    }

    #[test]
    fn a_password_is_shown_nowhere() {
        let shown = format!("{:?}", check("mysql://SECRETuser:SECRETword@db/x").expect("a sound url"));
        assert!(shown.contains("db") && !shown.contains("SECRET"), "{shown}");
        let table = [
            "mysql://shop:SECRET@/x",
            "mysql://:SECRET@db/x",
            "mysql://shop:SECRET@db",
            "mysql://shop:SECRET@db/a/b",
            "mysql://shop:SECRET@db:port/x",
            "mysql://shop:SECRET%FF@db/x",
            "mysql:SECRET",
            "mysql://shop:SECRET@db/x?tls=maybe",
            "mysql://shop:SECRET@db/x?ca=a",
            "mysql://shop:SECRET@db/x?pool=9",
            "mysql://shop:SECRET@db/x#y",
        ];
        for url in table {
            let refusal = check(url).expect_err(url);
            assert!(refusal.starts_with("the setting store.url m") || refusal.contains("names a ca"), "{refusal}");
            assert!(!refusal.contains("SECRET"), "{refusal}");
        }
    }

    #[test]
    fn bounds_are_held() {
        for (connections, timeout_ms, setting) in
            [(0, 3_000, "store.connections"), (101, 3_000, "store.connections"), (8, 10, "store.timeout_ms")]
        {
            let refusal = MysqlSettings::check("mysql://a:b@c/d", connections, timeout_ms).expect_err(setting);
            assert!(refusal.to_string().contains(setting), "{refusal}");
        }
    }
}
