//! Which running service a command talks to, and with which token.

use std::fmt::Display;
use std::path::Path;

use awc::http::Uri;
use serde::Deserialize;

use super::Failure;
use super::cli::TargetArgs;
use crate::settings::has_plain_address;

/// Where a service listens when nothing says otherwise.
const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// A service's address: plain HTTP, no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BaseUrl {
    text: String,
    is_loopback: bool,
}

impl BaseUrl {
    /// Reads an address such as `http://127.0.0.1:8080`.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = |problem: &str| Failure::Usage(format!("the url {text:?} {problem}"));
        if !text.contains("://") && Self::parse(&format!("http://{text}")).is_ok() {
            return Err(Failure::Usage(format!("the url {text:?} names no scheme; write http://{text}")));
        }
        let uri: Uri = text.parse().map_err(|_| wrong("is not a url such as http://127.0.0.1:8080"))?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| wrong("names no host"))?;
        if uri.scheme_str() != Some("http") {
            return Err(wrong("is not plain http, which is all this command speaks"));
        }
        if !has_plain_address(&uri) {
            return Err(wrong("has more than a host and a port from 1 to 65535 before its path"));
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err(wrong("has a path; only scheme, host and port are taken"));
        }
        Ok(Self { text: text.trim_end_matches('/').to_owned(), is_loopback: is_loopback(host) })
    }

    /// The address, without a slash at its end.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        self.is_loopback
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What a running service says of itself in its data directory.
#[derive(Debug, Deserialize)]
struct RunFile {
    url: String,
}

/// The address that `run.json` in the data directory names; none if there is no such file or it is half written.
pub(super) fn url_of_run(data: &Path) -> Option<BaseUrl> {
    let text = std::fs::read_to_string(data.join("run.json")).ok()?;
    let run: RunFile = serde_json::from_str(&text).ok()?;
    BaseUrl::parse(&run.url).ok()
}

/// The address to use: the one given, else the one that `run.json` names, else the default.
pub(super) fn url_of(args: &TargetArgs) -> Result<BaseUrl, Failure> {
    match &args.url {
        Some(url) => BaseUrl::parse(url),
        None => url_of_run(&args.data).map_or_else(|| BaseUrl::parse(DEFAULT_URL), Ok),
    }
}

/// The token to use: the one given, else the one in the data directory.
pub(super) fn token_of(args: &TargetArgs) -> Result<String, Failure> {
    match &args.token {
        Some(token) => well_formed(token, &"the token that was given"),
        None => token_in(&args.data),
    }
}

/// A token becomes part of a request's head, where not every character may stand.
fn well_formed(text: &str, place: &dyn Display) -> Result<String, Failure> {
    let token = text.trim();
    let wrong = |problem: &str| Err(Failure::Usage(format!("{place} {problem}")));
    if token.is_empty() {
        return wrong("is empty");
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return wrong("is no token: it is one word of visible ascii characters");
    }
    Ok(token.to_owned())
}

/// The admin token that a service wrote to its data directory.
pub(super) fn token_in(data: &Path) -> Result<String, Failure> {
    let path = data.join("admin-token");
    let text = std::fs::read_to_string(&path).map_err(|error| {
        let path = path.display();
        Failure::Usage(format!("cannot read a token from {path}: {error}; give --token, or --data of the service"))
    })?;
    well_formed(&text, &format_args!("what {} holds", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(data: &Path) -> TargetArgs {
        TargetArgs { url: None, token: None, data: data.to_owned() }
    }

    #[test]
    fn addresses_are_read_and_told_apart() {
        let table: [(&str, Option<bool>); 15] = [
            ("http://127.0.0.1:8080", Some(true)),
            ("http://127.0.0.1:8080/", Some(true)),
            ("http://127.9.9.9", Some(true)),
            ("http://localhost:1", Some(true)),
            ("http://[::1]:8080", Some(true)),
            ("http://192.168.0.7:8080", Some(false)),
            ("http://shop.example", Some(false)),
            ("http://localhost.example", Some(false)),
            ("https://127.0.0.1:8080", None),
            ("127.0.0.1:8080", None),
            ("http://127.0.0.1/api", None),
            ("http://127.0.0.1:99999", None),
            ("http://user:pw@127.0.0.1:8080", None),
            ("http://", None),
            ("", None),
        ];
        for (text, is_loopback) in table {
            assert_eq!(BaseUrl::parse(text).ok().map(|url| url.is_loopback()), is_loopback, "{text:?}");
        }
    }

    #[test]
    fn an_address_without_its_scheme_is_told_how_to_be_written() {
        for text in ["127.0.0.1:8080", "localhost:8080", "shop.example"] {
            let problem = format!("the url {text:?} names no scheme; write http://{text}");
            assert_eq!(BaseUrl::parse(text), Err(Failure::Usage(problem)));
        }
        assert_eq!(
            BaseUrl::parse(""),
            Err(Failure::Usage("the url \"\" is not a url such as http://127.0.0.1:8080".to_owned()))
        );
    }

    #[test]
    fn what_is_given_wins_over_the_data_directory_and_that_over_the_default() {
        let data = tempfile::tempdir().expect("a temporary directory");
        assert_eq!(url_of(&args(data.path())).map(|url| url.text), Ok(DEFAULT_URL.to_owned()));
        assert!(matches!(token_of(&args(data.path())), Err(Failure::Usage(_))));

        std::fs::write(data.path().join("run.json"), r#"{"url":"http://127.0.0.1:7","pid":1}"#).expect("a file");
        std::fs::write(data.path().join("admin-token"), "secret\n").expect("a file");
        assert_eq!(url_of(&args(data.path())).map(|url| url.text), Ok("http://127.0.0.1:7".to_owned()));
        assert_eq!(token_of(&args(data.path())), Ok("secret".to_owned()));

        let given = TargetArgs {
            url: Some("http://127.0.0.1:9".to_owned()),
            token: Some("mine".to_owned()),
            data: data.path().to_owned(),
        };
        assert_eq!(url_of(&given).map(|url| url.text), Ok("http://127.0.0.1:9".to_owned()));
        assert_eq!(token_of(&given), Ok("mine".to_owned()));
    }

    #[test]
    fn a_token_that_no_request_can_carry_is_wrong_use() {
        let data = tempfile::tempdir().expect("a temporary directory");
        let given = |token: &str| token_of(&TargetArgs { token: Some(token.to_owned()), ..args(data.path()) });
        let kept = |token: &str| {
            std::fs::write(data.path().join("admin-token"), token).expect("a file");
            token_of(&args(data.path()))
        };
        for token in ["a\nb", "a\r\nX: y", "\u{7f}", "a\0", "a b", "\u{e9}", "", " \n"] {
            assert!(matches!(given(token), Err(Failure::Usage(_))), "{token:?} as it is given");
            assert!(matches!(kept(token), Err(Failure::Usage(_))), "{token:?} as it is kept");
        }
        let Err(Failure::Usage(problem)) = kept("secret\nanother\n") else { panic!("two lines are no token") };
        assert!(problem.contains("admin-token holds is no token") && !problem.contains("secret"), "{problem}");
    }

    #[test]
    fn a_half_written_run_file_names_nothing() {
        let data = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(data.path().join("run.json"), r#"{"url":"http://127"#).expect("a file");
        assert_eq!(url_of_run(data.path()), None);
    }
}
