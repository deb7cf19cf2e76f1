//! The stock level of one SKU and the only ways it may change.

use crate::domain::limits::STOCK_TOTAL_MAX;

/// `total = available + reserved + sold`, each at least zero, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Level {
    /// Units the shop has put up in all.
    pub total: i64,
    /// Units anyone may still order.
    pub available: i64,
    /// Units set aside for orders that await payment.
    pub reserved: i64,
    /// Units paid for.
    pub sold: i64,
    /// Grows by one with every committed change of the row and never restarts.
    pub version: u64,
}

/// The units that a change needs are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// Units there are.
    pub available: i64,
}

impl Level {
    /// Whether the counts add up and none is negative.
    pub const fn is_sound(&self) -> bool {
        self.available >= 0
            && self.reserved >= 0
            && self.sold >= 0
            && self.total == self.available + self.reserved + self.sold
    }

    /// Sets `quantity` available units aside.
    pub fn reserve(self, quantity: u32) -> Result<Self, Shortage> {
        let quantity = i64::from(quantity);
        if self.available < quantity && !cfg!(feature = "oversell") {
            return Err(Shortage { available: self.available });
        }
        Ok(Self { available: self.available - quantity, reserved: self.reserved + quantity, ..self })
    }

    /// Gives reserved units back.
    pub fn release(self, quantity: u32) -> Self {
        let quantity = i64::from(quantity);
        Self { available: self.available + quantity, reserved: self.reserved - quantity, ..self }
    }

    /// Turns reserved units into sold ones.
    pub fn confirm(self, quantity: u32) -> Self {
        let quantity = i64::from(quantity);
        Self { reserved: self.reserved - quantity, sold: self.sold + quantity, ..self }
    }

    /// Gives sold units back.
    pub fn take_back(self, quantity: u32) -> Self {
        let quantity = i64::from(quantity);
        Self { available: self.available + quantity, sold: self.sold - quantity, ..self }
    }

    /// Adds units to the total, or takes available ones from it; `None` if there would be more than one SKU may have.
    pub fn change(self, change: i64) -> Option<Result<Self, Shortage>> {
        let available = self.available.checked_add(change)?;
        let total = self.total.checked_add(change).filter(|total| *total <= STOCK_TOTAL_MAX)?;
        if available < 0 {
            return Some(Err(Shortage { available: self.available }));
        }
        Some(Ok(Self { total, available, ..self }))
    }
}

#[cfg(all(test, not(feature = "oversell")))]
mod tests {
    use super::*;

    #[test]
    fn every_change_keeps_the_counts_adding_up() {
        let start = Level { total: 10, available: 6, reserved: 3, sold: 1, version: 7 };
        let table: [(&str, Level, (i64, i64, i64, i64)); 5] = [
            ("reserve", start.reserve(6).expect("six are available"), (10, 0, 9, 1)),
            ("release", start.release(3), (10, 9, 0, 1)),
            ("confirm", start.confirm(2), (10, 6, 1, 3)),
            ("take back", start.take_back(1), (10, 7, 3, 0)),
            ("take away", start.change(-6).expect("in range").expect("six are available"), (4, 0, 3, 1)),
        ];
        for (what, level, (total, available, reserved, sold)) in table {
            assert_eq!(level, Level { total, available, reserved, sold, version: 7 }, "{what}");
            assert!(level.is_sound(), "{what}");
        }
    }

    #[test]
    fn what_is_not_available_is_neither_reserved_nor_taken() {
        let level = Level { total: 10, available: 6, reserved: 3, sold: 1, version: 7 };
        assert_eq!(level.reserve(7), Err(Shortage { available: 6 }));
        assert_eq!(level.change(-7), Some(Err(Shortage { available: 6 })));
        assert_eq!(level.change(i64::MIN), Some(Err(Shortage { available: 6 })));
        assert_eq!(level.change(i64::MAX), None);
        assert_eq!(level.change(STOCK_TOTAL_MAX), None);
    }
}
