//! `GET /admin/actors`: who lives on this node, and how each is doing.

use std::collections::BTreeMap;

use actors::domain::time::Timestamp;
use actors::node::LiveActor;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::answer::{Answer, ok};
use crate::http::call::Call;
use crate::http::cursor;
use crate::http::problem::Refusal;
use crate::http::schema::like;
use crate::rfc3339;

#[derive(Serialize, ToSchema)]
#[schema(as = ActorList)]
struct Body<'a> {
    actors: Vec<ActorBody<'a>>,
    next_cursor: Option<String>,
}

/// An actor as operators see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Actor)]
pub(super) struct ActorBody<'a> {
    kind: &'static str,
    key: String,
    node: &'a str,
    mailbox: usize,
    handled: u64,
    restarts: u64,
    #[schema(schema_with = like::<Timestamp>)]
    last_activity: String,
    /// What the actor shows of itself; which names there are depends on its kind.
    state: BTreeMap<&'static str, i64>,
}

impl<'a> ActorBody<'a> {
    pub(super) fn of(actor: LiveActor, node: &'a str) -> Self {
        let LiveActor { kind, key, mailbox, handled, restarts, active_at, state } = actor;
        Self { kind, key, node, mailbox, handled, restarts, last_activity: rfc3339::text(active_at), state }
    }
}

/// Lists who lives on this node, and how each is doing.
#[utoipa::path(
    get,
    path = "/admin/actors",
    tag = "admin",
    operation_id = "list_actors",
    responses((status = 200, description = "A page of actors, by kind and key.", body = Body))
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let kind = call.query.text("kind");
    let limit = call.query.limit()?;
    let scope = format!("actors {kind:?}");
    let after = call.query.text("cursor").map(|cursor| name_of(&scope, cursor)).transpose()?;
    let after = after.as_ref().map(|(kind, key)| (kind.as_str(), key.as_str()));
    let mut actors = call.front.node.live.list(kind, after, limit + 1);
    let has_more = actors.len() > limit;
    actors.truncate(limit);
    let last = actors.last().filter(|_| has_more).map(|actor| format!("{} {}", actor.kind, actor.key));
    let body = Body {
        actors: actors.into_iter().map(|actor| ActorBody::of(actor, &call.front.node_name)).collect(),
        next_cursor: last.map(|name| cursor::seal(&scope, name.as_bytes())),
    };
    Ok(ok(&body))
}

/// Kind and key of the last actor of the page before.
fn name_of(scope: &str, cursor: &str) -> Result<(String, String), Refusal> {
    let name = String::from_utf8(cursor::open(scope, cursor)?).unwrap_or_default();
    let (kind, key) = name.split_once(' ').ok_or_else(|| Refusal::invalid("cursor", "is not one of actors"))?;
    Ok((kind.to_owned(), key.to_owned()))
}
