//! The product's invariants, named once. The simulated world, chaos runs and `GET /admin/verdict` check these.

use super::event::OrderEvent;
use super::id::{OrderId, SkuId};
use super::order::Order;
use super::stock::Level;

/// A promise that holds whatever crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// 1. Per SKU: available + reserved + sold = total, all at least zero.
    StockAddsUp,
    /// 1. Per SKU: what the orders hold is what the stock row says.
    StockMatchesOrders,
    /// 2. Every acknowledged order survives any crash.
    AcknowledgedOrdersSurvive,
    /// 3. One idempotency key gives at most one order and one stored answer.
    OneAnswerPerKey,
    /// 4. Every request is answered.
    EveryRequestAnswered,
    /// 6. Nothing unpaid stays reserved past its deadline plus ten seconds.
    UnpaidIsReleased,
    /// 6. Once quiet, the ledger offers what the store has.
    LedgerMatchesStore,
    /// 7. Per order, events are gap-free from 1, one per committed change.
    EventsGapFree,
    /// 7. Each consumer group's recorded effect happens once, in order per order.
    EffectsOnce,
    /// 8. Every payment notice answered 2xx ends as paid or refund due, once.
    PaymentsEnd,
    /// 9. No reader sees an order's version go back.
    VersionsNeverGoBack,
    /// 10. Per-user purchase limits hold.
    PurchaseLimitsHold,
}

impl Invariant {
    /// The name in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StockAddsUp => "stock_adds_up",
            Self::StockMatchesOrders => "stock_matches_orders",
            Self::AcknowledgedOrdersSurvive => "acknowledged_orders_survive",
            Self::OneAnswerPerKey => "one_answer_per_key",
            Self::EveryRequestAnswered => "every_request_answered",
            Self::UnpaidIsReleased => "unpaid_is_released",
            Self::LedgerMatchesStore => "ledger_matches_store",
            Self::EventsGapFree => "events_gap_free",
            Self::EffectsOnce => "effects_once",
            Self::PaymentsEnd => "payments_end",
            Self::VersionsNeverGoBack => "versions_never_go_back",
            Self::PurchaseLimitsHold => "purchase_limits_hold",
        }
    }
}

/// A broken promise, with what was seen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is broken: {found}", .invariant.name())]
pub struct Violation {
    /// Which promise.
    pub invariant: Invariant,
    /// What was seen instead.
    pub found: String,
}

impl Violation {
    /// Tells of a broken promise.
    pub fn of(invariant: Invariant, found: impl Into<String>) -> Self {
        Self { invariant, found: found.into() }
    }
}

/// Units of one SKU that the committed orders hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderTotals {
    /// In orders that await payment.
    pub reserved: i64,
    /// In orders that were paid and not cancelled.
    pub sold: i64,
}

/// Checks a SKU's stock row by itself and against what its orders hold, both read in one transaction.
pub fn stock_violations(sku_id: &SkuId, level: &Level, orders: &OrderTotals) -> Vec<Violation> {
    let mut violations = Vec::new();
    if !level.is_sound() {
        violations.push(Violation::of(Invariant::StockAddsUp, format!("{sku_id} has {level:?}")));
    }
    if level.reserved != orders.reserved || level.sold != orders.sold {
        let found = format!("{sku_id} has {level:?}, its orders hold {orders:?}");
        violations.push(Violation::of(Invariant::StockMatchesOrders, found));
    }
    violations
}

/// Checks that an order's events run from 1 to its version.
pub fn event_violations(order: &Order, events: &[OrderEvent]) -> Vec<Violation> {
    let versions: Vec<u32> = events.iter().map(|event| event.version).collect();
    let expected: Vec<u32> = (1..=order.version).collect();
    if versions == expected {
        return Vec::new();
    }
    vec![gap(order.order_id, order.version, &versions)]
}

fn gap(order_id: OrderId, version: u32, versions: &[u32]) -> Violation {
    Violation::of(
        Invariant::EventsGapFree,
        format!("order {order_id} is at version {version}, its events are {versions:?}"),
    )
}
