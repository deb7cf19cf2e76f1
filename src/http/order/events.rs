//! `GET /orders/{id}/events`: everything that happened to an order, gap-free.

use actors::domain::event::OrderEvent;
use serde::Serialize;

use crate::http::answer::{Answer, ok};
use crate::http::call::Call;
use crate::rfc3339;

#[derive(Serialize)]
struct Body<'a> {
    events: Vec<EventBody<'a>>,
}

#[derive(Serialize)]
struct EventBody<'a> {
    version: u32,
    r#type: &'static str,
    status: &'static str,
    at: String,
    by: &'a str,
    reason: Option<&'a str>,
}

impl<'a> EventBody<'a> {
    fn of(event: &'a OrderEvent) -> Self {
        Self {
            version: event.version,
            r#type: event.event_type.name(),
            status: event.status.name(),
            at: rfc3339::text(event.at),
            by: &event.by,
            reason: event.reason.as_deref(),
        }
    }
}

pub(in crate::http) async fn handle(call: Call) -> Answer {
    let order = call.order().await?;
    let events = call.front.node.store.events(order.order_id).await?;
    Ok(ok(&Body { events: events.iter().map(EventBody::of).collect() }))
}
