//! What a run has learned from answers, so that requests name what is there.

use std::collections::VecDeque;

use fastrand::Rng;
use floodgate::access::Role;
use serde_json::Value;

use crate::answer::Answer;

/// Things of a kind that are remembered; the newest push the oldest out.
const REMEMBERED_MAX: usize = 64;

/// Whoever may call.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) token: String,
    pub(crate) role: Role,
}

/// An order as it was last seen.
#[derive(Clone)]
pub(crate) struct Order {
    pub(crate) order_id: String,
    pub(crate) amount: String,
    pub(crate) version: u64,
}

/// See the module.
pub(crate) struct Memory {
    /// Callers whose tokens stay.
    callers: Vec<Caller>,
    orders: VecDeque<Order>,
    cursors: VecDeque<String>,
    /// Payments that are or were owed back.
    payments: VecDeque<String>,
    /// Tokens that were given out in the run, which may be taken back in it.
    token_ids: VecDeque<String>,
    tokens: VecDeque<String>,
}

impl Memory {
    pub(crate) fn with(callers: Vec<Caller>) -> Self {
        let [cursors, payments, token_ids, tokens] = Default::default();
        Self { callers, orders: VecDeque::new(), cursors, payments, token_ids, tokens }
    }

    pub(crate) fn learn(&mut self, answer: &Answer) {
        if answer.status >= 300 {
            return;
        }
        let Some(json) = answer.json() else { return };
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        // A payment tells of the order that it was for.
        let order = if json["order"].is_object() { &json["order"] } else { &json };
        if let (Some(order_id), Some(amount), Some(version)) =
            (order["order_id"].as_str(), order["amount"].as_str(), order["version"].as_u64())
        {
            self.orders.retain(|order| order.order_id != order_id);
            keep(&mut self.orders, Some(Order { order_id: order_id.to_owned(), amount: amount.to_owned(), version }));
        }
        keep(&mut self.cursors, text("next_cursor"));
        keep(&mut self.payments, json["refunds"][0]["payment_id"].as_str().map(str::to_owned));
        keep(&mut self.tokens, text("token"));
        keep(&mut self.token_ids, text("token_id"));
    }

    pub(crate) fn caller(&self, rng: &mut Rng) -> Option<&Caller> {
        rng.choice(&self.callers)
    }

    pub(crate) fn order(&self, rng: &mut Rng) -> Option<Order> {
        rng.choice(&self.orders).cloned()
    }

    pub(crate) fn cursor(&self, rng: &mut Rng) -> Option<String> {
        rng.choice(&self.cursors).cloned()
    }

    pub(crate) fn payment(&self, rng: &mut Rng) -> Option<String> {
        rng.choice(&self.payments).cloned()
    }

    pub(crate) fn token_id(&self, rng: &mut Rng) -> Option<String> {
        rng.choice(&self.token_ids).cloned()
    }

    pub(crate) fn token(&self, rng: &mut Rng) -> Option<String> {
        rng.choice(&self.tokens).cloned()
    }
}

fn keep<T>(kept: &mut VecDeque<T>, learned: Option<T>) {
    kept.extend(learned);
    if kept.len() > REMEMBERED_MAX {
        kept.pop_front();
    }
}

/// The member of an object, if it is a text.
pub(crate) fn text_of(json: &Value, name: &str) -> String {
    json[name].as_str().unwrap_or_else(|| panic!("no {name} in {json}")).to_owned()
}
