//! What was asked and answered, and what was seen to be broken.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Report;
use crate::domain::event::OrderEvent;
use crate::domain::id::{OrderId, PaymentId, ScopedKey};
use crate::domain::order::Order;
use crate::domain::payment::{PaymentNotice, RefundReason};
use crate::ports::Clock;

/// The record of a run.
#[derive(Clone)]
pub(super) struct History {
    clock: Arc<dyn Clock>,
    record: Arc<Mutex<Record>>,
}

/// What clients know for certain.
#[derive(Default)]
pub(super) struct Record {
    trace: String,
    violations: Vec<String>,
    pending: BTreeMap<u64, String>,
    asked: u64,
    /// Orders as they were acknowledged.
    pub(super) orders: BTreeMap<OrderId, Order>,
    /// Answers given under keys.
    pub(super) keyed: BTreeMap<ScopedKey, Order>,
    /// Payments as they were acknowledged.
    pub(super) payments: BTreeMap<PaymentId, (PaymentNotice, Option<RefundReason>)>,
    /// Orders whose deletion was acknowledged.
    pub(super) deleted: BTreeSet<OrderId>,
    /// Payments whose refund was acknowledged to be settled.
    pub(super) settled: BTreeSet<PaymentId>,
    /// Versions of orders that some client has seen.
    pub(super) versions: BTreeMap<OrderId, u32>,
    /// Lines printed, with how often.
    pub(super) printed: BTreeMap<(OrderId, u32), usize>,
    /// Versions printed per order, first occurrences in order.
    pub(super) printed_order: BTreeMap<OrderId, Vec<u32>>,
}

impl History {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, record: Arc::default() }
    }

    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a line of the trace.
    pub(super) fn note(&self, line: &str) {
        let millis = self.clock.now().wall.minus(std::time::Duration::ZERO).millis() - super::EPOCH.millis();
        let _ = writeln!(self.record().trace, "{millis:>7} {line}");
    }

    /// Notes a broken invariant.
    pub(super) fn violate(&self, found: &str) {
        self.note(&format!("VIOLATION {found}"));
        self.record().violations.push(found.to_owned());
    }

    /// Notes a request, which has to be answered.
    pub(super) fn ask(&self, line: String) -> u64 {
        self.note(&format!("? {line}"));
        let mut record = self.record();
        record.asked += 1;
        let number = record.asked;
        record.pending.insert(number, line);
        number
    }

    /// Notes the answer to a request.
    pub(super) fn answer(&self, number: u64, line: &str) {
        let asked = self.record().pending.remove(&number).unwrap_or_default();
        self.note(&format!("! {asked}: {line}"));
    }

    pub(super) fn expect_every_request_answered(&self) {
        let pending: Vec<String> = self.record().pending.values().cloned().collect();
        for line in pending {
            self.violate(&format!("every_request_answered is broken: {line}"));
        }
    }

    /// Notes an acknowledged order.
    pub(super) fn acknowledge(&self, key: Option<ScopedKey>, order: &Order) {
        self.see(order);
        let earlier = self.record().orders.insert(order.order_id, order.clone());
        if earlier.is_some_and(|earlier| earlier != *order) {
            self.violate(&format!("one_answer_per_key is broken: {} was answered in two ways", order.order_id));
        }
        let Some(key) = key else { return };
        let earlier = self.record().keyed.insert(key.clone(), order.clone());
        if earlier.is_some_and(|earlier| earlier.order_id != order.order_id) {
            self.violate(&format!("one_answer_per_key is broken: {key:?} was answered with two orders"));
        }
    }

    /// Notes the version that a client has seen of an order.
    pub(super) fn see(&self, order: &Order) {
        let mut record = self.record();
        let seen = record.versions.entry(order.order_id).or_default();
        *seen = (*seen).max(order.version);
    }

    /// Notes an acknowledged payment.
    pub(super) fn acknowledge_payment(&self, notice: PaymentNotice, refund: Option<RefundReason>) {
        let payment_id = notice.payment_id.clone();
        let answered = (notice, refund);
        let earlier = self.record().payments.insert(payment_id.clone(), answered.clone());
        if earlier.is_some_and(|earlier| earlier != answered) {
            self.violate(&format!("payments_end is broken: {payment_id} was answered in two ways"));
        }
    }

    /// Notes a printed line.
    pub(super) fn print(&self, event: &OrderEvent) {
        let mut record = self.record();
        let times = record.printed.entry((event.order_id, event.version)).or_default();
        *times += 1;
        if *times == 1 {
            record.printed_order.entry(event.order_id).or_default().push(event.version);
        }
        drop(record);
        self.note(&format!("printed {} {} {}", event.order_id, event.version, event.event_type.name()));
    }

    pub(super) fn report(self, crashes: usize) -> Report {
        let record = self.record();
        Report {
            trace: record.trace.clone(),
            violations: record.violations.clone(),
            acknowledged: record.orders.len(),
            payments: record.payments.len(),
            crashes,
        }
    }
}
