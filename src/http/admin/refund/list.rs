//! `GET /admin/refunds`: what is owed back, the payment that is longest so first.

use actors::domain::payment::RefundStatus;
use actors::domain::time::Timestamp;
use actors::ports::{RefundPosition, RefundQuery};
use serde::Serialize;
use utoipa::ToSchema;

use super::RefundBody;
use crate::http::answer::{Answer, ok};
use crate::http::call::Call;
use crate::http::cursor;
use crate::http::problem::Refusal;

#[derive(Serialize, ToSchema)]
#[schema(as = RefundList)]
struct Body {
    refunds: Vec<RefundBody>,
    next_cursor: Option<String>,
}

/// Lists payments that are or were owed back, the one that is longest so first.
#[utoipa::path(
    get,
    path = "/admin/refunds",
    tag = "admin",
    operation_id = "list_refunds",
    responses((status = 200, description = "A page of refunds.", body = Body))
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let status = call.query.text("status").map(status_of).transpose()?;
    let limit = call.query.limit()?;
    let scope = format!("refunds {status:?}");
    let after = call.query.text("cursor").map(|cursor| position_of(&scope, cursor)).transpose()?;
    let page = call.front.node.store.refunds(RefundQuery { status, after, limit }).await?;
    let body = Body {
        refunds: page.refunds.iter().map(|refund| RefundBody::of(refund, &call.front.currency)).collect(),
        next_cursor: page.next.map(|position| cursor::seal(&scope, &bytes_of(&position))),
    };
    Ok(ok(&body))
}

fn status_of(name: &str) -> Result<RefundStatus, Refusal> {
    RefundStatus::from_name(name).ok_or_else(|| {
        let names = RefundStatus::ALL.map(RefundStatus::name);
        Refusal::invalid("status", format!("must be one of {}", names.join(", ")))
    })
}

fn bytes_of((at, payment_id): &RefundPosition) -> Vec<u8> {
    [&at.millis().to_be_bytes()[..], payment_id.as_str().as_bytes()].concat()
}

fn position_of(scope: &str, cursor: &str) -> Result<RefundPosition, Refusal> {
    let position = cursor::open(scope, cursor)?;
    let parts = position.split_first_chunk().and_then(|(at, payment_id)| {
        let payment_id = std::str::from_utf8(payment_id).ok()?.parse().ok()?;
        Some((Timestamp::from_millis(i64::from_be_bytes(*at)), payment_id))
    });
    parts.ok_or_else(cursor::foreign)
}
