//! Changes of orders and of the payments made for them.

use super::Deciding;
use crate::domain::commit::facts::{ChangedOrder, RefundedOrder};
use crate::domain::commit::mutation::{AmendOrder, CancelOrder, OrderAction, Outcome, Verdict};
use crate::domain::event::OrderEvent;
use crate::domain::id::{OrderId, PaymentId};
use crate::domain::order::{Order, StockMove, Transition};
use crate::domain::payment::{Payment, PaymentNotice, PaymentRefund, RefundReason, RefundStatus};
use crate::domain::rejection::Rejection;
use crate::domain::stock::{FlowEntry, FlowKind};
use crate::domain::time::Timestamp;

/// A change of an order that needs to know no more than who asks, and when.
type Act = fn(Order, &str, Timestamp) -> Result<Transition, Rejection>;

impl Deciding {
    pub(super) fn pay(&mut self, notice: &PaymentNotice) -> Verdict {
        let order = self.order(notice.order_id);
        if let Some(payment) = self.facts.payments.get(&notice.payment_id) {
            if payment.order_id != notice.order_id || payment.amount != notice.amount {
                return Err(Rejection::PaymentIdReused { payment_id: notice.payment_id.to_string() });
            }
            return Ok(Outcome::Paid { order: order?, refund: payment.answered });
        }
        let (transition, refund) = order?.pay(notice, self.now.wall);
        let payment = Payment {
            payment_id: notice.payment_id.clone(),
            order_id: notice.order_id,
            amount: notice.amount,
            answered: refund,
            refund: refund.map(|reason| PaymentRefund::due(reason, self.now.wall)),
            at: self.now.wall,
        };
        self.facts.payments.insert(notice.payment_id.clone(), payment.clone());
        self.changes.payments.push(payment);
        let order = self.apply(transition);
        Ok(Outcome::Paid { order, refund })
    }

    pub(super) fn cancel(&mut self, cancel: &CancelOrder) -> Verdict {
        let order = self.undeleted(cancel.order_id)?;
        let transition = order.cancel(cancel.reason, cancel.text.clone(), &cancel.by, self.now.wall)?;
        Ok(Outcome::OrderChanged(self.apply(transition)))
    }

    pub(super) fn act(&mut self, action: &OrderAction, change: Act) -> Verdict {
        let transition = change(self.undeleted(action.order_id)?, &action.by, self.now.wall)?;
        Ok(Outcome::OrderChanged(self.apply(transition)))
    }

    pub(super) fn amend(&mut self, amend: &AmendOrder) -> Verdict {
        let order = self.undeleted(amend.order_id)?;
        let transition = order.clone().amend(&amend.expected, &amend.amendment, &amend.by, self.now.wall)?;
        Ok(Outcome::OrderChanged(transition.map_or(order, |transition| self.apply(transition))))
    }

    /// The order stays as it is: it tells what it came to owe, the payment what was given back.
    pub(super) fn settle_refund(&mut self, payment_id: &PaymentId) -> Verdict {
        let payment = self.facts.payments.get_mut(payment_id);
        let payment = payment.ok_or_else(|| Rejection::PaymentNotFound(payment_id.clone()))?;
        let refund = payment.refund.as_mut().ok_or_else(|| Rejection::NoRefundDue(payment_id.clone()))?;
        if refund.status == RefundStatus::Due {
            refund.status = RefundStatus::Done;
            self.written += 1;
            self.changes.settled_refunds.push(payment_id.clone());
        }
        Ok(Outcome::RefundSettled(payment.clone()))
    }

    pub(super) fn expire(&mut self, order_id: OrderId) -> Verdict {
        let transition = self.order(order_id).ok().and_then(|order| order.expire(self.now.wall));
        Ok(transition.map_or(Outcome::NotDue, |transition| Outcome::OrderChanged(self.apply(transition))))
    }

    fn order(&self, order_id: OrderId) -> Result<Order, Rejection> {
        self.facts.orders.get(&order_id).cloned().ok_or(Rejection::OrderNotFound(order_id))
    }

    /// An order that is there for those who change orders. Only payments still reach a deleted one.
    fn undeleted(&self, order_id: OrderId) -> Result<Order, Rejection> {
        self.order(order_id)
            .and_then(|order| if order.is_deleted { Err(Rejection::OrderNotFound(order_id)) } else { Ok(order) })
    }

    fn apply(&mut self, transition: Transition) -> Order {
        let Transition { order, event, stock, refunds_payment } = transition;
        if let Some(stock) = stock {
            self.move_lines(&order, stock, &event);
        }
        if refunds_payment {
            self.refund_payment_of(order.order_id);
        }
        self.written += 1;
        self.facts.orders.insert(order.order_id, order.clone());
        self.changes.changed_orders.push(ChangedOrder { order: order.clone(), from_version: order.version - 1, event });
        order
    }

    fn refund_payment_of(&mut self, order_id: OrderId) {
        let refund = PaymentRefund::due(RefundReason::OrderCancelled, self.now.wall);
        let of_order = self.facts.payments.values_mut().filter(|payment| payment.order_id == order_id);
        of_order.filter(|payment| payment.answered.is_none()).for_each(|payment| payment.refund = Some(refund));
        self.changes.refunded_orders.push(RefundedOrder { order_id, refund });
    }

    fn move_lines(&mut self, order: &Order, stock: StockMove, event: &OrderEvent) {
        for line in &order.lines {
            let quantity = line.quantity;
            if stock != StockMove::Confirm
                && let Some(held) = self.facts.held.get_mut(&(order.user_id.clone(), line.sku_id.clone()))
            {
                held.units = held.units.saturating_sub(u64::from(quantity));
            }
            let (kind, units) = match stock {
                StockMove::Confirm => (FlowKind::Confirm, -i64::from(quantity)),
                StockMove::Release => (FlowKind::Release, i64::from(quantity)),
                StockMove::TakeBack => (FlowKind::Return, i64::from(quantity)),
            };
            let moved = self.move_stock(&line.sku_id, |level| match stock {
                StockMove::Confirm => level.confirm(quantity),
                StockMove::Release => level.release(quantity),
                StockMove::TakeBack => level.take_back(quantity),
            });
            self.changes.flow.extend(moved.map(|moved| FlowEntry {
                sku_id: line.sku_id.clone(),
                seq: moved.seq,
                kind,
                change: units,
                available_before: moved.before.available,
                available_after: moved.after.available,
                order_id: Some(order.order_id),
                by: event.by.clone(),
                reason: event.reason.clone(),
                at: self.now.wall,
            }));
        }
    }
}
