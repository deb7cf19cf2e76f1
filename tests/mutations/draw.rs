//! Draws requests that follow the document, with values that are likely to name something that is there.

use fastrand::Rng;
use floodgate::access::Role;
use serde_json::{Map, Value, json};

use crate::document::{Document, Operation, Parameter, Place};
use crate::memory::{Caller, Memory, Order};
use crate::request::Request;

/// SKUs of the run. Few, so that orders meet.
pub(crate) const SKUS: [&str; 6] = ["a", "b", "c", "sneaker-42", "last_one", "X.y"];
/// Users of the run who have tokens of their own.
pub(crate) const USERS: [&str; 2] = ["u-1", "u-2"];
/// How often an operation is drawn, by what its path begins with; any other: 4.
const WEIGHTS: [(&str, usize); 5] = [
    // Otherwise few orders would live to be shipped and received.
    ("/orders/{id}/cancel", 3),
    ("/orders", 12),
    // It looks at everything there is, which would take the time of all others.
    ("/admin/verdict", 1),
    ("/docs", 1),
    ("/openapi.json", 1),
];

fn weight(operation: &Operation) -> usize {
    WEIGHTS.iter().find(|(start, _)| operation.path.starts_with(start)).map_or(4, |(_, weight)| *weight)
}

/// See the module.
pub(crate) struct Draw<'a> {
    document: &'a Document,
    memory: &'a Memory,
    rng: &'a mut Rng,
    /// The order that the request is about.
    order: Option<Order>,
}

impl<'a> Draw<'a> {
    pub(crate) fn new(document: &'a Document, memory: &'a Memory, rng: &'a mut Rng) -> Self {
        let order = memory.order(rng);
        Self { document, memory, rng, order }
    }

    /// A request of an operation drawn by chance.
    pub(crate) fn request(mut self) -> Request {
        let operations = &self.document.operations;
        let mut left = self.rng.usize(0..operations.iter().map(weight).sum());
        let drawn = operations.iter().find(|operation| {
            let is_drawn = left < weight(operation);
            left = left.saturating_sub(weight(operation));
            is_drawn
        });
        self.request_of(drawn.expect("the weights add up"))
    }

