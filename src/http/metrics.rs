//! What is counted, as Prometheus reads it: answers here at the front door, everything that the core counts, and
//! what backends do.

mod backends;
mod family;
mod node;
pub(super) mod read;

use std::sync::Arc;
use std::time::Duration;

use actors::node::Node;
use prometheus::core::Collector;
use prometheus::{Error, HistogramOpts, HistogramVec, IntCounterVec, Opts, TextEncoder};

use super::serve::Target;
use crate::calls::CallCounts;

/// Upper bounds of latencies, in seconds: from a read that finds everything at hand to beyond every deadline there is.
const SECONDS: &[f64] = &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Stands for every method that a path does not have: clients may make up as many as they like.
const OTHER_METHOD: &str = "other";

/// What the front door counts. Labels come from the route table and the table of codes, never from a request, so
/// however strange the requests, the numbers are few.
pub(super) struct Metrics {
    answers: IntCounterVec,
    seconds: HistogramVec,
    /// What backends count.
    pub(super) backends: Vec<Arc<CallCounts>>,
}

impl Metrics {
    #[expect(clippy::expect_used, reason = "the names are constants, and every test that serves makes these")]
    pub(super) fn new() -> Self {
        let answers = Opts::new("floodgate_http_requests_total", "requests answered");
        let seconds = HistogramOpts::new("floodgate_http_request_seconds", "time from a request's head to its answer");
        let answers = IntCounterVec::new(answers, &["method", "route", "status", "code"]);
        let seconds = HistogramVec::new(seconds.buckets(SECONDS.to_vec()), &["method", "route"]);
        Self {
            answers: answers.expect("names that Prometheus allows"),
            seconds: seconds.expect("names that Prometheus allows, and bounds that ascend"),
            backends: Vec::new(),
        }
    }

    /// Counts an answer, or what stands for one.
    pub(super) fn note(&self, target: Target, status: u16, code: &str, elapsed: Duration) {
        let (method, route) = (target.method().unwrap_or(OTHER_METHOD), target.pattern());
        self.answers.with_label_values(&[method, route, &status.to_string(), code]).inc();
        self.seconds.with_label_values(&[method, route]).observe(elapsed.as_secs_f64());
    }

    /// Writes down everything.
    fn text(&self, node: &Node) -> Result<String, Error> {
        let mut families = self.answers.collect();
        families.extend(self.seconds.collect());
        families.extend(node::families(&node.live));
        families.extend(backends::families(&self.backends));
        // One without a number yet cannot be written.
        families.retain(|family| !family.get_metric().is_empty());
        TextEncoder::new().encode_to_string(&families)
    }
}
