//! The invariants, looked at on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::WINDOW;
use super::events::{EventPath, Roads};
use super::history::History;
use crate::domain::event::OrderEvent;
use crate::domain::id::OrderId;
use crate::domain::invariant::{event_violations, stock_violations};
use crate::domain::limits::DEADLINE_TICK;
use crate::domain::money::Money;
use crate::domain::order::{Order, Status};
use crate::domain::payment::RefundStatus;
use crate::domain::time::Timestamp;
use crate::event::PRINTER_GROUP;
use crate::testing::memory_store::{Disk, Tables};

/// What holds after every commit.
pub(super) fn after_commit(disk: &Disk, history: &History) {
    let tables = disk.tables();
    let mut found: Vec<String> = Vec::new();
    for (sku_id, sku) in &tables.skus {
        let violations = stock_violations(sku_id, &sku.level, &tables.totals(sku_id));
        found.extend(violations.iter().map(ToString::to_string));
        found.extend(flow_gap(&tables, sku));
    }
    let events = events_by_order(&tables);
    for (order_id, order) in &tables.orders {
        let own = events.get(order_id).map_or(&[][..], Vec::as_slice);
        found.extend(event_violations(order, own).iter().map(ToString::to_string));
        found.extend(refund_difference(&tables, order));
        found.extend(final_status_left(own));
        for line in &order.lines {
            let limit = tables.skus.get(&line.sku_id).and_then(|sku| sku.goods.purchase_limit);
            let held = tables.held(&(order.user_id.clone(), line.sku_id.clone()));
            if limit.is_some_and(|limit| held > u64::from(limit)) {
                found
                    .push(format!("purchase_limits_hold is broken: {} holds {held} of {}", order.user_id, line.sku_id));
            }
        }
    }
    for (purchase, units) in &tables.purchase_counts {
        let (held, (user_id, sku_id)) = (tables.held(purchase), purchase);
        let has_limit = tables.skus.get(sku_id).is_some_and(|sku| sku.goods.purchase_limit.is_some());
        if *units != held || !has_limit {
            found.push(format!("purchase_limits_hold is broken: {user_id} holds {held} of {sku_id}, counted {units}"));
        }
    }
    drop(tables);
    found.iter().for_each(|found| history.violate(found));
}

/// What holds besides if nothing ever failed: the heaps alone, without the sweeper, cancel in time.
pub(super) fn after_a_calm_run(disk: &Disk, history: &History) {
    let bound = DEADLINE_TICK + Duration::from_millis(100);
    let tables = disk.tables();
    let expired = tables.events.iter().filter(|event| event.reason.as_deref() == Some("payment_timeout"));
    let late: Vec<String> = expired
        .filter(|event| {
            let placed = tables.orders.get(&event.order_id).map(|order| order.created_at.plus(WINDOW));
            placed.is_none_or(|expires_at| event.at < expires_at || event.at > expires_at.plus(bound))
        })
        .map(|event| format!("unpaid_is_released is broken: {} expired at {:?}", event.order_id, event.at))
        .collect();
    drop(tables);
    late.iter().for_each(|found| history.violate(found));
}

/// What holds once all is quiet.
pub(super) fn after_all(disk: &Disk, history: &History, now: Timestamp, prints_once: bool) {
    after_commit(disk, history);
    let tables = disk.tables();
    let record = history.record();
    let mut found: Vec<String> = Vec::new();
    for (order_id, acknowledged) in &record.orders {
        let kept = tables.orders.get(order_id);
        if kept.is_none_or(|kept| kept.lines != acknowledged.lines || kept.user_id != acknowledged.user_id) {
            found.push(format!("acknowledged_orders_survive is broken: {order_id} is {kept:?}"));
        }
    }
    for (payment_id, (notice, refund)) in &record.payments {
        let kept = tables.payments.get(payment_id);
        if kept.is_none_or(|kept| kept.order_id != notice.order_id || kept.answered != *refund) {
            found.push(format!("payments_end is broken: {payment_id} is {kept:?}, answered {refund:?}"));
        }
    }
    for payment_id in &record.settled {
        let refund = tables.payments.get(payment_id).and_then(|payment| payment.refund);
        if refund.is_none_or(|refund| refund.status != RefundStatus::Done) {
            found.push(format!("payments_end is broken: {payment_id} was settled and is {refund:?}"));
        }
    }
    for order_id in &record.deleted {
        if tables.orders.get(order_id).is_none_or(|order| !order.is_deleted) {
            found.push(format!("{order_id} was deleted and is not"));
        }
    }
    for order in tables.orders.values() {
        if order.expires_at().is_some_and(|at| at.plus(Duration::from_secs(10)) < now) {
            found.push(format!("unpaid_is_released is broken: {} is still reserved", order.order_id));
        }
    }
    for (order_id, events) in events_by_order(&tables) {
        let committed: Vec<u32> = events.iter().map(|event| event.version).collect();
        let printed = record.printed_order.get(&order_id).cloned().unwrap_or_default();
        if printed != committed {
            found.push(format!("effects_once is broken: {order_id} printed {printed:?}, committed {committed:?}"));
        }
    }
    if prints_once && record.printed.values().any(|times| *times > 1) {
        found.push("effects_once is broken: a line was printed twice though nothing died".to_owned());
    }
    drop((tables, record));
    found.iter().for_each(|found| history.violate(found));
}

