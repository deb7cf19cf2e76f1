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
mod health;
mod if_match;
mod order;
mod problem;
mod query;
mod request_id;
mod routes;
mod serve;
mod server;
mod sku;
#[cfg(test)]
mod tests;
mod unread;
mod wire;

use std::sync::Arc;

use actors::domain::money::Currency;
use actors::node::Node;

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
}

impl Front {
    /// Puts the front door before a node. `salt` tells this start's request ids from another's.
    pub fn new(node: Arc<Node>, node_name: String, tokens: Arc<dyn Tokens>, currency: Currency, salt: u32) -> Self {
        let gate = Gate::new(tokens, Arc::clone(&node.clock));
        let readiness = Readiness::new(Arc::clone(&node.store), Arc::clone(&node.clock));
        Self { node, gate, readiness, currency, node_name, request_ids: RequestIds::new(salt) }
    }
}
