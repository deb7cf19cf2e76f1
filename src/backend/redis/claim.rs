//! Binds all keys of a prefix to one shop. With two on one prefix, each would take the other's levels for news of its own.
//!
//! The key that tells whose they are stands alone, in whatever slot a cluster gives it, and is lost with the others when
//! Redis is wiped: then whoever comes first takes the prefix anew.

use std::sync::Arc;

use redis::aio::ConnectionLike;
use redis::{ErrorKind, RedisResult};

use super::health::Health;
use crate::backend::shop::ShopId;

/// The prefix is another shop's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the ledger in redis under the prefix {prefix} belongs to another shop's database; give this shop a ledger.prefix of \
     its own, or delete the key {prefix}shop there if that shop is no more"
)]
pub struct OtherShop {
    prefix: String,
}

/// See the module.
#[derive(Clone)]
pub(super) struct Claim {
    prefix: String,
    shop: ShopId,
    health: Arc<Health>,
}

impl Claim {
    pub(super) fn new(prefix: String, shop: ShopId, health: Arc<Health>) -> Self {
        Self { prefix, shop, health }
    }

    /// Whether there is somebody to claim it for.
    pub(super) fn is_known(&self) -> bool {
        self.shop.get().is_some()
    }

    /// Whose the keys are, if they were found to be another shop's.
    pub(super) fn other(&self) -> Option<OtherShop> {
        self.health.is_foreign().then(|| OtherShop { prefix: self.prefix.clone() })
    }

    /// Takes the prefix if it is nobody's, and makes sure that it is ours.
    pub(super) async fn make(&self, connection: &mut impl ConnectionLike) -> RedisResult<()> {
        let Some(shop) = self.shop.get() else {
            return Err((ErrorKind::Client, "the database has not told yet which shop this is").into());
        };
        let key = format!("{}shop", self.prefix);
        redis::cmd("SET").arg(&key).arg(shop).arg("NX").exec_async(connection).await?;
        let owner: Option<String> = redis::cmd("GET").arg(&key).query_async(connection).await?;
        match owner {
            Some(owner) if owner == shop => {
                self.health.note_owner(None);
                Ok(())
            }
            Some(_) => {
                self.health.note_owner(Some(&OtherShop { prefix: self.prefix.clone() }));
                Err((ErrorKind::Client, "the keys are another shop's").into())
            }
            // It went in between, or such a replica answers.
            None => Err((ErrorKind::Client, "whose the keys are is not told").into()),
        }
    }
}
