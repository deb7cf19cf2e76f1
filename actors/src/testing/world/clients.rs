//! Clients: a few users who want a little of a few SKUs, often, and try again.

use std::sync::Arc;

use super::dice::Dice;
use super::history::History;
use crate::domain::commit::{AmendOrder, CancelOrder, OrderAction, PutSku};
use crate::domain::id::{KeyScope, OrderId, ScopedKey, SkuId, UserId};
use crate::domain::money::Money;
use crate::domain::order::{Amendment, CancelReason, ExpectedVersion, Order, WantedLine};
use crate::domain::payment::{PaymentNotice, RefundStatus};
use crate::domain::rejection::Rejection;
use crate::domain::stock::{Goods, StockChange};
use crate::node::Node;
use crate::order::OrderRequest;
use crate::ports::RefundQuery;

/// SKUs in the shop; the first has a purchase limit.
pub(super) const SKUS: [&str; 3] = ["limited", "scarce", "plenty"];
/// Units of the first that one user may hold.
const LIMIT: u32 = 2;

/// See the module.
#[derive(Clone)]
pub(super) struct Clients {
    dice: Dice,
    history: History,
}

impl Clients {
    pub(super) const fn new(dice: Dice, history: History) -> Self {
        Self { dice, history }
    }

    /// Puts every SKU up, with a little stock, trying until it is done.
    pub(super) async fn open_shop(&self, node: &Node) {
        for (index, sku) in SKUS.into_iter().enumerate() {
            while node.orders.put_sku(goods(sku)).await.is_err() {}
            let stock = change(sku, [4, 3, 30][index], "opening");
            while node.orders.change_stock(stock.clone()).await.is_err() {}
        }
    }

    /// Starts something that some client does, on its own.
    pub(super) fn act(&self, node: Arc<Node>) {
        let clients = self.clone();
        let kind = self.dice.up_to(99);
        tokio::task::spawn_local(async move {
            match kind {
                0..48 => clients.place(&node).await,
                48..64 => clients.pay(&node).await,
                64..71 => clients.cancel(&node).await,
                71..77 => clients.act_on_some(&node, "ship").await,
                77..82 => clients.act_on_some(&node, "receive").await,
                82..86 => clients.amend(&node).await,
                86..89 => clients.act_on_some(&node, "delete").await,
                89..91 => clients.settle_refund(&node).await,
                91..93 => clients.look(&node).await,
                93..95 => clients.replace_goods(&node).await,
                95 => clients.warm_up(&node).await,
                _ => clients.change_stock(&node).await,
            }
        });
    }

    async fn place(&self, node: &Node) {
        let user = self.dice.up_to(5);
        let is_keyed = self.dice.hits(700);
        let key = self.dice.up_to(20);
        // A key comes with the same lines each time, but for a client that mixes its keys up.
        let lines =
            if is_keyed && self.dice.hits(970) { lines_of(user * 31 + key) } else { lines_of(self.dice.up_to(99)) };
        let user_id: UserId = format!("u-{user}").parse().expect("a valid id");
        let key = is_keyed.then(|| format!("k-{key}").parse().expect("a valid key"));
        let scoped = key.clone().map(|key| ScopedKey { scope: KeyScope::PlaceOrder(user_id.clone()), key });
        let by = user_id.to_string();
        let request = OrderRequest { user_id, lines, source: None, remark: None, key, by };
        let wanted: Vec<String> =
            request.lines.iter().map(|line| format!("{} {}", line.quantity, line.sku_id)).collect();
        let number = self.history.ask(format!("{} {:?} places {wanted:?}", request.by, request.key));
        match node.orders.place(request).await {
            Ok(placed) => {
                self.history.acknowledge(scoped, &placed.order);
                self.history.answer(number, &format!("{} replayed {}", placed.order.order_id, placed.replayed));
            }
            Err(rejection) => self.history.answer(number, rejection.code()),
        }
    }

