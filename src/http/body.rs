//! Request bodies: read whole, within bounds of size and time, and parsed into typed structs.

use std::pin::pin;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::web::{Bytes, BytesMut, Payload};
use actors::domain::limits::{BODY_BYTES_MAX, BODY_DEADLINE};
use actors::ports::Clock;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use super::problem::Refusal;
use super::wire::{Object, is_out_of_range};

/// Whether a route takes a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyRule {
    /// None; one that is sent is not looked at.
    None,
    /// JSON, or nothing at all.
    Optional,
    /// JSON.
    Required,
}

/// Reads the body as the route's rule asks for.
pub(super) async fn read(
    rule: BodyRule,
    headers: &HeaderMap,
    payload: &mut Payload,
    clock: &dyn Clock,
) -> Result<Bytes, Refusal> {
    match rule {
        BodyRule::None => Ok(Bytes::new()),
        BodyRule::Required => {
            is_json(headers)?;
            whole(headers, payload, clock).await
        }
        BodyRule::Optional => {
            let body = whole(headers, payload, clock).await?;
            if !body.is_empty() {
                is_json(headers)?;
            }
            Ok(body)
        }
    }
}

fn is_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let is_plain = headers.get(CONTENT_ENCODING).is_none_or(|encoding| encoding == "identity");
    if essence.eq_ignore_ascii_case("application/json") && is_plain {
        Ok(())
    } else {
        Err(Refusal::UnsupportedMediaType)
    }
}

/// The length of the body that a head announces.
pub(super) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn whole(headers: &HeaderMap, payload: &mut Payload, clock: &dyn Clock) -> Result<Bytes, Refusal> {
    if announced(headers).is_some_and(|bytes| bytes > BODY_BYTES_MAX as u64) {
        return Err(Refusal::BodyTooLarge);
    }
    // actix-web has no deadline for bodies of its own.
    match select(pin!(collect(payload)), clock.sleep(BODY_DEADLINE)).await {
        Either::Left((body, _)) => body,
        Either::Right(_) => Err(Refusal::RequestTimeout),
    }
}

async fn collect(payload: &mut Payload) -> Result<Bytes, Refusal> {
    let mut body = Pieces::default();
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|error| Refusal::MalformedRequest(format!("the body broke off: {error}")))?;
        if body.as_ref().len() + piece.len() > BODY_BYTES_MAX {
            return Err(Refusal::BodyTooLarge);
        }
        body.add(piece);
    }
    Ok(body.joined())
}

/// A body as it arrives. Nearly every one comes in one piece, which then need not be copied.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    /// All of it, once there is more than the first piece.
    copied: BytesMut,
}

impl Pieces {
    fn add(&mut self, piece: Bytes) {
        if self.as_ref().is_empty() {
            self.first = piece;
            return;
        }
        if self.copied.is_empty() {
            self.copied.extend_from_slice(&self.first);
        }
        self.copied.extend_from_slice(&piece);
    }

    fn joined(self) -> Bytes {
        if self.copied.is_empty() { self.first } else { self.copied.freeze() }
    }
}

impl AsRef<[u8]> for Pieces {
    fn as_ref(&self) -> &[u8] {
        if self.copied.is_empty() { &self.first } else { &self.copied }
    }
}

/// Parses a body; what is wrong is told with the path of the field.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let Object(value) = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = text_of(error.path());
        refusal_of(path, error.inner())
    })?;
    deserializer.end().map_err(|error| Refusal::MalformedJson(format!("the body is not json: {error}")))?;
    Ok(value)
}

/// Tells apart what serde tells only in words. The tests hold it to the words of the version in use.
fn refusal_of(path: String, error: &serde_json::Error) -> Refusal {
    let text = error.to_string();
    let problem = text.split(" at line ").next().unwrap_or_default();
    if error.classify() != Category::Data && !is_out_of_range(&problem) {
        return Refusal::MalformedJson(format!("the body is not json: {text}"));
    }
    if problem.starts_with("duplicate field") {
        return Refusal::MalformedJson(format!("the body has a {problem}"));
    }
    if problem.starts_with("unknown field") {
        return Refusal::UnknownField { field: path };
    }
    if let Some(name) = problem.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let field = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        return Refusal::invalid(field, "is required");
    }
    let field = if path.is_empty() { "body".to_owned() } else { path };
    Refusal::invalid(field, in_words(problem))
}

/// Serde names Rust's types; clients know JSON's.
fn in_words(problem: &str) -> String {
    if is_out_of_range(&problem) {
        return "must be a number that is not as large".to_owned();
    }
    let Some((found, expected)) = problem.split_once(", expected ") else {
        return problem.to_owned();
    };
    let expected = match expected {
        "u32" | "u64" => "a whole number from 0",
        "i64" => "a whole number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        _ => expected,
    };
    format!(
        "must be {expected}, but has {}",
        found.replacen("invalid type: ", "", 1).replacen("invalid value: ", "", 1)
    )
}

