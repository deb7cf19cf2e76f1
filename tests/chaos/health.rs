//! What a service says of its own health, and whether it sells all the same.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::service::{Service, wait};

impl Service {
    /// What is degraded.
    pub(crate) async fn degraded(&self) -> Value {
        self.get("/health/ready").await.body["degraded"].clone()
    }

    /// Waits until just this is degraded.
    pub(crate) async fn expect_degraded(&self, wanted: Value) {
        // Kafka is noticed after 5 s, and is back some 5 s after a kill: a busy machine is given more.
        for _ in 0..600 {
            if self.degraded().await == wanted {
                return;
            }
            wait(Duration::from_millis(50)).await;
        }
        panic!("it should be degraded {wanted}, and is {}: {}", self.degraded().await, self.log());
    }

    /// Places an order, which is taken soon, whatever is degraded. Gives its id.
    pub(crate) async fn expect_sale(&self, sku: &str, key: &str) -> String {
        let body = json!({"items": [{"sku_id": sku, "quantity": 1}], "user_id": "u"});
        let started = now();
        let answer = self.post("/orders", Some(key), body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        // A second is what an outage may cost; a busy machine is given more.
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
        answer.text("order_id")
    }

    /// Waits until it has printed so many lines.
    pub(crate) async fn until_printed(&self, lines: usize) {
        for _ in 0..600 {
            if self.printed().len() >= lines {
                return;
            }
            wait(Duration::from_millis(50)).await;
        }
        panic!("{lines} lines are not printed after 30 s: {}", self.log());
    }

    /// Waits until it is a member of the group.
    pub(crate) async fn until_member(&self) {
        for _ in 0..600 {
            if self.log().contains("partitions came") {
                return;
            }
            wait(Duration::from_millis(50)).await;
        }
        panic!("it is no member after 30 s: {}", self.log());
    }

    /// Places so many orders of one unit, which are all taken.
    pub(crate) async fn place_many(&self, sku: &str, orders: usize) {
        const CLIENTS: usize = 40;
        let placing = (0..CLIENTS).map(|client| async move {
            for number in (client..orders).step_by(CLIENTS) {
                let user = format!("{}-{client}", self.address().replace(':', "-"));
                let body = json!({"items": [{"sku_id": sku, "quantity": 1}], "user_id": user});
                let answer = self.post("/orders", Some(&format!("many-{number}")), body).await;
                assert_eq!(answer.status, 201, "{answer:?}");
            }
        });
        join_all(placing).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the processes under test live by the real clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
