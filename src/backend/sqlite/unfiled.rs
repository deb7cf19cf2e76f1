//! The orders that are not filed yet: committed, but not in the tables by which a user's orders and keys are found.
//!
//! Kept by user in memory, so that many are filed at a time and those of neighbours together: an order that is filed by
//! itself costs a page of each table. Filing goes round and round through the users, a share with each commit. A crash
//! loses nothing: the database knows up to which row all orders are filed, and what comes after is read again.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{PoisonError, RwLock};

use actors::domain::id::{IdempotencyKey, KeyScope, OrderId, ScopedKey, UserId};
use actors::domain::order::Order;
use rusqlite::{Connection, params};

use super::fault::Fault;
use super::queries::{all, first};
use super::rows::Columns;

/// Orders that may wait to be filed while there is much to do: the more of them, the more share a page. Some 25 MB.
const UNFILED_MAX: usize = 128 * 1_024;
/// New orders in one batch that count as much to do.
const BUSY_BATCH: usize = 16;
/// Batches in a row without much to do, after which there is little to do indeed: in between, smaller ones are no rest.
const QUIET_BATCHES: u32 = 4;
/// Orders filed with a commit that has little else to do.
const QUIET_SHARE: usize = 64;
/// Orders of one user that may wait. Those of one user share their pages anyway, and every order of the user's looks
/// through them all.
const OF_USER_MAX: usize = 32;

const FILED_TO: &str = "SELECT filed_to FROM order_filing";
const LATER: &str = "SELECT id, user_id, order_id, idempotency_key FROM order_info WHERE id > ?1 ORDER BY id";

/// An order that is not filed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
struct UnfiledOrder {
    order_id: OrderId,
    key: Option<IdempotencyKey>,
}

/// See the module. The writer fills it and takes from it; readers look.
#[derive(Debug, Default)]
pub(super) struct Unfiled(RwLock<State>);

#[derive(Debug, Default)]
struct State {
    orders: BTreeMap<UserId, Vec<UnfiledOrder>>,
    count: usize,
    /// Users with more orders than may wait.
    crowded: BTreeSet<UserId>,
    /// The row of the latest order that is known here. Later ones are in the database alone.
    known_to: i64,
    /// Batches since the last one with much to do.
    quiet: u32,
    /// The user filed last in this round.
    filed: Option<UserId>,
    /// What was known when this round began: all of it is filed when the round ends.
    round_from: i64,
    /// Whether it is not known how the database stands to this.
    is_doubtful: bool,
}

/// What is not filed yet of some users' orders, as of a moment before everything that is read after it.
#[derive(Debug, Default)]
pub(super) struct View(BTreeMap<UserId, Vec<UnfiledOrder>>);

/// Orders to file in one transaction: all that wait, of each of the users.
#[derive(Debug, Default)]
pub(super) struct Share {
    orders: BTreeMap<UserId, Vec<UnfiledOrder>>,
    /// How far the round comes with it, if it goes on.
    round: Option<Round>,
}

#[derive(Debug)]
enum Round {
    /// The user to go on after.
    To(UserId),
    /// It ends. The row up to which all is filed.
    Ended(i64),
}

impl Unfiled {
    /// What the database has not filed.
    pub(super) fn read(connection: &Connection) -> Result<Self, Fault> {
        let unfiled = Self(RwLock::new(State { is_doubtful: true, ..State::default() }));
        unfiled.catch_up(connection)?;
        Ok(unfiled)
    }

    /// Takes note of orders that came some other way than by [`Unfiled::committed`]: by a commit whose outcome was not
    /// known, or by another process. The writer does so under its lock before anything else.
    pub(super) fn catch_up(&self, connection: &Connection) -> Result<(), Fault> {
        let (mut known_to, is_doubtful) = self.with(|state| (state.known_to, state.is_doubtful));
        if is_doubtful {
            known_to = first(connection, FILED_TO, [], |row| Columns::of(row).number())?.unwrap_or(0);
        }
        let later = later(connection, known_to)?;
        if later.is_empty() && !is_doubtful {
            return Ok(());
        }
        self.change(|state| {
            if is_doubtful {
                *state = State { known_to, quiet: QUIET_BATCHES, ..State::default() };
            }
            for (id, user_id, order) in later {
                state.add(user_id, order);
                state.known_to = id;
            }
            if is_doubtful {
                // A round begins with all that was read.
                state.round_from = state.known_to;
            }
        });
        Ok(())
    }

