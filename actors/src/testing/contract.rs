//! What every backend of a port owes the core, as suites of cases that run on any of them.
//!
//! A backend's tests call [`store_contract!`](crate::store_contract) and
//! [`event_log_contract!`](crate::event_log_contract) with a factory of empty backends; each case then is a test of
//! its own. Cases that need what a backend does not have pass without a word.
#![expect(clippy::panic, reason = "a suite says no by panicking, inside tests only")]

pub mod event_log;
pub mod event_stream;
pub mod ledger;
pub mod outbox;
mod store;

pub use store::{
    catalogue, changes, keys, lifecycle, limits, listing, payments, placing, progress, refunds, stock, whole,
};

use std::sync::Arc;

use super::fixtures::{order_id, put_sku, sku_id, stock_change};
use super::manual_clock::ManualClock;
use crate::domain::commit::{Mutation, Outcome, Verdict};
use crate::domain::id::SkuId;
use crate::domain::invariant::{event_violations, stock_violations};
use crate::domain::order::{Order, PlaceOrder};
use crate::domain::rejection::Rejection;
use crate::domain::stock::{Level, Sku};
use crate::domain::time::Monotonic;
use crate::node::Events;
use crate::ports::{Answer, Clock, Committed, EventLog, Outbox, Store};

/// A place to store in, empty when it is made.
pub trait Backend: Send + Sync + 'static {
    /// Opens the store and its log, with whatever was stored there before.
    fn open(&self, clock: Arc<dyn Clock>) -> Answer<'_, Opened>;

    /// Whether what is stored outlives what `open` gave.
    fn is_durable(&self) -> bool;
}

/// An open backend.
pub struct Opened {
    /// The store, deciding by the default rules.
    pub store: Arc<dyn Store>,
    /// Where what the store commits waits to be handed on.
    pub events: Events,
}

/// An open backend with a clock to move, and shorthands for what cases do again and again.
pub struct Bench {
    backend: Box<dyn Backend>,
    /// The clock that the store reads.
    pub clock: Arc<ManualClock>,
    /// The store under test.
    pub store: Arc<dyn Store>,
    /// Where what it commits waits to be handed on.
    pub events: Events,
}

impl Bench {
    /// Opens an empty backend.
    pub async fn on(backend: impl Backend) -> Self {
        Self::open(Box::new(backend), Arc::default()).await
    }

    /// Closes the backend and opens it again; none if nothing would be left.
    pub async fn reopened(self) -> Option<Self> {
        let Self { backend, clock, store, events } = self;
        drop((store, events));
        if backend.is_durable() { Some(Self::open(backend, clock).await) } else { None }
    }

    async fn open(backend: Box<dyn Backend>, clock: Arc<ManualClock>) -> Self {
        let Opened { store, events } = backend.open(Arc::<ManualClock>::clone(&clock)).await;
        Self { backend, clock, store, events }
    }

    /// The log under test.
    pub fn log(&self) -> &dyn EventLog {
        match &self.events {
            Events::Log(log) => &**log,
            Events::Outbox(_) => panic!("this store has an outbox and no log"),
        }
    }

    /// The outbox under test.
    pub fn outbox(&self) -> &dyn Outbox {
        match &self.events {
            Events::Outbox(outbox) => &**outbox,
            Events::Log(_) => panic!("this store has a log and no outbox"),
        }
    }

    /// Commits a batch.
    pub async fn commit(&self, mutations: impl Into<Arc<[Mutation]>>) -> Committed {
        let mutations = mutations.into();
        let wanted = mutations.len();
        let committed = self.store.commit(mutations).await.expect("the store takes the batch");
        assert_eq!(committed.verdicts.len(), wanted, "one verdict per mutation");
        committed
    }

    /// Commits one mutation.
    pub async fn one(&self, mutation: Mutation) -> Verdict {
        self.commit([mutation]).await.verdicts.remove(0)
    }

    /// Commits one mutation that is to be refused.
    pub async fn refused(&self, mutation: Mutation) -> Rejection {
        self.one(mutation).await.expect_err("the mutation is to be refused")
    }

