//! `PATCH /orders/{id}`: source and remark, by whoever has seen what they are now.

use actors::domain::commit::AmendOrder;
use actors::domain::limits::{SOURCE_LENGTH_MAX, TEXT_LENGTH_MAX};
use actors::domain::order::Amendment;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{OrderBody, shown};
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::http::if_match;
use crate::http::openapi::IfMatch;
use crate::http::schema::maybe;
use crate::http::wire::{Change, Text};

#[derive(Deserialize, ToSchema)]
#[schema(as = Amendment)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[schema(required = false, schema_with = maybe::<Text<0, SOURCE_LENGTH_MAX>>)]
    #[serde(default)]
    source: Change<Text<0, SOURCE_LENGTH_MAX>>,
    #[schema(required = false, schema_with = maybe::<Text<0, TEXT_LENGTH_MAX>>)]
    #[serde(default)]
    remark: Change<Text<0, TEXT_LENGTH_MAX>>,
}

/// Changes source or remark of an order that is not final; what is not sent stays, null takes it away.
#[utoipa::path(
    patch,
    path = "/orders/{id}",
    tag = "orders",
    operation_id = "amend_order",
    params(IfMatch),
    request_body = Wanted,
    responses(
        (status = 200, description = "The order, amended.", body = OrderBody, headers(
            ("ETag" = String, description = "The order's version, in quotes.")
        )),
        (status = 404, description = "order_not_found"),
        (status = 409, description = "illegal_transition"),
        (status = 412, description = "version_mismatch"),
        (status = 428, description = "precondition_required")
    )
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let Wanted { source, remark } = call.json()?;
    let expected = if_match::expected(call.request.headers())?;
    let amendment = Amendment { source: words_of(source), remark: words_of(remark) };
    let by = call.caller.name().to_owned();
    let amend = AmendOrder { order_id: call.order_to_change().await?, expected, amendment, by };
    let order = call.front.node.orders.amend(amend).await?;
    Ok(shown(&order, &call.front.currency))
}

fn words_of<const MIN: usize, const MAX: usize>(Change(sent): Change<Text<MIN, MAX>>) -> Option<Option<String>> {
    sent.map(|sent| sent.map(|Text(text)| text))
}
