//! Rows to domain types. A value that the domain would never have written is damage, and never guessed at.

use std::str::FromStr;
use std::time::Duration;

use actors::domain::event::{EventType, OrderEvent};
use actors::domain::id::{BodyHash, MalformedId};
use actors::domain::money::Money;
use actors::domain::order::{CancelReason, Order, OrderKey, OrderLine, OrderState, Status};
use actors::domain::payment::{Payment, PaymentRefund, Refund, RefundReason, RefundStatus};
use actors::domain::stock::{Goods, Level, Sku};
use actors::domain::time::Timestamp;
use rusqlite::Row;
use rusqlite::types::{FromSql, ValueRef};

use super::fault::Fault;

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

pub(super) use {event_columns, line_columns, order_columns, payment_columns, sku_columns};

/// A row whose columns are taken one after the other.
pub(super) struct Columns<'row> {
    row: &'row Row<'row>,
    next: usize,
}

impl<'row> Columns<'row> {
    /// Starts at the first column.
    pub(super) const fn of(row: &'row Row<'row>) -> Self {
        Self { row, next: 0 }
    }

    /// Takes the next column as it is.
    pub(super) fn take<T: FromSql>(&mut self) -> Result<T, Fault> {
        let index = self.next;
        self.next += 1;
        Ok(self.row.get(index)?)
    }

    /// Takes an id.
    pub(super) fn id<T: FromStr<Err = MalformedId>>(&mut self) -> Result<T, Fault> {
        let index = self.next;
        self.next += 1;
        let text = self.row.get_ref(index)?.as_str().map_err(|error| self.damaged(&error))?;
        text.parse().map_err(|error| self.damaged(&error))
    }

    /// Takes an id that may be missing.
    pub(super) fn optional_id<T: FromStr<Err = MalformedId>>(&mut self) -> Result<Option<T>, Fault> {
        if self.row.get_ref(self.next)? == ValueRef::Null {
            self.next += 1;
            return Ok(None);
        }
        self.id().map(Some)
    }

    /// Takes a count that is never negative.
    pub(super) fn count(&mut self) -> Result<u64, Fault> {
        let count: i64 = self.take()?;
        u64::try_from(count).map_err(|error| self.damaged(&error))
    }

    /// Takes a point in time.
    pub(super) fn time(&mut self) -> Result<Timestamp, Fault> {
        Ok(Timestamp::from_millis(self.take()?))
    }

    /// Takes a sum of money.
    pub(super) fn money(&mut self) -> Result<Money, Fault> {
        let units = self.take()?;
        Money::from_ten_thousandths(units).ok_or_else(|| self.damaged(&"not a sum of money"))
    }

    fn status(&mut self) -> Result<Status, Fault> {
        let code = self.take()?;
        Status::from_code(code).ok_or_else(|| self.damaged(&"not a status"))
    }

    fn flag(&mut self) -> Result<bool, Fault> {
        match self.take::<i64>()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.damaged(&"not a flag")),
        }
    }

    /// Takes one of a list of names, or nothing.
    fn named<T>(&mut self, from_name: fn(&str) -> Option<T>) -> Result<Option<T>, Fault> {
        let Some(name) = self.take::<Option<String>>()? else { return Ok(None) };
        from_name(&name).map(Some).ok_or_else(|| self.damaged(&"not one of the known names"))
    }

    /// Takes one of a list of names.
    pub(super) fn name<T>(&mut self, from_name: fn(&str) -> Option<T>) -> Result<T, Fault> {
        self.named(from_name)?.ok_or_else(|| self.damaged(&"nothing there"))
    }

    /// Tells what is wrong with the column taken last.
    pub(super) fn damaged(&self, why: &dyn std::fmt::Display) -> Fault {
        let column = self.row.as_ref().column_name(self.next.saturating_sub(1)).unwrap_or("?").to_owned();
        Fault::Damaged(format!("a row does not read at {column}: {why}"))
    }
}

/// Reads an order without its lines.
pub(super) fn order(row: &Row<'_>) -> Result<Order, Fault> {
    let mut columns = Columns::of(row);
    Ok(Order {
        order_id: columns.id()?,
        user_id: columns.id()?,
        state: state(&mut columns)?,
        version: columns.take()?,
        lines: Vec::new(),
        amount: columns.money()?,
        source: columns.take()?,
        remark: columns.take()?,
        room_id: columns.take()?,
        refund: refund(&mut columns)?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
        is_deleted: columns.flag()?,
        key: key(&mut columns)?,
    })
}

