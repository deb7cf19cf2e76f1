//! Kafka as the stream's URL names it: some of its brokers, which no crate for URLs reads.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::Raw;
use crate::settings::address::{decoded, host_and_port};
use crate::settings::{Secret, SettingsError};

/// The port of a broker if none is named.
const PORT: u16 = 9092;
/// Characters of a topic's name: Kafka takes 249, and the topic of what is put aside has `.dlq` more.
const TOPIC_LENGTH_MAX: usize = 245;
/// Characters of a group's name: what the store keeps of its progress has a column of so many.
const GROUP_LENGTH_MAX: usize = 64;
/// Partitions of the topic: more than any shop has consumers would be a slip.
const PARTITIONS: RangeInclusive<u32> = 1..=1_000;
/// Copies of each partition.
const REPLICATION_MAX: u32 = 16;
/// How long one call may take.
const TIMEOUT_MS: RangeInclusive<u32> = 1_000..=30_000;

/// Settings of a stream in Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaSettings {
    /// Hosts and ports of some brokers.
    pub brokers: Vec<(String, u16)>,
    /// Who the service is there; none: nobody asks.
    pub login: Option<KafkaLoginSettings>,
    /// How connections are kept from others' eyes.
    pub tls: KafkaTlsSettings,
    /// The topic of order events.
    pub topic: String,
    /// The consumer group that prints.
    pub group: String,
    /// Partitions of the topic, if it has to be made.
    pub partitions: u16,
    /// Copies of the topics, if they have to be made; none: as many as the brokers make by default.
    pub replication: Option<u16>,
    /// How long one call may take.
    pub timeout: Duration,
}

/// Who the service is at Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaLoginSettings {
    /// The user.
    pub user: Secret,
    /// How it proves that.
    pub password: Secret,
}

/// How connections are kept from others' eyes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KafkaTlsSettings {
    /// Not at all.
    Off,
    /// Encrypted, whoever the broker is.
    Unverified,
    /// Encrypted, to brokers whose certificate is from an authority that the system trusts, or the one in this file.
    Verified(Option<PathBuf>),
}

impl KafkaSettings {
    /// How such a URL is written.
    pub(super) const FORM: &str = "kafka://<host>:<port>,<host>:<port>";

    /// Checks what follows the scheme, and the settings beside it. No sentence repeats the URL, for a password may be in
    /// it.
    pub(super) fn check(place: &str, raw: &Raw) -> Result<Self, SettingsError> {
        let bad = |problem: String| SettingsError::bad("stream.url", problem);
        let place = place.strip_prefix("//").ok_or_else(|| bad("must go on with kafka://".to_owned()))?;
        let (place, query) = place.split_once('?').unwrap_or((place, ""));
        let (login, hosts) = place.rsplit_once('@').map_or((None, place), |(login, hosts)| (Some(login), hosts));
        if place.contains(['/', '#']) {
            return Err(bad("must have no / and no # after the hosts; write them as %2F and %23 in a password".into()));
        }
        let number = |name: &str, value: u32, range: RangeInclusive<u32>| match u16::try_from(value) {
            Ok(number) if range.contains(&value) => Ok(number),
            _ => {
                let problem = format!("must be from {} to {}, not {value}", range.start(), range.end());
                Err(SettingsError::bad(format!("stream.{name}"), problem))
            }
        };
        let replication = number("replication", raw.replication, 0..=REPLICATION_MAX)?;
        Ok(Self {
            brokers: hosts.split(',').map(broker).collect::<Result<_, _>>().map_err(bad)?,
            login: login.map(login_of).transpose().map_err(bad)?,
            tls: KafkaTlsSettings::of(query).map_err(bad)?,
            topic: name("stream.topic", &raw.topic, TOPIC_LENGTH_MAX)?,
            group: name("stream.group", &raw.group, GROUP_LENGTH_MAX)?,
            partitions: number("partitions", raw.partitions, PARTITIONS)?,
            replication: (replication > 0).then_some(replication),
            timeout: Duration::from_millis(number("timeout_ms", raw.timeout_ms, TIMEOUT_MS)?.into()),
        })
    }
}

impl KafkaTlsSettings {
    fn of(query: &str) -> Result<Self, String> {
        let (mut tls, mut authority) = (None, None);
        for part in query.split('&').filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("tls", value)) => tls = Some(value),
                Some(("ca", value)) => authority = Some(PathBuf::from(plain(value)?)),
                _ => return Err("may be followed by ?tls= and &ca= only".to_owned()),
            }
        }
        let tls = match (tls, authority) {
            (None | Some("off"), None) => return Ok(Self::Off),
            (Some("unverified"), None) => Self::Unverified,
            (Some("verified"), authority) => Self::Verified(authority),
            (_, Some(_)) => return Err("names a ca, which needs tls=verified".to_owned()),
            _ => return Err("must have tls=off, tls=verified or tls=unverified".to_owned()),
        };
        match cfg!(feature = "kafka-tls") {
            true => Ok(tls),
            false => Err("asks for tls, which needs a build with --features kafka-tls".to_owned()),
        }
    }
}

