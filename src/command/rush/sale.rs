//! The sale itself: buyers over real HTTP, then everything that was promised is asked for again.

mod others;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use actors::domain::time::Monotonic;
use actors::ports::Clock;
use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::Value;

use super::patience::Patience;
use super::progress::Progress;
use super::report::Measures;
use super::tally::{Payment, Plan, ReadBack, Tally};
use super::verdict::{Judgement, ServiceView, Trail, judge};
use crate::command::Failure;
use crate::command::shop::wire::{Agreement, Order, SkuVerdict, Stock};
use crate::command::shop::{Refusal, Shop};

/// What a unit costs: a whole number, so that it is a price in every currency.
const PRICE: &str = "10";
/// How long the orders of the sale may wait for their payment: longer than an outage that a rush sits out.
const PAYMENT_WINDOW_S: u32 = 900;
/// Orders whose events are looked at.
const TRAILS_MAX: usize = 100;
/// How long the service may take to settle once the buyers are gone.
const SETTLING_MAX: Duration = Duration::from_secs(15);
/// How often it is asked meanwhile.
const SETTLING_PAUSE: Duration = Duration::from_millis(250);

/// A sale and what it has seen so far.
pub(super) struct Sale<'a> {
    plan: &'a Plan,
    shop: &'a Shop,
    clock: Arc<dyn Clock>,
    patience: Patience,
    /// Makes users, keys and payments of this sale differ from those of any other.
    name: String,
    tally: RefCell<Tally>,
}

/// What came out of a sale.
pub(super) struct Outcome {
    /// The buyers' count.
    pub(super) tally: Tally,
    /// The verdict over it.
    pub(super) judgement: Judgement,
    /// How fast it went.
    pub(super) measures: Measures,
}

impl<'a> Sale<'a> {
    /// Prepares a sale.
    pub(super) fn new(plan: &'a Plan, shop: &'a Shop, clock: Arc<dyn Clock>, patience: Patience, name: String) -> Self {
        Self { plan, shop, clock, patience, name, tally: RefCell::default() }
    }

    fn clients(&self) -> usize {
        usize::from(self.plan.clients)
    }

    /// Makes the SKU, lets the buyers in, asks for everything again once they are gone, and judges.
    pub(super) async fn hold(self) -> Result<Outcome, Failure> {
        let made = self.open().await?;
        let measures = self.let_buyers_in().await;
        self.settle().await;
        self.read_back().await;
        let verdict = self.settled_verdict().await;
        let stock = self.stock().await;
        let trails = self.trails().await;
        let service = ServiceView { verdict, stock, trails };
        let mut judgement = judge(self.plan, &self.tally.borrow(), &service);
        if !judgement.differences.is_empty() {
            // A service that does not tell who else was there is judged as if nobody was.
            judgement.others = self.deeds_of_others(&made).await.unwrap_or_default();
        }
        Ok(Outcome { tally: self.tally.into_inner(), judgement, measures })
    }

    /// Makes the SKU and puts the units in. Tells the SKU as it was made.
    async fn open(&self) -> Result<Value, Failure> {
        let sku_id = &self.plan.sku_id;
        let known = self.insist(async || self.shop.sku(sku_id).await).await.map_err(|refusal| cannot_open(&refusal))?;
        if known.is_some() {
            return Err(Failure::Usage(format!("there is a SKU {sku_id} already, and a rush needs a new one")));
        }
        let made = self
            .insist(async || self.shop.put_sku(sku_id, "Rush", PRICE, PAYMENT_WINDOW_S).await)
            .await
            .map_err(|refusal| cannot_open(&refusal))?;
        let key = self.stock_key();
        let stock = self
            .insist(async || self.shop.add_stock(sku_id, self.plan.stock, &key).await)
            .await
            .map_err(|refusal| cannot_open(&refusal))?;
        if stock.total != i64::from(self.plan.stock) {
            let wanted = self.plan.stock;
            return Err(Failure::Work(format!("{wanted} units were put in, the service has {}", stock.total)));
        }
        Ok(made)
    }

