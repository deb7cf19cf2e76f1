//! `GET /admin/actors/{kind}/{key}`: one actor.

use super::actors::ActorBody;
use crate::http::answer::{Answer, ok};
use crate::http::call::Call;
use crate::http::problem::Refusal;

/// Gives one live actor.
#[utoipa::path(
    get,
    path = "/admin/actors/{kind}/{key}",
    tag = "admin",
    operation_id = "get_actor",
    responses((status = 200, description = "The actor.", body = ActorBody), (status = 404, description = "actor_not_found"))
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let part = |name| call.request.match_info().get(name).unwrap_or_default();
    let (kind, key) = (part("kind"), part("key"));
    let actor = call.front.node.live.find(kind, key);
    let actor = actor.ok_or_else(|| Refusal::UnknownActor { kind: kind.to_owned(), key: key.to_owned() })?;
    Ok(ok(&ActorBody::of(actor, &call.front.node_name)))
}
