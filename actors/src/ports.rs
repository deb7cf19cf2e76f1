//! What the core needs from the world, one file per port. Backends implement these; nothing here does.

mod clock;
mod event_log;
mod event_stream;
mod ids;
mod ledger;
mod outbox;
mod printer;
mod signals;
mod spawn;
mod store;

pub use clock::Clock;
pub use event_log::{EventLog, EventLogError, LoggedEvent};
pub use event_stream::{Cause, Deliveries, Delivery, EventStream, FaultClass, Place, Repeats, StreamError};
pub use ids::Ids;
pub use ledger::{Ledger, LedgerError, LedgerLevel, Refusal, ReserveReply, ReserveRequest, ReserveVerdict, Settlement};
pub use outbox::{HandOn, Outbox, RelayError, Relayed};
pub use printer::{EventSink, SinkError};
pub use signals::{Hear, Signals, StockSignal};
pub use spawn::Spawn;
pub use store::{
    CommitError, Committed, FlowPage, ListedRefund, OrderPage, OrderQuery, RefundPage, RefundPosition, RefundQuery,
    SkuAudit, SkuPage, Store, StoreError, Tally,
};

/// What every port answers with: a future that is sent between threads.
pub type Answer<'a, T> = futures_util::future::BoxFuture<'a, T>;