    async fn pay(&self, node: &Node) {
        let Some(order_id) = self.some_order() else { return };
        let Some(amount) = self.history.record().orders.get(&order_id).map(|order| order.amount) else { return };
        let is_wrong = self.dice.hits(100);
        let amount = if is_wrong { amount.checked_add(amount).unwrap_or(amount) } else { amount };
        // Two payments per order at most, so that notices repeat.
        let payment_id = format!("p-{order_id}-{}-{is_wrong}", self.dice.up_to(1)).parse().expect("a valid id");
        let notice = PaymentNotice { payment_id, order_id, amount, by: "shop".to_owned() };
        let number = self.history.ask(format!("pay {}", notice.payment_id));
        match node.orders.pay(notice.clone()).await {
            Ok(paid) => {
                self.history.see(&paid.order);
                self.history.acknowledge_payment(notice, paid.refund);
                self.history.answer(number, &format!("{:?}", paid.refund));
            }
            Err(rejection) => self.history.answer(number, rejection.code()),
        }
    }

    async fn cancel(&self, node: &Node) {
        let Some(order_id) = self.some_order() else { return };
        let reason = if self.dice.is_heads() { CancelReason::Customer } else { CancelReason::Shop };
        let cancel = CancelOrder { order_id, reason, text: None, by: "shop".to_owned() };
        self.change("cancel", order_id, node.orders.cancel(cancel)).await;
    }

    async fn act_on_some(&self, node: &Node, verb: &'static str) {
        let Some(order_id) = self.some_order() else { return };
        let action = OrderAction { order_id, by: "shop".to_owned() };
        let changed = match verb {
            "ship" => self.change(verb, order_id, node.orders.ship(action)).await,
            "receive" => self.change(verb, order_id, node.orders.receive(action)).await,
            _ => self.change(verb, order_id, node.orders.delete(action)).await,
        };
        if changed.is_some_and(|order| order.is_deleted) {
            self.history.record().deleted.insert(order_id);
        }
    }

    /// Amends what was seen last, which others may have changed meanwhile.
    async fn amend(&self, node: &Node) {
        let Some(order_id) = self.some_order() else { return };
        let seen = self.history.record().versions.get(&order_id).copied().unwrap_or_default();
        let remark = self.dice.hits(800).then(|| format!("remark {}", self.dice.up_to(3)));
        let amend = AmendOrder {
            order_id,
            expected: ExpectedVersion::OneOf(vec![seen]),
            amendment: Amendment { source: None, remark: Some(remark.clone()) },
            by: "shop".to_owned(),
        };
        if let Some(order) = self.change("amend", order_id, node.orders.amend(amend)).await
            && (order.remark != remark || ![seen, seen + 1].contains(&order.version))
        {
            let found = format!("version {} with {:?}", order.version, order.remark);
            self.history.violate(&format!("an amendment of {order_id} at {seen} to {remark:?} gave {found}"));
        }
    }

    /// Changes an order, and notes what it is then.
    async fn change(
        &self,
        verb: &str,
        order_id: OrderId,
        change: impl Future<Output = Result<Order, Rejection>>,
    ) -> Option<Order> {
        let was_deleted = self.history.record().deleted.contains(&order_id);
        let number = self.history.ask(format!("{verb} {order_id}"));
        match change.await {
            Ok(order) => {
                if was_deleted {
                    self.history.violate(&format!("{order_id} took {verb} though it was deleted"));
                }
                self.history.see(&order);
                self.history.answer(number, &format!("version {}", order.version));
                Some(order)
            }
            Err(rejection) => {
                self.history.answer(number, rejection.code());
                None
            }
        }
    }

    /// Gives back what is owed back longest.
    async fn settle_refund(&self, node: &Node) {
        let query = RefundQuery { status: Some(RefundStatus::Due), after: None, limit: 1 };
        let Ok(Some(refund)) = node.store.refunds(query).await.map(|page| page.refunds.into_iter().next()) else {
            return;
        };
        let number = self.history.ask(format!("settle {}", refund.payment_id));
        match node.orders.settle_refund(refund.payment_id.clone()).await {
            Ok(_) => {
                self.history.record().settled.insert(refund.payment_id);
                self.history.answer(number, "done");
            }
            Err(rejection) => self.history.answer(number, rejection.code()),
        }
    }

    async fn warm_up(&self, node: &Node) {
        let number = self.history.ask("warm up".to_owned());
        let warmed = node.warm_up.warm_up(SKUS.map(sku_id).to_vec()).await;
        self.history.answer(number, warmed.map_or_else(|rejection| rejection.code(), |_| "warm"));
    }

