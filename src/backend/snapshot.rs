//! The order as it was answered, as JSON: what a replay under its key answers from, whatever became of it later.
//!
//! Every store keeps it so. The names here are stored, so they stay as they are; a new field has a default.

use std::borrow::Cow;

use actors::domain::id::{BodyHash, MalformedId};
use actors::domain::money::Money;
use actors::domain::order::{CancelReason, Order, OrderKey, OrderLine, OrderState, Status};
use actors::domain::payment::{Refund, RefundReason};
use actors::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What is stored does not read as what it has to be; the text says why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(in crate::backend) struct Malformed(pub(in crate::backend) String);

#[derive(Serialize, Deserialize)]
struct StoredOrder<'a> {
    order_id: Cow<'a, str>,
    user_id: Cow<'a, str>,
    status: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cancel_reason: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cancel_text: Option<Cow<'a, str>>,
    version: u32,
    lines: Vec<StoredLine<'a>>,
    amount: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remark: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room_id: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refund: Option<StoredRefund<'a>>,
    created_at: i64,
    updated_at: i64,
    #[serde(default, skip_serializing_if = "is_false")]
    is_deleted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<StoredKey<'a>>,
}

#[derive(Serialize, Deserialize)]
struct StoredLine<'a> {
    sku_id: Cow<'a, str>,
    name: Cow<'a, str>,
    quantity: u32,
    unit_price: i64,
    amount: i64,
    flow_seq: u64,
    available_after: i64,
}

#[derive(Serialize, Deserialize)]
struct StoredRefund<'a> {
    due: i64,
    reason: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct StoredKey<'a> {
    key: Cow<'a, str>,
    body_hash: Cow<'a, str>,
}

/// Writes an order down.
pub(in crate::backend) fn write(order: &Order) -> Result<String, Malformed> {
    let (cancel_reason, cancel_text) = match &order.state {
        OrderState::Cancelled { reason, text } => (Some(reason.name().into()), text.as_deref().map(Cow::from)),
        _ => (None, None),
    };
    let stored = StoredOrder {
        order_id: order.order_id.to_string().into(),
        user_id: order.user_id.as_str().into(),
        status: order.status().code(),
        expires_at: order.expires_at().map(Timestamp::millis),
        cancel_reason,
        cancel_text,
        version: order.version,
        lines: order.lines.iter().map(store_line).collect(),
        amount: order.amount.ten_thousandths(),
        source: order.source.as_deref().map(Cow::from),
        remark: order.remark.as_deref().map(Cow::from),
        room_id: order.room_id.as_deref().map(Cow::from),
        refund: order
            .refund
            .map(|refund| StoredRefund { due: refund.due.ten_thousandths(), reason: refund.reason.name().into() }),
        created_at: order.created_at.millis(),
        updated_at: order.updated_at.millis(),
        is_deleted: order.is_deleted,
        key: order.key.as_ref().map(|OrderKey { key, body_hash }| StoredKey {
            key: key.as_str().into(),
            body_hash: format!("{:032x}", u128::from_be_bytes(*body_hash.as_bytes())).into(),
        }),
    };
    serde_json::to_string(&stored).map_err(|error| Malformed(format!("an order cannot be written down: {error}")))
}

/// Reads an order back.
pub(in crate::backend) fn read(json: &str) -> Result<Order, Malformed> {
    let stored: StoredOrder<'_> = serde_json::from_str(json).map_err(|error| damaged(&error.to_string()))?;
    load(stored).ok_or_else(|| damaged("a value is out of range"))
}

fn store_line(line: &OrderLine) -> StoredLine<'_> {
    StoredLine {
        sku_id: line.sku_id.as_str().into(),
        name: line.name.as_str().into(),
        quantity: line.quantity,
        unit_price: line.unit_price.ten_thousandths(),
        amount: line.amount.ten_thousandths(),
        flow_seq: line.flow_seq,
        available_after: line.available_after,
    }
}

