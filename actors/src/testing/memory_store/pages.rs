//! Lists, page by page.

use super::Tables;
use crate::domain::id::SkuId;
use crate::domain::order::{Order, OrderLine};
use crate::domain::payment::Payment;
use crate::domain::stock::{FlowEntry, FlowKind, Sku};
use crate::ports::{FlowPage, ListedRefund, OrderPage, OrderQuery, RefundPage, RefundQuery, SkuPage};

impl Tables {
    pub(super) fn page(&self, query: &OrderQuery) -> OrderPage {
        let is_wanted = |order: &&Order| {
            !order.is_deleted
                && query.user_id.as_ref().is_none_or(|user_id| order.user_id == *user_id)
                && query.status.is_none_or(|status| order.status() == status)
                && query.sku_id.as_ref().is_none_or(|sku_id| order.lines.iter().any(|line| line.sku_id == *sku_id))
                && query.before.is_none_or(|before| order.order_id < before)
        };
        let mut orders: Vec<Order> =
            self.orders.values().rev().filter(is_wanted).take(query.limit + 1).cloned().collect();
        let has_more = orders.len() > query.limit;
        orders.truncate(query.limit);
        let next = orders.last().filter(|_| has_more).map(|order| order.order_id);
        OrderPage { orders, next }
    }

    pub(super) fn sku_page(&self, after: Option<&SkuId>, limit: usize) -> SkuPage {
        let rest = self.skus.values().filter(|sku| after.is_none_or(|after| sku.sku_id > *after));
        let (skus, has_more) = cut(rest.cloned(), limit);
        let next = skus.last().filter(|_| has_more).map(|sku: &Sku| sku.sku_id.clone());
        SkuPage { skus, next }
    }

    pub(super) fn flow_page(&self, sku_id: &SkuId, before: Option<u64>, limit: usize) -> FlowPage {
        let mut entries: Vec<FlowEntry> = self.flow.iter().filter(|entry| entry.sku_id == *sku_id).cloned().collect();
        for order in self.orders.values() {
            let lines = order.lines.iter().filter(|line| line.sku_id == *sku_id);
            entries.extend(lines.map(|line| self.reserve_of(order, line)));
        }
        entries.retain(|entry| before.is_none_or(|before| entry.seq < before));
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.seq));
        let (entries, has_more) = cut(entries.into_iter(), limit);
        let next = entries.last().filter(|_| has_more).map(|entry| entry.seq);
        FlowPage { entries, next }
    }

    fn reserve_of(&self, order: &Order, line: &OrderLine) -> FlowEntry {
        let placed = self.events.iter().find(|event| event.order_id == order.order_id && event.version == 1);
        FlowEntry {
            sku_id: line.sku_id.clone(),
            seq: line.flow_seq,
            kind: FlowKind::Reserve,
            change: -i64::from(line.quantity),
            available_before: line.available_after + i64::from(line.quantity),
            available_after: line.available_after,
            order_id: Some(order.order_id),
            by: placed.expect("an order has an event").by.clone(),
            reason: None,
            at: order.created_at,
        }
    }

    pub(super) fn refund_page(&self, query: &RefundQuery) -> RefundPage {
        let mut refunds: Vec<ListedRefund> =
            self.payments.values().filter_map(|payment| self.listed(payment)).collect();
        refunds.retain(|listed| query.status.is_none_or(|status| listed.refund.status == status));
        refunds.retain(|listed| query.after.as_ref().is_none_or(|after| listed.position() > *after));
        refunds.sort_by_key(ListedRefund::position);
        let (refunds, has_more) = cut(refunds.into_iter(), query.limit);
        let next = refunds.last().filter(|_| has_more).map(ListedRefund::position);
        RefundPage { refunds, next }
    }

    fn listed(&self, payment: &Payment) -> Option<ListedRefund> {
        let order = self.orders.get(&payment.order_id).expect("a payment has its order");
        Some(ListedRefund {
            payment_id: payment.payment_id.clone(),
            order_id: payment.order_id,
            user_id: order.user_id.clone(),
            amount: payment.amount,
            refund: payment.refund?,
        })
    }
}

/// The first so many, and whether there are more.
fn cut<T>(all: impl Iterator<Item = T>, limit: usize) -> (Vec<T>, bool) {
    let mut page: Vec<T> = all.take(limit + 1).collect();
    let has_more = page.len() > limit;
    page.truncate(limit);
    (page, has_more)
}
