//! Rows to domain types. A value that the domain would never have written is damage, and never guessed at.

use std::str::FromStr;
use std::time::Duration;

use actors::domain::event::{EventType, OrderEvent};
use actors::domain::id::{BodyHash, MalformedId};
use actors::domain::money::{Money, STORED_DIGITS};
use actors::domain::order::{CancelReason, Order, OrderKey, OrderLine, OrderState, Status};
use actors::domain::payment::{Payment, PaymentRefund, Refund, RefundReason, RefundStatus};
use actors::domain::stock::{Goods, Level, Sku};
use actors::domain::time::Timestamp;
use mysql_async::{Row, Value};
use rust_decimal::Decimal;

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
        "s.sku_id, i.name, i.sku_price, i.status, i.payment_window_s, i.purchase_limit, \
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
    row: &'row Row,
    next: usize,
}

impl<'row> Columns<'row> {
    /// Starts at the first column.
    pub(super) const fn of(row: &'row Row) -> Self {
        Self { row, next: 0 }
    }

    /// The bytes of the next column, if there are any: a statement sent as text is answered in texts.
    fn bytes(&mut self) -> Result<Option<&'row [u8]>, Fault> {
        let index = self.next;
        self.next += 1;
        match self.row.as_ref(index) {
            Some(Value::NULL) => Ok(None),
            Some(Value::Bytes(bytes)) => Ok(Some(bytes)),
            _ => Err(self.damaged(&"not what was asked for")),
        }
    }

    fn optional_str(&mut self) -> Result<Option<&'row str>, Fault> {
        let bytes = self.bytes()?;
        bytes.map(|bytes| std::str::from_utf8(bytes).map_err(|error| self.damaged(&error))).transpose()
    }

    fn str(&mut self) -> Result<&'row str, Fault> {
        self.optional_str()?.ok_or_else(|| self.damaged(&"nothing there"))
    }

    /// Takes a text.
    pub(super) fn text(&mut self) -> Result<String, Fault> {
        self.str().map(str::to_owned)
    }

    /// Takes a text that may be missing.
    pub(super) fn optional_text(&mut self) -> Result<Option<String>, Fault> {
        Ok(self.optional_str()?.map(str::to_owned))
    }

    /// Takes a whole number of any width.
    pub(super) fn number<T: FromStr>(&mut self) -> Result<T, Fault> {
        self.optional_number()?.ok_or_else(|| self.damaged(&"nothing there"))
    }

    /// Takes a whole number that may be missing.
    pub(super) fn optional_number<T: FromStr>(&mut self) -> Result<Option<T>, Fault> {
        let text = self.optional_str()?;
        text.map(|text| text.parse().map_err(|_| self.damaged(&"not a number that fits"))).transpose()
    }

    /// Takes a count that is never negative.
    pub(super) fn count(&mut self) -> Result<u64, Fault> {
        self.number()
    }

    /// Takes an id.
    pub(super) fn id<T: FromStr<Err = MalformedId>>(&mut self) -> Result<T, Fault> {
        self.optional_id()?.ok_or_else(|| self.damaged(&"nothing there"))
    }

    /// Takes an id that may be missing.
    pub(super) fn optional_id<T: FromStr<Err = MalformedId>>(&mut self) -> Result<Option<T>, Fault> {
        let text = self.optional_str()?;
        text.map(|text| text.parse().map_err(|error| self.damaged(&error))).transpose()
    }

    /// Takes a point in time.
    pub(super) fn time(&mut self) -> Result<Timestamp, Fault> {
        Ok(Timestamp::from_millis(self.number()?))
    }

    /// Takes a sum of money.
    pub(super) fn money(&mut self) -> Result<Money, Fault> {
        self.optional_money()?.ok_or_else(|| self.damaged(&"nothing there"))
    }

    fn optional_money(&mut self) -> Result<Option<Money>, Fault> {
        let Some(text) = self.optional_str()? else { return Ok(None) };
        let units = Decimal::from_str(text).ok().map(|mut sum| {
            sum.rescale(STORED_DIGITS);
            sum.mantissa()
        });
        let sum = units.and_then(|units| i64::try_from(units).ok()).and_then(Money::from_ten_thousandths);
        sum.map(Some).ok_or_else(|| self.damaged(&"not a sum of money"))
    }

    /// Takes yes or no.
    pub(super) fn flag(&mut self) -> Result<bool, Fault> {
        match self.str()? {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err(self.damaged(&"not a flag")),
        }
    }

    fn status(&mut self) -> Result<Status, Fault> {
        let code = self.number()?;
        Status::from_code(code).ok_or_else(|| self.damaged(&"not a status"))
    }

    /// Takes one of a list of names, or nothing.
    fn named<T>(&mut self, from_name: fn(&str) -> Option<T>) -> Result<Option<T>, Fault> {
        let Some(name) = self.optional_str()? else { return Ok(None) };
        from_name(name).map(Some).ok_or_else(|| self.damaged(&"not one of the known names"))
    }

    /// Takes one of a list of names.
    pub(super) fn name<T>(&mut self, from_name: fn(&str) -> Option<T>) -> Result<T, Fault> {
        self.named(from_name)?.ok_or_else(|| self.damaged(&"nothing there"))
    }

    fn optional_body_hash(&mut self) -> Result<Option<BodyHash>, Fault> {
        let Some(bytes) = self.bytes()? else { return Ok(None) };
        let bytes = bytes.try_into().map_err(|_| self.damaged(&"not a digest"))?;
        Ok(Some(BodyHash::from_bytes(bytes)))
    }

    /// Takes the digest of a body.
    pub(super) fn body_hash(&mut self) -> Result<BodyHash, Fault> {
        self.optional_body_hash()?.ok_or_else(|| self.damaged(&"nothing there"))
    }

    /// Tells what is wrong with the column taken last.
    pub(super) fn damaged(&self, why: &dyn std::fmt::Display) -> Fault {
        let columns = self.row.columns_ref();
        let column = columns.get(self.next.saturating_sub(1)).map_or("?".into(), |column| column.name_str());
        Fault::Damaged(format!("a row does not read at {column}: {why}"))
    }
}

