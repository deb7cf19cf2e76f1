//! Commits batches: in one transaction if that can be, tried again if another transaction was in the way.

use std::ops::Range;
use std::time::Duration;

use actors::domain::commit::{Mutation, decide};
use actors::domain::limits::PLACEMENT_DEADLINE;
use actors::domain::rejection::Rejection;
use actors::ports::{CommitError, Committed};

use super::call::Connection;
use super::engine::Desk;
use super::fault::Fault;
use super::sql::Sql;
use super::transaction::{End, Failure, commit_error};
use super::{facts, write};

/// Times that a batch is tried.
const TRIES_MAX: u32 = 5;
/// Times that a batch is tried though a unique index had one of its rows already: the first try after that sees the row.
const DUPLICATES_MAX: u32 = 2;
/// How long a batch is tried again: whatever waits longer than this is past its deadline.
const TRYING_MAX: Duration = PLACEMENT_DEADLINE;

/// Decides and writes a batch. A bad row must not hold up what has nothing to do with it, so halves are then committed by
/// themselves, down to the mutation that meets the row.
pub(super) async fn commit(desk: &Desk, mutations: &[Mutation]) -> Result<Committed, CommitError> {
    match commit_whole(desk, mutations).await {
        Err(Failure::NotDone(fault)) if fault.lies_in_rows() && mutations.len() > 1 => {
            Ok(commit_parts(desk, mutations).await)
        }
        outcome => outcome.map_err(commit_error),
    }
}

async fn commit_parts(desk: &Desk, mutations: &[Mutation]) -> Committed {
    let mut whole = Committed::default();
    // The parts that are left, the next one last.
    let mut parts: Vec<Range<usize>> = Vec::new();
    split(&mut parts, 0..mutations.len());
    while let Some(part) = parts.pop() {
        let batch = &mutations[part.clone()];
        match commit_whole(desk, batch).await {
            Ok(committed) => whole.append(committed),
            Err(Failure::NotDone(fault)) if fault.lies_in_rows() && batch.len() > 1 => split(&mut parts, part),
            Err(failure) => {
                let is_of_rows = failure.fault().lies_in_rows();
                let reason = failure.fault().to_string();
                whole.append(Committed::failed(commit_error(failure), batch.len()));
                if !is_of_rows {
                    // The database is not there: the rest would wait for that one part after the other.
                    let left = mutations[part.end..].iter();
                    whole.verdicts.extend(left.map(|_| Err(Rejection::Unavailable(reason.clone()))));
                    return whole;
                }
            }
        }
    }
    whole
}

fn split(parts: &mut Vec<Range<usize>>, Range { start, end }: Range<usize>) {
    let middle = start + (end - start) / 2;
    parts.extend([middle..end, start..middle]);
}

/// Commits a batch in one transaction, under the same ids however often that is tried.
async fn commit_whole(desk: &Desk, mutations: &[Mutation]) -> Result<Committed, Failure> {
    let started = desk.clock.now().monotonic;
    let (mut tries, mut duplicates, mut has_lost) = (0, 0, false);
    loop {
        tries += 1;
        let outcome = commit_once(desk, mutations).await;
        let elapsed = desk.clock.now().monotonic.since(started);
        let elapsed_us = elapsed.as_micros();
        let failure = match outcome {
            Ok(committed) => {
                let (mutations, written) = (mutations.len(), committed.tally.written);
                tracing::debug!(mutations, written, tries, elapsed_us, "batch decided");
                return Ok(committed);
            }
            Err(failure) => failure,
        };
        let is_to_be_tried_again = match &failure {
            Failure::Unknown(_) => false,
            Failure::NotDone(fault) if fault.is_duplicate() => {
                duplicates += 1;
                duplicates < DUPLICATES_MAX
            }
            // The connection may only have been an old one; a new one tells whether the server is there.
            Failure::NotDone(fault) if fault.is_lost_connection() => !std::mem::replace(&mut has_lost, true),
            Failure::NotDone(fault) => fault.is_passing(),
        };
        let is_unknown = matches!(failure, Failure::Unknown(_));
        let (error, mutations) = (failure.fault(), mutations.len());
        if !is_to_be_tried_again || tries >= TRIES_MAX || elapsed >= TRYING_MAX {
            tracing::warn!(mutations, is_unknown, tries, elapsed_us, %error, "batch not committed");
            return Err(failure);
        }
        tracing::debug!(mutations, tries, elapsed_us, %error, "batch tried again");
    }
}

async fn commit_once(desk: &Desk, mutations: &[Mutation]) -> Result<Committed, Failure> {
    let before = async |connection: &mut Connection| facts::prepare(connection, mutations).await;
    let work = async |connection: &mut Connection, before| {
        let facts = facts::load(connection, before, mutations).await?;
        let known = facts.skus.keys().cloned().collect();
        let now = desk.clock.now();
        let (committed, changes) = Committed::of(decide(facts, mutations, now, desk.rules));
        if changes.is_empty() {
            return Ok(End::Rollback(committed));
        }
        write::write(connection, &changes, &known, now.wall).await?;
        Ok(End::Commit(committed))
    };
    desk.transact(before, work).await
}

/// Whether writing works: a row is put in and taken back. Two nodes at it do not meet.
pub(super) async fn check(desk: &Desk) -> Result<(), Fault> {
    match probe(desk).await {
        // The server may have ended what it found idle, or be back.
        Err(fault) if fault.is_lost_connection() => probe(desk).await,
        outcome => outcome,
    }
}

async fn probe(desk: &Desk) -> Result<(), Fault> {
    let work = async |connection: &mut Connection, ()| {
        connection.run(Sql::plain("probe", "INSERT INTO store_probe (filler) VALUES (REPEAT('x', 255))")).await?;
        Ok(End::Rollback(()))
    };
    desk.transact(async |_: &mut Connection| Ok(()), work).await.map_err(Failure::into_fault)
}
