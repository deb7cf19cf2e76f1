//! Rows to domain types: the stores on SQL have the same columns.

use std::time::Duration;

use actors::domain::commit::{KeyRecord, KeyedAnswer};
use actors::domain::event::{EventType, OrderEvent};
use actors::domain::id::SkuId;
use actors::domain::order::{CancelReason, Order, OrderKey, OrderLine, OrderState, Status};
use actors::domain::payment::{Payment, PaymentRefund, Refund, RefundReason, RefundStatus};
use actors::domain::stock::{FlowEntry, FlowKind, Goods, Level, Sku};
use actors::ports::ListedRefund;

use super::columns::{Columns, Row};
use super::snapshot::{self, Malformed};
use super::tokens::StoredToken;

/// The columns that [`order`] reads, in its order.
macro_rules! order_columns {
    () => {
        "order_id, user_id, order_status, expires_at, cancel_reason, cancel_text, version, amount, order_source, \
         remark, room_id, refund_due, refund_reason, create_time, update_time, is_delete, idempotency_key, body_hash"
    };
}

/// The columns that [`line()`] reads, in its order.
macro_rules! line_columns {
    () => {
        "sku_id, item_name, quantity, unit_price, item_amount, flow_seq, available_after"
    };
}

/// The columns that [`sku`] reads, in its order; `i` is `sku_info`, `s` is `sku_stock_info`.
macro_rules! sku_columns {
    () => {
        "i.sku_id, i.name, i.sku_price, i.status, i.payment_window_s, i.purchase_limit, \
         s.total, s.available, s.reserved, s.sold, s.version, s.flow_seq, i.create_time, i.update_time"
    };
}

/// The columns that [`event`] reads, in its order.
macro_rules! event_columns {
    () => {
        "order_id, version, event_type, order_status, create_time, create_by, reason"
    };
}

/// The columns that [`payment`] reads, in its order.
macro_rules! payment_columns {
    () => {
        "payment_id, order_id, amount, reason, refund_reason, refund_status, refund_time, create_time"
    };
}

/// The columns that [`token`] reads, in its order.
macro_rules! token_columns {
    () => {
        "id, token_id, role, label, user_id, create_time"
    };
}

pub(in crate::backend) use {event_columns, line_columns, order_columns, payment_columns, sku_columns, token_columns};

/// Reads an order without its lines.
pub(in crate::backend) fn order<R: Row>(columns: &mut Columns<'_, R>) -> Result<Order, R::Fault> {
    Ok(Order {
        order_id: columns.id()?,
        user_id: columns.id()?,
        state: state(columns)?,
        version: columns.number()?,
        lines: Vec::new(),
        amount: columns.money()?,
        source: columns.optional_text()?,
        remark: columns.optional_text()?,
        room_id: columns.optional_text()?,
        refund: refund(columns)?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
        is_deleted: columns.flag()?,
        key: key(columns)?,
    })
}

fn state<R: Row>(columns: &mut Columns<'_, R>) -> Result<OrderState, R::Fault> {
    let status = columns.status()?;
    let expires_at = columns.optional_time()?;
    let reason = columns.optional_name(CancelReason::from_name)?;
    let text = columns.optional_text()?;
    let missing = || columns.damaged(&"what belongs to the status is not there");
    Ok(match status {
        Status::Submitted => OrderState::Submitted { expires_at: expires_at.ok_or_else(missing)? },
        Status::Paid => OrderState::Paid,
        Status::Shipped => OrderState::Shipped,
        Status::Completed => OrderState::Completed,
        Status::Cancelled => OrderState::Cancelled { reason: reason.ok_or_else(missing)?, text },
    })
}

fn refund<R: Row>(columns: &mut Columns<'_, R>) -> Result<Option<Refund>, R::Fault> {
    match (columns.optional_money()?, columns.optional_name(RefundReason::from_name)?) {
        (None, None) => Ok(None),
        (Some(due), Some(reason)) => Ok(Some(Refund { due, reason })),
        _ => Err(columns.damaged(&"half a refund")),
    }
}

fn key<R: Row>(columns: &mut Columns<'_, R>) -> Result<Option<OrderKey>, R::Fault> {
    match (columns.optional_id()?, columns.optional_body_hash()?) {
        (None, None) => Ok(None),
        (Some(key), Some(body_hash)) => Ok(Some(OrderKey { key, body_hash })),
        _ => Err(columns.damaged(&"a key without a digest, or a digest without a key")),
    }
}

/// Reads a line of an order.
pub(in crate::backend) fn line<R: Row>(columns: &mut Columns<'_, R>) -> Result<OrderLine, R::Fault> {
    Ok(OrderLine {
        sku_id: columns.id()?,
        name: columns.text()?,
        quantity: columns.number()?,
        unit_price: columns.money()?,
        amount: columns.money()?,
        flow_seq: columns.count()?,
        available_after: columns.number()?,
    })
}

