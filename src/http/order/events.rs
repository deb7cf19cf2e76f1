//! `GET /orders/{id}/events`: everything that happened to an order, gap-free.

use actors::domain::event::{EventType, OrderEvent};
use actors::domain::order::Status;
use actors::domain::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::answer::{Answer, ok};
use crate::http::call::Call;
use crate::http::schema::like;
use crate::rfc3339;

#[derive(Serialize, ToSchema)]
#[schema(as = OrderEventList)]
struct Body<'a> {
    events: Vec<EventBody<'a>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OrderEvent)]
struct EventBody<'a> {
    #[schema(minimum = 1)]
    version: u32,
    #[schema(schema_with = like::<EventType>)]
    r#type: &'static str,
    #[schema(schema_with = like::<Status>)]
    status: &'static str,
    #[schema(schema_with = like::<Timestamp>)]
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

/// Gives everything that happened to an order, gap-free.
#[utoipa::path(
    get,
    path = "/orders/{id}/events",
    tag = "orders",
    operation_id = "list_order_events",
    responses(
        (status = 200, description = "The events, by version.", body = Body),
        (status = 404, description = "order_not_found")
    )
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let order = call.order().await?;
    let events = call.front.node.store.events(order.order_id).await?;
    Ok(ok(&Body { events: events.iter().map(EventBody::of).collect() }))
}
