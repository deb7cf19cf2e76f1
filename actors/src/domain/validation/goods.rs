//! Is it sold, now, at the price the buyer saw?

use super::Known;
use crate::domain::order::{PlaceOrder, WantedLine};
use crate::domain::rejection::Rejection;

/// The SKU is in the catalogue.
pub(super) fn exists(_: &PlaceOrder, line: &WantedLine, known: &Known<'_>) -> Result<(), Rejection> {
    known.goods.map(|_| ()).ok_or_else(|| Rejection::SkuNotFound(line.sku_id.clone()))
}

/// The SKU takes new orders.
pub(super) fn is_on_sale(_: &PlaceOrder, line: &WantedLine, known: &Known<'_>) -> Result<(), Rejection> {
    match known.goods {
        Some(goods) if !goods.on_sale => Err(Rejection::SkuNotOnSale(line.sku_id.clone())),
        _ => Ok(()),
    }
}

/// The price is still the one the buyer saw, if that was sent.
pub(super) fn has_expected_price(_: &PlaceOrder, line: &WantedLine, known: &Known<'_>) -> Result<(), Rejection> {
    match (known.goods, line.expected_unit_price) {
        (Some(goods), Some(expected)) if goods.price != expected => {
            Err(Rejection::PriceChanged { sku_id: line.sku_id.clone(), unit_price: goods.price })
        }
        _ => Ok(()),
    }
}