    async fn look(&self, node: &Node) {
        let Some(order_id) = self.some_order() else { return };
        let known = self.history.record().versions.get(&order_id).copied().unwrap_or_default();
        let number = self.history.ask(format!("look {order_id}"));
        let found = node.store.order(order_id).await;
        self.history
            .answer(number, &format!("{:?}", found.as_ref().map(|found| found.as_ref().map(|order| order.version))));
        match found {
            Ok(Some(order)) if order.version >= known => self.history.see(&order),
            Ok(found) => {
                let version = found.map(|order| order.version);
                let found = format!("versions_never_go_back is broken: {order_id} was at {known}, then at {version:?}");
                self.history.violate(&found);
            }
            Err(_) => {}
        }
    }

    /// Takes a SKU off sale, or puts it on again at another price.
    async fn replace_goods(&self, node: &Node) {
        let mut put = goods(SKUS[self.dice.one_of(SKUS.len())]);
        put.goods.on_sale = self.dice.hits(700);
        if put.sku_id == sku_id(SKUS[2]) && self.dice.is_heads() {
            // Nobody reaches it, but once it is set or lifted, counts must be right or gone.
            put.goods.purchase_limit = Some(1_000);
        }
        put.goods.price =
            Money::from_ten_thousandths(10_000 + 100 * self.dice.up_to(3).cast_signed()).expect("a valid sum");
        let (on_sale, price) = (put.goods.on_sale, put.goods.price);
        let number = self.history.ask(format!("{} on sale {on_sale} at {price}", put.sku_id));
        match node.orders.put_sku(put).await {
            Ok((sku, _)) => self.history.answer(number, &format!("{:?}", sku.updated_at)),
            Err(rejection) => self.history.answer(number, rejection.code()),
        }
    }

    async fn change_stock(&self, node: &Node) {
        let sku = SKUS[self.dice.one_of(SKUS.len())];
        let units = [1, 2, -1, -2, -5][self.dice.one_of(5)];
        let key = format!("s-{}-{units}", self.dice.up_to(30));
        let number = self.history.ask(format!("{units} of {sku} under {key}"));
        match node.orders.change_stock(change(sku, units, &key)).await {
            Ok(changed) => self.history.answer(number, &format!("{:?}", changed.level)),
            Err(rejection) => self.history.answer(number, rejection.code()),
        }
    }

    fn some_order(&self) -> Option<OrderId> {
        let record = self.history.record();
        let count = record.orders.len();
        // Mostly a recent one, for those are where things still happen.
        let back = self.dice.one_of(if self.dice.is_heads() { 4 } else { 41 });
        record.orders.keys().nth(count.checked_sub(1 + back.min(count.saturating_sub(1)))?).copied()
    }
}

fn sku_id(name: &str) -> SkuId {
    name.parse().expect("a valid id")
}

fn goods(name: &str) -> PutSku {
    let price = Money::from_ten_thousandths(12_300).expect("a valid sum");
    let purchase_limit = (name == SKUS[0]).then_some(LIMIT);
    let goods = Goods { name: name.to_owned(), price, on_sale: true, payment_window: None, purchase_limit };
    PutSku { sku_id: sku_id(name), goods }
}

fn change(name: &str, units: i64, key: &str) -> StockChange {
    let key = key.parse().expect("a valid key");
    StockChange { sku_id: sku_id(name), change: units, reason: None, key, by: "shop".to_owned() }
}

fn lines_of(number: u64) -> Vec<WantedLine> {
    let line = |name: &str, quantity| WantedLine { sku_id: sku_id(name), quantity, expected_unit_price: None };
    match number % 6 {
        0 => vec![line(SKUS[0], 1)],
        1 => vec![line(SKUS[1], 1)],
        2 => vec![line(SKUS[2], 2)],
        3 => vec![line(SKUS[0], 1), line(SKUS[1], 1)],
        4 => vec![line(SKUS[2], 1), line(SKUS[1], 1)],
        _ => vec![line(SKUS[2], 1), line(SKUS[0], 1), line(SKUS[1], 2)],
    }
}
