//! Is there enough of it?

use super::Known;
use crate::domain::order::{PlaceOrder, WantedLine};
use crate::domain::rejection::Rejection;

/// As many units are available as wanted.
pub(super) fn is_there(_: &PlaceOrder, line: &WantedLine, known: &Known<'_>) -> Result<(), Rejection> {
    match known.available {
        Some(available) if available < i64::from(line.quantity) && !cfg!(feature = "oversell") => {
            Err(Rejection::SoldOut { sku_id: line.sku_id.clone(), available, wanted: line.quantity })
        }
        _ => Ok(()),
    }
}
