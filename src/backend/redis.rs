//! The ledger in Redis, on one server or on a cluster: what nodes share of a sale, and may lose at any time.
//!
//! All keys of a SKU have the SKU as their hash tag, so that a cluster keeps them together and one script sees them all.

mod call;
mod claim;
mod connection;
mod health;
mod ledger;
mod listener;
mod script;

use std::sync::Arc;
use std::time::Duration;

use actors::ports::Clock;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo, RedisResult};
use tokio::runtime::Handle;

use crate::backend::shop::ShopId;
pub use claim::OtherShop;
pub use ledger::RedisLedger;

/// How long a call may take, with connecting: what a placement loses when Redis hangs.
const CALL_DEADLINE: Duration = Duration::from_millis(400);
/// How often it is looked whether Redis answers.
const PROBE_PAUSE: Duration = Duration::from_millis(250);
/// Connections of a node, besides the one that listens.
const CONNECTIONS_MAX: u32 = 16;

/// Where Redis is and how it is used.
#[derive(Clone)]
pub struct RedisOptions {
    /// Hosts and ports of the server, or of some nodes of the cluster.
    pub nodes: Vec<(String, u16)>,
    /// Whether they are a cluster.
    pub is_cluster: bool,
    /// Whether connections are encrypted; whom to trust is what the system says.
    pub is_tls: bool,
    /// The user, if not the default one.
    pub user: Option<String>,
    /// The password, if there is one.
    pub password: Option<String>,
    /// The number of the database.
    pub database: u32,
    /// What every key begins with.
    pub prefix: String,
    /// Whose the keys are.
    pub shop: ShopId,
    /// What this node is called in the flow.
    pub node: String,
}

/// Where the ledger's own tasks run, and its time.
#[derive(Clone)]
pub struct RedisWorld {
    /// The runtime that connections live on, whoever uses them.
    pub runtime: Handle,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The settings of Redis cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("redis cannot be used as it is configured: {0}")]
pub struct ConfigurationError(String);

impl RedisOptions {
    /// How each node is connected to.
    fn connections(&self) -> RedisResult<Vec<ConnectionInfo>> {
        self.nodes.iter().map(|(host, port)| self.connection(host.clone(), *port)).collect()
    }

    fn connection(&self, host: String, port: u16) -> RedisResult<ConnectionInfo> {
        let address = match self.is_tls {
            true => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
            false => ConnectionAddr::Tcp(host, port),
        };
        let mut login = RedisConnectionInfo::default().set_db(self.database.into());
        if let Some(user) = &self.user {
            login = login.set_username(user);
        }
        if let Some(password) = &self.password {
            login = login.set_password(password);
        }
        let info = address.into_connection_info()?;
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        Ok(info.set_redis_settings(login).set_tcp_settings(tcp))
    }
}