    fn request_of(&mut self, operation: &Operation) -> Request {
        let caller = self.memory.caller(self.rng).cloned();
        let mut request = Request {
            method: operation.method.clone(),
            path: operation.path.clone(),
            query: String::new(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        if let Some(Caller { token, .. }) = &caller {
            request.set_header("Authorization", format!("Bearer {token}"));
        }
        for parameter in &operation.parameters {
            if parameter.is_required || self.rng.bool() {
                self.add(parameter, operation, &mut request);
            }
        }
        if let Some((schema, may_be_empty)) = &operation.body
            && !(*may_be_empty && self.rng.bool())
        {
            let mut body = self.value("", schema);
            if caller.is_some_and(|caller| caller.role == Role::Customer)
                && operation.path == "/orders"
                && let Some(body) = body.as_object_mut()
            {
                // Only others name the user they act for.
                body.remove("user_id");
            }
            request.set_header("Content-Type", "application/json");
            request.body = body.to_string().into_bytes();
        }
        request
    }

    fn add(&mut self, parameter: &Parameter, operation: &Operation, request: &mut Request) {
        let name = match (parameter.name.as_str(), operation.path.as_str()) {
            ("id", path) if path.contains("/skus/") => "sku_id",
            ("id", path) if path.contains("/refunds/") => "payment_id",
            ("id", path) if path.contains("/tokens/") => "token_id",
            ("id", _) => "order_id",
            (name, _) => name,
        };
        let value = match self.value(name, &parameter.schema) {
            Value::String(text) => text,
            other => other.to_string(),
        };
        match parameter.place {
            Place::Path => request.path = request.path.replace(&format!("{{{}}}", parameter.name), &value),
            Place::Header => request.set_header(&parameter.name, value),
            Place::Query => {
                let separator = if request.query.is_empty() { "" } else { "&" };
                request.query += &format!("{separator}{}={value}", parameter.name);
            }
        }
    }

    /// A value that follows the schema, for a member or parameter of this name.
    fn value(&mut self, name: &str, schema: &Value) -> Value {
        let schema = self.document.resolve(schema);
        if let Some(values) = schema["enum"].as_array() {
            return self.rng.choice(values).cloned().unwrap_or_default();
        }
        if let Some(shapes) = schema["oneOf"].as_array() {
            let shape = &shapes[self.rng.usize(0..shapes.len())];
            return self.value(name, shape);
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => self.rng.choice(kinds).and_then(Value::as_str),
            kind => kind.as_str(),
        };
        match kind {
            Some("object") => self.object(schema),
            Some("array") => {
                let items = self.rng.usize(1..4);
                (0..items).map(|_| self.value(name, &schema["items"])).collect()
            }
            Some("integer") => self.count(name, schema).into(),
            Some("boolean") => (self.rng.usize(0..8) != 0).into(),
            Some("string") => self.text(name).into(),
            _ => Value::Null,
        }
    }

    fn object(&mut self, schema: &Value) -> Value {
        let mut members = Map::new();
        let required = |name: &str| schema["required"].as_array().is_some_and(|names| names.contains(&json!(name)));
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            if required(name) || self.rng.usize(0..3) != 0 {
                members.insert(name.clone(), self.value(name, schema));
            }
        }
        Value::Object(members)
    }

    /// Mostly small, so that stock lasts, and at times as much as there may be; a limit mostly leaves room.
    fn count(&mut self, name: &str, schema: &Value) -> i64 {
        let least = schema["minimum"].as_i64().unwrap_or(-20);
        let most = schema["maximum"].as_i64().unwrap_or(1_000_000);
        let is_most = self.rng.usize(0..20) == 0 || name == "purchase_limit" && self.rng.usize(0..4) != 0;
        if is_most { most } else { self.rng.i64(least..=most.min(least.saturating_add(40))) }
    }

    fn text(&mut self, name: &str) -> String {
        let rng = &mut *self.rng;
        let known = match name {
            "sku_id" | "sku_ids" => pick(rng, &SKUS),
            "user_id" if rng.bool() => pick(rng, &USERS),
            "user_id" => Some(format!("v-{}", rng.u8(..))),
            "kind" => pick(rng, &["stock", "committer", "order_supervisor", "printer", "nobody"]),
            "key" => pick(rng, &["a", "0", "1", "sneaker-42"]),
            "amount" if rng.usize(0..6) != 0 => self.order.as_ref().map(|order| order.amount.clone()),
            // Mostly the same, so that what is expected is what is asked for.
            "price" | "amount" | "expected_unit_price" if rng.usize(0..6) != 0 => Some("1.00".to_owned()),
            "price" | "amount" | "expected_unit_price" => pick(rng, &["2.00", "0", "3", "99999999999999.99"]),
            "payment_id" if rng.bool() => self.memory.payment(rng),
            "payment_id" => Some(format!("p-{}", rng.u32(..))),
            "Idempotency-Key" if rng.bool() => Some(format!("k-{}", rng.u8(..))),
            "Idempotency-Key" => Some(format!("k-{}", rng.u32(..))),
            "If-Match" => self.order.as_ref().map(|order| format!("\"{}\"", order.version)),
            "order_id" => self.order.as_ref().map(|order| order.order_id.clone()),
            "cursor" => self.memory.cursor(rng),
            "token_id" => self.memory.token_id(rng),
            _ => None,
        };
        known.unwrap_or_else(|| "1f".repeat(self.rng.usize(1..16)))
    }
}

fn pick(rng: &mut Rng, texts: &[&str]) -> Option<String> {
    rng.choice(texts).map(|text| (*text).to_owned())
}
