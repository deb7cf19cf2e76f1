//! Order events on their way from the commit to whoever acts on them.

mod printer;
mod publisher;
mod seen;
mod worker;

pub use printer::{FAILING, Print, PrinterActor};
pub use publisher::PublisherActor;
pub use seen::Seen;
pub use worker::{PRINTER_GROUP, Wake, Worker};