    /// Puts up a SKU with so many units.
    pub async fn stock_up(&self, sku: &str, units: i64) {
        self.one(Mutation::PutSku(put_sku(sku))).await.expect("the sku is put up");
        self.change_stock(sku, units, "stock-up").await;
    }

    /// Changes a SKU's stock and gives the level as it is answered.
    pub async fn change_stock(&self, sku: &str, change: i64, key: &str) -> Level {
        let change = Mutation::ChangeStock { change: stock_change(sku, change, key), deadline: NEVER };
        match self.one(change).await {
            Ok(Outcome::StockChanged { level, .. }) => level,
            other => panic!("the stock is to be changed, got {other:?}"),
        }
    }

    /// Places an order that is to be accepted, and not as a replay.
    pub async fn place(&self, order: PlaceOrder) -> Order {
        match self.one(Mutation::Place(order)).await {
            Ok(Outcome::Placed { order, replayed: false }) => order,
            other => panic!("the order is to be placed, got {other:?}"),
        }
    }

    /// Places an order that is to be answered as it was the first time.
    pub async fn replay(&self, order: PlaceOrder) -> Order {
        match self.one(Mutation::Place(order)).await {
            Ok(Outcome::Placed { order, replayed: true }) => order,
            other => panic!("the order is to be replayed, got {other:?}"),
        }
    }

    /// Changes an order and gives it as it is then.
    pub async fn change(&self, mutation: Mutation) -> Order {
        match self.one(mutation).await {
            Ok(Outcome::Paid { order, .. } | Outcome::OrderChanged(order)) => order,
            other => panic!("the order is to be changed, got {other:?}"),
        }
    }

    /// Reads an order.
    pub async fn order(&self, number: u64) -> Option<Order> {
        self.store.order(order_id(number)).await.expect("the store can be read")
    }

    /// Reads a SKU that exists.
    pub async fn sku(&self, sku: &str) -> Sku {
        let mut skus = self.store.skus(vec![sku_id(sku)]).await.expect("the store can be read");
        skus.remove(&sku_id(sku)).expect("the sku exists")
    }

    /// Reads a SKU's total, available, reserved and sold units.
    pub async fn units(&self, sku: &str) -> (i64, i64, i64, i64) {
        let Level { total, available, reserved, sold, .. } = self.sku(sku).await.level;
        (total, available, reserved, sold)
    }

    /// Checks that every SKU adds up, by itself and against the orders, and that the orders' events have no gap.
    pub async fn assert_sound(&self, numbers: impl IntoIterator<Item = u64>) {
        for audit in self.store.audit(None, None::<SkuId>, 1_000).await.expect("the store can be read") {
            assert_eq!(stock_violations(&audit.sku.sku_id, &audit.sku.level, &audit.orders), []);
        }
        for number in numbers {
            let order = self.order(number).await.expect("the order exists");
            let events = self.store.events(order.order_id).await.expect("the store can be read");
            assert_eq!(event_violations(&order, &events), []);
            assert_eq!(events.last().map(|event| event.status), Some(order.status()));
        }
    }
}

const NEVER: Monotonic = super::fixtures::NEVER;

/// Stamps cases out as tests of the calling crate, in a module per suite.
#[doc(hidden)]
#[macro_export]
macro_rules! stamp_contract {
    ($factory:path; $($suite:ident { $($case:ident),+ $(,)? })+) => {
        $(mod $suite {
            use super::*;

            $(#[tokio::test]
            async fn $case() {
                let bench = $crate::testing::contract::Bench::on($factory()).await;
                $crate::testing::contract::$suite::$case(bench).await;
            })+
        })+
    };
}

