//! Every bound of the product in one file, each with its reason.

use std::time::Duration;

/// Lines of one order: keeps one placement's locks and rows few.
pub const LINES_MAX: usize = 50;
/// Units of one line: far above any real basket, far below where sums could overflow.
pub const QUANTITY_MAX: u32 = 1_000_000;
/// Units one SKU may have in all: ten million times `QUANTITY_MAX` stays inside `i64`.
pub const STOCK_TOTAL_MAX: i64 = 1_000_000_000_000;
/// Length of a shop's own id (SKU, user): the width of the seeds' columns.
pub const SHOP_ID_LENGTH_MAX: usize = 32;
/// Length of a payment id, in characters.
pub const PAYMENT_ID_LENGTH_MAX: usize = 64;
/// Length of an idempotency key, in characters.
pub const KEY_LENGTH_MAX: usize = 64;
/// Length of an order's source, in characters: the width of the seeds' column.
pub const SOURCE_LENGTH_MAX: usize = 32;
/// Length of a remark or reason, in characters.
pub const TEXT_LENGTH_MAX: usize = 500;
/// Length of a SKU's name, in characters.
pub const NAME_LENGTH_MAX: usize = 250;
/// Length of a token's label, in characters.
pub const LABEL_LENGTH_MAX: usize = 100;
/// The longest payment window, in seconds: thirty days.
pub const PAYMENT_WINDOW_S_MAX: u32 = 30 * 24 * 3600;

/// How long an idempotency key keeps its answer.
pub const KEY_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// How long a grant lives in the ledger, on the ledger's own clock. Longer than `PLACEMENT_DEADLINE`, so that no
/// placement outlives its grants.
pub const GRANT_LIFETIME: Duration = Duration::from_secs(6);
/// How long a placement may take from before its first reserve to its decision under the row lock.
pub const PLACEMENT_DEADLINE: Duration = Duration::from_secs(4);
/// How long a caller waits for its answer. Longer than `PLACEMENT_DEADLINE` and a slow commit, so that whoever can be told
/// what became of a request is told; shorter than a stop waits for requests.
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(7);
/// A refusal on a base older than this asks the store before it is believed.
pub const BASE_AGE_MAX: Duration = Duration::from_secs(1);
/// How long a reserve waits for units that placements in flight hold, before it asks again without having heard of them.
pub const HELD_RETRY_PAUSE: Duration = Duration::from_millis(50);
/// One reserve per SKU and interval passes a sold-out flag, so a lost signal costs no more than this.
pub const SOLD_OUT_PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// Orders and changes that one node has in hand: beyond it, 503 `busy`. At 20,000 commits a second this is
/// less than half a second of work, so whoever is admitted is served long before the placement deadline.
pub const IN_HAND_MAX: usize = 8_192;
/// Order supervisors of a node. More than cores, so that one slow message holds up few orders.
pub const SUPERVISOR_SHARDS: usize = 4;
/// Mutations of one transaction: bounds how long the store's writer is held and how much one failure rolls back.
pub const BATCH_MAX: usize = 1_024;
/// Settlements on their way to the ledger of SKUs that are not live: what one transaction touches, several times over.
pub const SETTLEMENTS_AT_REST_MAX: usize = 4_096;
/// Orders of a user that are summed up to learn what the user holds of a SKU with a purchase limit, about as much work as
/// placing one; with more, a count is kept instead.
pub const ORDERS_SUMMED_MAX: usize = 32;
/// Keys looked up in one read, within SQLite's and MySQL's bounds on parameters.
pub const KEY_LOOKUP_MAX: usize = 256;
/// Events moved in one step by publisher and worker.
pub const EVENT_BATCH_MAX: usize = 1_024;
/// Events that a worker holds back behind refused ones of their orders before it takes no more.
pub const PARKED_EVENTS_MAX: usize = 1_024;
/// How often the effect of one event is tried before the event is put aside.
pub const EFFECT_ATTEMPTS_MAX: u32 = 5;
/// How long a refused effect waits before it is tried again; doubled each time.
pub const EFFECT_PAUSE: Duration = Duration::from_millis(200);
/// How long it waits at most.
pub const EFFECT_PAUSE_MAX: Duration = Duration::from_secs(5);
/// Orders whose deadline is looked up in one sweep.
pub const SWEEP_MAX: usize = 4_096;

/// How often a supervisor looks at its earliest deadline.
pub const DEADLINE_TICK: Duration = Duration::from_millis(100);
/// How often the sweeper asks the store for orders whose deadline has passed.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// How far past its deadline an order is before the sweeper takes it up: leaves its own supervisor the first go.
pub const SWEEP_GRACE: Duration = Duration::from_secs(1);
/// How far ahead a new supervisor takes up deadlines from the store; later ones are found by the sweeper.
pub const DEADLINES_AHEAD: Duration = Duration::from_secs(3600);
/// Deadlines that a supervisor keeps in mind, about 20 MB of them; what is beyond is found by the sweeper.
pub const DEADLINES_WATCHED_MAX: usize = 200_000;
/// Deadlines that a new supervisor takes up at most, of its own and others'.
pub const DEADLINES_REMEMBERED_MAX: usize = 16_384;
/// How long a stock actor has nothing to do before it is let go.
pub const IDLE_MAX: Duration = Duration::from_secs(60);
/// How long a stock actor that was let go still takes what comes: longer than any placement that found it before.
pub const FAREWELL: Duration = Duration::from_secs(10);
/// How long a failed background step waits before it is tried again.
pub const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// How often a warning is repeated while what it warns of lasts.
pub const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// Items of a page when the caller names no limit.
pub const PAGE_DEFAULT: usize = 20;
/// Items of a page at most.
pub const PAGE_MAX: usize = 100;
/// Rows that one page may look at before it is cut short with a cursor to go on from.
pub const PAGE_SCAN_MAX: usize = 10_000;
/// SKUs that are warmed up at once: a page of them.
pub const WARM_UP_MAX: usize = PAGE_MAX;
/// Bytes of a request body.
pub const BODY_BYTES_MAX: usize = 16 * 1024;
/// How long a request body may take to arrive whole.
pub const BODY_DEADLINE: Duration = Duration::from_secs(5);
