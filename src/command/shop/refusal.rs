//! Why a request did not do what was asked, and how sure that is.

use std::fmt::Display;
use std::time::Duration;

use serde::Deserialize;

use crate::command::plain;

/// Whether a request that did not succeed may have been done all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) enum Doubt {
    /// The service decided against it: asking again gives the same answer.
    None,
    /// Nothing was done, and asking again may do it.
    NothingDone,
    /// It may be done; only asking again tells.
    MayHaveLanded,
}

/// A request that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub(in crate::command) struct Refusal {
    /// The service's code, or one of `connection_failed`, `timed_out`, `unreadable_answer`, `http_<status>`.
    pub(in crate::command) code: String,
    /// Whether it may be done all the same.
    pub(in crate::command) doubt: Doubt,
    /// How long the service asks to wait.
    pub(in crate::command) retry_after: Option<Duration>,
    /// More words.
    pub(in crate::command) detail: String,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
    #[serde(default)]
    detail: String,
}

impl Refusal {
    /// Builds a refusal that the client itself noticed.
    pub(in crate::command) fn of_client(code: &str, doubt: Doubt, detail: &impl Display) -> Self {
        Self { code: code.to_owned(), doubt, retry_after: None, detail: plain(&detail.to_string()) }
    }

    /// The request never left: no connection could be made.
    pub(in crate::command) fn never_sent(detail: &impl Display) -> Self {
        Self::of_client("connection_failed", Doubt::NothingDone, detail)
    }

    /// The connection broke while the request was under way.
    pub(in crate::command) fn broken_off(detail: &impl Display) -> Self {
        Self::of_client("connection_failed", Doubt::MayHaveLanded, detail)
    }

    /// The answer says success but cannot be read.
    pub(in crate::command) fn unreadable(detail: &impl Display) -> Self {
        Self::of_client("unreadable_answer", Doubt::MayHaveLanded, detail)
    }

    /// Reads the refusal out of an answer.
    pub(in crate::command) fn of_answer(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let problem = serde_json::from_slice(body).unwrap_or_else(|_| Problem {
            code: format!("http_{status}"),
            detail: format!("the answer has status {status} and is no problem document"),
        });
        let doubt = doubt_of(status, &problem.code);
        Self { code: plain(&problem.code), doubt, retry_after, detail: plain(&problem.detail) }
    }

    /// Whether nobody is there at all.
    pub(in crate::command) fn is_unreachable(&self) -> bool {
        self.code == "connection_failed" && self.doubt == Doubt::NothingDone
    }
}

fn doubt_of(status: u16, code: &str) -> Doubt {
    match (status, code) {
        (503, "busy" | "unavailable") | (429 | 408, _) => Doubt::NothingDone,
        (409, "request_in_progress") | (500.., _) => Doubt::MayHaveLanded,
        _ => Doubt::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_classed_by_what_they_leave_open() {
        let table: [(u16, &str, &str, Doubt); 10] = [
            (409, r#"{"code":"sold_out","detail":"none left"}"#, "sold_out", Doubt::None),
            (409, r#"{"code":"request_in_progress"}"#, "request_in_progress", Doubt::MayHaveLanded),
            (422, r#"{"code":"idempotency_key_reused"}"#, "idempotency_key_reused", Doubt::None),
            (401, r#"{"code":"unauthenticated"}"#, "unauthenticated", Doubt::None),
            (429, r#"{"code":"rate_limited"}"#, "rate_limited", Doubt::NothingDone),
            (503, r#"{"code":"busy"}"#, "busy", Doubt::NothingDone),
            (503, r#"{"code":"unavailable"}"#, "unavailable", Doubt::NothingDone),
            (503, r#"{"code":"outcome_unknown"}"#, "outcome_unknown", Doubt::MayHaveLanded),
            (503, "<html>", "http_503", Doubt::MayHaveLanded),
            (500, "", "http_500", Doubt::MayHaveLanded),
        ];
        for (status, body, code, doubt) in table {
            let refusal = Refusal::of_answer(status, None, body.as_bytes());
            assert_eq!((refusal.code.as_str(), refusal.doubt), (code, doubt), "{status} {body}");
        }
    }
}