/// Runs every case of the `Store` contract on the backends that `$factory` makes, each as a test of its own.
#[macro_export]
macro_rules! store_contract {
    ($factory:path) => {
        $crate::stamp_contract! { $factory;
            stock {
                a_new_sku_starts_at_version_one_without_stock,
                replacing_a_sku_keeps_its_stock_and_version,
                a_sku_replaced_after_the_clock_was_set_back_is_newer,
                goods_put_twice_in_one_batch_are_as_put_last,
                stock_may_be_added_and_available_stock_taken,
                more_than_is_available_is_not_taken,
                the_stock_of_an_unknown_sku_is_not_changed,
                a_stock_change_under_one_key_is_made_once,
                a_stock_change_repeated_in_one_batch_is_made_once,
                a_stock_key_with_another_body_is_refused,
                a_stock_key_belongs_to_its_sku,
                a_stock_key_past_its_lifetime_is_cleared_and_usable_again,
                a_batch_adds_one_to_the_version_of_each_sku_it_changes,
                a_sku_may_be_put_up_stocked_and_ordered_in_one_batch,
                a_stock_change_past_its_deadline_is_refused,
                only_skus_that_exist_are_found,
            }
            placing {
                a_placed_order_is_read_back_as_it_was_answered,
                an_order_of_two_lines_reserves_both,
                an_order_is_all_or_nothing,
                a_batch_sells_exactly_what_is_there,
                refused_placements_write_nothing,
                a_placement_past_its_deadline_is_refused_and_writes_nothing,
                an_order_takes_the_shortest_payment_window_of_its_lines,
                reserves_are_numbered_in_the_stock_flow_without_a_gap,
                the_reply_carries_every_sku_as_it_is_after_the_commit,
                an_unknown_order_is_not_found,
            }
            keys {
                placing_twice_under_one_key_gives_one_order,
                placing_twice_under_one_key_in_one_batch_gives_one_order,
                a_replay_is_answered_as_the_first_time_whatever_became_of_the_order,
                a_replay_is_answered_even_past_its_deadline_and_sold_out,
                a_key_with_another_body_is_refused,
                a_key_belongs_to_its_user,
                a_refused_placement_leaves_its_key_free,
                a_key_is_kept_for_its_whole_lifetime,
                a_key_past_its_lifetime_is_cleared_and_usable_again,
                a_cleared_key_is_gone_from_its_order_only,
                committed_keys_are_found_with_their_answers,
            }
            limits {
                a_purchase_limit_holds_across_batches,
                a_purchase_limit_holds_within_a_batch,
                paid_orders_count_and_cancelled_ones_do_not,
                a_cancellation_makes_room_in_the_same_batch,
                a_limit_set_in_the_same_batch_counts_what_is_held,
                other_users_and_other_skus_do_not_count,
                a_limit_counts_on_after_a_long_history,
                a_limit_lifted_and_set_in_one_batch_counts_all_of_it,
                what_is_held_is_the_sum_of_the_orders_after_any_history,
            }
            changes {
                paying_turns_reserved_units_into_sold_ones,
                cancelling_gives_reserved_units_back,
                cancelling_what_was_paid_returns_the_stock_and_owes_the_payment_back,
                expiring_gives_back_only_what_is_due_and_unpaid,
                of_a_payment_and_a_cancellation_in_one_batch_the_first_wins,
                an_order_may_change_twice_in_one_batch,
                changes_of_unknown_orders_are_refused,
                every_change_writes_one_event_without_a_gap,
                changes_hold_for_every_line,
            }
            lifecycle {
                a_paid_order_is_shipped_and_received,
                an_order_is_shipped_received_and_deleted_in_its_turn_only,
                a_shipped_order_that_is_cancelled_returns_its_stock,
                an_amendment_changes_what_it_names,
                of_two_amendments_of_one_version_the_first_wins,
                an_amendment_that_changes_nothing_writes_nothing,
                a_final_order_is_not_amended,
                a_deleted_order_is_left_out_of_lists_and_kept,
                a_deleted_order_takes_no_change,
                a_payment_for_a_deleted_order_is_owed_back,
            }
            payments {
                a_repeated_payment_gets_the_same_answer,
                a_repeated_payment_in_one_batch_is_recorded_once,
                a_payment_id_used_for_something_else_is_refused,
                a_second_payment_is_owed_back,
                a_payment_of_another_amount_is_owed_back,
                a_late_payment_never_revives_an_order,
            }
            refunds {
                what_is_owed_back_is_listed_and_nothing_else,
                a_refund_is_settled_once_and_its_order_stays,
                only_what_is_owed_back_is_settled,
                a_payment_may_be_taken_owed_back_and_settled_in_one_batch,
                settled_refunds_outlive_a_restart,
            }
            catalogue {
                skus_are_listed_by_id_page_by_page,
                the_stock_flow_tells_everything_that_happened_newest_first,
                entries_written_while_paging_are_not_met_before_the_cursor,
                a_sku_without_stock_and_an_unknown_one_have_no_flow,
            }
            listing {
                orders_are_listed_newest_first_by_every_combination_of_filters,
                orders_placed_while_paging_are_neither_skipped_nor_repeated_before_the_cursor,
                the_last_page_has_no_cursor,
                due_orders_are_listed_by_deadline_up_to_the_limit,
                an_audit_adds_up_after_everything_that_can_happen,
                an_audit_goes_on_after_the_sku_it_is_told,
            }
            progress {
                what_a_group_has_done_is_read_back,
                progress_never_goes_back,
                progress_outlives_a_restart,
            }
            whole {
                a_batch_that_changes_nothing_writes_nothing,
                what_was_written_is_counted,
                a_sound_store_says_so,
                answers_are_as_first_given,
                everything_outlives_a_restart,
                keys_and_versions_go_on_after_a_restart,
            }
        }
    };
}

