//! Orders: placement, the supervisors that see each order through, and the one writer of the node.

mod committer;
mod deadlines;
mod orders;
mod refuser;
mod running_keys;
mod supervisor;
mod sweeper;

pub use committer::{Announce, Commit, Committer, Work};
pub use deadlines::Deadlines;
pub use orders::{OrderRequest, Orders, Paid, Placed, StockChanged};
pub use refuser::{Refuse, Refuser};
pub use running_keys::{RunningKey, RunningKeys};
pub use supervisor::{DeadlinesChanged, ExpireDue, OrderSupervisor, Shard, Submit, Supervisors, Want};
pub use sweeper::Sweeper;
