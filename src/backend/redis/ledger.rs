//! The ledger port on Redis: what the scripts do, asked for and read back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actors::domain::id::SkuId;
use actors::domain::limits::GRANT_LIFETIME;
use actors::ports::{
    Answer, Hear, Ledger, LedgerError, LedgerLevel, Refusal, ReserveReply, ReserveRequest, ReserveVerdict, Settlement,
    Signals,
};
use futures_util::future::FutureExt;
use tokio::task::AbortHandle;

use super::call::Caller;
use super::listener::{Listener, Listeners};
use super::script::{READ, RESERVE, SETTLE};
use super::{ConfigurationError, OtherShop, PROBE_PAUSE, RedisOptions, RedisWorld};
use crate::calls::CallCounts;

/// Entries that a SKU's flow keeps.
const FLOW_MAX: usize = 500;
/// How long a flow is kept after its last entry. Stock itself is kept for ever: a key that vanished would have to be read
/// from the store again in the middle of a sale.
const FLOW_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// How long the key lives that is written to see whether Redis answers.
const PROBE_LIFETIME: Duration = Duration::from_secs(10);
/// What is looked for if nothing has failed yet.
const PROBE_TAG: &str = "probe";
/// Numbers in the reply of a reserve before those of the requests.
const RESERVE_HEAD: usize = 3;

/// A ledger that nodes share.
pub struct RedisLedger {
    caller: Arc<Caller>,
    keys: Keys,
    node: String,
    channel: String,
    listeners: Listeners,
    probing: AbortHandle,
}

/// Names the keys of a SKU. A cluster keeps together what has the same text in braces.
#[derive(Clone)]
struct Keys {
    prefix: String,
}

impl Keys {
    fn of(&self, tag: &str, what: &str) -> String {
        format!("{}{{{tag}}}:{what}", self.prefix)
    }

    /// Stock, grants, lapses and flow, as the scripts want them.
    fn all(&self, sku_id: &SkuId) -> Vec<String> {
        ["stock", "grants", "lapses", "flow"].iter().map(|what| self.of(sku_id.as_str(), what)).collect()
    }
}

impl RedisLedger {
    /// Makes the ledger; it connects when it is first asked.
    ///
    /// # Errors
    /// The options cannot be used.
    pub fn new(options: &RedisOptions, world: &RedisWorld) -> Result<Self, ConfigurationError> {
        let caller = Arc::new(Caller::new(options, world)?);
        let keys = Keys { prefix: options.prefix.clone() };
        let channel = format!("{}signals", options.prefix);
        let listener = Listener::new(options, world, channel.clone(), Arc::clone(&caller.health))?;
        let (probed, prefix, clock) = (Arc::downgrade(&caller), keys.clone(), Arc::clone(&world.clock));
        let probing = world.runtime.spawn(async move {
            loop {
                clock.sleep(PROBE_PAUSE).await;
                let Some(caller) = probed.upgrade() else { return };
                probe(&caller, &prefix).await;
            }
        });
        Ok(Self {
            caller,
            keys,
            node: quoted(&options.node),
            channel,
            listeners: Listeners::new(listener),
            probing: probing.abort_handle(),
        })
    }

    /// Looks whether Redis answers, so that it is known from the start.
    ///
    /// # Errors
    /// It does, and what it keeps is another shop's.
    pub async fn look(&self) -> Result<(), OtherShop> {
        probe(&self.caller, &self.keys).await;
        if self.caller.health.is_up() {
            tell_durability(&self.caller).await;
        }
        self.caller.claim.other().map_or(Ok(()), Err)
    }

    /// What is counted of the calls.
    pub fn calls(&self) -> Arc<CallCounts> {
        Arc::clone(&self.caller.calls)
    }
}

impl Drop for RedisLedger {
    fn drop(&mut self) {
        self.probing.abort();
    }
}

/// Makes sure that the keys are ours, and writes one that goes with what failed last, if anything: a replica that takes no
/// writes is of no use either.
async fn probe(caller: &Caller, keys: &Keys) {
    // As long as there is no store, nothing needs a ledger.
    if !caller.claim.is_known() {
        return;
    }
    let tag = caller.health.suspect().unwrap_or_else(|| PROBE_TAG.to_owned());
    let mut write = redis::cmd("SET");
    write.arg(keys.of(&tag, "probe")).arg(1).arg("PX").arg(whole_millis(PROBE_LIFETIME));
    let claim = caller.claim.clone();
    let probed = caller.call_anyway("probe", &tag, &(), |connection| {
        async move {
            claim.make(connection).await?;
            write.query_async::<String>(connection).await
        }
        .boxed()
    });
    if probed.await.is_ok() {
        caller.health.mend();
    }
}

