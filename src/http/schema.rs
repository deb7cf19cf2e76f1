//! What values look like on the wire, for the OpenAPI document: the shape of each id, name and sum, said once.

use actors::domain::event::EventType;
use actors::domain::id::{IdempotencyKey, OrderId, PaymentId, SkuId, UserId};
use actors::domain::limits::{KEY_LENGTH_MAX, PAYMENT_ID_LENGTH_MAX, SHOP_ID_LENGTH_MAX};
use actors::domain::money::Money;
use actors::domain::order::{CancelReason, Status};
use actors::domain::payment::{RefundReason, RefundStatus};
use actors::domain::stock::FlowKind;
use actors::domain::time::Timestamp;
use actors::stock::VerdictState;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, RefOr};

use super::wire::Text;
use crate::access::Role;

/// A type of which every value is written as a string of one shape.
pub(super) trait Shape {
    /// The shape.
    fn shape() -> ObjectBuilder;
}

/// A sum of money as it is sent and shown, in a currency of two fraction digits.
pub(super) const MONEY_PATTERN: &str = r"^[0-9]{1,14}\.[0-9]{2}$";
/// The same as it is taken: with fewer digits, too.
pub(super) const MONEY_TAKEN_PATTERN: &str = r"^[0-9]{1,14}(\.[0-9]{1,2})?$";

/// A value that is written as `T` is. For `schema_with`.
pub(super) fn like<T: Shape>() -> RefOr<Schema> {
    T::shape().into()
}

/// A value that is written as `T` is, or null. For `schema_with`.
pub(super) fn maybe<T: Shape>() -> RefOr<Schema> {
    OneOfBuilder::new().item(ObjectBuilder::new().schema_type(Type::Null)).item(T::shape()).into()
}

impl<const MIN: usize, const MAX: usize> Shape for Text<MIN, MAX> {
    fn shape() -> ObjectBuilder {
        text().min_length((MIN > 0).then_some(MIN)).max_length(Some(MAX))
    }
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn pattern(pattern: impl Into<String>) -> ObjectBuilder {
    text().pattern(Some(pattern))
}

fn shop_id(length_max: usize) -> ObjectBuilder {
    pattern(format!(r"^(?!\.+$)[A-Za-z0-9._-]{{1,{length_max}}}$"))
}

fn one_of(names: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    text().enum_values(Some(names))
}

/// A sum of money that a client sends.
pub(super) struct Price;

macro_rules! shapes {
    ($($type:ty => $shape:expr;)*) => {
        $(impl Shape for $type {
            fn shape() -> ObjectBuilder {
                $shape
            }
        })*
    };
}

shapes! {
    OrderId => pattern("^[0-7][0-9A-HJKMNP-TV-Z]{25}$");
    SkuId => shop_id(SHOP_ID_LENGTH_MAX).examples(["sneaker-42"]);
    UserId => shop_id(SHOP_ID_LENGTH_MAX).examples(["u-7"]);
    PaymentId => shop_id(PAYMENT_ID_LENGTH_MAX).examples(["p-1"]);
    IdempotencyKey => pattern(format!("^[!-~]{{1,{KEY_LENGTH_MAX}}}$"));
    Money => pattern(MONEY_PATTERN);
    Price => pattern(MONEY_TAKEN_PATTERN);
    Timestamp => text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    Status => one_of(Status::ALL.map(Status::name));
    CancelReason => one_of(CancelReason::ALL.map(CancelReason::name));
    RefundReason => one_of(RefundReason::ALL.map(RefundReason::name));
    RefundStatus => one_of(RefundStatus::ALL.map(RefundStatus::name));
    EventType => one_of(EventType::ALL.map(EventType::name));
    FlowKind => one_of(FlowKind::ALL.map(FlowKind::name));
    VerdictState => one_of(VerdictState::ALL.map(VerdictState::name));
    Role => one_of(Role::ALL.map(Role::name));
}
