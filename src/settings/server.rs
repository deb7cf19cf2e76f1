//! Where the service listens, and as what.

use std::net::SocketAddr;

use actors::domain::id::NodeName;
use serde::Deserialize;

use super::SettingsError;

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeRole {
    /// Takes orders and works on their events.
    All,
    /// Takes orders and leaves their events to others.
    Api,
    /// Works on events and leaves orders to others.
    Worker,
}

impl NodeRole {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::All, Self::Api, Self::Worker];

    /// The role as the settings name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Worker => "worker",
        }
    }

    /// Whether it serves those who sell and buy.
    pub const fn takes_orders(self) -> bool {
        !matches!(self, Self::Worker)
    }

    /// Whether it is a member of the consumer group.
    pub const fn works_on_events(self) -> bool {
        !matches!(self, Self::Api)
    }

    fn parse(text: &str) -> Result<Self, SettingsError> {
        let role = Self::ALL.into_iter().find(|role| role.name() == text);
        role.ok_or_else(|| SettingsError::bad("server.role", format!("must be all, api or worker, not {text:?}")))
    }
}

/// Settings of the HTTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What this node is called among others.
    pub node: NodeName,
    /// What it does.
    pub role: NodeRole,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    listen: String,
    node: String,
    role: String,
}

impl ServerSettings {
    pub(super) fn check(raw: &Raw) -> Result<Self, SettingsError> {
        let listen = Self::parse_listen(&raw.listen)?;
        let role = NodeRole::parse(&raw.role)?;
        let node = raw.node.parse().map_err(|problem| SettingsError::bad("server.node", problem))?;
        Ok(Self { listen, node, role })
    }

    /// Reads `server.listen`.
    ///
    /// # Errors
    /// Refuses what is no address with a port.
    pub fn parse_listen(text: &str) -> Result<SocketAddr, SettingsError> {
        text.parse().map_err(|_| {
            let problem = format!("must be an address and a port, such as 127.0.0.1:8080, not {text:?}");
            SettingsError::bad("server.listen", problem)
        })
    }
}
