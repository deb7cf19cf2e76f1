//! The one state machine of orders. A transition consumes the order and may refuse.

use super::{Amendment, CancelReason, ExpectedVersion, Order, OrderState, Status};
use crate::domain::event::{EventType, OrderEvent};
use crate::domain::money::Money;
use crate::domain::payment::{PaymentNotice, Refund, RefundReason};
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;

/// What a transition does to the stock of every line of its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockMove {
    /// Reserved units become sold.
    Confirm,
    /// Reserved units become available.
    Release,
    /// Sold units become available.
    TakeBack,
}

/// A change of an order, to be committed whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The order after the change.
    pub order: Order,
    /// The event that tells of it.
    pub event: OrderEvent,
    /// What happens to the stock of its lines.
    pub stock: Option<StockMove>,
    /// Whether the payment that paid the order is owed back from now on.
    pub refunds_payment: bool,
}

/// The user that the service itself acts as.
pub const SYSTEM: &str = "floodgate";

impl Order {
    /// Records a payment: the order is paid, or the payment is owed back for the reason given.
    pub fn pay(self, notice: &PaymentNotice, now: Timestamp) -> (Transition, Option<RefundReason>) {
        let refund_reason = match self.state {
            OrderState::Cancelled { .. } => Some(RefundReason::OrderCancelled),
            OrderState::Paid | OrderState::Shipped | OrderState::Completed => Some(RefundReason::AlreadyPaid),
            OrderState::Submitted { .. } if notice.amount != self.amount => Some(RefundReason::AmountMismatch),
            OrderState::Submitted { .. } => None,
        };
        let Some(reason) = refund_reason else {
            let order = Self { state: OrderState::Paid, ..self };
            return (order.changed(EventType::OrderPaid, &notice.by, None, Some(StockMove::Confirm), now), None);
        };
        let order = self.owing(notice.amount, reason);
        let why = Some(reason.name().to_owned());
        (order.changed(EventType::OrderRefundDue, &notice.by, why, None, now), Some(reason))
    }

    /// Cancels on behalf of the buyer or the shop. The buyer may until shipment, the shop until receipt.
    ///
    /// # Errors
    /// Refuses once the order is beyond that, or final.
    pub fn cancel(
        self,
        reason: CancelReason,
        text: Option<String>,
        by: &str,
        now: Timestamp,
    ) -> Result<Transition, Rejection> {
        let status = self.status();
        let stock = match (status, reason) {
            (Status::Submitted, _) => StockMove::Release,
            (Status::Paid, CancelReason::Customer) | (Status::Paid | Status::Shipped, CancelReason::Shop) => {
                StockMove::TakeBack
            }
            (Status::Paid | Status::Shipped | Status::Completed | Status::Cancelled, _) => {
                return Err(Rejection::IllegalTransition { status, wanted: "cancelled" });
            }
        };
        let refunds_payment = stock == StockMove::TakeBack;
        let amount = self.amount;
        let order = if refunds_payment { self.owing(amount, RefundReason::OrderCancelled) } else { self };
        let order = Self { state: OrderState::Cancelled { reason, text }, ..order };
        let why = Some(reason.name().to_owned());
        let transition = order.changed(EventType::OrderCancelled, by, why, Some(stock), now);
        Ok(Transition { refunds_payment, ..transition })
    }

    /// Cancels what was not paid in time; none if there is nothing to cancel, or not yet.
    pub fn expire(self, now: Timestamp) -> Option<Transition> {
        if self.expires_at().is_none_or(|expires_at| expires_at > now) {
            return None;
        }
        self.cancel(CancelReason::PaymentTimeout, None, SYSTEM, now).ok()
    }

    /// Hands the goods of a paid order over to be delivered.
    ///
    /// # Errors
    /// Refuses an order in any other status.
    pub fn ship(self, by: &str, now: Timestamp) -> Result<Transition, Rejection> {
        self.permitted(&[Status::Paid], "shipped")?;
        let order = Self { state: OrderState::Shipped, ..self };
        Ok(order.changed(EventType::OrderShipped, by, None, None, now))
    }

    /// Completes a shipped order, whose goods have arrived.
    ///
    /// # Errors
    /// Refuses an order in any other status.
    pub fn receive(self, by: &str, now: Timestamp) -> Result<Transition, Rejection> {
        self.permitted(&[Status::Shipped], "received")?;
        let order = Self { state: OrderState::Completed, ..self };
        Ok(order.changed(EventType::OrderCompleted, by, None, None, now))
    }

    /// Changes source or remark of an order that is not final; none if both are as wanted already.
    ///
    /// # Errors
    /// Refuses an order of another version than expected, then one that is final.
    pub fn amend(
        self,
        expected: &ExpectedVersion,
        wanted: &Amendment,
        by: &str,
        now: Timestamp,
    ) -> Result<Option<Transition>, Rejection> {
        if !expected.allows(self.version) {
            return Err(Rejection::VersionMismatch { version: self.version });
        }
        self.permitted(&[Status::Submitted, Status::Paid, Status::Shipped], "amended")?;
        let source = wanted.source.as_ref().unwrap_or(&self.source).clone();
        let remark = wanted.remark.as_ref().unwrap_or(&self.remark).clone();
        if source == self.source && remark == self.remark {
            return Ok(None);
        }
        let order = Self { source, remark, ..self };
        Ok(Some(order.changed(EventType::OrderAmended, by, None, None, now)))
    }

