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
mod metrics;
mod openapi;
mod order;
mod pace;
mod problem;
mod query;
mod request_id;
mod routes;
mod schema;
mod serve;
mod server;
mod sku;
mod sliced;
#[cfg(test)]
mod tests;
mod unread;
mod wire;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use actix_web::web::Bytes;
use actors::domain::money::Currency;
use actors::node::Node;

pub use openapi::document;
pub use problem::pages::{PAGES, ProblemPage};
pub use routes::{RouteRow, configure, routes};
pub use server::HttpServer;

use crate::access::Tokens;
use crate::calls::CallCounts;
use crate::trace::Tracer;
use auth::Gate;
use health::Readiness;
use metrics::Metrics;
use pace::Pace;
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
    metrics: Metrics,
    /// Whether it serves those who sell and buy.
    takes_orders: bool,
    /// Whether anyone may read the metrics.
    are_metrics_open: bool,
    /// Who is told of requests.
    tracer: Option<Arc<dyn Tracer>>,
    /// The OpenAPI document.
    document: Bytes,
    /// Whether the service is about to stop: whoever is answered is asked to call elsewhere.
    is_leaving: AtomicBool,
}

impl Front {
    /// Puts the front door before a node. `salt` tells this start's request ids from another's.
    pub fn new(node: Arc<Node>, node_name: String, tokens: Arc<dyn Tokens>, currency: Currency, salt: u32) -> Self {
        let gate = Gate::new(tokens, Arc::clone(&node.clock));
        let document = Bytes::from(document(&currency));
        let readiness = Readiness::new(Arc::clone(&node.store), Arc::clone(&node.clock));
        Self {
            node,
            gate,
            readiness,
            currency,
            node_name,
            request_ids: RequestIds::new(salt),
            document,
            is_leaving: AtomicBool::new(false),
            metrics: Metrics::new(),
            are_metrics_open: false,
            takes_orders: true,
            tracer: None,
        }
    }

    /// Lets one caller send so many requests a second.
    #[must_use]
    pub fn limited_to(mut self, requests_per_s: NonZeroU32) -> Self {
        self.gate.pace = Some(Pace::new(requests_per_s, Arc::clone(&self.node.clock)));
        self
    }

    /// Refuses whatever is about orders and SKUs: others take those.
    #[must_use]
    pub fn taking_no_orders(mut self) -> Self {
        self.takes_orders = false;
        self
    }

    /// Tells of every request.
    #[must_use]
    pub fn traced_by(mut self, tracer: Arc<dyn Tracer>) -> Self {
        self.tracer = Some(tracer);
        self
    }

    /// Tells in the metrics what a backend counts.
    #[must_use]
    pub fn telling(mut self, calls: Arc<CallCounts>) -> Self {
        self.metrics.backends.push(calls);
        self
    }

    /// Lets anyone read the metrics.
    #[must_use]
    pub fn with_open_metrics(mut self) -> Self {
        self.are_metrics_open = true;
        self
    }
}