    async fn let_buyers_in(&self) -> Measures {
        let progress = Progress::start("buyers", u64::from(self.plan.buyers));
        let requests = self.shop.requests();
        let started = self.now();
        let buyers = stream::iter(0..self.plan.buyers);
        buyers
            .for_each_concurrent(self.clients(), async |buyer| {
                self.buy(buyer, started).await;
                progress.step();
            })
            .await;
        Measures { elapsed: self.now().since(started), requests: self.shop.requests() - requests }
    }

    async fn buy(&self, buyer: u32, rush_started: Monotonic) {
        let started = self.now();
        let placed = self.place(buyer).await;
        let now = self.now();
        let took = now.since(started);
        match placed {
            Ok(order) => {
                let place = self.tally.borrow_mut().placed(buyer, order, took, now.since(rush_started));
                self.pay(place).await;
            }
            Err(refusal) => self.tally.borrow_mut().not_placed(buyer, refusal, took),
        }
    }

    async fn place(&self, buyer: u32) -> Result<Order, Refusal> {
        let user_id = self.user_id(buyer);
        let key = format!("{}-{buyer}", self.name);
        let Plan { sku_id, quantity, .. } = self.plan;
        self.insist(async || self.shop.place(&user_id, sku_id, *quantity, &key).await).await
    }

    async fn pay(&self, place: usize) {
        let (buyer, order_id, amount) = {
            let tally = self.tally.borrow();
            let order = &tally.orders[place];
            (order.buyer, order.order_id.clone(), order.amount.clone())
        };
        let payment_id = format!("{}-p{buyer}", self.name);
        let answer = self.insist(async || self.shop.pay(&order_id, &payment_id, &amount).await).await;
        self.tally.borrow_mut().orders[place].payment = match answer {
            Ok(answer) if answer.outcome == "paid" => Payment::Paid,
            Ok(answer) => Payment::RefundDue(answer.reason.unwrap_or(answer.outcome)),
            Err(refusal) => Payment::Failed(refusal),
        };
    }

    /// Asks once more, with the same keys, what the buyers could not learn.
    async fn settle(&self) {
        let unknown: Vec<u32> = self.tally.borrow().unknown.keys().copied().collect();
        stream::iter(unknown)
            .for_each_concurrent(self.clients(), async |buyer| {
                let answer = self.place(buyer).await;
                self.tally.borrow_mut().settle(buyer, answer);
            })
            .await;
        let open = self.tally.borrow().payments_open();
        stream::iter(open).for_each_concurrent(self.clients(), async |place| self.pay(place).await).await;
    }

    async fn read_back(&self) {
        let count = self.tally.borrow().orders.len();
        let progress = Progress::start("reading back", u64::try_from(count).unwrap_or(u64::MAX));
        stream::iter(0..count)
            .for_each_concurrent(self.clients(), async |place| {
                self.read_back_one(place).await;
                progress.step();
            })
            .await;
    }

    async fn read_back_one(&self, place: usize) {
        let (buyer, order_id) = {
            let tally = self.tally.borrow();
            (tally.orders[place].buyer, tally.orders[place].order_id.clone())
        };
        let answer = self.insist(async || self.shop.order(&order_id).await).await;
        let mut tally = self.tally.borrow_mut();
        let acknowledged = &mut tally.orders[place];
        acknowledged.read_back = match answer {
            Ok(Some(order)) => {
                acknowledged.version = order.version;
                match problem_of(&order, &order_id, &self.user_id(buyer), self.plan) {
                    Some(problem) => ReadBack::Wrong(problem),
                    None => ReadBack::Intact,
                }
            }
            Ok(None) => ReadBack::Missing,
            Err(refusal) => ReadBack::Unanswered(refusal.code),
        };
    }

    async fn settled_verdict(&self) -> Result<SkuVerdict, String> {
        let sku_id = self.plan.sku_id.as_str();
        let started = self.now();
        loop {
            let answer = self.insist(async || self.shop.verdict(Some(sku_id)).await).await;
            let verdict = answer.map_err(|refusal| refusal.to_string())?;
            let found = verdict.skus.into_iter().find(|sku| sku.sku_id == sku_id);
            let found = found.ok_or_else(|| format!("it does not speak of {sku_id}"))?;
            if found.state != Agreement::Settling || self.now().since(started) >= SETTLING_MAX {
                return Ok(found);
            }
            self.clock.sleep(SETTLING_PAUSE).await;
        }
    }