/// What holds of the way that events go: nothing is left on it, and it is recorded how far all have come.
pub(super) fn after_handing_on(disk: &Disk, history: &History, roads: &Roads) {
    let tables = disk.tables();
    let mut found: Vec<String> = Vec::new();
    if roads.path == EventPath::Log {
        let recorded = tables.positions.get(PRINTER_GROUP).copied().unwrap_or_default();
        if recorded != tables.events.len() as u64 {
            found.push(format!("effects_once is broken: {recorded} of {} effects are recorded", tables.events.len()));
        }
    } else if !tables.unpublished.is_empty() {
        found.push(format!("effects_once is broken: {:?} wait in the outbox", tables.unpublished));
    }
    if roads.path == EventPath::Stream {
        let mut streamed: BTreeMap<OrderId, Vec<u32>> = BTreeMap::new();
        for event in roads.broker.messages().into_iter().filter_map(|(_, event)| event.ok()) {
            let versions = streamed.entry(event.order_id).or_default();
            if !versions.contains(&event.version) {
                versions.push(event.version);
            }
        }
        for (order_id, events) in events_by_order(&tables) {
            let committed: Vec<u32> = events.iter().map(|event| event.version).collect();
            let streamed = streamed.remove(&order_id).unwrap_or_default();
            if streamed != committed {
                found.push(format!("events_in_order is broken: {order_id} streamed {streamed:?}, not {committed:?}"));
            }
            let done = tables.done.get(&(PRINTER_GROUP.into(), order_id)).copied();
            if done != committed.last().copied() {
                found.push(format!("effects_once is broken: {done:?} of {committed:?} of {order_id} is recorded"));
            }
        }
    }
    drop(tables);
    found.iter().for_each(|found| history.violate(found));
}

fn events_by_order(tables: &Tables) -> BTreeMap<OrderId, Vec<OrderEvent>> {
    let mut events: BTreeMap<OrderId, Vec<OrderEvent>> = BTreeMap::new();
    for event in &tables.events {
        events.entry(event.order_id).or_default().push(event.clone());
    }
    events
}

/// The stock flow is numbered without a gap, reserves among the rest.
fn flow_gap(tables: &Tables, sku: &crate::domain::stock::Sku) -> Option<String> {
    let own = tables.flow.iter().filter(|entry| entry.sku_id == sku.sku_id).map(|entry| entry.seq);
    let lines = tables.orders.values().flat_map(|order| &order.lines);
    let reserves = lines.filter(|line| line.sku_id == sku.sku_id).map(|line| line.flow_seq);
    let numbers: Vec<u64> = own.chain(reserves).collect();
    let distinct: BTreeSet<u64> = numbers.iter().copied().collect();
    let is_whole = numbers.len() as u64 == sku.flow_seq && distinct == (1..=sku.flow_seq).collect();
    (!is_whole).then(|| {
        format!("the stock flow of {} has a gap: {} entries, {} counted", sku.sku_id, numbers.len(), sku.flow_seq)
    })
}

/// An order that was completed or cancelled stays so.
fn final_status_left(events: &[OrderEvent]) -> Option<String> {
    let is_final = |event: &OrderEvent| [Status::Completed, Status::Cancelled].contains(&event.status);
    let left = events.windows(2).find(|pair| is_final(&pair[0]) && pair[0].status != pair[1].status)?;
    Some(format!("order {} left a final status: {left:?}", left[0].order_id))
}

/// What an order came to owe back is the sum of its payments that are or were owed back, and one payment at most paid
/// it.
fn refund_difference(tables: &Tables, order: &Order) -> Option<String> {
    let own: Vec<_> = tables.payments.values().filter(|payment| payment.order_id == order.order_id).collect();
    let due = own.iter().filter(|payment| payment.refund.is_some());
    let due = due.fold(Money::ZERO, |sum, payment| sum.saturating_add(payment.amount));
    let owed = order.refund.map_or(Money::ZERO, |refund| refund.due);
    let paid = own.iter().filter(|payment| payment.answered.is_none()).count();
    (owed != due || paid > 1)
        .then(|| format!("payments_end is broken: {} owes {owed}, its payments say {due}", order.order_id))
}
