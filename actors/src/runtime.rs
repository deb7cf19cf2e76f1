//! How actors live: links, replies, posts, the directory of who lives, what they count. A closed list; nothing here knows orders or stock.

mod count;
mod link;
mod live;
mod post;
mod reply;

pub use count::{Counter, Counts, Spread, SpreadSeen, VIOLATIONS};
pub use link::{Envelope, Inlet, Link, Refused, Ticket};
pub use live::{Gauge, KindTotal, LiveActor, LiveActors, Vitals};
pub use post::{Lifeline, Post, Stage};
pub use reply::{Pending, Reply};
