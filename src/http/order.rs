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
use actors::domain::money::Currency;
use actors::domain::order::{Order, OrderLine, OrderState};
use serde::Serialize;

use super::answer::write;
use crate::rfc3339;

/// An order as clients see it.
#[derive(Serialize)]
pub(super) struct OrderBody<'a> {
    order_id: String,
    user_id: &'a str,
    status: &'static str,
    status_code: u8,
    version: u32,
    items: Vec<LineBody<'a>>,
    amount: String,
    currency: &'a str,
    source: Option<&'a str>,
    remark: Option<&'a str>,
    cancel_reason: Option<&'static str>,
    cancel_text: Option<&'a str>,
    refund: Option<RefundBody>,
    created_at: String,
    updated_at: String,
    expires_at: Option<String>,
}

#[derive(Serialize)]
struct LineBody<'a> {
    sku_id: &'a str,
    name: &'a str,
    quantity: u32,
    unit_price: String,
    amount: String,
}

#[derive(Serialize)]
struct RefundBody {
    due: String,
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
