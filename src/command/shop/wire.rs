//! What the service answers, as far as the commands read it. Members that they do not read are passed over.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(in crate::command) struct Order {
    /// The order's id.
    pub(in crate::command) order_id: String,
    /// The buyer.
    pub(in crate::command) user_id: String,
    /// The status by name.
    pub(in crate::command) status: String,
    /// Grows by one with every change.
    pub(in crate::command) version: u32,
    /// The lines.
    pub(in crate::command) items: Vec<OrderItem>,
    /// What is to be paid.
    pub(in crate::command) amount: String,
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(in crate::command) struct OrderItem {
    /// What was ordered.
    pub(in crate::command) sku_id: String,
    /// How many units of it.
    pub(in crate::command) quantity: u32,
}

/// A page of orders.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::command) struct OrderPage {
    /// The orders, newest first.
    pub(in crate::command) orders: Vec<Order>,
    /// Where the next page begins, if there is one.
    pub(in crate::command) next_cursor: Option<String>,
}

/// A page of what happened to a SKU's stock.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::command) struct FlowPage {
    /// What happened, newest first.
    pub(in crate::command) entries: Vec<FlowEntry>,
    /// Where the next page begins, if there is one.
    pub(in crate::command) next_cursor: Option<String>,
}

/// Something that happened to a SKU's stock.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::command) struct FlowEntry {
    /// `restock`, `reduce` or what orders do.
    pub(in crate::command) kind: String,
    /// Why, as whoever did it says.
    pub(in crate::command) reason: Option<String>,
}

/// What became of a payment.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::command) struct PayAnswer {
    /// `paid` or `refund_due`.
    pub(in crate::command) outcome: String,
    /// Why it is due back.
    pub(in crate::command) reason: Option<String>,
}

/// A SKU's stock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(in crate::command) struct Stock {
    /// Units in all.
    pub(in crate::command) total: i64,
    /// Units to be had.
    pub(in crate::command) available: i64,
    /// Units in orders that await payment.
    pub(in crate::command) reserved: i64,
    /// Units in orders that were paid.
    pub(in crate::command) sold: i64,
}

impl Stock {
    /// Whether it adds up, with nothing below zero.
    pub(in crate::command) fn is_sound(&self) -> bool {
        let parts = [self.available, self.reserved, self.sold];
        parts.iter().all(|&part| part >= 0) && parts.iter().sum::<i64>() == self.total
    }
}

/// What happened to an order.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::command) struct EventList {
    /// The events, by version.
    pub(in crate::command) events: Vec<Event>,
}

/// One change of an order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(in crate::command) struct Event {
    /// The order's version after the change.
    pub(in crate::command) version: u32,
    /// What happened.
    #[serde(rename = "type")]
    pub(in crate::command) event_type: String,
}

/// That the service lives.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(in crate::command) struct Live {
    /// It does.
    #[serde(rename = "live")]
    _live: bool,
}

/// How far the service's books agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::command) enum Agreement {
    /// They do.
    Agrees,
    /// They will, once what is under way is done.
    Settling,
    /// They do not.
    #[default]
    Differs,
}

impl Display for Agreement {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Agrees => "agrees",
            Self::Settling => "settling",
            Self::Differs => "differs",
        })
    }
}

/// The service's own verdict.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::command) struct Verdict {
    /// Over all SKUs.
    pub(in crate::command) state: Agreement,
    /// SKU by SKU.
    pub(in crate::command) skus: Vec<SkuVerdict>,
}

/// The service's own verdict on one SKU.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::command) struct SkuVerdict {
    /// The SKU's id.
    pub(in crate::command) sku_id: String,
    /// Over this one.
    pub(in crate::command) state: Agreement,
    /// What the store's stock row says.
    pub(in crate::command) store: Stock,
    /// What the store's orders hold.
    pub(in crate::command) orders: Totals,
    /// What the ledger says, if it knows the SKU.
    pub(in crate::command) ledger: Option<LedgerView>,
    /// What does not agree.
    pub(in crate::command) differences: Vec<Value>,
}

/// Units that orders hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(in crate::command) struct Totals {
    /// In orders that await payment.
    pub(in crate::command) reserved: i64,
    /// In orders that were paid.
    pub(in crate::command) sold: i64,
}

/// A page of live actors.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::command) struct ActorList {
    /// The actors, by kind and key.
    pub(in crate::command) actors: Vec<Actor>,
    /// Where the next page begins; none if this is the last.
    pub(in crate::command) next_cursor: Option<String>,
}

/// A live actor.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::command) struct Actor {
    /// What it is.
    pub(in crate::command) kind: String,
    /// Which of its kind.
    pub(in crate::command) key: String,
    /// The node it lives on.
    pub(in crate::command) node: String,
    /// Messages on their way to it.
    pub(in crate::command) mailbox: u64,
    /// Messages it handled.
    pub(in crate::command) handled: u64,
    /// How often it was replaced after a panic.
    pub(in crate::command) restarts: u64,
    /// When it last did something.
    pub(in crate::command) last_activity: String,
    /// What else it shows of itself.
    pub(in crate::command) state: BTreeMap<String, i64>,
}

/// What the ledger holds for a SKU.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(in crate::command) struct LedgerView {
    /// Units it would grant.
    pub(in crate::command) available: i64,
    /// Grants open.
    pub(in crate::command) grants: u64,
}

impl SkuVerdict {
    /// The differences, one plain text each.
    pub(in crate::command) fn differences(&self) -> impl Iterator<Item = String> {
        self.differences.iter().map(|difference| match difference {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }
}

/// A token to give out.
#[derive(Clone, Copy, Debug, Serialize)]
pub(in crate::command) struct WantedToken<'a> {
    /// What it lets its holder be.
    pub(in crate::command) role: &'a str,
    /// The user it speaks for.
    pub(in crate::command) user_id: Option<&'a str>,
    /// What to call it.
    pub(in crate::command) label: Option<&'a str>,
}

/// A token that was given out.
#[derive(Deserialize)]
pub(in crate::command) struct CreatedToken {
    /// Names it.
    pub(in crate::command) token_id: String,
    /// The token itself.
    pub(in crate::command) token: String,
}

/// A page of tokens.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::command) struct TokenList {
    /// The tokens, newest first.
    pub(in crate::command) tokens: Vec<Token>,
    /// Where the next page goes on.
    pub(in crate::command) next_cursor: Option<String>,
}

/// What is told of a token.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::command) struct Token {
    /// Names it.
    pub(in crate::command) token_id: String,
    /// What it lets its holder be.
    pub(in crate::command) role: String,
    /// The user it speaks for.
    pub(in crate::command) user_id: Option<String>,
    /// What the shop calls it.
    pub(in crate::command) label: Option<String>,
    /// When it was given out.
    pub(in crate::command) created_at: String,
}
