//! A request as handlers see it: its caller known, its body read.

use std::str::FromStr;

use actix_web::HttpRequest;
use actix_web::web::{Bytes, Data};
use actors::domain::id::{IdempotencyKey, OrderId, PaymentId, SkuId};
use actors::domain::order::Order;
use actors::domain::rejection::Rejection;
use serde::de::DeserializeOwned;

use super::problem::Refusal;
use super::query::Query;
use super::{Front, body};
use crate::access::Caller;

/// The header that names an attempt.
const KEY_HEADER: &str = "Idempotency-Key";

/// A request of a route that is open to everyone.
pub(super) struct Visit {
    pub(super) front: Data<Front>,
    pub(super) request: HttpRequest,
}

impl Visit {
    /// What the path says at `{name}`.
    pub(super) fn path_text(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }
}

/// See the module.
pub(super) struct Call {
    pub(super) front: Data<Front>,
    pub(super) caller: Caller,
    pub(super) request: HttpRequest,
    pub(super) query: Query,
    pub(super) body: Bytes,
}

impl Call {
    /// Parses the body.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        body::parse(&self.body)
    }

    /// Parses the body, if there is one.
    pub(super) fn optional_json<T: DeserializeOwned + Default>(&self) -> Result<T, Refusal> {
        if self.body.is_empty() { Ok(T::default()) } else { self.json() }
    }

    /// The order that the path names. What cannot be an order's id names no order.
    pub(super) fn order_id(&self) -> Result<OrderId, Refusal> {
        self.id().map_err(Refusal::UnknownOrder)
    }

    /// The SKU that the path names. What cannot be a SKU's id names no SKU.
    pub(super) fn sku_id(&self) -> Result<SkuId, Refusal> {
        self.id().map_err(Refusal::UnknownSku)
    }

    /// The SKU that the path names, to be made if it is not there.
    pub(super) fn new_sku_id(&self) -> Result<SkuId, Refusal> {
        self.path_text("id").parse().map_err(|problem| Refusal::invalid("sku_id", problem))
    }

    /// The payment that the path names. What cannot be a payment's id names no payment.
    pub(super) fn payment_id(&self) -> Result<PaymentId, Refusal> {
        self.id().map_err(Refusal::UnknownPayment)
    }

    fn id<T: FromStr>(&self) -> Result<T, String> {
        let text = self.path_text("id");
        text.parse().map_err(|_| text.to_owned())
    }

    /// What the path says at `{name}`.
    pub(super) fn path_text(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }

    /// The client's name of this attempt, if it gave one.
    pub(super) fn key(&self) -> Result<Option<IdempotencyKey>, Refusal> {
        let mut values = self.request.headers().get_all(KEY_HEADER);
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(Refusal::invalid(KEY_HEADER, "must be sent once"));
        }
        let key = value.to_str().unwrap_or_default().parse();
        key.map(Some).map_err(|problem| Refusal::invalid(KEY_HEADER, problem))
    }

    /// The client's name of this attempt, which it must give.
    pub(super) fn required_key(&self) -> Result<IdempotencyKey, Refusal> {
        self.key()?.ok_or_else(|| Refusal::invalid(KEY_HEADER, "is required as a header"))
    }

    /// The order that the path names, if the caller may know of it.
    pub(super) async fn order(&self) -> Result<Order, Refusal> {
        let order_id = self.order_id()?;
        let order = self.front.node.store.order(order_id).await?;
        let order = order.filter(|order| !order.is_deleted && self.caller.may_see(&order.user_id));
        order.ok_or_else(|| Rejection::OrderNotFound(order_id).into())
    }
    /// The order that the path names, to be changed: a customer changes only its own.
    pub(super) async fn order_to_change(&self) -> Result<OrderId, Refusal> {
        match self.caller {
            // An order never changes its owner, so what is read here still holds when the change commits.
            Caller::Customer(_) => Ok(self.order().await?.order_id),
            Caller::Service | Caller::Admin => self.order_id(),
        }
    }
}
