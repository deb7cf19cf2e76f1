//! The registry of ids: one type per thing, so that none can stand in for another.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use ulid::Ulid;

use super::limits::{KEY_LENGTH_MAX, PAYMENT_ID_LENGTH_MAX, SHOP_ID_LENGTH_MAX};

/// Why a text is not an id of the wanted kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MalformedId(pub &'static str);

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $is_valid:expr, $problem:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;

            fn from_str(text: &str) -> Result<Self, MalformedId> {
                let is_valid: fn(&str) -> bool = $is_valid;
                if is_valid(text) { Ok(Self(text.into())) } else { Err(MalformedId($problem)) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl From<&$name> for Arc<str> {
            fn from(id: &$name) -> Self {
                Self::clone(&id.0)
            }
        }
    };
}

text_id!(
    /// The shop's own name of what it sells.
    SkuId,
    |text| is_shop_id(text, SHOP_ID_LENGTH_MAX),
    "must be 1 to 32 of A-Z a-z 0-9 . _ - and not only dots"
);
text_id!(
    /// The shop's own name of a buyer.
    UserId,
    |text| is_shop_id(text, SHOP_ID_LENGTH_MAX),
    "must be 1 to 32 of A-Z a-z 0-9 . _ - and not only dots"
);
text_id!(
    /// What a node is called among others.
    NodeName,
    |text| is_shop_id(text, SHOP_ID_LENGTH_MAX),
    "must be 1 to 32 of A-Z a-z 0-9 . _ - and not only dots"
);
text_id!(
    /// The payment provider's name of one payment.
    PaymentId,
    |text| is_shop_id(text, PAYMENT_ID_LENGTH_MAX),
    "must be 1 to 64 of A-Z a-z 0-9 . _ - and not only dots"
);
text_id!(
    /// The client's name of one attempt, the same in each retry of it.
    IdempotencyKey,
    |text| (1..=KEY_LENGTH_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()),
    "must be 1 to 64 visible ASCII characters"
);

fn is_shop_id(text: &str, length_max: usize) -> bool {
    (1..=length_max).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        // In a path, `.` and `..` do not arrive: whoever sends it, and whatever passes it on, takes them for steps.
        && text.bytes().any(|byte| byte != b'.')
}

/// An order's id: a ULID made by the server, so ids sort by the time they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(Ulid);

impl OrderId {
    /// Builds the id from its 128 bits.
    pub const fn from_u128(bits: u128) -> Self {
        Self(Ulid(bits))
    }

    /// The 128 bits of the id.
    pub const fn as_u128(self) -> u128 {
        self.0.0
    }
}

impl FromStr for OrderId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        const PROBLEM: MalformedId = MalformedId("must be a ULID of 26 characters");
        let ulid = Ulid::from_string(text).map_err(|_| PROBLEM)?;
        // A ULID may be written in several ways (case, I for 1); ours are compared as text, so only one is taken.
        if ulid.to_string() == text { Ok(Self(ulid)) } else { Err(PROBLEM) }
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0; ulid::ULID_LEN];
        formatter.write_str(self.0.array_to_str(&mut buffer))
    }
}

/// What a key belongs to: keys of different scopes never meet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyScope {
    /// Placing orders, per user.
    PlaceOrder(UserId),
    /// Changing stock, per SKU.
    ChangeStock(SkuId),
}

impl KeyScope {
    /// Whose orders it is about, if it is about orders.
    pub fn buyer(&self) -> Option<&UserId> {
        match self {
            Self::PlaceOrder(user_id) => Some(user_id),
            Self::ChangeStock(_) => None,
        }
    }
}

/// A key in its scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopedKey {
    /// What the key belongs to.
    pub scope: KeyScope,
    /// The client's key.
    pub key: IdempotencyKey,
}

/// A digest of a request's parsed body, to tell a retry from another request under the same key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyHash([u8; 16]);

impl BodyHash {
    /// Digests the canonical text of a parsed body.
    pub fn of(canonical: &str) -> Self {
        Self(digest(canonical.as_bytes()))
    }

    /// Builds the hash from its stored bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for BodyHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// The name of the units that the ledger holds for one placement in flight. A retry of a keyed request finds the
/// grant of its first attempt, on whatever node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantId(u128);

impl GrantId {
    /// The grant of a keyed request: named by scope, key and body.
    pub fn of_key(key: &ScopedKey, body: &BodyHash) -> Self {
        let (endpoint, owner) = match &key.scope {
            KeyScope::PlaceOrder(user_id) => ("place_order", user_id.as_str()),
            KeyScope::ChangeStock(sku_id) => ("change_stock", sku_id.as_str()),
        };
        let mut hasher = Sha256::new();
        for part in [endpoint, owner, key.key.as_str()] {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
        hasher.update(body.0);
        Self(u128::from_be_bytes(first_half(&hasher.finalize())))
    }

    /// The grant of an order without a key: named by the order.
    pub const fn of_order(order_id: OrderId) -> Self {
        Self(order_id.as_u128())
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl fmt::Debug for GrantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

fn digest(bytes: &[u8]) -> [u8; 16] {
    first_half(&Sha256::digest(bytes))
}

fn first_half(digest: &[u8]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_wrong_form_are_refused() {
        let long = "x".repeat(33);
        let table: [(&str, bool); 14] = [
            ("sneaker-42", true),
            ("A.b_c-9", true),
            (".a", true),
            ("..-", true),
            (".", false),
            ("..", false),
            ("...", false),
            ("", false),
            (" ", false),
            ("a b", false),
            ("a/b", false),
            ("é", false),
            ("a\n", false),
            (&long, false),
        ];
        for (text, is_valid) in table {
            assert_eq!(text.parse::<SkuId>().is_ok(), is_valid, "{text:?}");
        }
        assert!("..".parse::<UserId>().is_err() && "..".parse::<PaymentId>().is_err());
        assert!("x".repeat(64).parse::<PaymentId>().is_ok());
        assert!("x".repeat(65).parse::<PaymentId>().is_err());
        assert!("!~".parse::<IdempotencyKey>().is_ok());
        assert!("a b".parse::<IdempotencyKey>().is_err());
    }

    #[test]
    fn an_order_id_is_read_in_one_spelling_only() {
        let text = "01KAJ3ZZZZZZZZZZZZZZZZZZZZ";
        assert_eq!(text.parse::<OrderId>().map(|id| id.to_string()), Ok(text.to_owned()));
        assert!(text.to_lowercase().parse::<OrderId>().is_err());
        assert!("8ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<OrderId>().is_err());
        assert!("short".parse::<OrderId>().is_err());
    }

    #[test]
    fn grants_differ_by_scope_key_and_body() {
        let key = |user: &str, key: &str| ScopedKey {
            scope: KeyScope::PlaceOrder(user.parse().expect("a valid id")),
            key: key.parse().expect("a valid key"),
        };
        let body = BodyHash::of("a");
        let first = GrantId::of_key(&key("u", "k"), &body);
        assert_eq!(first, GrantId::of_key(&key("u", "k"), &body));
        assert_ne!(first, GrantId::of_key(&key("u", "l"), &body));
        assert_ne!(first, GrantId::of_key(&key("v", "k"), &body));
        assert_ne!(first, GrantId::of_key(&key("u", "k"), &BodyHash::of("b")));
    }
}
