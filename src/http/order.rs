//! Orders.

pub(super) mod amend;
pub(super) mod cancel;
pub(super) mod delete;
pub(super) mod events;
pub(super) mod list;
pub(super) mod pay;
pub(super) mod place;
pub(super) mod read;
pub(super) mod receive;
pub(super) mod ship;

use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, HttpResponseBuilder};
use actors::domain::id::{OrderId, SkuId, UserId};
use actors::domain::money::{Currency, Money};
use actors::domain::order::{CancelReason, Order, OrderLine, OrderState, Status};
use actors::domain::payment::RefundReason;
use actors::domain::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::write;
use crate::http::schema::{like, maybe};
use crate::rfc3339;

/// An order as clients see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Order)]
pub(super) struct OrderBody<'a> {
    #[schema(schema_with = like::<OrderId>)]
    order_id: String,
    #[schema(schema_with = like::<UserId>)]
    user_id: &'a str,
    #[schema(schema_with = like::<Status>)]
    status: &'static str,
    #[schema(minimum = 1, maximum = 5)]
    status_code: u8,
    #[schema(minimum = 1)]
    version: u32,
    items: Vec<LineBody<'a>>,
    #[schema(schema_with = like::<Money>)]
    amount: String,
    currency: &'a str,
    source: Option<&'a str>,
    remark: Option<&'a str>,
    #[schema(schema_with = maybe::<CancelReason>)]
    cancel_reason: Option<&'static str>,
    cancel_text: Option<&'a str>,
    refund: Option<RefundBody>,
    #[schema(schema_with = like::<Timestamp>)]
    created_at: String,
    #[schema(schema_with = like::<Timestamp>)]
    updated_at: String,
    /// Null once the order is no longer `submitted`.
    #[schema(schema_with = maybe::<Timestamp>)]
    expires_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OrderLine)]
struct LineBody<'a> {
    #[schema(schema_with = like::<SkuId>)]
    sku_id: &'a str,
    name: &'a str,
    quantity: u32,
    #[schema(schema_with = like::<Money>)]
    unit_price: String,
    #[schema(schema_with = like::<Money>)]
    amount: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OrderRefund)]
struct RefundBody {
    /// The sum of all refunds of the order, settled or not.
    #[schema(schema_with = like::<Money>)]
    due: String,
    /// The latest reason.
    #[schema(schema_with = like::<RefundReason>)]
    reason: &'static str,
}

impl<'a> OrderBody<'a> {
    pub(super) fn of(order: &'a Order, currency: &'a Currency) -> Self {
        let line = |line: &'a OrderLine| LineBody {
            sku_id: line.sku_id.as_str(),
            name: &line.name,
            quantity: line.quantity,
            unit_price: currency.format(line.unit_price),
            amount: currency.format(line.amount),
        };
        let (cancel_reason, cancel_text) = match &order.state {
            OrderState::Cancelled { reason, text } => (Some(reason.name()), text.as_deref()),
            _ => (None, None),
        };
        let refund = order.refund.as_ref();
        Self {
            order_id: order.order_id.to_string(),
            user_id: order.user_id.as_str(),
            status: order.status().name(),
            status_code: order.status().code(),
            version: order.version,
            items: order.lines.iter().map(line).collect(),
            amount: currency.format(order.amount),
            currency: &currency.code,
            source: order.source.as_deref(),
            remark: order.remark.as_deref(),
            cancel_reason,
            cancel_text,
            refund: refund.map(|refund| RefundBody { due: currency.format(refund.due), reason: refund.reason.name() }),
            created_at: rfc3339::text(order.created_at),
            updated_at: rfc3339::text(order.updated_at),
            expires_at: order.expires_at().map(rfc3339::text),
        }
    }
}

/// Answers with the order as it is now.
fn shown(order: &Order, currency: &Currency) -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    tag(&mut answer, order);
    write(answer, &OrderBody::of(order, currency))
}

/// Tells which version of the order the answer shows.
pub(super) fn tag(answer: &mut HttpResponseBuilder, order: &Order) {
    answer.insert_header((ETAG, format!("\"{}\"", order.version)));
}
