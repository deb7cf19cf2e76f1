//! The store on MySQL 8 or MariaDB 10.11 and later, for several nodes on one database.
//!
//! All statements are of the kind that both know: no `RETURNING`, no `FOR SHARE`, no row alias in an upsert. Everything
//! runs on one thread of its own, where a few connections wait in two bounded pools, so that readers never keep the
//! committer waiting. Transactions that write are READ COMMITTED: their first statement locks the stock rows, and what
//! is read after it must see all that was committed until then, which a snapshot taken earlier would hide; nor may they
//! lock the gaps between rows, in which other nodes insert their orders.

mod audit;
mod call;
mod engine;
mod facts;
mod fault;
mod flow;
mod gate;
mod held;
mod listing;
mod migrate;
mod options;
mod outbox;
mod pool;
mod queries;
mod refunds;
mod rows;
mod shop;
mod sku_list;
mod sql;
mod store;
mod tokens;
mod transaction;
mod write;
mod writer;

pub use gate::NotUsable;
pub use migrate::Migrated;
pub use options::{MysqlOptions, Tls};
pub use outbox::MysqlOutbox;
pub use store::MysqlStore;
pub use tokens::MysqlTokens;
