//! `If-Match`: the versions that whoever asks for a change has seen, as their ETags.

use actix_web::http::header::{HeaderMap, IF_MATCH};
use actors::domain::order::ExpectedVersion;

use super::problem::Refusal;

/// Reads the header, which must be there. A tag that no order ever had is taken and matches nothing.
pub(super) fn expected(headers: &HeaderMap) -> Result<ExpectedVersion, Refusal> {
    let malformed = || Refusal::invalid("If-Match", "must be an ETag as it was given, such as \"1\", or *");
    let mut versions = Vec::new();
    let mut is_sent = false;
    for value in headers.get_all(IF_MATCH) {
        is_sent = true;
        let value = value.to_str().map_err(|_| malformed())?.trim();
        if value == "*" {
            return Ok(ExpectedVersion::Any);
        }
        for tag in value.split(',') {
            versions.extend(version_of(tag.trim()).ok_or_else(malformed)?);
        }
    }
    if is_sent { Ok(ExpectedVersion::OneOf(versions)) } else { Err(Refusal::PreconditionRequired) }
}

/// The version that a tag stands for, if it may stand for one; none if it is no tag. A weak one promises too little.
fn version_of(tag: &str) -> Option<Option<u32>> {
    let (is_weak, quoted) = tag.strip_prefix("W/").map_or((false, tag), |rest| (true, rest));
    let text = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    is_plain.then(|| text.parse().ok().filter(|version: &u32| !is_weak && version.to_string() == text))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn versions_are_read_from_tags() {
        let one_of = |versions: &[u32]| Ok(ExpectedVersion::OneOf(versions.to_vec()));
        let invalid = || Err("invalid_field");
        let table: [(&[&str], Result<ExpectedVersion, &str>); 16] = [
            (&[], Err("precondition_required")),
            (&["\"3\""], one_of(&[3])),
            (&[" \"3\" , \"4\" "], one_of(&[3, 4])),
            (&["\"3\"", "\"4\""], one_of(&[3, 4])),
            (&["*"], Ok(ExpectedVersion::Any)),
            (&["W/\"3\""], one_of(&[])),
            (&["\"abc\""], one_of(&[])),
            (&["\"03\""], one_of(&[])),
            (&["\"+3\""], one_of(&[])),
            (&["\"99999999999\""], one_of(&[])),
            (&["\"\""], one_of(&[])),
            (&["3"], invalid()),
            (&[""], invalid()),
            (&["\""], invalid()),
            (&["\"3\","], invalid()),
            (&["\"3"], invalid()),
        ];
        for (values, expected_versions) in table {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(IF_MATCH, HeaderValue::from_str(value).expect("a valid value"));
            }
            assert_eq!(expected(&headers).map_err(|refusal| refusal.code()), expected_versions, "{values:?}");
        }
    }
}
