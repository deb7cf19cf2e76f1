//! `GET /admin/tokens`: a page of the tokens that were given out, newest first.

use serde::Serialize;
use utoipa::ToSchema;

use super::TokenBody;
use crate::http::answer::{Answer, ok};
use crate::http::call::Call;
use crate::http::cursor;
use crate::http::problem::Refusal;

/// What a cursor of this list is sealed with: there are no filters.
const SCOPE: &str = "tokens";

#[derive(Serialize, ToSchema)]
#[schema(as = TokenList)]
struct Body<'a> {
    tokens: Vec<TokenBody<'a>>,
    next_cursor: Option<String>,
}

/// Lists the tokens that were given out, newest first, without the tokens themselves.
#[utoipa::path(
    get,
    path = "/admin/tokens",
    tag = "admin",
    operation_id = "list_tokens",
    responses((status = 200, description = "A page of tokens.", body = Body))
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let before = call.query.text("cursor").map(place_of).transpose()?;
    let page = call.front.gate.list(before, call.query.limit()?).await?;
    Ok(ok(&Body {
        tokens: page.tokens.iter().map(TokenBody::of).collect(),
        next_cursor: page.next.map(|place| cursor::seal(SCOPE, &place.to_be_bytes())),
    }))
}

fn place_of(cursor: &str) -> Result<i64, Refusal> {
    let position = cursor::open(SCOPE, cursor)?;
    position.try_into().map(i64::from_be_bytes).map_err(|_| cursor::foreign())
}
