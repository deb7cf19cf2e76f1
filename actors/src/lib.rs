//! The core of Floodgate: rules, ports and actors.
//!
//! Nothing here knows a driver, HTTP, a file, a thread, the ambient clock or randomness; all of that comes in
//! through [`ports`]. `ARCHITECTURE.md` at the root of the repository is the map.

pub mod domain;
pub mod event;
pub mod node;
pub mod order;
pub mod ports;
pub mod runtime;
pub mod stock;
#[cfg(feature = "testing")]
pub mod testing;
