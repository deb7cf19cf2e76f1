//! The schema of order events that `docs/events/` shows, held to what is written.

use std::path::Path;

use actors::domain::event::{EventType, OrderEvent};
use actors::domain::order::Status;
use actors::domain::time::Timestamp;
use actors::testing::fixtures::order_id;
use floodgate::backend::kafka::payload;
use serde_json::{Value, json};

/// What to do when the committed schema is not the one that the code gives.
const RENEW: &str =
    "docs/events/order_event.v1.json is stale; renew it with: RENEW=1 cargo test --test contract schema";

fn schema() -> Value {
    let types = EventType::ALL.map(EventType::name);
    let statuses = Status::ALL.map(Status::name);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "OrderEvent",
        "description": "One committed change of an order. Members that are not named here may come with time.",
        "type": "object",
        "properties": {
            "schema": { "const": 1 },
            "order_id": { "type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$", "description": "a ULID" },
            "version": { "type": "integer", "minimum": 1, "description": "without a gap from 1" },
            "type": { "enum": types, "description": "what happened" },
            "status": { "enum": statuses, "description": "the order's status after it" },
            "at": { "type": "string", "format": "date-time", "description": "UTC, with milliseconds" },
            "by": { "type": "string", "description": "who did it" },
            "reason": { "type": ["string", "null"], "description": "why, if there is more to say" },
        },
        "required": ["schema", "order_id", "version", "type", "status", "at", "by", "reason"],
        "additionalProperties": true,
    })
}

fn written(event_type: EventType, status: Status, reason: Option<&str>) -> Value {
    let event = OrderEvent {
        order_id: order_id(7),
        version: 1,
        event_type,
        status,
        at: Timestamp::from_millis(1),
        by: "shop".to_owned(),
        reason: reason.map(str::to_owned),
    };
    serde_json::from_slice(&payload::write(&event)).expect("json")
}

#[test]
fn the_committed_schema_of_events_is_the_one_that_is_written() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events/order_event.v1.json");
    let given = format!("{:#}\n", schema());
    if std::env::var_os("RENEW").is_some() {
        std::fs::write(&path, &given).expect("the schema can be written");
    }
    assert!(std::fs::read_to_string(&path).unwrap_or_default() == given, "{RENEW}");
}

#[test]
fn every_event_that_is_written_is_in_the_schema() {
    let schema = schema();
    let names = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    let mut required: Vec<&str> =
        schema["required"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    required.sort_unstable();
    for event_type in EventType::ALL {
        for status in Status::ALL {
            for reason in [None, Some("why")] {
                let event = written(event_type, status, reason);
                assert_eq!(names(&event), names(&schema["properties"]), "{event}");
                assert_eq!(names(&event), required, "{event}");
                assert_eq!(
                    event["schema"], schema["properties"]["schema"]["const"],
                    "another schema needs a file of its own"
                );
                for name in ["type", "status"] {
                    let known = schema["properties"][name]["enum"].as_array().expect("a list");
                    assert!(known.contains(&event[name]), "{event}");
                }
                for (name, value) in event.as_object().expect("an object") {
                    let wanted = &schema["properties"][name]["type"];
                    let is = match value {
                        Value::Number(_) => "integer",
                        Value::Null => "null",
                        _ => "string",
                    };
                    let is_allowed = wanted.is_null()
                        || *wanted == is
                        || wanted.as_array().is_some_and(|all| all.contains(&json!(is)));
                    assert!(is_allowed, "{name} of {event}");
                }
            }
        }
    }
}
