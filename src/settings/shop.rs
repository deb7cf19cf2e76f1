//! The shop's own rules.

use std::time::Duration;

use actors::domain::limits::PAYMENT_WINDOW_S_MAX;
use actors::domain::money::{Currency, STORED_DIGITS};
use serde::Deserialize;

use super::SettingsError;

/// Settings of the shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopSettings {
    /// The one currency.
    pub currency: Currency,
    /// How long an order may stay unpaid if its SKUs say nothing else.
    pub payment_window: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    currency: String,
    currency_digits: u32,
    payment_window_s: u32,
}

impl ShopSettings {
    pub(super) fn check(raw: Raw) -> Result<Self, SettingsError> {
        let Raw { currency: code, currency_digits: digits, payment_window_s } = raw;
        if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(SettingsError::bad("shop.currency", format!("must be a code such as CNY, not {code:?}")));
        }
        if digits > STORED_DIGITS {
            let problem = format!("must be from 0 to {STORED_DIGITS}, not {digits}");
            return Err(SettingsError::bad("shop.currency_digits", problem));
        }
        if !(1..=PAYMENT_WINDOW_S_MAX).contains(&payment_window_s) {
            let problem = format!("must be from 1 to {PAYMENT_WINDOW_S_MAX}, not {payment_window_s}");
            return Err(SettingsError::bad("shop.payment_window_s", problem));
        }
        let payment_window = Duration::from_secs(u64::from(payment_window_s));
        Ok(Self { currency: Currency { code, digits }, payment_window })
    }
}