/// Tells what Redis has after a crash. Whoever may not ask for that is not told; nothing depends on it.
async fn tell_durability(caller: &Caller) {
    let mut ask = redis::cmd("CONFIG");
    ask.arg("GET").arg("append*");
    let told = caller.call_anyway("config", PROBE_TAG, &(), |connection| {
        async move { Ok(ask.query_async::<BTreeMap<String, String>>(connection).await.unwrap_or_default()) }.boxed()
    });
    let told = told.await.unwrap_or_default();
    if let (Some(appendonly), Some(appendfsync)) = (told.get("appendonly"), told.get("appendfsync")) {
        tracing::info!(target: "floodgate::ledger", appendonly, appendfsync, "ledger opened");
    }
}

impl Ledger for RedisLedger {
    fn reserve(&self, sku_id: &SkuId, requests: Vec<ReserveRequest>) -> Answer<'_, Result<ReserveReply, LedgerError>> {
        let (sku_id, keys) = (sku_id.clone(), self.keys.all(sku_id));
        async move {
            let mut arguments = Vec::with_capacity(RESERVE_HEAD + 3 * requests.len());
            arguments.extend([whole_millis(GRANT_LIFETIME).to_string()]);
            arguments.extend(flow_arguments());
            for ReserveRequest { grant, quantity, who } in &requests {
                arguments.extend([grant.to_string(), quantity.to_string(), quoted(who)]);
            }
            let reserved = self.caller.call("reserve", sku_id.as_str(), &requests, |connection| {
                async move { RESERVE.run::<Option<Vec<i64>>>(connection, &keys, &arguments).await }.boxed()
            });
            match reserved.await? {
                None => Ok(ReserveReply::Missing),
                Some(numbers) => answered(&numbers, requests.len()),
            }
        }
        .boxed()
    }

    fn settle(&self, sku_id: &SkuId, settlement: Settlement) -> Answer<'_, Result<(), LedgerError>> {
        let (sku_id, keys) = (sku_id.clone(), self.keys.all(sku_id));
        async move {
            let (version, available) = match settlement.level {
                Some((version, available)) => (version.to_string(), available.to_string()),
                None => (String::new(), String::new()),
            };
            let mut arguments = vec![version, available];
            arguments.extend(flow_arguments());
            arguments.extend([self.node.clone(), self.channel.clone(), sku_id.to_string()]);
            arguments.extend(settlement.grants.iter().map(ToString::to_string));
            let settled = self.caller.call("settle", sku_id.as_str(), &settlement, |connection| {
                async move { SETTLE.run::<i64>(connection, &keys, &arguments).await }.boxed()
            });
            settled.await.map(drop)
        }
        .boxed()
    }

    /// Others may sell it.
    fn rest(&self, _: &SkuId) {}

    /// Others may have told it.
    fn may_know(&self, _: &SkuId) -> bool {
        true
    }

    fn forget(&self, sku_id: &SkuId) -> Answer<'_, Result<(), LedgerError>> {
        let (sku_id, keys) = (sku_id.clone(), self.keys.all(sku_id));
        async move {
            let forgotten = self.caller.call("forget", sku_id.as_str(), &(), |connection| {
                async move { redis::cmd("DEL").arg(keys).query_async::<i64>(connection).await }.boxed()
            });
            forgotten.await.map(drop)
        }
        .boxed()
    }

    fn is_answering(&self) -> bool {
        self.caller.health.is_up()
    }

    fn read(&self, sku_id: &SkuId) -> Answer<'_, Result<Option<LedgerLevel>, LedgerError>> {
        let (sku_id, mut keys) = (sku_id.clone(), self.keys.all(sku_id));
        keys.pop();
        async move {
            let read = self.caller.call("read", sku_id.as_str(), &(), |connection| {
                async move { READ.run::<Option<(i64, i64, i64, i64)>>(connection, &keys, &[]).await }.boxed()
            });
            Ok(read.await?.map(|(base, version, available, grants)| LedgerLevel {
                base,
                version: version.unsigned_abs(),
                available,
                grants: usize::try_from(grants).unwrap_or(0),
            }))
        }
        .boxed()
    }
}

impl Signals for RedisLedger {
    fn subscribe(&self, hear: Hear) {
        self.listeners.add(hear);
    }
}

fn answered(numbers: &[i64], asked: usize) -> Result<ReserveReply, LedgerError> {
    let wrong = || LedgerError("redis answers a reserve with something else".to_owned());
    let (head, rest) = numbers.split_at_checked(RESERVE_HEAD).ok_or_else(wrong)?;
    let verdict = |pair: &[i64]| match pair[0] {
        1 => ReserveVerdict::Granted,
        _ => ReserveVerdict::Refused(Refusal { available: pair[1] }),
    };
    let verdicts: Vec<ReserveVerdict> = rest.chunks_exact(2).map(verdict).collect();
    if verdicts.len() != asked {
        return Err(wrong());
    }
    let base_age = Duration::from_millis(head[2].unsigned_abs());
    Ok(ReserveReply::Answered { verdicts, base: head[0], version: head[1].unsigned_abs(), base_age })
}

fn flow_arguments() -> [String; 2] {
    [FLOW_MAX.to_string(), FLOW_LIFETIME.as_secs().to_string()]
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A text as JSON writes it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
