//! Opens the ledger that the settings name, with what tells of it.

use std::sync::Arc;

use actix::ArbiterHandle;
use actors::ports::{Clock, Ledger, Signals};
use actors::stock::MemoryLedger;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::StartError;
use crate::backend::redis::{RedisLedger, RedisOptions, RedisWorld};
use crate::backend::shop::ShopId;
use crate::calls::CallCounts;
use crate::settings::{LedgerSettings, RedisUrl};

/// A ledger under both its ports, and what it counts of its calls.
pub(super) struct OpenLedger {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) signals: Arc<dyn Signals>,
    pub(super) calls: Option<Arc<CallCounts>>,
}

impl OpenLedger {
    fn of<L: Ledger + Signals>(ledger: L, calls: Option<Arc<CallCounts>>) -> Self {
        let ledger = Arc::new(ledger);
        Self { ledger: Arc::<L>::clone(&ledger), signals: ledger, calls }
    }
}

/// Opens the ledger. One that does not answer is no reason not to start: the store decides without it too. One that is
/// another shop's is.
pub(super) async fn open_ledger(
    settings: LedgerSettings,
    shop: ShopId,
    node: &str,
    clock: &Arc<dyn Clock>,
    core: &ArbiterHandle,
) -> Result<OpenLedger, StartError> {
    let (url, prefix) = match settings {
        LedgerSettings::Memory => return Ok(OpenLedger::of(MemoryLedger::new(Arc::clone(clock)), None)),
        LedgerSettings::Redis { url, prefix } => (url, prefix),
    };
    let RedisUrl { is_cluster, is_tls, nodes, user, password, database } = url;
    let password = password.map(|secret| secret.0);
    let node = node.to_owned();
    let options = RedisOptions { nodes, is_cluster, is_tls, user, password, database, prefix, shop, node };
    // Beside those who call it most, so that no call has to change threads.
    let runtime = runtime_of(core).await.ok_or(StartError::Core)?;
    let ledger = RedisLedger::new(&options, &RedisWorld { runtime, clock: Arc::clone(clock) })?;
    ledger.look().await?;
    let calls = ledger.calls();
    Ok(OpenLedger::of(ledger, Some(calls)))
}

async fn runtime_of(arbiter: &ArbiterHandle) -> Option<Handle> {
    let (sender, receiver) = oneshot::channel();
    arbiter.spawn_fn(move || {
        // It is waited for just below.
        let _ = sender.send(Handle::current());
    });
    receiver.await.ok()
}
