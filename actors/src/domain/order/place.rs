//! What a buyer asks for.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::domain::id::{BodyHash, GrantId, IdempotencyKey, KeyScope, OrderId, ScopedKey, SkuId, UserId};
use crate::domain::limits::{LINES_MAX, QUANTITY_MAX};
use crate::domain::money::Money;
use crate::domain::order::OrderLine;
use crate::domain::rejection::Rejection;
use crate::domain::time::Monotonic;

/// One line as wanted: lines of the same SKU are merged before this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedLine {
    /// What is wanted.
    pub sku_id: SkuId,
    /// Units, at least one.
    pub quantity: u32,
    /// The price of one unit that the buyer saw, if it was sent.
    pub expected_unit_price: Option<Money>,
}

/// Why a number is not a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from 1 to {QUANTITY_MAX}")]
pub struct MalformedQuantity;

/// A placement: everything about an order that its buyer decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceOrder {
    /// The id the order gets if it is accepted.
    pub order_id: OrderId,
    /// Who buys.
    pub user_id: UserId,
    /// What is wanted, sorted by SKU, one line per SKU.
    pub lines: Vec<WantedLine>,
    /// Where the order comes from.
    pub source: Option<String>,
    /// A remark.
    pub remark: Option<String>,
    /// Names the attempt, if the client named it.
    pub key: Option<IdempotencyKey>,
    /// Who asked.
    pub by: String,
    /// After this reading of the node's clock the placement is refused under the row lock.
    pub deadline: Monotonic,
}

impl PlaceOrder {
    /// Merges lines of the same SKU and sorts them.
    ///
    /// # Errors
    /// Refuses an empty order, too many lines, quantities out of bounds, and one SKU at two expected prices.
    pub fn merge_lines(given: Vec<WantedLine>) -> Result<Vec<WantedLine>, Rejection> {
        if given.is_empty() {
            return Err(Rejection::invalid("items", "must have at least one line"));
        }
        if given.len() > LINES_MAX {
            return Err(Rejection::TooManyLines { given: given.len(), max: LINES_MAX });
        }
        let mut merged: BTreeMap<SkuId, WantedLine> = BTreeMap::new();
        for (index, line) in given.into_iter().enumerate() {
            let field = || format!("items[{index}].quantity");
            if !(1..=QUANTITY_MAX).contains(&line.quantity) {
                return Err(Rejection::invalid(field(), MalformedQuantity));
            }
            let too_many = || Rejection::invalid(field(), format!("is more than {QUANTITY_MAX} with the lines before"));
            let Some(earlier) = merged.get_mut(&line.sku_id) else {
                merged.insert(line.sku_id.clone(), line);
                continue;
            };
            earlier.quantity =
                earlier.quantity.checked_add(line.quantity).filter(|sum| *sum <= QUANTITY_MAX).ok_or_else(too_many)?;
            match (earlier.expected_unit_price, line.expected_unit_price) {
                (Some(first), Some(second)) if first != second => {
                    let field = format!("items[{index}].expected_unit_price");
                    return Err(Rejection::invalid(field, "differs from the one given for the same sku"));
                }
                (first, second) => earlier.expected_unit_price = first.or(second),
            }
        }
        Ok(merged.into_values().collect())
    }

    /// The key in its scope, if there is one.
    pub fn scoped_key(&self) -> Option<ScopedKey> {
        let key = self.key.clone()?;
        Some(ScopedKey { scope: KeyScope::PlaceOrder(self.user_id.clone()), key })
    }

    /// The digest of what was asked for, in a spelling that does not depend on how it was written.
    pub fn body_hash(&self) -> BodyHash {
        let mut canonical = String::with_capacity(64);
        for WantedLine { sku_id, quantity, expected_unit_price } in &self.lines {
            let price = expected_unit_price.map(Money::ten_thousandths);
            // Writing to a string cannot fail.
            let _ = writeln!(canonical, "{sku_id} {quantity} {price:?}");
        }
        let _ = write!(canonical, "{:?} {:?}", self.source, self.remark);
        BodyHash::of(&canonical)
    }

    /// The name of the units held in the ledger for this placement.
    pub fn grant(&self) -> GrantId {
        match self.scoped_key() {
            Some(key) => GrantId::of_key(&key, &self.body_hash()),
            None => GrantId::of_order(self.order_id),
        }
    }
}

/// The one rule of what an order costs: the sum of its lines. A discount will be taken off here.
pub fn amount_of(lines: &[OrderLine]) -> Option<Money> {
    lines.iter().try_fold(Money::ZERO, |sum, line| sum.checked_add(line.amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(sku: &str, quantity: u32, price: Option<i64>) -> WantedLine {
        WantedLine {
            sku_id: sku.parse().expect("a valid id"),
            quantity,
            expected_unit_price: price.and_then(Money::from_ten_thousandths),
        }
    }

    #[test]
    fn lines_of_one_sku_are_merged_and_sorted() {
        let merged = PlaceOrder::merge_lines(vec![line("b", 1, None), line("a", 2, None), line("b", 3, Some(5))]);
        assert_eq!(merged, Ok(vec![line("a", 2, None), line("b", 4, Some(5))]));
    }

    #[test]
    fn orders_out_of_bounds_are_refused() {
        let table: [(Vec<WantedLine>, &str); 6] = [
            (vec![], "invalid_field"),
            (vec![line("a", 0, None)], "invalid_field"),
            (vec![line("a", QUANTITY_MAX + 1, None)], "invalid_field"),
            (vec![line("a", QUANTITY_MAX, None), line("a", 1, None)], "invalid_field"),
            (vec![line("a", 1, Some(1)), line("a", 1, Some(2))], "invalid_field"),
            (vec![line("a", 1, None); LINES_MAX + 1], "too_many_lines"),
        ];
        for (lines, code) in table {
            let verdict = PlaceOrder::merge_lines(lines.clone());
            assert_eq!(verdict.map_err(|rejection| rejection.code()), Err(code), "{lines:?}");
        }
    }
}
