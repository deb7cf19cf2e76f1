//! Where an order stands.

use crate::domain::time::Timestamp;

/// The status of an order. Code 0 (created) is a placement in flight: no stored order has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Stock is reserved, payment awaited.
    Submitted,
    /// Shipment awaited.
    Paid,
    /// Receipt awaited.
    Shipped,
    /// Received; final.
    Completed,
    /// Given up, by whomever; final.
    Cancelled,
}

impl Status {
    /// Every status, in the order of its codes.
    pub const ALL: [Self; 5] = [Self::Submitted, Self::Paid, Self::Shipped, Self::Completed, Self::Cancelled];

    /// The number that tables and clients know it by.
    pub const fn code(self) -> u8 {
        match self {
            Self::Submitted => 1,
            Self::Paid => 2,
            Self::Shipped => 3,
            Self::Completed => 4,
            Self::Cancelled => 5,
        }
    }

    /// The name that clients know it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Paid => "paid",
            Self::Shipped => "shipped",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// The status with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }
}

/// The status with the facts that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// Stock is reserved, payment awaited.
    Submitted {
        /// When the order is cancelled unless paid.
        expires_at: Timestamp,
    },
    /// Shipment awaited.
    Paid,
    /// Receipt awaited.
    Shipped,
    /// Received; final.
    Completed,
    /// Given up; final.
    Cancelled {
        /// By whom or what.
        reason: CancelReason,
        /// The text that came with it.
        text: Option<String>,
    },
}

impl OrderState {
    /// The status without its facts.
    pub const fn status(&self) -> Status {
        match self {
            Self::Submitted { .. } => Status::Submitted,
            Self::Paid => Status::Paid,
            Self::Shipped => Status::Shipped,
            Self::Completed => Status::Completed,
            Self::Cancelled { .. } => Status::Cancelled,
        }
    }
}

/// Who or what cancelled an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReason {
    /// The buyer.
    Customer,
    /// The shop.
    Shop,
    /// It was not paid in time.
    PaymentTimeout,
}

impl CancelReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Customer, Self::Shop, Self::PaymentTimeout];

    /// The reason as clients and tables name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Shop => "shop",
            Self::PaymentTimeout => "payment_timeout",
        }
    }

    /// The reason with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}
