//! Where the service listens, and as what.

use std::net::SocketAddr;

use actors::domain::id::NodeName;
use serde::Deserialize;

use super::SettingsError;

/// Settings of the HTTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What this node is called among others.
    pub node: NodeName,
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
        if raw.role != "all" {
            return Err(SettingsError::bad("server.role", format!("must be all, not {:?}", raw.role)));
        }
        let node = raw.node.parse().map_err(|problem| SettingsError::bad("server.node", problem))?;
        Ok(Self { listen, node })
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
