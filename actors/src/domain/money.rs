//! Money: a decimal with checked arithmetic, in the shop's one currency.

use std::fmt;

use rust_decimal::Decimal;

/// Fraction digits that the tables hold.
pub const STORED_DIGITS: u32 = 4;
/// The largest sum that DECIMAL(18,4) holds, in ten-thousandths.
const TEN_THOUSANDTHS_MAX: i64 = 999_999_999_999_999_999;

/// A sum that is never negative and always fits the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

/// Why a text is not a sum of money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedMoney {
    /// Not digits with an optional fraction.
    #[error("must be a decimal string such as \"99.99\"")]
    NotDecimal,
    /// More fraction digits than the currency has.
    #[error("must have at most {digits} fraction digits for {code}")]
    TooManyDigits {
        /// The currency's code.
        code: String,
        /// The currency's fraction digits.
        digits: u32,
    },
    /// Beyond what the tables hold.
    #[error("is too large")]
    TooLarge,
}

impl Money {
    /// Nothing at all.
    pub const ZERO: Self = Self(0);

    /// Builds a sum from ten-thousandths; none if negative or beyond what the tables hold.
    pub fn from_ten_thousandths(units: i64) -> Option<Self> {
        (0..=TEN_THOUSANDTHS_MAX).contains(&units).then_some(Self(units))
    }

    /// The sum in ten-thousandths, as SQLite stores it.
    pub const fn ten_thousandths(self) -> i64 {
        self.0
    }

    /// The sum as a decimal, as MySQL stores it.
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.0, STORED_DIGITS)
    }

    /// The sum of both; none on overflow.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(Self::from_ten_thousandths)
    }

    /// The sum of both, held at the most that the tables hold.
    pub fn saturating_add(self, other: Self) -> Self {
        self.checked_add(other).unwrap_or(Self(TEN_THOUSANDTHS_MAX))
    }

    /// This sum `quantity` times; none on overflow.
    pub fn checked_times(self, quantity: u32) -> Option<Self> {
        self.0.checked_mul(i64::from(quantity)).and_then(Self::from_ten_thousandths)
    }
}

/// The shop's one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Currency {
    /// The ISO 4217 code.
    pub code: String,
    /// Fraction digits, at most [`STORED_DIGITS`].
    pub digits: u32,
}

impl Currency {
    /// Reads a sum in this currency. More fraction digits than it has are refused, zeros or not.
    pub fn parse(&self, text: &str) -> Result<Money, MalformedMoney> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(fraction) {
            return Err(MalformedMoney::NotDecimal);
        }
        let given = if text.contains('.') { fraction.len() } else { 0 };
        if given > self.digits as usize {
            return Err(MalformedMoney::TooManyDigits { code: self.code.clone(), digits: self.digits });
        }
        let mut decimal = Decimal::from_str_exact(text).map_err(|_| MalformedMoney::TooLarge)?;
        decimal.rescale(STORED_DIGITS);
        let exact = decimal.scale() == STORED_DIGITS;
        let units = i64::try_from(decimal.mantissa()).ok().filter(|_| exact);
        units.and_then(Money::from_ten_thousandths).ok_or(MalformedMoney::TooLarge)
    }

    /// Writes a sum with exactly this currency's fraction digits. What is held at the most that the tables hold has more
    /// of them: they are cut off, for rounded up it would be a sum that nobody could give back.
    pub fn format(&self, money: Money) -> String {
        let mut decimal = money.decimal().trunc_with_scale(self.digits);
        decimal.rescale(self.digits);
        decimal.to_string()
    }
}

impl Default for Currency {
    fn default() -> Self {
        Self { code: "CNY".to_owned(), digits: 2 }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.decimal().normalize(), formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_read_with_the_digits_of_the_currency() {
        let yuan = Currency::default();
        let yen = Currency { code: "JPY".to_owned(), digits: 0 };
        let table: [(&Currency, &str, Option<i64>); 14] = [
            (&yuan, "99.99", Some(999_900)),
            (&yuan, "0", Some(0)),
            (&yuan, "5", Some(50_000)),
            (&yuan, "5.1", Some(51_000)),
            (&yuan, "99.999", None),
            (&yuan, "99.990", None),
            (&yuan, "-1", None),
            (&yuan, "+1", None),
            (&yuan, "1e3", None),
            (&yuan, "1.", None),
            (&yuan, ".5", None),
            (&yuan, "99999999999999.99", Some(999_999_999_999_999_900)),
            (&yuan, "100000000000000", None),
            (&yen, "100.0", None),
        ];
        for (currency, text, units) in table {
            assert_eq!(currency.parse(text).ok().map(Money::ten_thousandths), units, "{text}");
        }
        assert!(yuan.parse(&"9".repeat(40)).is_err());
    }

    #[test]
    fn sums_are_written_with_exactly_the_digits_of_the_currency() {
        let sum = Money::from_ten_thousandths(1_999_800).expect("a valid sum");
        assert_eq!(Currency::default().format(sum), "199.98");
        assert_eq!(Currency::default().format(Money::ZERO), "0.00");
        assert_eq!(Currency { code: "KWD".to_owned(), digits: 3 }.format(sum), "199.980");
        let most = Currency::default().parse("99999999999999.99").expect("a valid sum").saturating_add(sum);
        assert_eq!(Currency::default().format(most), "99999999999999.99");
        assert_eq!(Currency { code: "JPY".to_owned(), digits: 0 }.format(most), "99999999999999");
    }

    #[test]
    fn arithmetic_refuses_what_the_tables_cannot_hold() {
        let most = Money::from_ten_thousandths(TEN_THOUSANDTHS_MAX).expect("the largest sum");
        assert_eq!(most.checked_add(Money::ZERO), Some(most));
        assert_eq!(most.checked_times(2), None);
        assert_eq!(most.checked_add(Money(1)), None);
    }
}