    /// What readers see of these users' orders. Nothing may have been read in the transaction before.
    pub(super) fn view<'a>(
        &self,
        connection: &Connection,
        users: impl Iterator<Item = &'a UserId>,
    ) -> Result<View, Fault> {
        let users: BTreeSet<&UserId> = users.collect();
        let (mut view, known_to) = self.with(|state| (state.of(users.iter().copied()), state.known_to));
        // What was filed meanwhile is seen twice, which is harmless; what was committed meanwhile is only there.
        for (_, user_id, order) in later(connection, known_to)? {
            if users.contains(&user_id) {
                view.0.entry(user_id).or_default().push(order);
            }
        }
        Ok(view)
    }

    /// What the writer sees of these users' orders, once it has caught up.
    pub(super) fn current<'a>(&self, users: impl Iterator<Item = &'a UserId>) -> View {
        self.with(|state| state.of(users))
    }

    /// What to file together with a batch that brings so many orders.
    pub(super) fn share(&self, new_orders: usize) -> Share {
        self.with(|state| match new_orders {
            _ if state.count > UNFILED_MAX => state.share(QUIET_SHARE.max(2 * new_orders)),
            0..BUSY_BATCH if state.quiet >= QUIET_BATCHES && state.count > 0 => state.share(QUIET_SHARE),
            _ => state.crowd(),
        })
    }

    /// Takes note of what was committed: a share, keys that are gone, and new orders, the last of them in row `last`.
    pub(super) fn committed<'a>(
        &self,
        share: Share,
        cleared: &[ScopedKey],
        new: impl Iterator<Item = &'a Order>,
        last: Option<i64>,
    ) {
        self.change(|state| {
            share.orders.keys().for_each(|user_id| state.forget(user_id));
            cleared.iter().for_each(|key| state.clear(key));
            let before = state.count;
            for order in new {
                let key = order.key.as_ref().map(|key| key.key.clone());
                state.add(order.user_id.clone(), UnfiledOrder { order_id: order.order_id, key });
            }
            let is_quiet = state.count - before < BUSY_BATCH;
            state.quiet = if is_quiet { state.quiet.saturating_add(1) } else { 0 };
            state.known_to = last.unwrap_or(state.known_to);
            match share.round {
                None => {}
                Some(Round::To(user_id)) => state.filed = Some(user_id),
                Some(Round::Ended(_)) => {
                    state.filed = None;
                    state.round_from = state.known_to;
                }
            }
        });
    }

    /// Tells that it is not known whether the last transaction was committed.
    pub(super) fn doubt(&self) {
        self.change(|state| state.is_doubtful = true);
    }

    fn with<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl State {
    fn of<'a>(&self, users: impl Iterator<Item = &'a UserId>) -> View {
        let orders = users.filter_map(|user_id| self.orders.get_key_value(user_id));
        View(orders.map(|(user_id, orders)| (user_id.clone(), orders.clone())).collect())
    }

    fn add(&mut self, user_id: UserId, order: UnfiledOrder) {
        self.count += 1;
        let Some(orders) = self.orders.get_mut(&user_id) else {
            self.orders.insert(user_id, vec![order]);
            return;
        };
        orders.push(order);
        if orders.len() == OF_USER_MAX + 1 {
            self.crowded.insert(user_id);
        }
    }

    /// A user's orders are filed, all that were known.
    fn forget(&mut self, user_id: &UserId) {
        self.count -= self.orders.remove(user_id).map_or(0, |orders| orders.len());
        self.crowded.remove(user_id);
    }

    fn clear(&mut self, scoped: &ScopedKey) {
        let KeyScope::PlaceOrder(user_id) = &scoped.scope else { return };
        for order in self.orders.get_mut(user_id).into_iter().flatten() {
            order.key = order.key.take().filter(|key| *key != scoped.key);
        }
    }

    /// The orders of users who have more than may wait.
    fn crowd(&self) -> Share {
        Share { orders: self.of(self.crowded.iter()).0, round: None }
    }

    /// The orders of the users that come next, about so many, beside the crowd's.
    fn share(&self, size: usize) -> Share {
        let after = self.filed.as_ref().map_or(Unbounded, Excluded);
        let mut share = self.crowd();
        let (mut taken, mut round) = (0, Round::Ended(self.round_from));
        let mut filed = None;
        for (user_id, orders) in self.orders.range::<UserId, _>((after, Unbounded)) {
            if taken >= size {
                round = filed.map_or(round, Round::To);
                break;
            }
            taken += orders.len();
            share.orders.entry(user_id.clone()).or_insert_with(|| orders.clone());
            filed = Some(user_id.clone());
        }
        if share.orders.len() == self.orders.len() {
            round = Round::Ended(self.known_to);
        }
        Share { round: Some(round), ..share }
    }
}