fn load(stored: StoredOrder<'_>) -> Option<Order> {
    let state = match Status::from_code(stored.status)? {
        Status::Submitted => OrderState::Submitted { expires_at: Timestamp::from_millis(stored.expires_at?) },
        Status::Paid => OrderState::Paid,
        Status::Shipped => OrderState::Shipped,
        Status::Completed => OrderState::Completed,
        Status::Cancelled => OrderState::Cancelled {
            reason: CancelReason::from_name(&stored.cancel_reason?)?,
            text: stored.cancel_text.map(Cow::into_owned),
        },
    };
    let refund = match stored.refund {
        Some(refund) => Some(Refund {
            due: Money::from_ten_thousandths(refund.due)?,
            reason: RefundReason::from_name(&refund.reason)?,
        }),
        None => None,
    };
    let key = match stored.key {
        Some(StoredKey { key, body_hash }) => {
            let bits = u128::from_str_radix(&body_hash, 16).ok()?;
            Some(OrderKey { key: parse(&key)?, body_hash: BodyHash::from_bytes(bits.to_be_bytes()) })
        }
        None => None,
    };
    Some(Order {
        order_id: parse(&stored.order_id)?,
        user_id: parse(&stored.user_id)?,
        state,
        version: stored.version,
        lines: stored.lines.into_iter().map(load_line).collect::<Option<_>>()?,
        amount: Money::from_ten_thousandths(stored.amount)?,
        source: stored.source.map(Cow::into_owned),
        remark: stored.remark.map(Cow::into_owned),
        room_id: stored.room_id.map(Cow::into_owned),
        refund,
        created_at: Timestamp::from_millis(stored.created_at),
        updated_at: Timestamp::from_millis(stored.updated_at),
        is_deleted: stored.is_deleted,
        key,
    })
}

fn load_line(line: StoredLine<'_>) -> Option<OrderLine> {
    Some(OrderLine {
        sku_id: parse(&line.sku_id)?,
        name: line.name.into_owned(),
        quantity: line.quantity,
        unit_price: Money::from_ten_thousandths(line.unit_price)?,
        amount: Money::from_ten_thousandths(line.amount)?,
        flow_seq: line.flow_seq,
        available_after: line.available_after,
    })
}

fn parse<T: std::str::FromStr<Err = MalformedId>>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn damaged(why: &str) -> Malformed {
    Malformed(format!("the stored answer of an order cannot be read: {why}"))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests {
    use actors::domain::id::OrderId;

    use super::*;

    fn money(units: i64) -> Money {
        Money::from_ten_thousandths(units).expect("a valid sum")
    }

    fn bare() -> Order {
        Order {
            order_id: OrderId::from_u128(7),
            user_id: "u-1".parse().expect("a valid id"),
            state: OrderState::Submitted { expires_at: Timestamp::from_millis(99) },
            version: 1,
            lines: vec![],
            amount: Money::ZERO,
            source: None,
            remark: None,
            room_id: None,
            refund: None,
            created_at: Timestamp::from_millis(-1),
            updated_at: Timestamp::from_millis(2),
            is_deleted: false,
            key: None,
        }
    }

    fn full() -> Order {
        Order {
            version: u32::MAX,
            lines: vec![OrderLine {
                sku_id: "a".parse().expect("a valid id"),
                name: "雪 \"quoted\"\n".to_owned(),
                quantity: 3,
                unit_price: money(5),
                amount: money(15),
                flow_seq: u64::MAX,
                available_after: -4,
            }],
            amount: money(15),
            source: Some("web".to_owned()),
            remark: Some(String::new()),
            room_id: Some("room".to_owned()),
            refund: Some(Refund { due: money(999_999_999_999_999_999), reason: RefundReason::AmountMismatch }),
            is_deleted: true,
            key: Some(OrderKey { key: "k!".parse().expect("a valid key"), body_hash: BodyHash::of("body") }),
            ..bare()
        }
    }

    #[test]
    fn every_field_of_an_order_comes_back_as_it_was() {
        let cancelled =
            |text: Option<&str>| OrderState::Cancelled { reason: CancelReason::Shop, text: text.map(str::to_owned) };
        let states = [
            OrderState::Submitted { expires_at: Timestamp::from_millis(99) },
            OrderState::Paid,
            OrderState::Shipped,
            OrderState::Completed,
            cancelled(None),
            cancelled(Some("too late")),
        ];
        for state in states {
            for order in [bare(), full()] {
                let order = Order { state: state.clone(), ..order };
                let json = write(&order).expect("an order can be written down");
                assert_eq!(read(&json).expect("and read back"), order, "{json}");
            }
        }
    }

    #[test]
    fn what_makes_no_sense_is_damage_and_no_order() {
        let json = write(&full()).expect("an order can be written down");
        for (from, to) in [("\"status\":1", "\"status\":9"), ("u-1", "u 1"), ("\"amount\":15", "\"amount\":-1")] {
            let spoilt = json.replace(from, to);
            assert_ne!(spoilt, json, "{from}");
            assert!(read(&spoilt).is_err(), "{spoilt}");
        }
        assert!(read("").is_err());
    }
}