fn text_of(path: &Path) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => text.push_str(&format!("[{index}]")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
            Segment::Unknown => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::http::wire::{Parsed, Text};
    use actors::domain::id::SkuId;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Basket {
        items: Vec<Object<Item>>,
        #[serde(default)]
        remark: Option<Text<0, 5>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Item {
        sku_id: Parsed<SkuId>,
        quantity: u32,
        #[serde(default)]
        gift: bool,
    }

    #[test]
    fn a_good_body_is_taken_as_it_is() {
        let body = r#" {"remark":"hi","items":[{"quantity":4294967295,"gift":true,"sku_id":"a"}]} "#;
        let Basket { items, remark } = parse(body.as_bytes()).expect("a good body");
        assert_eq!(remark, Some(Text("hi".to_owned())));
        let [Object(Item { sku_id: Parsed(sku_id), quantity, gift })] = &items[..] else { panic!("one item was sent") };
        assert_eq!((sku_id.as_str(), *quantity, *gift), ("a", u32::MAX, true));
    }

    fn refused(body: &str) -> (&'static str, String) {
        let refusal = parse::<Basket>(body.as_bytes()).map(|basket| format!("{basket:?}")).expect_err(body);
        (refusal.code(), refusal.to_string())
    }

    #[test]
    fn what_is_wrong_is_told_with_its_path() {
        let item = |rest: &str| format!(r#"{{"items":[{{"sku_id":"a",{rest}}}]}}"#);
        let table: [(String, &str, &str); 23] = [
            (String::new(), "malformed_json", "the body is not json"),
            ("{".to_owned(), "malformed_json", "the body is not json"),
            (r#"{"items":[]} x"#.to_owned(), "malformed_json", "the body is not json"),
            (r#"{"items":[],}"#.to_owned(), "malformed_json", "the body is not json"),
            ("nan".to_owned(), "malformed_json", "the body is not json"),
            (r#"{"items":[],"items":[]}"#.to_owned(), "malformed_json", "the body has a duplicate field `items`"),
            (item(r#""quantity":1,"quantity":2"#), "malformed_json", "the body has a duplicate field `quantity`"),
            ("[".repeat(10_000), "invalid_field", "body must be an object"),
            (format!(r#"{{"items":{}"#, "[".repeat(10_000)), "invalid_field", "items[0] must be an object"),
            ("[[]]".to_owned(), "invalid_field", "body must be an object"),
            (r#"{"items":[["a",1]]}"#.to_owned(), "invalid_field", "items[0] must be an object"),
            ("null".to_owned(), "invalid_field", "body must be an object"),
            ("{}".to_owned(), "invalid_field", "items is required"),
            (r#"{"items":{}}"#.to_owned(), "invalid_field", "items must be a list"),
            (r#"{"items":[],"price":1}"#.to_owned(), "unknown_field", "price is not known here"),
            (item(r#""quantity":1,"price":"1""#), "unknown_field", "items[0].price is not known here"),
            (item(r#""gift":true"#), "invalid_field", "items[0].quantity is required"),
            (item(r#""quantity":1.5"#), "invalid_field", "items[0].quantity must be a whole number from 0"),
            (item(r#""quantity":-1"#), "invalid_field", "items[0].quantity must be a whole number from 0"),
            (item(r#""quantity":99999999999999999999"#), "invalid_field", "items[0].quantity must be a whole number"),
            (item(r#""quantity":1e999"#), "invalid_field", "items[0].quantity must be a number that is not"),
            (r#"{"items":[{"sku_id":"a b"}]}"#.to_owned(), "invalid_field", "items[0].sku_id must be 1 to 32 of"),
            (r#"{"items":[],"remark":"123456"}"#.to_owned(), "invalid_field", "remark must have at most 5"),
        ];
        for (body, code, detail) in table {
            let (given_code, given_detail) = refused(&body);
            let shown = &body[..body.len().min(80)];
            assert_eq!(given_code, code, "{shown}: {given_detail}");
            assert!(given_detail.starts_with(detail), "{shown}: {given_detail}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_malformed() {
        assert_eq!(
            parse::<Basket>(b"{\"items\":[],\"remark\":\"\xff\"}").map(|_| ()).expect_err("not utf-8").code(),
            "malformed_json"
        );
        assert_eq!(refused(r#"{"items":[],"remark":"\ud800"}"#).0, "malformed_json");
    }

    #[test]
    fn a_body_in_many_pieces_is_not_copied_again_for_each() {
        let mut body = Pieces::default();
        let mut moves = 0;
        for count in 0..BODY_BYTES_MAX {
            let before = body.as_ref().as_ptr();
            body.add(Bytes::from_static(b"x"));
            moves += usize::from(body.as_ref().as_ptr() != before);
            assert_eq!(body.as_ref().len(), count + 1);
        }
        assert!(moves < 40, "it was copied {moves} times");
        assert_eq!(body.joined(), "x".repeat(BODY_BYTES_MAX));
    }

    #[test]
    fn a_body_in_one_piece_is_not_copied() {
        let sent = Bytes::from(r#"{"items":[]}"#.to_owned());
        let mut body = Pieces::default();
        body.add(sent.clone());
        assert_eq!(body.joined().as_ptr(), sent.as_ptr());
    }

    #[test]
    fn only_plain_json_is_taken() {
        let table: [(Option<&str>, Option<&str>, bool); 7] = [
            (Some("application/json"), None, true),
            (Some("Application/JSON; charset=utf-8"), None, true),
            (Some("application/json"), Some("identity"), true),
            (Some("application/json"), Some("gzip"), false),
            (Some("application/jsonp"), None, false),
            (Some("text/plain"), None, false),
            (None, None, false),
        ];
        for (media_type, encoding, is_taken) in table {
            let mut headers = HeaderMap::new();
            for (name, value) in [(CONTENT_TYPE, media_type), (CONTENT_ENCODING, encoding)] {
                if let Some(value) = value {
                    headers.insert(name, value.parse().expect("a valid value"));
                }
            }
            assert_eq!(is_json(&headers).is_ok(), is_taken, "{media_type:?} {encoding:?}");
        }
    }
}
