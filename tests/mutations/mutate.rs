//! Harms a request: its body as JSON and as bytes, its headers, its path, its query, its method.

use fastrand::Rng;
use serde_json::{Value, json};

use crate::memory::Memory;
use crate::request::Request;

/// Numbers that serde_json would not write, put where this one stands.
const NUMBER_MARK: i64 = 7_777_777_777_777;
const NUMBERS: [&str; 12] = [
    "-1",
    "-0",
    "1.5",
    "7.0",
    "1e2",
    "1e999",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "123456789012345678901234567890",
];
/// Texts that have broken others.
const TEXTS: [&str; 16] = [
    "",
    " ",
    ".",
    "..",
    "../../etc/passwd",
    "\0",
    "a\0b",
    "\u{feff}",
    "\u{202e}abc",
    "💥",
    "é",
    "ＡＢＣ",
    "'; DROP TABLE access_token; --",
    "%00",
    "NaN",
    "-",
];
/// What stands in paths and queries that were not meant to be.
const ESCAPES: [&str; 14] =
    ["%00", "%2F", "%2e%2e", "%FF%FE", "%", "%zz", "+", "%C3%28", "..", ".", "", "~", "%F0%9F%92%A5", "a;b=c"];
const METHODS: [&str; 10] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"];
const HEADERS: [(&str, &[u8]); 30] = [
    ("Authorization", b"Bearer"),
    ("Authorization", b"Bearer  "),
    ("Authorization", b"Basic YTpi"),
    ("Authorization", b"Bearer \xff\xfe"),
    ("Content-Type", b"text/plain"),
    ("Content-Type", b"application/json; charset=utf-16"),
    ("Content-Type", b"application/json;;;"),
    ("Content-Type", b"\xff"),
    ("Content-Type", b"multipart/form-data; boundary=x"),
    ("Content-Encoding", b"gzip"),
    ("Content-Length", b"0"),
    ("Content-Length", b"99999999999999999999"),
    ("Content-Length", b"-1"),
    ("Transfer-Encoding", b"chunked"),
    ("Transfer-Encoding", b"gzip, chunked"),
    ("Expect", b"100-continue"),
    ("Idempotency-Key", b""),
    ("Idempotency-Key", b"k-1"),
    ("Idempotency-Key", b"a b"),
    ("Idempotency-Key", b"\xc3\xa9"),
    ("If-Match", b"*"),
    ("If-Match", b"W/\"1\""),
    ("If-Match", b"\"0\", \"1\", \"2\""),
    ("If-Match", b"\"99999999999999999999\""),
    ("If-Match", b"\"1"),
    ("If-Match", b",,,"),
    ("Accept", b"text/html"),
    ("Range", b"bytes=0-0"),
    ("X-Request-Id", b"mine"),
    ("Host", b"\xff"),
];

/// Harms the request once or a few times.
pub(crate) fn harm(request: &mut Request, memory: &Memory, rng: &mut Rng) {
    for _ in 0..rng.usize(1..4) {
        match rng.usize(0..10) {
            0..=3 if !request.body.is_empty() => harm_json(&mut request.body, rng),
            4 if !request.body.is_empty() => harm_bytes(&mut request.body, rng),
            5 => harm_path(request, memory, rng),
            6 => harm_query(request, memory, rng),
            7 if rng.bool() => request.method = pick(rng, &METHODS).to_owned(),
            8 => harm_caller(request, memory, rng),
            _ => harm_headers(request, rng),
        }
    }
}

fn pick<'a>(rng: &mut Rng, texts: &[&'a str]) -> &'a str {
    rng.choice(texts).copied().unwrap_or_default()
}

/// Changes one value of a body that is still JSON.
fn harm_json(body: &mut Vec<u8>, rng: &mut Rng) {
    let Ok(mut json) = serde_json::from_slice::<Value>(body) else { return harm_bytes(body, rng) };
    let mut left = rng.usize(0..count(&json));
    if let Some(value) = nth(&mut json, &mut left) {
        harm_value(value, rng);
    }
    let mut text = json.to_string();
    if text.contains(&NUMBER_MARK.to_string()) {
        text = text.replace(&NUMBER_MARK.to_string(), pick(rng, &NUMBERS));
    }
    if rng.usize(0..12) == 0
        && let Some(name) = json.as_object().and_then(|members| members.keys().next())
    {
        text.insert_str(1, &format!("{}:null,", json!(name)));
    }
    *body = text.into_bytes();
}

/// How many values there are, itself included.
fn count(json: &Value) -> usize {
    1 + match json {
        Value::Object(members) => members.values().map(count).sum(),
        Value::Array(items) => items.iter().map(count).sum(),
        _ => 0,
    }
}

/// The value so many after this one.
fn nth<'a>(json: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(json);
    }
    *left -= 1;
    match json {
        Value::Object(members) => members.values_mut().find_map(|value| nth(value, left)),
        Value::Array(items) => items.iter_mut().find_map(|value| nth(value, left)),
        _ => None,
    }
}