/// Reads a line of an order.
pub(super) fn line(row: &Row<'_>) -> Result<OrderLine, Fault> {
    let mut columns = Columns::of(row);
    Ok(OrderLine {
        sku_id: columns.id()?,
        name: columns.take()?,
        quantity: columns.take()?,
        unit_price: columns.money()?,
        amount: columns.money()?,
        flow_seq: columns.count()?,
        available_after: columns.take()?,
    })
}

/// Reads a SKU with its stock row.
pub(super) fn sku(row: &Row<'_>) -> Result<Sku, Fault> {
    let mut columns = Columns::of(row);
    Ok(Sku {
        sku_id: columns.id()?,
        goods: Goods {
            name: columns.take()?,
            price: columns.money()?,
            on_sale: columns.flag()?,
            payment_window: columns.take::<Option<u32>>()?.map(|seconds| Duration::from_secs(seconds.into())),
            purchase_limit: columns.take()?,
        },
        level: level(&mut columns)?,
        flow_seq: columns.count()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
    })
}

/// Reads a stock level: total, available, reserved, sold, version.
pub(super) fn level(columns: &mut Columns<'_>) -> Result<Level, Fault> {
    Ok(Level {
        total: columns.take()?,
        available: columns.take()?,
        reserved: columns.take()?,
        sold: columns.take()?,
        version: columns.count()?,
    })
}

/// Reads an event.
pub(super) fn event(columns: &mut Columns<'_>) -> Result<OrderEvent, Fault> {
    Ok(OrderEvent {
        order_id: columns.id()?,
        version: columns.take()?,
        event_type: columns.name(EventType::from_name)?,
        status: columns.status()?,
        at: columns.time()?,
        by: columns.take()?,
        reason: columns.take()?,
    })
}

/// Reads a payment.
pub(super) fn payment(row: &Row<'_>) -> Result<Payment, Fault> {
    let mut columns = Columns::of(row);
    Ok(Payment {
        payment_id: columns.id()?,
        order_id: columns.id()?,
        amount: columns.money()?,
        answered: columns.named(RefundReason::from_name)?,
        refund: payment_refund(&mut columns)?,
        at: columns.time()?,
    })
}

/// Reads what became of a payment that is not kept: reason, status, time.
pub(super) fn payment_refund(columns: &mut Columns<'_>) -> Result<Option<PaymentRefund>, Fault> {
    let reason = columns.named(RefundReason::from_name)?;
    let status = columns.named(RefundStatus::from_name)?;
    let at: Option<i64> = columns.take()?;
    match (reason, status, at.map(Timestamp::from_millis)) {
        (None, None, None) => Ok(None),
        (Some(reason), Some(status), Some(at)) => Ok(Some(PaymentRefund { reason, status, at })),
        _ => Err(columns.damaged(&"half a refund")),
    }
}

/// Reads the digest of a body.
pub(super) fn body_hash(columns: &mut Columns<'_>) -> Result<BodyHash, Fault> {
    Ok(BodyHash::from_bytes(columns.take()?))
}

fn state(columns: &mut Columns<'_>) -> Result<OrderState, Fault> {
    let status = columns.status()?;
    let expires_at: Option<i64> = columns.take()?;
    let reason = columns.named(CancelReason::from_name)?;
    let text = columns.take()?;
    let missing = || columns.damaged(&"what belongs to the status is not there");
    Ok(match status {
        Status::Submitted => {
            OrderState::Submitted { expires_at: expires_at.map(Timestamp::from_millis).ok_or_else(missing)? }
        }
        Status::Paid => OrderState::Paid,
        Status::Shipped => OrderState::Shipped,
        Status::Completed => OrderState::Completed,
        Status::Cancelled => OrderState::Cancelled { reason: reason.ok_or_else(missing)?, text },
    })
}

fn refund(columns: &mut Columns<'_>) -> Result<Option<Refund>, Fault> {
    let due: Option<i64> = columns.take()?;
    let reason = columns.named(RefundReason::from_name)?;
    match (due.map(Money::from_ten_thousandths), reason) {
        (None, None) => Ok(None),
        (Some(Some(due)), Some(reason)) => Ok(Some(Refund { due, reason })),
        _ => Err(columns.damaged(&"half a refund")),
    }
}

fn key(columns: &mut Columns<'_>) -> Result<Option<OrderKey>, Fault> {
    let key: Option<String> = columns.take()?;
    let hash: Option<[u8; 16]> = columns.take()?;
    match (key, hash) {
        (None, None) => Ok(None),
        (Some(key), Some(hash)) => {
            let key = key.parse().map_err(|error| columns.damaged(&error))?;
            Ok(Some(OrderKey { key, body_hash: BodyHash::from_bytes(hash) }))
        }
        _ => Err(columns.damaged(&"a key without a digest, or a digest without a key")),
    }
}
