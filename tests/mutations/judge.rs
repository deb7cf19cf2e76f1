//! What an answer may be, and how many of each there were.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use floodgate::http::PAGES;

use crate::answer::Answer;
use crate::document::Document;

/// Problem documents, but for a readiness that says no.
const PROBLEM: &str = "application/problem+json";

/// Says what is wrong with an answer.
pub(crate) fn judge(document: &Document, answer: &Answer) -> Result<(), String> {
    let status = answer.status;
    if status >= 500 && status != 503 {
        return Err("a failure that is none of the caller's business".to_owned());
    }
    if status == 503 && answer.header("retry-after").is_none() {
        return Err("no word on when to try again".to_owned());
    }
    if answer.header("x-request-id").is_none_or(str::is_empty) {
        return Err("an answer without a name".to_owned());
    }
    let code = if answer.header("content-type") == Some(PROBLEM) { Some(problem(answer)?) } else { None };
    let route = answer.route.as_deref();
    // Where HEAD is taken, it is answered as GET is.
    let method = if answer.method == "HEAD" && status != 405 { "GET" } else { &answer.method };
    let Some(operation) = route.and_then(|path| document.find(method, path)) else {
        let expected = if route.is_some() { "method_not_allowed" } else { "route_not_found" };
        return if code.as_deref() == Some(expected) { Ok(()) } else { Err(format!("not {expected}")) };
    };
    match (operation.answers.get(&status), code) {
        (None, _) => Err("a status that the document does not name".to_owned()),
        (Some(codes), Some(code)) if !codes.contains(&code) => Err(format!("{code} is not in the document")),
        (Some(codes), None) if !codes.is_empty() => Err("no problem document".to_owned()),
        _ => Ok(()),
    }
}

/// The code of a refusal, if it is a whole problem document.
fn problem(answer: &Answer) -> Result<String, String> {
    let problem = answer.json().ok_or("not json")?;
    let text = |name: &str| problem[name].as_str().filter(|text| !text.is_empty()).ok_or(format!("no {name}"));
    let code = text("code")?;
    let page = PAGES.iter().find(|page| page.code == code).ok_or(format!("no page explains {code}"))?;
    let is_whole = page.status == answer.status
        && problem["status"] == answer.status
        && text("type")? == format!("/problems/{code}")
        && answer.header("x-request-id") == Some(text("request_id")?)
        && !text("title")?.is_empty()
        && !text("detail")?.is_empty();
    if is_whole { Ok(code.to_owned()) } else { Err("not a whole problem document".to_owned()) }
}

/// Answers by status, and the operations that were done at least once.
#[derive(Default)]
pub(crate) struct Tally {
    statuses: BTreeMap<u16, usize>,
    done: BTreeMap<(String, String), usize>,
    codes: BTreeSet<String>,
}

impl Tally {
    pub(crate) fn count(&mut self, answer: &Answer) {
        *self.statuses.entry(answer.status).or_default() += 1;
        match &answer.route {
            Some(route) if answer.status < 300 && answer.method != "HEAD" => {
                *self.done.entry((answer.method.clone(), route.clone())).or_default() += 1;
            }
            _ => self.codes.extend(answer.json().and_then(|problem| problem["code"].as_str().map(str::to_owned))),
        }
    }

    /// Refuses a run that was turned away at the door, or by a service too busy to look.
    pub(crate) fn assert_depth(&self, document: &Document, requests: usize) {
        let answered: usize = self.statuses.values().sum();
        assert!(answered > requests / 10 * 9, "only {answered} of {requests} were requests at all");
        for operation in &document.operations {
            let name = (operation.method.clone(), operation.path.clone());
            assert!(self.done.contains_key(&name), "{name:?} was never done");
        }
        let busy = self.statuses.get(&503).copied().unwrap_or_default();
        assert!(busy * 100 < requests, "{busy} of {requests} were not looked at");
        assert!(self.codes.len() >= 20, "few refusals were met: {:?}", self.codes);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requests: usize = self.statuses.values().sum();
        let rarest = self.done.iter().min_by_key(|(_, times)| **times);
        write!(formatter, "{requests} requests, answers by status {:?}, ", self.statuses)?;
        write!(formatter, "{} codes of refusals, least often done: {rarest:?}", self.codes.len())
    }
}