/// Reads a SKU with its stock row.
pub(in crate::backend) fn sku<R: Row>(columns: &mut Columns<'_, R>) -> Result<Sku, R::Fault> {
    Ok(Sku {
        sku_id: columns.id()?,
        goods: Goods {
            name: columns.text()?,
            price: columns.money()?,
            on_sale: columns.flag()?,
            payment_window: columns.optional_number()?.map(Duration::from_secs),
            purchase_limit: columns.optional_number()?,
        },
        level: level(columns)?,
        flow_seq: columns.count()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
    })
}

/// Reads a stock level: total, available, reserved, sold, version.
fn level<R: Row>(columns: &mut Columns<'_, R>) -> Result<Level, R::Fault> {
    Ok(Level {
        total: columns.number()?,
        available: columns.number()?,
        reserved: columns.number()?,
        sold: columns.number()?,
        version: columns.count()?,
    })
}

/// Reads an event.
pub(in crate::backend) fn event<R: Row>(columns: &mut Columns<'_, R>) -> Result<OrderEvent, R::Fault> {
    Ok(OrderEvent {
        order_id: columns.id()?,
        version: columns.number()?,
        event_type: columns.name(EventType::from_name)?,
        status: columns.status()?,
        at: columns.time()?,
        by: columns.text()?,
        reason: columns.optional_text()?,
    })
}

/// Reads an order as it was first answered.
pub(in crate::backend) fn answered<R: Row>(columns: &mut Columns<'_, R>) -> Result<Order, R::Fault> {
    let answered = columns.optional_str()?;
    let answered = answered.ok_or_else(|| Malformed("an order has no stored answer".to_owned()))?;
    Ok(snapshot::read(answered)?)
}

/// Reads what is kept under an order's key: digest, time, stored answer.
pub(in crate::backend) fn order_record<R: Row>(columns: &mut Columns<'_, R>) -> Result<KeyRecord, R::Fault> {
    let (body_hash, at) = (columns.body_hash()?, columns.time()?);
    Ok(KeyRecord { body_hash, at, answer: KeyedAnswer::Order(answered(columns)?) })
}

/// Reads what is kept under a stock change's key: digest, time, the level that was answered.
pub(in crate::backend) fn stock_record<R: Row>(columns: &mut Columns<'_, R>) -> Result<KeyRecord, R::Fault> {
    let (body_hash, at) = (columns.body_hash()?, columns.time()?);
    Ok(KeyRecord { body_hash, at, answer: KeyedAnswer::Level(level(columns)?) })
}

/// Reads an entry of a SKU's stock flow: number, kind, change, before, after, order, by whom, reason, time.
pub(in crate::backend) fn flow_entry<R: Row>(
    sku_id: &SkuId,
    columns: &mut Columns<'_, R>,
) -> Result<FlowEntry, R::Fault> {
    Ok(FlowEntry {
        sku_id: sku_id.clone(),
        seq: columns.count()?,
        kind: columns.name(FlowKind::from_name)?,
        change: columns.number()?,
        available_before: columns.number()?,
        available_after: columns.number()?,
        order_id: columns.optional_id()?,
        by: columns.text()?,
        reason: columns.optional_text()?,
        at: columns.time()?,
    })
}

/// Reads a payment.
pub(in crate::backend) fn payment<R: Row>(columns: &mut Columns<'_, R>) -> Result<Payment, R::Fault> {
    Ok(Payment {
        payment_id: columns.id()?,
        order_id: columns.id()?,
        amount: columns.money()?,
        answered: columns.optional_name(RefundReason::from_name)?,
        refund: payment_refund(columns)?,
        at: columns.time()?,
    })
}

/// Reads a payment that is or was owed back: payment, order, user, amount, reason, status, time.
pub(in crate::backend) fn listed_refund<R: Row>(columns: &mut Columns<'_, R>) -> Result<ListedRefund, R::Fault> {
    let (payment_id, order_id, user_id) = (columns.id()?, columns.id()?, columns.id()?);
    let (amount, refund) = (columns.money()?, payment_refund(columns)?);
    Ok(ListedRefund { payment_id, order_id, user_id, amount, refund: columns.there(refund)? })
}

fn payment_refund<R: Row>(columns: &mut Columns<'_, R>) -> Result<Option<PaymentRefund>, R::Fault> {
    let reason = columns.optional_name(RefundReason::from_name)?;
    let status = columns.optional_name(RefundStatus::from_name)?;
    match (reason, status, columns.optional_time()?) {
        (None, None, None) => Ok(None),
        (Some(reason), Some(status), Some(at)) => Ok(Some(PaymentRefund { reason, status, at })),
        _ => Err(columns.damaged(&"half a refund")),
    }
}

/// Reads an access token, with its place in the order of making.
pub(in crate::backend) fn token<R: Row>(columns: &mut Columns<'_, R>) -> Result<(i64, StoredToken), R::Fault> {
    let (id, token_id, role, label) = (columns.number()?, columns.text()?, columns.text()?, columns.optional_text()?);
    let user_id = columns.optional_id()?;
    Ok((id, StoredToken { token_id, role, label, user_id, created_at: columns.time()? }))
}
