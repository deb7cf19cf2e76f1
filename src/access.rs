//! Who may call: roles, callers, the digest by which a token is known, and the port by which tokens are kept.

use std::fmt;
use std::str::FromStr;

use actors::domain::id::UserId;
use actors::domain::order::SYSTEM;
use actors::domain::time::Timestamp;
use actors::ports::{Answer, CommitError, StoreError};
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

impl FromStr for Role {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, &'static str> {
        Self::from_name(name).ok_or("must be one of customer, service, admin")
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

    /// The user that the caller is bound to.
    pub const fn user_id(&self) -> Option<&UserId> {
        match self {
            Self::Customer(user_id) => Some(user_id),
            Self::Service | Self::Admin => None,
        }
    }

    /// The name under which what the caller does is recorded.
    pub fn name(&self) -> &str {
        match self {
            Self::Customer(user_id) => user_id.as_str(),
            Self::Service | Self::Admin => self.role().name(),
        }
    }

    /// Whether a customer of this name would be recorded as somebody else: as the shop, or as the service itself.
    pub fn is_reserved(user_id: &UserId) -> bool {
        user_id.as_str() == SYSTEM || Role::from_name(user_id.as_str()).is_some_and(|role| role != Role::Customer)
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

/// What is told of a token to those who manage tokens: never the token itself, nor its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// Names the token.
    pub token_id: String,
    /// The role's name, as it is stored: a newer version may know more roles.
    pub role: String,
    /// The user it speaks for, if it is bound to one.
    pub user_id: Option<UserId>,
    /// What the shop calls it.
    pub label: Option<String>,
    /// When it was given out.
    pub created_at: Timestamp,
}

/// A token that has just been given out. It can be shown now and never again.
pub struct IssuedToken {
    /// The token itself.
    pub token: String,
    /// What is kept of it.
    pub record: TokenRecord,
}

/// A page of tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenPage {
    /// The tokens, newest first.
    pub tokens: Vec<TokenRecord>,
    /// Where the next page goes on: before this one. None at the end.
    pub next: Option<i64>,
}

/// What became of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The token lets nobody in any more.
    Done,
    /// There is no such token.
    Unknown,
    /// It is the only admin token, without which nobody could give out another; it stays.
    LastAdmin,
}

/// The tokens that were given out.
pub trait Tokens: Send + Sync + 'static {
    /// Whoever the token with this digest speaks for; none if there is no such token.
    fn find(&self, hash: TokenHash) -> Answer<'_, Result<Option<Caller>, StoreError>>;

    /// Gives out a token that speaks for `caller`.
    fn issue(&self, caller: Caller, label: Option<String>) -> Answer<'_, Result<IssuedToken, CommitError>>;

    /// A page of tokens, newest first, from before `before` on.
    fn list(&self, before: Option<i64>, limit: usize) -> Answer<'_, Result<TokenPage, StoreError>>;

    /// Takes a token back.
    fn revoke(&self, token_id: String) -> Answer<'_, Result<Revoked, CommitError>>;
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
    fn no_customer_bears_the_name_of_another_author() {
        let table = [("admin", true), ("service", true), ("floodgate", true), ("customer", false), ("u-1", false)];
        for (user_id, wanted) in table {
            assert_eq!(Caller::is_reserved(&user_id.parse().expect("a valid id")), wanted, "{user_id}");
        }
    }

    #[test]
    fn a_customers_token_without_a_user_speaks_for_nobody() {
        assert_eq!(Caller::of(Role::Customer, None), None);
        assert_eq!(Caller::of(Role::Admin, None), Some(Caller::Admin));
    }
}
