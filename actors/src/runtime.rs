//! How actors live: links, replies, supervision. A closed list; nothing here knows orders or stock.

mod link;
mod reply;
mod supervise;

pub use link::{Envelope, Link, Refused, Ticket};
pub use reply::{Pending, Reply};
pub use supervise::{Lifeline, Post, start};