fn harm_value(value: &mut Value, rng: &mut Rng) {
    let old = value.take();
    *value = match (rng.usize(0..10), old) {
        (0 | 1, Value::Object(mut members)) => {
            let name = members.keys().nth(rng.usize(0..members.len().max(1))).cloned();
            name.and_then(|name| members.remove(&name));
            Value::Object(members)
        }
        (2, Value::Object(mut members)) => {
            members.insert(pick(rng, &["price", "version", "status", "order_id", "", "💥"]).to_owned(), json!(1));
            Value::Object(members)
        }
        (0 | 1, Value::Array(items)) => {
            let times = rng.usize(0..60);
            items.iter().cycle().take(times * items.len()).cloned().collect()
        }
        (3, old) => json!([old]),
        (4, old) => json!({"value": old}),
        (5, _) => Value::Null,
        (6, Value::String(text)) => text.repeat(rng.usize(2..700)).into(),
        (6, _) => rng.bool().into(),
        (7, _) => pick(rng, &TEXTS).into(),
        (8, Value::String(mut text)) => {
            text.push_str(pick(rng, &TEXTS));
            text.into()
        }
        _ => NUMBER_MARK.into(),
    };
}

/// Changes bytes, whatever they mean.
fn harm_bytes(bytes: &mut Vec<u8>, rng: &mut Rng) {
    let at = rng.usize(0..=bytes.len());
    match rng.usize(0..8) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, rng.u8(..)),
        2 => bytes.extend_from_within(at..),
        3 => bytes.splice(at..at, b"\\ud800".iter().copied()).for_each(drop),
        4 => bytes.splice(at..at, std::iter::repeat_n(b'[', rng.usize(1..9_000))).for_each(drop),
        5 => bytes.resize(rng.usize(16_000..17_000), b' '),
        6 => *bytes = (0..rng.usize(0..64)).map(|_| rng.u8(..)).collect(),
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << rng.u32(0..8);
            }
        }
    }
}

fn harm_path(request: &mut Request, memory: &Memory, rng: &mut Rng) {
    let mut segments: Vec<String> = request.path.split('/').skip(1).map(str::to_owned).collect();
    let at = rng.usize(0..segments.len().max(1));
    let Some(segment) = segments.get_mut(at) else { return };
    match rng.usize(0..9) {
        0 => segment.push_str(pick(rng, &ESCAPES)),
        1 => *segment = pick(rng, &ESCAPES).to_owned(),
        2 => *segment = segment.to_uppercase(),
        3 => *segment = segment.to_lowercase(),
        4 => *segment = segment.repeat(rng.usize(2..200)),
        5 => *segment = memory.order(rng).map(|order| order.order_id).unwrap_or_default(),
        6 => *segment = "01KAJ3ZZZZZZZZZZZZZZZZZZZZ".to_owned(),
        7 => segments.push(pick(rng, &["", "done", "pay", "..", "stock"]).to_owned()),
        _ => segments.insert(at, String::new()),
    }
    request.path = format!("/{}", segments.join("/"));
}

fn harm_query(request: &mut Request, memory: &Memory, rng: &mut Rng) {
    if !request.query.is_empty() && rng.bool() {
        let mut pairs: Vec<String> = request.query.split('&').map(str::to_owned).collect();
        let at = rng.usize(0..pairs.len());
        let name = pairs[at].split('=').next().unwrap_or_default().to_owned();
        let value = if rng.bool() { pick(rng, &NUMBERS) } else { pick(rng, &ESCAPES) };
        pairs[at] = format!("{name}={value}");
        request.query = pairs.join("&");
        return;
    }
    let cursor = memory.cursor(rng).unwrap_or_default();
    let added = match rng.usize(0..9) {
        0 => format!("limit={}", pick(rng, &NUMBERS)),
        1 => "limit=1".to_owned(),
        2 => format!("cursor={cursor}"),
        3 => format!("cursor={}", &cursor[..rng.usize(0..=cursor.len()) & !1]),
        4 => format!("cursor={}", "ff".repeat(rng.usize(0..400))),
        5 => format!("{}={}", pick(rng, &["status", "user_id", "sku_id", "kind", "x"]), pick(rng, &ESCAPES)),
        6 => pick(rng, &["&&", "=", "?", "a=b=c", "[]=1", "limit", "cursor="]).to_owned(),
        7 => request.query.clone(),
        _ => {
            request.query.clear();
            return;
        }
    };
    request.query = if request.query.is_empty() { added } else { format!("{}&{added}", request.query) };
}

fn harm_caller(request: &mut Request, memory: &Memory, rng: &mut Rng) {
    match (rng.usize(0..4), memory.token(rng), memory.caller(rng)) {
        (0, Some(token), _) => request.set_header("Authorization", format!("Bearer {token}")),
        (1 | 2, _, Some(caller)) => request.set_header("Authorization", format!("bearer {}", caller.token)),
        _ => request.remove_header("Authorization"),
    }
}

fn harm_headers(request: &mut Request, rng: &mut Rng) {
    let Some(&(name, value)) = rng.choice(&HEADERS) else { return };
    match rng.usize(0..6) {
        0 => request.remove_header(name),
        // Once more, besides what is there.
        1 => request.headers.push((name.to_owned(), value.to_vec())),
        2 => request.set_header(name, value.repeat(rng.usize(2..300))),
        _ => request.set_header(name, value),
    }
}
