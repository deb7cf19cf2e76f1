//! The validators of a placement, cheapest first.
//!
//! The one chain is used twice: before anything is taken, with what the node happens to know, to spare the store work;
//! and under the row lock, with the truth, to decide. What is not known passes.

mod goods;
mod limit;
mod stock;

use super::order::{PlaceOrder, WantedLine};
use super::rejection::Rejection;
use super::stock::Goods;

/// What is known of one line's SKU.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The catalogue's side; none if there is no such SKU.
    pub goods: Option<&'a Goods>,
    /// Units available, if known.
    pub available: Option<i64>,
    /// Units that the buyer holds in orders not cancelled, if known.
    pub held: Option<u64>,
}

/// Looks at one line and says no or passes.
pub type Validator = fn(&PlaceOrder, &WantedLine, &Known<'_>) -> Result<(), Rejection>;

/// Every validator, in the order of precedence of what they refuse.
pub const CHAIN: [Validator; 5] =
    [goods::exists, goods::is_on_sale, goods::has_expected_price, stock::is_there, limit::leaves_room];

/// Runs the chain: each validator sees every line before the next one runs, so precedence holds across lines.
///
/// # Errors
/// The first refusal.
pub fn check(order: &PlaceOrder, known: &[Known<'_>]) -> Result<(), Rejection> {
    for validator in CHAIN {
        for (line, known) in order.lines.iter().zip(known) {
            validator(order, line, known)?;
        }
    }
    Ok(())
}

#[cfg(all(test, not(feature = "oversell")))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::id::OrderId;
    use crate::domain::money::Money;
    use crate::domain::time::Monotonic;

    fn goods(on_sale: bool, purchase_limit: Option<u32>) -> Goods {
        Goods {
            name: "Sneaker".to_owned(),
            price: Money::from_ten_thousandths(100).unwrap_or(Money::ZERO),
            on_sale,
            payment_window: Some(Duration::from_secs(900)),
            purchase_limit,
        }
    }

    #[test]
    fn the_first_reason_in_precedence_wins() {
        let on_sale = goods(true, Some(3));
        let off_sale = goods(false, Some(3));
        let table: [(Option<&Goods>, Option<i64>, Option<i64>, Option<u64>, Option<&str>); 9] = [
            // goods, expected price, available, held, refused with
            (None, Some(1), Some(0), Some(9), Some("sku_not_found")),
            (Some(&off_sale), Some(1), Some(0), Some(9), Some("sku_not_on_sale")),
            (Some(&on_sale), Some(1), Some(0), Some(9), Some("price_changed")),
            (Some(&on_sale), Some(100), Some(1), Some(9), Some("sold_out")),
            (Some(&on_sale), None, Some(2), Some(2), Some("purchase_limit_reached")),
            (Some(&on_sale), None, Some(2), Some(1), None),
            (Some(&on_sale), None, None, None, None),
            (Some(&on_sale), Some(100), Some(2), Some(0), None),
            (Some(&on_sale), None, Some(2), Some(u64::MAX), Some("purchase_limit_reached")),
        ];
        for (row, (goods, price, available, held, code)) in table.into_iter().enumerate() {
            let order = PlaceOrder {
                order_id: OrderId::from_u128(1),
                user_id: "u-1".parse().expect("a valid id"),
                lines: vec![WantedLine {
                    sku_id: "a".parse().expect("a valid id"),
                    quantity: 2,
                    expected_unit_price: price.and_then(Money::from_ten_thousandths),
                }],
                source: None,
                remark: None,
                key: None,
                by: "u-1".to_owned(),
                deadline: Monotonic::default(),
            };
            let verdict = check(&order, &[Known { goods, available, held }]);
            assert_eq!(verdict.err().map(|rejection| rejection.code()), code, "row {row}");
        }
    }
}
