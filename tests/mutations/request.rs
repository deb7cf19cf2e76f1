//! A request before it is sent, in a form that can be mutated.

use std::fmt;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use actix_web::test::TestRequest;

/// See the module.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The query, without its question mark; none is sent if it is empty.
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The header's values are replaced by this one.
    pub(crate) fn set_header(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.remove_header(name);
        self.headers.push((name.to_owned(), value.into()));
    }

    pub(crate) fn remove_header(&mut self, name: &str) {
        self.headers.retain(|(given, _)| !given.eq_ignore_ascii_case(name));
    }

    /// The request as the server's parser would hand it on; none if no parser would.
    pub(crate) fn build(&self) -> Option<TestRequest> {
        let method = Method::from_bytes(self.method.as_bytes()).ok()?;
        let target = if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) };
        let uri: Uri = target.parse().ok()?;
        let mut request = TestRequest::default().method(method).uri(&uri.to_string());
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            request = request.append_header((name, HeaderValue::from_bytes(value).ok()?));
        }
        Some(if self.body.is_empty() { request } else { request.set_payload(self.body.clone()) })
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, query, headers, body } = self;
        write!(formatter, "{method} {path}?{query}")?;
        for (name, value) in headers {
            write!(formatter, "\n{name}: {}", value.escape_ascii())?;
        }
        write!(formatter, "\n\n{}", body.escape_ascii())
    }
}
