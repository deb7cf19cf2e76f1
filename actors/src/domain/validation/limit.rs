//! May this buyer have more of it?

use super::Known;
use crate::domain::order::{PlaceOrder, WantedLine};
use crate::domain::rejection::Rejection;

/// The buyer stays within the SKU's purchase limit.
pub(super) fn leaves_room(_: &PlaceOrder, line: &WantedLine, known: &Known<'_>) -> Result<(), Rejection> {
    let (Some(limit), Some(held)) = (known.goods.and_then(|goods| goods.purchase_limit), known.held) else {
        return Ok(());
    };
    if held.saturating_add(u64::from(line.quantity)) > u64::from(limit) {
        return Err(Rejection::PurchaseLimitReached { sku_id: line.sku_id.clone(), limit, held });
    }
    Ok(())
}
