//! Requests as OTLP writes spans.

use serde_json::{Value, json};

use super::{attributes, text};
use crate::trace::Served;

/// A span of a server, in OTLP's numbers.
const KIND_SERVER: u8 = 2;
/// A status of failure, in the same.
const STATUS_ERROR: u8 = 2;

/// The message that tells of these requests.
pub(super) fn document(node: &str, served: impl Iterator<Item = Served>) -> Result<Value, getrandom::Error> {
    let spans = served.map(|served| span(&served)).collect::<Result<Vec<Value>, _>>()?;
    let resource = [("service.name", text("floodgate")), ("service.instance.id", text(node))];
    Ok(json!({"resourceSpans": [{
        "resource": {"attributes": attributes(&resource)},
        "scopeSpans": [{
            "scope": {"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")},
            "spans": spans,
        }],
    }]}))
}

fn span(served: &Served) -> Result<Value, getrandom::Error> {
    let Served { origin, method, route, status, code, request_id, started, elapsed } = served;
    let (mut trace_id, mut span_id) = ([0; 16], [0; 8]);
    getrandom::fill(&mut span_id)?;
    match origin {
        Some(origin) => trace_id = origin.trace_id,
        None => getrandom::fill(&mut trace_id)?,
    }
    // OpenTelemetry's own word for a method that is none of the known.
    let method = method.unwrap_or("_OTHER");
    let began = i128::from(started.millis()) * 1_000_000;
    let ended = began + i128::try_from(elapsed.as_nanos()).unwrap_or(0);
    let mut span = json!({
        "traceId": hex(&trace_id),
        "spanId": hex(&span_id),
        "name": format!("{method} {route}"),
        "kind": KIND_SERVER,
        "startTimeUnixNano": began.to_string(),
        "endTimeUnixNano": ended.to_string(),
        "attributes": attributes(&[
            ("http.request.method", text(method)),
            ("http.route", text(route)),
            ("http.response.status_code", json!({"intValue": status.to_string()})),
            ("floodgate.code", text(code)),
            ("floodgate.request_id", text(request_id)),
        ]),
    });
    if let Some(origin) = origin {
        span["parentSpanId"] = hex(&origin.span_id).into();
    }
    if *status >= 500 {
        span["status"] = json!({"code": STATUS_ERROR, "message": code});
    }
    Ok(span)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
