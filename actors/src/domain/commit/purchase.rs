//! What a user holds of a SKU with a purchase limit, and when a count of it is kept.
//!
//! The orders of a user are summed up where they are few, and nothing is written. Of a user with many, a count is kept
//! from the first look-up on, also if that one ends in a refusal. It exists only while the SKU has a limit, so a SKU
//! without one costs nothing, and a count that is found is right: every change of what is held moves the SKU's stock,
//! and is made under the lock of its stock row.

use std::collections::{BTreeMap, BTreeSet};

use super::Mutation;
use crate::domain::id::{OrderId, SkuId, UserId};
use crate::domain::order::Order;
use crate::domain::stock::Sku;

/// A user's purchases of a SKU.
pub type Purchase = (UserId, SkuId);

/// Whose purchases of what a batch has to do with, of SKUs with a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purchases {
    /// Those that have to be known: by their count, or else summed up.
    pub wanted: BTreeSet<Purchase>,
    /// Others, that may shrink: to be known if there is a count of them.
    pub shrinking: BTreeSet<Purchase>,
}

impl Purchases {
    /// Names them, once the SKUs' limits are known: those stored and those that the batch itself brings.
    pub fn of(mutations: &[Mutation], skus: &BTreeMap<SkuId, Sku>, orders: &BTreeMap<OrderId, Order>) -> Self {
        let stored = skus.values().filter(|sku| sku.goods.purchase_limit.is_some()).map(|sku| &sku.sku_id);
        let mut limited: BTreeSet<&SkuId> = stored.collect();
        let mut purchases = Self::default();
        for order in shrinking(mutations, orders).filter(|_| !limited.is_empty()) {
            let lines = order.lines.iter().filter(|line| limited.contains(&line.sku_id));
            purchases.shrinking.extend(lines.map(|line| (order.user_id.clone(), line.sku_id.clone())));
        }
        for mutation in mutations {
            if let Mutation::PutSku(put) = mutation
                && put.goods.purchase_limit.is_some()
            {
                limited.insert(&put.sku_id);
            }
        }
        for mutation in mutations {
            if let Mutation::Place(order) = mutation {
                let lines = order.lines.iter().filter(|line| limited.contains(&line.sku_id));
                purchases.wanted.extend(lines.map(|line| (order.user_id.clone(), line.sku_id.clone())));
            }
        }
        purchases.shrinking.retain(|purchase| !purchases.wanted.contains(purchase));
        purchases
    }
}

/// The orders that may be cancelled.
fn shrinking<'a>(mutations: &'a [Mutation], orders: &'a BTreeMap<OrderId, Order>) -> impl Iterator<Item = &'a Order> {
    mutations.iter().filter_map(|mutation| match mutation {
        Mutation::Cancel(cancel) => orders.get(&cancel.order_id),
        Mutation::Expire(order_id) => orders.get(order_id),
        _ => None,
    })
}

/// Units of a SKU that a user holds in orders not cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The units.
    pub units: u64,
    count: Count,
}

/// Whether there is a count of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    /// None is needed.
    None,
    /// From now on.
    Due,
    /// There is, and this is what it says.
    Kept(u64),
}

impl Held {
    /// What the count says.
    pub const fn counted(units: u64) -> Self {
        Self { units, count: Count::Kept(units) }
    }

    /// What the sum is of a user who has many orders or few.
    pub const fn summed(units: u64, has_many: bool) -> Self {
        Self { units, count: if has_many { Count::Due } else { Count::None } }
    }

    /// Whether there is to be a count that does not say so yet.
    pub(super) fn is_to_be_counted(&self) -> bool {
        match self.count {
            Count::None => false,
            Count::Due => true,
            Count::Kept(units) => units != self.units,
        }
    }
}

/// A count to write, whether there was one or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseCount {
    /// Whose it is.
    pub user_id: UserId,
    /// What it counts.
    pub sku_id: SkuId,
    /// Units in orders not cancelled.
    pub units: u64,
}
