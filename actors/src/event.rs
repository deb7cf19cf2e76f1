//! Order events on their way from the commit to whoever acts on them.

mod local_stream;
mod logged_outbox;
mod printer;
mod publisher;
mod seen;
mod worker;

use crate::domain::commit::Mutation;
use crate::order::{Commit, Work};
use crate::runtime::{Link, Reply};

pub use local_stream::LocalStream;
pub use logged_outbox::LoggedOutbox;
pub use printer::{FAILING, Print, PrinterActor, RefusedEvent};
pub use publisher::{BEHIND, PublisherActor};
pub use seen::Seen;
pub use worker::{IN_HAND, Worker, WorkerPorts};

/// The consumer group that prints.
pub const PRINTER_GROUP: &str = "printer";

/// Has what was done recorded with whatever else is committed.
async fn record(committer: &Link<Commit>, mutation: Mutation) -> Result<(), String> {
    let (reply, pending) = Reply::channel();
    let sent = committer.send(Commit(vec![Work { mutation, grant: None, reply }]));
    sent.map_err(|_| "the committer is behind".to_owned())?;
    pending.wait().await.map(drop).map_err(|rejection| rejection.to_string())
}
