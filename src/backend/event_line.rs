//! An order event as readers outside see it: the printer's line, and what a message of the stream holds.

use actors::domain::event::OrderEvent;
use serde::Serialize;

use crate::rfc3339;

/// What is written of an event.
#[derive(Serialize)]
pub(super) struct EventLine<'a> {
    order_id: String,
    version: u32,
    r#type: &'static str,
    status: &'static str,
    at: String,
    by: &'a str,
    reason: Option<&'a str>,
}

impl<'a> EventLine<'a> {
    pub(super) fn of(event: &'a OrderEvent) -> Self {
        Self {
            order_id: event.order_id.to_string(),
            version: event.version,
            r#type: event.event_type.name(),
            status: event.status.name(),
            at: rfc3339::text(event.at),
            by: &event.by,
            reason: event.reason.as_deref(),
        }
    }
}