    async fn stock(&self) -> Result<Stock, String> {
        let answer = self.insist(async || self.shop.stock(&self.plan.sku_id).await).await;
        answer.map_err(|refusal| refusal.to_string())?.ok_or_else(|| "the SKU is not known".to_owned())
    }

    async fn trails(&self) -> Vec<Trail> {
        let sample = self.tally.borrow().sample(TRAILS_MAX);
        stream::iter(sample).map(|place| self.trail(place)).buffered(self.clients()).collect().await
    }

    async fn trail(&self, place: usize) -> Trail {
        let (order_id, version) = {
            let tally = self.tally.borrow();
            (tally.orders[place].order_id.clone(), tally.orders[place].version)
        };
        let answer = self.insist(async || self.shop.events(&order_id).await).await;
        let events = match answer {
            Ok(Some(list)) => Ok(list.events),
            Ok(None) => Err("is not known".to_owned()),
            Err(refusal) => Err(refusal.code),
        };
        Trail { order_id, version, events }
    }

    async fn insist<T>(&self, call: impl AsyncFn() -> Result<T, Refusal>) -> Result<T, Refusal> {
        self.patience.insist(|refusal| self.tally.borrow_mut().retry(&refusal.code), call).await
    }

    fn user_id(&self, buyer: u32) -> String {
        format!("{}{buyer}", self.user_prefix())
    }

    /// What the ids of this sale's buyers begin with.
    fn user_prefix(&self) -> String {
        // The end of the name is its random part; a user id has room for no more.
        let end = self.name.len().saturating_sub(16);
        format!("r-{}-", &self.name[end..])
    }

    /// The key under which the units are put in, and the reason that is given for it.
    fn stock_key(&self) -> String {
        format!("{}-stock", self.name)
    }

    fn now(&self) -> Monotonic {
        self.clock.now().monotonic
    }
}

fn cannot_open(refusal: &Refusal) -> Failure {
    let text = format!("the sale cannot be opened: {refusal}");
    match refusal.code.as_str() {
        "unauthenticated" | "forbidden" => Failure::Usage(text),
        _ => Failure::Work(text),
    }
}

/// What is wrong with an order that was read back: it must be this buyer's, whole, and paid.
fn problem_of(order: &Order, order_id: &str, user_id: &str, plan: &Plan) -> Option<String> {
    if order.order_id != order_id {
        return Some(format!("reads as {}", order.order_id));
    }
    if order.user_id != user_id {
        return Some(format!("belongs to {}, not to {user_id}", order.user_id));
    }
    let is_whole = matches!(&*order.items, [line] if line.sku_id == plan.sku_id && line.quantity == plan.quantity);
    if !is_whole {
        let lines: Vec<String> =
            order.items.iter().map(|line| format!("{} of {}", line.quantity, line.sku_id)).collect();
        return Some(format!("has {}, wanted {} of {}", lines.join(" and "), plan.quantity, plan.sku_id));
    }
    (order.status != "paid").then(|| format!("is {}, not paid", order.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Spoil = fn(&mut Order);

    #[test]
    fn an_order_read_back_must_be_the_one_acknowledged() {
        let plan = Plan { sku_id: "s".to_owned(), stock: 9, buyers: 9, clients: 4, quantity: 2 };
        let json = r#"{"order_id":"o","user_id":"u","status":"paid","version":2,"amount":"20.00",
            "items":[{"sku_id":"s","quantity":2}]}"#;
        let sound: Order = serde_json::from_str(json).expect("an order as the service writes it");
        let table: [(&str, Spoil); 7] = [
            ("", |_| {}),
            ("reads as x", |order| order.order_id = "x".to_owned()),
            ("belongs to x, not to u", |order| order.user_id = "x".to_owned()),
            ("has 3 of s, wanted 2 of s", |order| order.items[0].quantity = 3),
            ("has 2 of t, wanted 2 of s", |order| order.items[0].sku_id = "t".to_owned()),
            ("has 2 of s and 2 of s, wanted 2 of s", |order| order.items.push(order.items[0].clone())),
            ("is submitted, not paid", |order| order.status = "submitted".to_owned()),
        ];
        for (problem, spoil) in table {
            let mut order = sound.clone();
            spoil(&mut order);
            assert_eq!(problem_of(&order, "o", "u", &plan).unwrap_or_default(), problem);
        }
    }
}
