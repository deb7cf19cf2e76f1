//! Query parameters: only those a route knows, each at most once.

use std::fmt;
use std::str::FromStr;

use actix_web::web;
use actors::domain::limits::{PAGE_DEFAULT, PAGE_MAX};

use super::problem::Refusal;

/// The query parameters of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string.
    pub(super) fn parse(text: &str, known: &[&str]) -> Result<Self, Refusal> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let malformed = |problem: String| Refusal::MalformedRequest(problem);
        let pairs = web::Query::<Vec<(String, String)>>::from_query(text)
            .map_err(|error| malformed(format!("the query cannot be read: {error}")))?
            .into_inner();
        for (index, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(Refusal::UnknownField { field: name.clone() });
            }
            if pairs[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(malformed(format!("the query names {name} more than once")));
            }
        }
        Ok(Self(pairs))
    }

    /// The text of a parameter, if it was sent.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// A parameter, if it was sent.
    pub(super) fn get<T>(&self, name: &str) -> Result<Option<T>, Refusal>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        self.text(name).map(|text| text.parse().map_err(|problem| Refusal::invalid(name, problem))).transpose()
    }

    /// How many items the page may have.
    pub(super) fn limit(&self) -> Result<usize, Refusal> {
        let Some(text) = self.text("limit") else {
            return Ok(PAGE_DEFAULT);
        };
        let limit = text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
        limit.ok_or_else(|| Refusal::invalid("limit", format!("must be a whole number from 1 to {PAGE_MAX}")))
    }
}

#[cfg(test)]
mod tests {
    use actors::domain::id::SkuId;

    use super::*;

    #[test]
    fn only_known_parameters_are_taken_and_each_once() {
        let known = ["sku_id", "limit"];
        let table: [(&str, Option<&str>); 8] = [
            ("", None),
            ("sku_id=a", None),
            ("sku_id=%61&limit=5", None),
            ("skuid=a", Some("unknown_field")),
            ("sku_id", None),
            ("sku_id=a&sku_id=b", Some("malformed_request")),
            ("&", None),
            ("=", Some("unknown_field")),
        ];
        for (text, code) in table {
            assert_eq!(Query::parse(text, &known).err().map(|refusal| refusal.code()), code, "{text:?}");
        }
        let query = Query::parse("sku_id=%61&limit=5", &known).expect("a valid query");
        assert_eq!(query.get::<SkuId>("sku_id"), Ok("a".parse().ok()));
    }

    #[test]
    fn a_limit_out_of_bounds_is_refused() {
        for (text, limit) in [
            ("", Some(PAGE_DEFAULT)),
            ("limit=1", Some(1)),
            ("limit=100", Some(100)),
            ("limit=101", None),
            ("limit=0", None),
            ("limit=-1", None),
            ("limit=x", None),
            ("limit=", None),
        ] {
            let query = Query::parse(text, &["limit"]).expect("a known parameter");
            assert_eq!(query.limit().ok(), limit, "{text:?}");
        }
    }
}
