//! Stock: one actor per live SKU, the ledger that needs no other program, and what the node remembers of each SKU.

mod actor;
mod directory;
mod flush;
mod ledger;
mod sold_out;
mod verdict;
mod warm_up;

pub use actor::{Admission, Asker, Reserve, Reserved, Settle, StockActor};
pub use directory::{StockCell, StockDirectory};
pub use ledger::MemoryLedger;
pub use sold_out::SoldOutFlags;
pub use verdict::{SkuVerdict, Verdict, VerdictState, Verdicts};
pub use warm_up::WarmUp;
