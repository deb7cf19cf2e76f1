//! How actors live: links, replies, posts, the directory of who lives. A closed list; nothing here knows orders or stock.

mod link;
mod live;
mod post;
mod reply;

pub use link::{Envelope, Inlet, Link, Refused, Ticket};
pub use live::{Gauge, LiveActor, LiveActors, Vitals};
pub use post::{Lifeline, Post, Stage};
pub use reply::{Pending, Reply};
