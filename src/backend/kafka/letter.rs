//! A dead letter: what is said of it in its headers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use actors::domain::time::Timestamp;
use actors::ports::{Cause, Place};
use rdkafka::message::{Header, Headers, OwnedHeaders};

use super::hand::Raw;
use super::payload::SCHEMA;
use super::publish::Record;
use crate::rfc3339;

/// Characters of a reason.
const REASON_LENGTH_MAX: usize = 512;

pub(super) const CLASS: &str = "floodgate-class";
pub(super) const REASON: &str = "floodgate-reason";
pub(super) const ATTEMPTS: &str = "floodgate-attempts";
pub(super) const ORIGIN_TOPIC: &str = "floodgate-origin-topic";
pub(super) const ORIGIN_PARTITION: &str = "floodgate-origin-partition";
pub(super) const ORIGIN_OFFSET: &str = "floodgate-origin-offset";
pub(super) const AT: &str = "floodgate-at";
const SCHEMA_WRITTEN: &str = "floodgate-schema";
/// Says that the payload is left out, and how many bytes it has: with it, the topic would not have taken the letter.
pub(super) const LEFT_OUT: &str = "floodgate-payload-left-out";
/// Says of a message of the stream that an operator had it read once more, and where it was put aside.
pub(super) const REPLAY: &str = "floodgate-replay";

/// Says whose event it is, by the id of the shop's database.
pub(super) const SHOP: &str = "floodgate-shop";

/// What is sent to where operators look.
pub(super) fn record(letters: String, raw: &Raw, topic: &str, place: Place, cause: &Cause, at: Timestamp) -> Record {
    let reason: String = cause.reason.chars().take(REASON_LENGTH_MAX).collect();
    let mut said = vec![
        (CLASS, cause.class.name().to_owned()),
        (REASON, reason),
        (ATTEMPTS, cause.attempts.to_string()),
        (ORIGIN_TOPIC, topic.to_owned()),
        (ORIGIN_PARTITION, place.partition.to_string()),
        (ORIGIN_OFFSET, place.offset.to_string()),
        (AT, rfc3339::text(at)),
        (SCHEMA_WRITTEN, SCHEMA.to_string()),
    ];
    said.extend(raw.left_out.map(|bytes| (LEFT_OUT, bytes.to_string())));
    said.extend(raw.shop.clone().map(|shop| (SHOP, shop)));
    Record {
        topic: letters,
        key: raw.key.clone(),
        payload: raw.payload.clone(),
        headers: Some(headers(&said)),
        ..Record::default()
    }
}

/// Headers with these names and values.
pub(super) fn headers(said: &[(&str, String)]) -> OwnedHeaders {
    let none = OwnedHeaders::new_with_capacity(said.len());
    said.iter().fold(none, |headers, (key, value)| headers.insert(Header { key, value: Some(value) }))
}

/// The value of a header, if it is a text.
pub(super) fn header<'a>(headers: &'a impl Headers, name: &str) -> Option<&'a str> {
    let value = || headers.iter().find(|header| header.key == name)?.value;
    // The client panics on a header whose name is not UTF-8, which is somebody else's and says nothing to us.
    str::from_utf8(catch_unwind(AssertUnwindSafe(value)).ok()??).ok()
}