    /// Hides a final order from everyone but admins.
    ///
    /// # Errors
    /// Refuses an order that is not final.
    pub fn delete(self, by: &str, now: Timestamp) -> Result<Transition, Rejection> {
        self.permitted(&[Status::Completed, Status::Cancelled], "deleted")?;
        let order = Self { is_deleted: true, ..self };
        Ok(order.changed(EventType::OrderDeleted, by, None, None, now))
    }

    fn permitted(&self, statuses: &[Status], wanted: &'static str) -> Result<(), Rejection> {
        let status = self.status();
        if statuses.contains(&status) { Ok(()) } else { Err(Rejection::IllegalTransition { status, wanted }) }
    }

    /// The sum due is held at what the tables hold: a captured payment is never refused, and its own row has its amount.
    fn owing(self, amount: Money, reason: RefundReason) -> Self {
        let due = self.refund.map_or(amount, |refund| refund.due.saturating_add(amount));
        Self { refund: Some(Refund { due, reason }), ..self }
    }

    fn changed(
        mut self,
        event_type: EventType,
        by: &str,
        reason: Option<String>,
        stock: Option<StockMove>,
        now: Timestamp,
    ) -> Transition {
        self.version += 1;
        // A clock that was set back must not make an order look older than it is.
        self.updated_at = self.updated_at.max(now);
        let event = OrderEvent::of(&self, event_type, by, reason);
        Transition { order: self, event, stock, refunds_payment: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::OrderId;
    use crate::domain::money::Money;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn order(state: OrderState) -> Order {
        Order {
            order_id: OrderId::from_u128(1),
            user_id: "u-1".parse().expect("a valid id"),
            state,
            version: 3,
            lines: vec![],
            amount: Money::from_ten_thousandths(500).expect("a valid sum"),
            source: None,
            remark: None,
            room_id: None,
            refund: None,
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
            is_deleted: false,
            key: None,
        }
    }

    fn states() -> [OrderState; 5] {
        [
            OrderState::Submitted { expires_at: Timestamp::from_millis(900) },
            OrderState::Paid,
            OrderState::Shipped,
            OrderState::Completed,
            OrderState::Cancelled { reason: CancelReason::Shop, text: None },
        ]
    }

    fn notice(units: i64) -> PaymentNotice {
        PaymentNotice {
            payment_id: "p-1".parse().expect("a valid id"),
            order_id: OrderId::from_u128(1),
            amount: Money::from_ten_thousandths(units).expect("a valid sum"),
            by: "shop".to_owned(),
        }
    }

    #[test]
    fn every_payment_ends_as_paid_or_refund_due() {
        use RefundReason::{AlreadyPaid, AmountMismatch, OrderCancelled};
        let right = [None, Some(AlreadyPaid), Some(AlreadyPaid), Some(AlreadyPaid), Some(OrderCancelled)];
        let wrong =
            [Some(AmountMismatch), Some(AlreadyPaid), Some(AlreadyPaid), Some(AlreadyPaid), Some(OrderCancelled)];
        for (amount, expected) in [(500, right), (499, wrong)] {
            for (state, refund) in states().into_iter().zip(expected) {
                let before = order(state.clone());
                let status = before.status();
                let (transition, reason) = before.pay(&notice(amount), NOW);
                assert_eq!(reason, refund, "{state:?}");
                assert_eq!(transition.order.version, 4);
                assert_eq!(transition.stock, refund.is_none().then_some(StockMove::Confirm));
                assert_eq!(transition.order.status(), if refund.is_none() { Status::Paid } else { status });
                assert_eq!(transition.order.refund.map(|due| due.due), refund.map(|_| notice(amount).amount));
            }
        }
    }

    #[test]
    fn refunds_of_one_order_add_up() {
        let (first, _) = order(OrderState::Paid).pay(&notice(500), NOW);
        let (second, _) = first.order.pay(&notice(300), NOW);
        assert_eq!(second.order.refund.map(|refund| refund.due), Money::from_ten_thousandths(800));
        assert_eq!(second.event.event_type, EventType::OrderRefundDue);
    }

    #[test]
    fn who_may_cancel_what() {
        use StockMove::{Release, TakeBack};
        let table: [(CancelReason, [Option<StockMove>; 5]); 2] = [
            (CancelReason::Customer, [Some(Release), Some(TakeBack), None, None, None]),
            (CancelReason::Shop, [Some(Release), Some(TakeBack), Some(TakeBack), None, None]),
        ];
        for (reason, expected) in table {
            for (state, stock) in states().into_iter().zip(expected) {
                let verdict = order(state.clone()).cancel(reason, None, "u-1", NOW);
                assert_eq!(
                    verdict.as_ref().ok().and_then(|transition| transition.stock),
                    stock,
                    "{reason:?} {state:?}"
                );
                if let Ok(transition) = verdict {
                    assert_eq!(transition.refunds_payment, stock == Some(TakeBack));
                    assert_eq!(transition.order.refund.is_some(), stock == Some(TakeBack));
                }
            }
        }
    }

    #[test]
    fn what_may_be_done_in_which_status() {
        type Change = fn(Order) -> Result<Transition, Rejection>;
        let table: [(&str, Change, EventType, [Option<Status>; 5]); 4] = [
            (
                "shipped",
                |order| order.ship("shop", NOW),
                EventType::OrderShipped,
                [None, Some(Status::Shipped), None, None, None],
            ),
            (
                "received",
                |order| order.receive("shop", NOW),
                EventType::OrderCompleted,
                [None, None, Some(Status::Completed), None, None],
            ),
            (
                "amended",
                |order| order.amend(&ExpectedVersion::Any, &remark("new"), "shop", NOW).map(|made| made.expect("new")),
                EventType::OrderAmended,
                [Some(Status::Submitted), Some(Status::Paid), Some(Status::Shipped), None, None],
            ),
            (
                "deleted",
                |order| order.delete("shop", NOW),
                EventType::OrderDeleted,
                [None, None, None, Some(Status::Completed), Some(Status::Cancelled)],
            ),
        ];
        for (wanted, change, event_type, expected) in table {
            for (state, after) in states().into_iter().zip(expected) {
                let before = order(state);
                let status = before.status();
                match (change(before.clone()), after) {
                    (Ok(Transition { order, event, stock, refunds_payment }), Some(after)) => {
                        assert_eq!((order.status(), order.version, order.updated_at), (after, 4, NOW));
                        assert_eq!((event.event_type, event.version, event.status), (event_type, 4, after));
                        assert_eq!((event.by.as_str(), event.reason), ("shop", None));
                        assert_eq!((stock, refunds_payment), (None, false));
                        assert_eq!(order.is_deleted, wanted == "deleted");
                        assert_eq!((order.expires_at(), order.refund), (before.expires_at(), None));
                    }
                    (verdict, None) => assert_eq!(verdict, Err(Rejection::IllegalTransition { status, wanted })),
                    (verdict, after) => panic!("{wanted} {status:?}: {verdict:?} instead of {after:?}"),
                }
            }
        }
    }

    fn remark(text: &str) -> Amendment {
        Amendment { remark: Some(Some(text.to_owned())), ..Amendment::default() }
    }

    #[test]
    fn an_amendment_changes_what_it_names_and_only_that() {
        let text = |text: &str| Some(text.to_owned());
        let amendment = |source, remark| Amendment { source, remark };
        let table = [
            (amendment(None, None), None),
            (amendment(Some(text("web")), Some(text("gift"))), None),
            (amendment(None, Some(text("new"))), Some((text("web"), text("new")))),
            (amendment(Some(text("app")), None), Some((text("app"), text("gift")))),
            (amendment(None, Some(None)), Some((text("web"), None))),
            (amendment(Some(None), Some(None)), Some((None, None))),
            (amendment(Some(text("")), Some(text("gift"))), Some((text(""), text("gift")))),
        ];
        for (wanted, expected) in table {
            let before = Order { source: text("web"), remark: text("gift"), ..order(OrderState::Paid) };
            let made = before.amend(&ExpectedVersion::Any, &wanted, "u-1", NOW).expect("not refused");
            let made = made.map(|transition| (transition.order.source, transition.order.remark));
            assert_eq!(made, expected, "{wanted:?}");
        }
    }

    #[test]
    fn an_amendment_of_another_version_is_refused_before_anything_else() {
        use ExpectedVersion::{Any, OneOf};
        let table = [
            (OrderState::Paid, Any, None),
            (OrderState::Paid, OneOf(vec![3]), None),
            (OrderState::Paid, OneOf(vec![1, 3]), None),
            (OrderState::Paid, OneOf(vec![2]), Some("version_mismatch")),
            (OrderState::Paid, OneOf(vec![]), Some("version_mismatch")),
            (OrderState::Completed, OneOf(vec![2]), Some("version_mismatch")),
            (OrderState::Completed, OneOf(vec![3]), Some("illegal_transition")),
        ];
        for (state, expected, code) in table {
            let verdict = order(state.clone()).amend(&expected, &remark("new"), "u-1", NOW);
            assert_eq!(verdict.err().map(|rejection| rejection.code()), code, "{state:?} {expected:?}");
        }
    }

    #[test]
    fn only_an_order_past_its_deadline_and_unpaid_expires() {
        let late = OrderState::Submitted { expires_at: NOW };
        let early = OrderState::Submitted { expires_at: Timestamp::from_millis(1_001) };
        assert!(order(late).expire(NOW).is_some());
        assert!(order(early).expire(NOW).is_none());
        for state in states().into_iter().skip(1) {
            assert!(order(state).expire(NOW).is_none());
        }
    }
}