/// Reads an order without its lines.
pub(super) fn order(row: &Row) -> Result<Order, Fault> {
    let mut columns = Columns::of(row);
    Ok(Order {
        order_id: columns.id()?,
        user_id: columns.id()?,
        state: state(&mut columns)?,
        version: columns.number()?,
        lines: Vec::new(),
        amount: columns.money()?,
        source: columns.optional_text()?,
        remark: columns.optional_text()?,
        room_id: columns.optional_text()?,
        refund: refund(&mut columns)?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
        is_deleted: columns.flag()?,
        key: key(&mut columns)?,
    })
}

/// Reads a line of an order.
pub(super) fn line(columns: &mut Columns<'_>) -> Result<OrderLine, Fault> {
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
pub(super) fn sku(row: &Row) -> Result<Sku, Fault> {
    let mut columns = Columns::of(row);
    Ok(Sku {
        sku_id: columns.id()?,
        goods: Goods {
            name: columns.text()?,
            price: columns.money()?,
            on_sale: columns.flag()?,
            payment_window: columns.optional_number()?.map(Duration::from_secs),
            purchase_limit: columns.optional_number()?,
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
        total: columns.number()?,
        available: columns.number()?,
        reserved: columns.number()?,
        sold: columns.number()?,
        version: columns.count()?,
    })
}

/// Reads an event.
pub(super) fn event(columns: &mut Columns<'_>) -> Result<OrderEvent, Fault> {
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

/// Reads a payment.
pub(super) fn payment(row: &Row) -> Result<Payment, Fault> {
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
    let at = columns.optional_number()?;
    match (reason, status, at.map(Timestamp::from_millis)) {
        (None, None, None) => Ok(None),
        (Some(reason), Some(status), Some(at)) => Ok(Some(PaymentRefund { reason, status, at })),
        _ => Err(columns.damaged(&"half a refund")),
    }
}

fn state(columns: &mut Columns<'_>) -> Result<OrderState, Fault> {
    let status = columns.status()?;
    let expires_at = columns.optional_number()?;
    let reason = columns.named(CancelReason::from_name)?;
    let text = columns.optional_text()?;
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
    let due = columns.optional_money()?;
    let reason = columns.named(RefundReason::from_name)?;
    match (due, reason) {
        (None, None) => Ok(None),
        (Some(due), Some(reason)) => Ok(Some(Refund { due, reason })),
        _ => Err(columns.damaged(&"half a refund")),
    }
}

fn key(columns: &mut Columns<'_>) -> Result<Option<OrderKey>, Fault> {
    match (columns.optional_id()?, columns.optional_body_hash()?) {
        (None, None) => Ok(None),
        (Some(key), Some(body_hash)) => Ok(Some(OrderKey { key, body_hash })),
        _ => Err(columns.damaged(&"a key without a digest, or a digest without a key")),
    }
}