/// A name that Kafka takes for a topic, and that is none of its own.
fn name(setting: &str, text: &str, length_max: usize) -> Result<String, SettingsError> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    let is_good = is_plain && (1..=length_max).contains(&text.len()) && text.bytes().any(|byte| byte != b'.');
    match is_good {
        true => Ok(text.to_owned()),
        false => Err(SettingsError::bad(
            setting,
            format!("must be 1 to {length_max} of A-Z a-z 0-9 . _ - and not only dots"),
        )),
    }
}

fn broker(text: &str) -> Result<(String, u16), String> {
    host_and_port(text, PORT).ok_or_else(|| "must name hosts and ports, such as a:9092,b:9092".to_owned())
}

fn login_of(text: &str) -> Result<KafkaLoginSettings, String> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    let login = KafkaLoginSettings { user: Secret(plain(user)?), password: Secret(plain(password)?) };
    let is_whole = !login.user.0.is_empty() && !login.password.0.is_empty();
    if is_whole { Ok(login) } else { Err("must have a user and a password before the @, or neither".to_owned()) }
}

/// A user, a password or a file's name.
fn plain(text: &str) -> Result<String, String> {
    let bad = || "must have user, password and ca in UTF-8, other letters than plain ones as %XX".to_owned();
    // The client takes texts that end with a zero.
    decoded(text).filter(|text| !text.contains('\0')).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str) -> Result<KafkaSettings, String> {
        let (topic, group) = ("order_state_topic".to_owned(), "printer".to_owned());
        let raw = Raw { url: String::new(), topic, group, partitions: 12, replication: 0, timeout_ms: 5_000 };
        let place = url.strip_prefix("kafka:").expect("it names kafka");
        KafkaSettings::check(place, &raw).map_err(|error| error.to_string())
    }

    #[test]
    fn every_part_is_read() {
        let plain = check("kafka://a").expect("a good url");
        assert_eq!((plain.brokers.clone(), plain.replication), (vec![("a".to_owned(), 9092)], None));
        let brokers = vec![("a".to_owned(), 1), ("::1".to_owned(), 9092), ("c".to_owned(), 3)];
        let login = |user: &str, password: &str| {
            Some(KafkaLoginSettings { user: Secret(user.to_owned()), password: Secret(password.to_owned()) })
        };
        let table = [
            ("kafka://a:9092?tls=off", plain.clone()),
            ("kafka://a:1,[::1],c:3", KafkaSettings { brokers, ..plain.clone() }),
            ("kafka://shop:p%40%2F:w@a", KafkaSettings { login: login("shop", "p@/:w"), ..plain }),
        ];
        for (url, wanted) in table {
            assert_eq!(check(url), Ok(wanted), "{url}");
        }
    }

    #[test]
    fn a_name_is_as_long_as_who_keeps_it_takes() {
        let named = |topic: usize, group: usize| {
            let [topic, group] = [topic, group].map(|length| "n".repeat(length));
            let raw = Raw { url: String::new(), topic, group, partitions: 12, replication: 0, timeout_ms: 5_000 };
            KafkaSettings::check("//a", &raw).map(|_| ()).map_err(|error| error.to_string())
        };
        let refused = |setting: &str, length_max: usize| {
            Err(format!("the setting {setting} must be 1 to {length_max} of A-Z a-z 0-9 . _ - and not only dots"))
        };
        assert_eq!(named(245, 64), Ok(()));
        assert_eq!(named(246, 64), refused("stream.topic", 245));
        assert_eq!(named(245, 65), refused("stream.group", 64));
    }

    #[test]
    fn tls_is_for_builds_that_have_it() {
        let table = [
            ("tls=unverified", KafkaTlsSettings::Unverified),
            ("tls=verified", KafkaTlsSettings::Verified(None)),
            ("tls=verified&ca=%2Fetc/ca.pem", KafkaTlsSettings::Verified(Some(PathBuf::from("/etc/ca.pem")))),
        ];
        for (query, wanted) in table {
            let tls = check(&format!("kafka://a?{query}")).map(|settings| settings.tls);
            match cfg!(feature = "kafka-tls") {
                true => assert_eq!(tls, Ok(wanted)),
                false => {
                    let problem = "the setting stream.url asks for tls, which needs a build with --features kafka-tls";
                    assert_eq!(tls, Err(problem.to_owned()));
                }
            }
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        let table = [
            "kafka:a",
            "kafka://",
            "kafka://u:hidden@",
            "kafka://u:hidden@a:b",
            "kafka://u:hidden@a:0",
            "kafka://u:hidden@a,,b",
            "kafka://u:hidden@a/x",
            "kafka://u:hidden@a#x",
            "kafka://hidden@a",
            "kafka://:hidden@a",
            "kafka://u:hidden%4@a",
            "kafka://u:hidden%00@a",
            "kafka://u:hidden@[::1",
            "kafka://u:hidden@a?tls=maybe",
            "kafka://u:hidden@a?ca=x",
            "kafka://u:hidden@a?acks=0",
        ];
        for url in table {
            let problem = check(url).expect_err(url);
            assert!(problem.starts_with("the setting stream.url ") && !problem.contains("hidden"), "{url}: {problem}");
        }
        let shown = format!("{:?}", check("kafka://shop:hidden@a").expect("a good url"));
        assert!(!shown.contains("hidden"), "{shown}");
    }
}
