//! Values for tests, each valid and each as plain as it can be.

use std::time::Duration;

use crate::domain::commit::{AmendOrder, CancelOrder, OrderAction, PutSku};
use crate::domain::id::{IdempotencyKey, OrderId, PaymentId, SkuId, UserId};
use crate::domain::money::Money;
use crate::domain::order::{Amendment, CancelReason, ExpectedVersion, PlaceOrder, WantedLine};
use crate::domain::payment::PaymentNotice;
use crate::domain::stock::{Goods, StockChange};
use crate::domain::time::Monotonic;

/// The price of every SKU that [`put_sku`] puts up: ten of the currency.
pub const PRICE: i64 = 100_000;
/// A deadline that is never met.
pub const NEVER: Monotonic = Monotonic::since_start(Duration::MAX);

/// A SKU's id.
pub fn sku_id(text: &str) -> SkuId {
    text.parse().expect("a valid sku id")
}

/// A user's id.
pub fn user_id(text: &str) -> UserId {
    text.parse().expect("a valid user id")
}

/// A payment's id.
pub fn payment_id(text: &str) -> PaymentId {
    text.parse().expect("a valid payment id")
}

/// An idempotency key.
pub fn key(text: &str) -> IdempotencyKey {
    text.parse().expect("a valid key")
}

/// An order's id; a higher number is a later order.
pub fn order_id(number: u64) -> OrderId {
    OrderId::from_u128(u128::from(number))
}

/// A sum in ten-thousandths.
pub fn money(units: i64) -> Money {
    Money::from_ten_thousandths(units).expect("a valid sum")
}

/// A placement without a key; lines are merged and sorted.
pub fn place(number: u64, user: &str, lines: &[(&str, u32)]) -> PlaceOrder {
    let line = |(sku, quantity): &(&str, u32)| WantedLine {
        sku_id: sku_id(sku),
        quantity: *quantity,
        expected_unit_price: None,
    };
    PlaceOrder {
        order_id: order_id(number),
        user_id: user_id(user),
        lines: PlaceOrder::merge_lines(lines.iter().map(line).collect()).expect("valid lines"),
        source: Some("web".to_owned()),
        remark: None,
        key: None,
        by: user.to_owned(),
        deadline: NEVER,
    }
}

/// A placement under a key.
pub fn place_keyed(number: u64, user: &str, text: &str, lines: &[(&str, u32)]) -> PlaceOrder {
    PlaceOrder { key: Some(key(text)), ..place(number, user, lines) }
}

/// A SKU on sale at [`PRICE`], with the shop's payment window and no purchase limit.
pub fn put_sku(sku: &str) -> PutSku {
    let name = format!("Sku {sku}");
    let goods = Goods { name, price: money(PRICE), on_sale: true, payment_window: None, purchase_limit: None };
    PutSku { sku_id: sku_id(sku), goods }
}

/// A SKU as by [`put_sku`], of which one user may hold `limit`.
pub fn put_limited_sku(sku: &str, limit: u32) -> PutSku {
    let put = put_sku(sku);
    PutSku { goods: Goods { purchase_limit: Some(limit), ..put.goods }, ..put }
}

/// A change of a SKU's stock.
pub fn stock_change(sku: &str, change: i64, text: &str) -> StockChange {
    StockChange { sku_id: sku_id(sku), change, reason: None, key: key(text), by: "shop".to_owned() }
}

/// A payment notice.
pub fn payment(payment: &str, number: u64, units: i64) -> PaymentNotice {
    PaymentNotice {
        payment_id: payment_id(payment),
        order_id: order_id(number),
        amount: money(units),
        by: "shop".to_owned(),
    }
}

/// A cancellation.
pub fn cancellation(number: u64, reason: CancelReason) -> CancelOrder {
    CancelOrder {
        order_id: order_id(number),
        reason,
        text: Some("changed my mind".to_owned()),
        by: reason.name().to_owned(),
    }
}

/// A change of an order by the shop.
pub fn action(number: u64) -> OrderAction {
    OrderAction { order_id: order_id(number), by: "shop".to_owned() }
}

/// A change of an order's remark, whatever its version.
pub fn new_remark(number: u64, text: &str) -> AmendOrder {
    AmendOrder {
        order_id: order_id(number),
        expected: ExpectedVersion::Any,
        amendment: Amendment { remark: Some(Some(text.to_owned())), ..Amendment::default() },
        by: "shop".to_owned(),
    }
}
