//! A prefix in Redis belongs to one shop. Whoever finds another shop's keys there keeps away from them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use actors::ports::{Clock, Ledger, Signals};
use actors::testing::fixtures::sku_id;
use floodgate::backend::redis::RedisOptions;
use floodgate::backend::shop::ShopId;

use crate::redis::{Shared, cluster, server};

impl Shared {
    /// Another shop on the same prefix.
    fn of_shop(&self, shop: ShopId) -> Self {
        Self::on(RedisOptions { shop, ..self.options.clone() })
    }

    async fn owner(&self) -> Option<String> {
        self.send(redis::cmd("GET").arg(self.key())).await
    }

    fn key(&self) -> String {
        format!("{}shop", self.options.prefix)
    }

    async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        for _ in 0..100 {
            if is_so().await {
                return;
            }
            self.clock.sleep(Duration::from_millis(50)).await;
        }
        panic!("not after 5 s: {what}");
    }
}

async fn a_prefix_of_another_shop_is_refused_and_left_alone(shared: Shared) {
    shared.ledger.look().await.expect("it was nobody's");
    assert_eq!(shared.owner().await.as_deref(), Some("a-shop"));
    shared.settle(&[], Some((7, 5))).await;
    let other = shared.of_shop(ShopId::known("another"));
    let refusal = other.ledger.look().await.expect_err("it is another shop's").to_string();
    let prefix = &shared.options.prefix;
    let wanted = format!("the ledger in redis under the prefix {prefix} belongs to another shop's database; ");
    assert!(refusal.starts_with(&wanted) && refusal.contains(&shared.key()), "{refusal}");
    assert!(!other.ledger.is_answering());
    assert!(other.ledger.forget(&sku_id("a")).await.is_err());
    let level = shared.ledger.read(&sku_id("a")).await.expect("redis answers").expect("the sku is known");
    assert_eq!((level.version, level.available), (7, 5), "nothing was done to what is another shop's");
    let same = shared.of_shop(ShopId::known("a-shop"));
    assert_eq!(same.ledger.look().await, Ok(()), "another node of the shop is welcome");
}

async fn what_is_asked_first_is_whose_the_keys_are(shared: Shared) {
    shared.settle(&[], Some((7, 5))).await;
    let other = shared.of_shop(ShopId::known("another"));
    let refusal = other.ledger.read(&sku_id("a")).await.expect_err("it is another shop's").to_string();
    assert!(refusal.contains("another shop"), "{refusal}");
    assert_eq!(shared.owner().await.as_deref(), Some("a-shop"));
}

async fn a_wiped_redis_is_bound_again(shared: Shared) {
    shared.ledger.look().await.expect("it was nobody's");
    shared.send::<()>(redis::cmd("DEL").arg(shared.key())).await;
    shared.until("the key is there again", async || shared.owner().await.as_deref() == Some("a-shop")).await;
    assert!(shared.ledger.is_answering());
}

async fn a_prefix_that_another_shop_takes_is_not_used_until_that_is_gone(shared: Shared) {
    shared.settle(&[], Some((7, 5))).await;
    shared.send::<()>(redis::cmd("SET").arg(shared.key()).arg("another")).await;
    shared.until("it is noticed", async || !shared.ledger.is_answering()).await;
    assert!(shared.ledger.read(&sku_id("a")).await.is_err());
    let failed = shared.ledger.calls().by_name()["probe"].failed;
    shared.until("it is looked again", async || shared.ledger.calls().by_name()["probe"].failed > failed + 1).await;
    assert_eq!(shared.owner().await.as_deref(), Some("another"), "what is another shop's stays so");
    shared.send::<()>(redis::cmd("DEL").arg(shared.key())).await;
    shared.until("it is used again", async || shared.ledger.is_answering()).await;
    assert_eq!(shared.owner().await.as_deref(), Some("a-shop"));
}

async fn news_of_another_shop_is_not_heard(shared: Shared) {
    shared.ledger.look().await.expect("it was nobody's");
    let other = shared.of_shop(ShopId::known("another"));
    other.ledger.look().await.expect_err("it is another shop's");
    let (heard, own) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<u64>>>::default());
    let (hears, owns) = (Arc::clone(&heard), Arc::clone(&own));
    other.ledger.subscribe(Arc::new(move |_| {
        hears.fetch_add(1, Ordering::Relaxed);
    }));
    shared.ledger.subscribe(Arc::new(move |signal| {
        owns.lock().unwrap_or_else(PoisonError::into_inner).push(signal.version);
    }));
    let mut version = 0;
    while own.lock().unwrap_or_else(PoisonError::into_inner).len() < 20 {
        version += 1;
        assert!(version < 400, "the shop hears its own news");
        shared.settle(&[], Some((version, 5))).await;
        shared.clock.sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(heard.load(Ordering::Relaxed), 0);
}

/// A database that is not there yet has not told which shop it is.
async fn a_shop_that_is_not_known_takes_no_prefix(shared: Shared) {
    let nobody = shared.of_shop(ShopId::default());
    assert_eq!(nobody.ledger.look().await, Ok(()));
    assert!(nobody.ledger.read(&sku_id("a")).await.is_err());
    assert_eq!(shared.owner().await, None);
}

macro_rules! cases {
    ($($case:ident,)+) => {
        mod on_a_server {
            $(#[tokio::test]
            async fn $case() {
                super::$case(super::server()).await;
            })+
        }

        mod on_a_cluster {
            $(#[tokio::test]
            async fn $case() {
                super::$case(super::cluster()).await;
            })+
        }
    };
}

cases! {
    a_prefix_of_another_shop_is_refused_and_left_alone,
    what_is_asked_first_is_whose_the_keys_are,
    a_wiped_redis_is_bound_again,
    a_prefix_that_another_shop_takes_is_not_used_until_that_is_gone,
    news_of_another_shop_is_not_heard,
    a_shop_that_is_not_known_takes_no_prefix,
}