/// Runs every case of the `EventLog` contract on the backends that `$factory` makes, each as a test of its own. It is
/// for logs that tell what the store beside them commits.
#[macro_export]
macro_rules! event_log_contract {
    ($factory:path) => {
        $crate::stamp_contract! { $factory;
            event_log {
                committed_events_are_read_in_the_order_of_their_commits,
                reading_goes_on_after_a_position_up_to_the_limit,
                a_group_starts_at_zero_and_moves_by_acknowledging,
                a_position_never_goes_back,
                groups_do_not_share_their_positions,
                a_position_outlives_a_restart,
            }
        }
    };
}

/// Runs every case of the `Outbox` contract on the backends that `$factory` makes, each as a test of its own.
#[macro_export]
macro_rules! outbox_contract {
    ($factory:path) => {
        $crate::stamp_contract! { $factory;
            outbox {
                what_is_committed_is_handed_on_once_in_order,
                no_more_than_the_limit_is_handed_on_at_once,
                what_is_not_taken_further_is_handed_on_again,
                an_order_in_hand_is_left_alone_and_others_are_not,
                what_waits_outlives_a_restart,
            }
        }
    };
}

/// Runs every case of the `Ledger` contract on the backends that `$factory` makes, each as a test of its own.
#[macro_export]
macro_rules! ledger_contract {
    ($factory:path) => {
        $crate::ledger_contract! { $factory;
            an_unknown_sku_is_missing,
            a_settled_level_makes_a_sku_known,
            requests_are_all_or_nothing_in_their_order,
            a_repeated_grant_takes_nothing_more,
            a_settlement_drops_exactly_the_grants_it_names,
            a_commit_moves_from_grants_to_base_in_one_step,
            an_older_level_is_passed_over,
            what_is_available_is_never_clamped,
            a_grant_lapses_after_its_lifetime,
            a_repeated_grant_lives_on,
            a_level_of_the_same_version_refreshes_the_base,
            a_resting_sku_keeps_its_grants,
            a_forgotten_sku_is_missing,
            skus_do_not_share_anything,
            newer_levels_are_told_to_whoever_listens,
        }
    };
    ($factory:path; $($case:ident,)+) => {
        $(#[tokio::test]
        async fn $case() {
            let bench = $crate::testing::contract::ledger::LedgerBench::on($factory());
            $crate::testing::contract::ledger::$case(bench).await;
        })+
    };
}

#[cfg(test)]
mod tests;
