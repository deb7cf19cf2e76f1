//! What a message of the stream holds, and what is made of one that somebody else wrote. `docs/events/` tells of it.

use actors::domain::event::{EventType, OrderEvent};
use actors::domain::order::Status;
use serde::{Deserialize, Serialize};

use crate::backend::event_line::EventLine;
use crate::rfc3339;

/// The schema that is written.
pub(super) const SCHEMA: u64 = 1;

#[derive(Serialize)]
struct Written<'a> {
    schema: u64,
    #[serde(flatten)]
    line: EventLine<'a>,
}

/// What every schema has.
#[derive(Deserialize)]
struct Head {
    schema: u64,
}

/// Schema 1. What else is there is for readers that know more.
#[derive(Deserialize)]
struct Line {
    order_id: String,
    version: u32,
    r#type: String,
    status: String,
    at: String,
    by: String,
    reason: Option<String>,
}

/// Writes an event.
pub fn write(event: &OrderEvent) -> Vec<u8> {
    let written = Written { schema: SCHEMA, line: EventLine::of(event) };
    // Writing to memory fails for no value of these types: all keys are texts, all values plain.
    serde_json::to_vec(&written).unwrap_or_default()
}

/// Reads an event, or tells why it is none.
pub fn read(payload: &[u8]) -> Result<OrderEvent, String> {
    let malformed = |error: serde_json::Error| format!("it is not an order event in json: {error}");
    let Head { schema } = serde_json::from_slice(payload).map_err(malformed)?;
    if schema != SCHEMA {
        return Err(format!("its schema is {schema}, and only {SCHEMA} is known here"));
    }
    let line: Line = serde_json::from_slice(payload).map_err(malformed)?;
    let bad = |name: &str, value: &str| format!("its {name} is {value:?}, which is none");
    if line.version == 0 {
        return Err(bad("version", "0"));
    }
    Ok(OrderEvent {
        order_id: line.order_id.parse().map_err(|_| bad("order_id", &line.order_id))?,
        version: line.version,
        event_type: EventType::from_name(&line.r#type).ok_or_else(|| bad("type", &line.r#type))?,
        status: Status::from_name(&line.status).ok_or_else(|| bad("status", &line.status))?,
        at: rfc3339::parse(&line.at).ok_or_else(|| bad("at", &line.at))?,
        by: line.by,
        reason: line.reason,
    })
}

#[cfg(test)]
mod tests {
    use actors::domain::id::OrderId;
    use actors::domain::time::Timestamp;

    use super::*;

    fn event() -> OrderEvent {
        OrderEvent {
            order_id: OrderId::from_u128(7),
            version: 2,
            event_type: EventType::OrderPaid,
            status: Status::Paid,
            at: Timestamp::from_millis(1),
            by: "shop".to_owned(),
            reason: Some("p-1".to_owned()),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let expected = concat!(
            r#"{"schema":1,"order_id":"00000000000000000000000007","version":2,"type":"order_paid","status":"paid","#,
            r#""at":"1970-01-01T00:00:00.001Z","by":"shop","reason":"p-1"}"#
        );
        assert_eq!(String::from_utf8(write(&event())).as_deref(), Ok(expected));
        for event in [event(), OrderEvent { reason: None, ..event() }] {
            assert_eq!(read(&write(&event)), Ok(event));
        }
    }

    #[test]
    fn what_a_newer_writer_adds_is_passed_over() {
        let text = String::from_utf8(write(&event())).expect("json is text");
        let newer = text.replace("\"by\"", "\"room\":{\"id\":[1]},\"by\"");
        assert_eq!(read(newer.as_bytes()), Ok(event()));
    }

    #[test]
    fn what_is_no_event_is_told() {
        let text = String::from_utf8(write(&event())).expect("json is text");
        let table = [
            ("", "", "it is not an order event in json: "),
            ("{", "[{", "it is not an order event in json: "),
            ("\"schema\":1,", "", "it is not an order event in json: missing field `schema`"),
            ("\"schema\":1", "\"schema\":2", "its schema is 2, and only 1 is known here"),
            ("\"version\":2", "\"version\":0", "its version is \"0\", which is none"),
            ("\"version\":2", "\"version\":-2", "it is not an order event in json: "),
            ("order_paid", "order_lost", "its type is \"order_lost\", which is none"),
            ("\"paid\"", "\"lost\"", "its status is \"lost\", which is none"),
            ("0000000007", "0000000", "its order_id is \"00000000000000000000000\", which is none"),
            ("1970", "", "its at is \"-01-01T00:00:00.001Z\", which is none"),
            ("\"by\"", "\"of\"", "it is not an order event in json: missing field `by`"),
        ];
        for (from, to, problem) in table {
            let broken = if from.is_empty() { "nonsense".to_owned() } else { text.replacen(from, to, 1) };
            let told = read(broken.as_bytes()).expect_err(&broken);
            assert!(told.starts_with(problem), "{broken}: {told}");
        }
        assert!(read(&[0xff, 0xfe]).is_err());
    }
}