impl View {
    /// The order that was placed under a key.
    pub(super) fn order_of(&self, user_id: &UserId, key: &IdempotencyKey) -> Option<OrderId> {
        let order = self.0.get(user_id)?.iter().rev().find(|order| order.key.as_ref() == Some(key))?;
        Some(order.order_id)
    }

    /// A user's orders, newest first.
    pub(super) fn orders_of(&self, user_id: &UserId) -> Vec<OrderId> {
        let orders = self.0.get(user_id).into_iter().flatten();
        let mut orders: Vec<OrderId> = orders.map(|order| order.order_id).collect();
        orders.sort_unstable_by(|one, other| other.cmp(one));
        orders.dedup();
        orders
    }
}

impl Share {
    /// Files the orders. Some may have been filed before: by a commit that nobody heard of, or before a restart.
    pub(super) fn write(&self, connection: &Connection) -> Result<(), Fault> {
        let mut by_user = connection
            .prepare_cached("INSERT INTO order_by_user (user_id, order_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
        let mut by_key = connection.prepare_cached(
            "INSERT INTO order_key (user_id, idempotency_key, order_id) VALUES (?1, ?2, ?3) \
             ON CONFLICT (user_id, idempotency_key) DO UPDATE SET order_id = order_id \
             WHERE order_id = excluded.order_id",
        )?;
        let orders = self.orders.iter().flat_map(|(user_id, orders)| orders.iter().map(move |order| (user_id, order)));
        for (user_id, UnfiledOrder { order_id, key }) in orders {
            let order_id = order_id.to_string();
            by_user.execute(params![user_id.as_str(), order_id])?;
            let Some(key) = key else { continue };
            if by_key.execute(params![user_id.as_str(), key.as_str(), order_id])? != 1 {
                // Damage. It must not hold up everyone else's orders, so the key stays with whose it is.
                tracing::error!(%user_id, order_id, "the key of an order belongs to another one");
            }
        }
        if let Some(Round::Ended(filed_to)) = self.round {
            connection.prepare_cached("UPDATE order_filing SET filed_to = ?1")?.execute([filed_to])?;
        }
        Ok(())
    }
}

/// The orders in the rows after this one. A row that does not read is passed over: it must not hold up everyone else.
fn later(connection: &Connection, known_to: i64) -> Result<Vec<(i64, UserId, UnfiledOrder)>, Fault> {
    let rows = all(connection, LATER, [known_to], |row| {
        let mut columns = Columns::of(row);
        let id: i64 = columns.number()?;
        match order(&mut columns) {
            Ok((user_id, order)) => Ok(Some((id, user_id, order))),
            Err(fault) if fault.lies_in_rows() => {
                tracing::error!(id, error = %fault, "an order cannot be filed");
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    })?;
    Ok(rows.into_iter().flatten().collect())
}

fn order(columns: &mut Columns<'_>) -> Result<(UserId, UnfiledOrder), Fault> {
    let user_id = columns.id()?;
    Ok((user_id, UnfiledOrder { order_id: columns.id()?, key: columns.optional_id()? }))
}
