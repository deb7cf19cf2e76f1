//! An answer, with the row of the route table that it came from.

use std::fmt;

use serde_json::Value;

/// See the module.
pub(crate) struct Answer {
    pub(crate) method: String,
    /// The path of the route, as the table has it; none if there is no route.
    pub(crate) route: Option<String>,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The body, if it is JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        let is_json = self.header("content-type").is_some_and(|kind| kind.ends_with("json"));
        serde_json::from_slice(&self.body).ok().filter(|_| is_json)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, route, status, headers, body } = self;
        let shown = &body[..body.len().min(2_000)];
        write!(formatter, "{status} of {method} {route:?}\n{headers:?}\n{}", shown.escape_ascii())
    }
}
