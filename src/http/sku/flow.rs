//! `GET /skus/{id}/stock/flow`: everything that happened to a SKU's stock, newest first.
//!
//! Customers see what happened and not on whose account: an entry's order, author and reason are the shop's to know.

use actors::domain::id::OrderId;
use actors::domain::stock::{FlowEntry, FlowKind};
use actors::domain::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::find;
use crate::access::Caller;
use crate::http::answer::{Answer, ok};
use crate::http::call::Call;
use crate::http::cursor;
use crate::http::schema::{like, maybe};
use crate::rfc3339;

#[derive(Serialize, ToSchema)]
#[schema(as = StockFlow)]
struct Body<'a> {
    entries: Vec<EntryBody<'a>>,
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = StockFlowEntry)]
struct EntryBody<'a> {
    #[schema(schema_with = like::<Timestamp>)]
    at: String,
    #[schema(schema_with = like::<FlowKind>)]
    kind: &'static str,
    /// By how much `available` changed; of a confirm nothing, for its units were set aside before.
    change: i64,
    quantity: u64,
    available_before: i64,
    available_after: i64,
    #[schema(schema_with = maybe::<OrderId>)]
    order_id: Option<String>,
    by: Option<&'a str>,
    reason: Option<&'a str>,
}

impl<'a> EntryBody<'a> {
    fn of(entry: &'a FlowEntry, caller: &Caller) -> Self {
        let is_shop = !matches!(caller, Caller::Customer(_));
        Self {
            at: rfc3339::text(entry.at),
            kind: entry.kind.name(),
            change: entry.available_after - entry.available_before,
            quantity: entry.change.unsigned_abs(),
            available_before: entry.available_before,
            available_after: entry.available_after,
            order_id: entry.order_id.filter(|_| is_shop).map(|order_id| order_id.to_string()),
            by: is_shop.then_some(&*entry.by),
            reason: entry.reason.as_deref().filter(|_| is_shop),
        }
    }
}

/// Lists everything that happened to a SKU's stock, newest first.
///
/// Customers see what happened and not on whose account.
#[utoipa::path(
    get,
    path = "/skus/{id}/stock/flow",
    tag = "skus",
    operation_id = "list_stock_flow",
    responses(
        (status = 200, description = "A page of the flow.", body = Body),
        (status = 404, description = "sku_not_found")
    )
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let limit = call.query.limit()?;
    let scope = format!("flow of {}", call.sku_id()?);
    let before = call.query.text("cursor").map(|cursor| cursor::open_number(&scope, cursor)).transpose()?;
    let sku_id = find(&call).await?.sku_id;
    let page = call.front.node.store.flow(sku_id, before, limit).await?;
    let body = Body {
        entries: page.entries.iter().map(|entry| EntryBody::of(entry, &call.caller)).collect(),
        next_cursor: page.next.map(|seq| cursor::seal(&scope, &seq.to_be_bytes())),
    };
    Ok(ok(&body))
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;

    #[test]
    fn an_entry_names_buyers_to_the_shop_only() {
        let entry = FlowEntry {
            sku_id: "a".parse().expect("a valid id"),
            seq: 4,
            kind: FlowKind::Confirm,
            change: -2,
            available_before: 5,
            available_after: 5,
            order_id: Some(OrderId::from_u128(0)),
            by: "u-1".to_owned(),
            reason: Some("why".to_owned()),
            at: Timestamp::from_millis(0),
        };
        let to_shop = to_value(EntryBody::of(&entry, &Caller::Service)).expect("writable");
        let mut expected = json!({"at": "1970-01-01T00:00:00.000Z", "kind": "confirm", "change": 0, "quantity": 2,
            "available_before": 5, "available_after": 5, "order_id": "0".repeat(26), "by": "u-1", "reason": "why"});
        assert_eq!(to_shop, expected);
        for name in ["order_id", "by", "reason"] {
            expected[name] = json!(null);
        }
        let customer = Caller::Customer("u-1".parse().expect("a valid id"));
        assert_eq!(to_value(EntryBody::of(&entry, &customer)).expect("writable"), expected);
    }
}
