//! The front door: HTTP in, one message to the core, HTTP out.
//!
//! `routes` is the table of what there is and who may; a folder per noun holds one file per verb; `problem` alone knows
//! how a no is written.

mod admin;
mod answer;
mod auth;
#[cfg(feature = "bench")]
mod bench;
mod body;
mod call;
mod connection;
mod cursor;
mod docs;
mod health;
mod if_match;
mod openapi;
mod order;
mod problem;
mod query;
mod request_id;
mod routes;
mod schema;
mod serve;
mod server;
mod sku;
#[cfg(test)]
mod tests;
mod unread;
mod wire;

use std::sync::Arc;

use actix_web::web::Bytes;
use actors::domain::money::Currency;
use actors::node::Node;

pub use openapi::document;
pub use problem::pages::{PAGES, ProblemPage};
pub use routes::{RouteRow, configure, routes};
pub use server::HttpServer;

use crate::access::Tokens;
use auth::Gate;
use health::Readiness;
use request_id::RequestIds;

/// Everything that handlers need.
pub struct Front {
    node: Arc<Node>,
    gate: Gate,
    readiness: Readiness,
    currency: Currency,
    /// What this node is called among others.
    node_name: String,
    request_ids: RequestIds,
    /// The OpenAPI document.
    document: Bytes,
}

impl Front {
    /// Puts the front door before a node. `salt` tells this start's request ids from another's.
    pub fn new(node: Arc<Node>, node_name: String, tokens: Arc<dyn Tokens>, currency: Currency, salt: u32) -> Self {
        let gate = Gate::new(tokens, Arc::clone(&node.clock));
        let document = Bytes::from(document(&currency));
        let readiness = Readiness::new(Arc::clone(&node.store), Arc::clone(&node.clock));
        let request_ids = RequestIds::new(salt);
        Self { node, gate, readiness, currency, node_name, request_ids, document }
    }
}
