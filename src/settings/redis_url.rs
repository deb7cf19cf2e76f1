//! How a Redis is named: one server, or the nodes of a cluster.
//!
//! `redis://[USER[:PASSWORD]@]HOST[:PORT][/DB]`, `rediss://` for the same over TLS, and `redis+cluster://` and
//! `rediss+cluster://` with several `HOST[:PORT]` in a list, which no crate for URLs reads.

use super::Secret;
use super::address::{decoded, host_and_port};

/// The port if none is named.
const PORT: u16 = 6379;

/// A Redis, or a cluster of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisUrl {
    /// Whether the slots are shared between nodes.
    pub is_cluster: bool,
    /// Whether the connection is encrypted.
    pub is_tls: bool,
    /// Hosts and ports; of a cluster any of its nodes.
    pub nodes: Vec<(String, u16)>,
    /// The user, if not the default one.
    pub user: Option<String>,
    /// The password, if there is one.
    pub password: Option<Secret>,
    /// The number of the database; a cluster has only 0.
    pub database: u32,
}

impl RedisUrl {
    /// Reads the URL; what is wrong with it is told without it, for it may hold a password.
    pub(super) fn parse(scheme: &str, rest: &str) -> Result<Self, String> {
        let (is_cluster, is_tls) = match scheme {
            "redis" => (false, false),
            "rediss" => (false, true),
            "redis+cluster" => (true, false),
            "rediss+cluster" => (true, true),
            _ => return Err("names no Redis".to_owned()),
        };
        let rest = rest.strip_prefix("//").ok_or_else(|| format!("must go on with {scheme}://"))?;
        if rest.contains(['?', '#']) {
            return Err("must have nothing after ? or #; write them as %3F and %23 in a password".to_owned());
        }
        let (login, place) = rest.rsplit_once('@').map_or((None, rest), |(login, place)| (Some(login), place));
        let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
        let database = match database {
            "" => 0,
            number => number.parse().map_err(|_| "must name the database by its number".to_owned())?,
        };
        if is_cluster && database != 0 {
            return Err("must not name a database: a cluster has only 0".to_owned());
        }
        let nodes = hosts.split(',').map(node).collect::<Result<Vec<_>, _>>()?;
        if !is_cluster && nodes.len() > 1 {
            return Err(format!("names several servers; those of a cluster are {scheme}+cluster://..."));
        }
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
            Some((user, password)) => (Some(plain(user)?), Some(plain(password)?)),
            None => (None, None),
        };
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(Self { is_cluster, is_tls, nodes, user: given(user), password: given(password).map(Secret), database })
    }
}

fn node(text: &str) -> Result<(String, u16), String> {
    host_and_port(text, PORT).ok_or_else(|| "must name a host and a port, such as cache:6379".to_owned())
}

/// A user or a password.
fn plain(text: &str) -> Result<String, String> {
    decoded(text).ok_or_else(|| "must have user and password in UTF-8, other letters than plain ones as %XX".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<RedisUrl, String> {
        let (scheme, rest) = url.split_once(':').expect("a url with a scheme");
        RedisUrl::parse(scheme, rest)
    }

    #[test]
    fn every_part_is_read() {
        let plain = RedisUrl {
            is_cluster: false,
            is_tls: false,
            nodes: vec![("cache".to_owned(), 6379)],
            user: None,
            password: None,
            database: 0,
        };
        let secret = |text: &str| Some(Secret(text.to_owned()));
        let table = [
            ("redis://cache", plain.clone()),
            ("redis://cache/", plain.clone()),
            (
                "rediss://cache:7000/3",
                RedisUrl { is_tls: true, nodes: vec![("cache".to_owned(), 7000)], database: 3, ..plain.clone() },
            ),
            ("redis://:a%40b%3A@cache", RedisUrl { password: secret("a@b:"), ..plain.clone() }),
            (
                "redis://shop:p:w@[::1]:7",
                RedisUrl {
                    user: Some("shop".to_owned()),
                    password: secret("p:w"),
                    nodes: vec![("::1".to_owned(), 7)],
                    ..plain.clone()
                },
            ),
            (
                "redis+cluster://default:x@a:1,b,c:3",
                RedisUrl {
                    is_cluster: true,
                    user: Some("default".to_owned()),
                    password: secret("x"),
                    nodes: vec![("a".to_owned(), 1), ("b".to_owned(), 6379), ("c".to_owned(), 3)],
                    ..plain
                },
            ),
        ];
        for (url, wanted) in table {
            assert_eq!(parse(url), Ok(wanted), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        let table = [
            "redis:cache",
            "redis://",
            "redis://u:hidden@",
            "redis://u:hidden@a:b",
            "redis://u:hidden@a:0",
            "redis://u:hidden@a:1,b:2",
            "redis://u:hidden@a/x",
            "redis://u:hidden%4@a",
            "redis://u:hidden%FF@a",
            "redis://u:hidden@a?b=c",
            "redis://u:hidden@[::1",
            "redis+cluster://u:hidden@a,,b",
            "redis+cluster://u:hidden@a/1",
        ];
        for url in table {
            let problem = parse(url).expect_err(url);
            assert!(!problem.contains("hidden"), "{url}: {problem}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let url = parse("redis://shop:hidden@cache").expect("a good url");
        assert!(!format!("{url:?}").contains("hidden"));
    }
}
