//! Who may call: roles, callers, the digest by which a token is known, and the port by which it is found.

use std::fmt;

use actors::domain::id::UserId;
use actors::ports::{Answer, StoreError};
use sha2::{Digest, Sha256};

/// What a token lets its holder be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// One buyer.
    Customer,
    /// The shop's back end, which acts for its buyers.
    Service,
    /// Whoever operates the service.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Customer, Self::Service, Self::Admin];

    /// The role as clients and tables name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Service => "service",
            Self::Admin => "admin",
        }
    }

    /// The role with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Whoever sent a request, as its token tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// One buyer: sees and touches only its own orders.
    Customer(UserId),
    /// The shop's back end.
    Service,
    /// Whoever operates the service.
    Admin,
}

impl Caller {
    /// The caller that a stored token speaks for; none if a customer's token names no user.
    pub fn of(role: Role, user_id: Option<UserId>) -> Option<Self> {
        match role {
            Role::Customer => user_id.map(Self::Customer),
            Role::Service => Some(Self::Service),
            Role::Admin => Some(Self::Admin),
        }
    }

    /// The role.
    pub const fn role(&self) -> Role {
        match self {
            Self::Customer(_) => Role::Customer,
            Self::Service => Role::Service,
            Self::Admin => Role::Admin,
        }
    }

    /// The name under which what the caller does is recorded.
    pub fn name(&self) -> &str {
        match self {
            Self::Customer(user_id) => user_id.as_str(),
            Self::Service | Self::Admin => self.role().name(),
        }
    }

    /// Whether the caller may know of what belongs to this user.
    pub fn may_see(&self, owner: &UserId) -> bool {
        match self {
            Self::Customer(user_id) => user_id == owner,
            Self::Service | Self::Admin => true,
        }
    }
}

/// The digest of a token: what is stored instead of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Digests a token.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// The bytes to store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenHash")
    }
}

/// The tokens that were given out.
pub trait Tokens: Send + Sync + 'static {
    /// Whoever the token with this digest speaks for; none if there is no such token.
    fn find(&self, hash: TokenHash) -> Answer<'_, Result<Option<Caller>, StoreError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_sees_its_own_and_the_shop_sees_all() {
        let (own, other): (UserId, UserId) = ("u-1".parse().expect("a valid id"), "u-2".parse().expect("a valid id"));
        let table =
            [(Caller::Customer(own.clone()), true, false), (Caller::Service, true, true), (Caller::Admin, true, true)];
        for (caller, sees_own, sees_other) in table {
            assert_eq!((caller.may_see(&own), caller.may_see(&other)), (sees_own, sees_other), "{caller:?}");
        }
    }

    #[test]
    fn a_customers_token_without_a_user_speaks_for_nobody() {
        assert_eq!(Caller::of(Role::Customer, None), None);
        assert_eq!(Caller::of(Role::Admin, None), Some(Caller::Admin));
    }
}
