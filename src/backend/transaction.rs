//! How transactions end, as every store on SQL tells it.

use std::fmt::Display;

use actors::ports::CommitError;

/// How a write transaction is to end when its work is done.
pub(in crate::backend) enum End<T> {
    /// It wrote something.
    Commit(T),
    /// There is nothing to keep.
    Rollback(T),
}

/// Why a transaction did not end as it should.
#[derive(Debug)]
pub(in crate::backend) enum Failure<F> {
    /// Nothing of it is stored.
    NotDone(F),
    /// It broke off while it was committed.
    Unknown(F),
}

impl<F> Failure<F> {
    /// What went wrong.
    pub(in crate::backend) const fn fault(&self) -> &F {
        match self {
            Self::NotDone(fault) | Self::Unknown(fault) => fault,
        }
    }

    /// What went wrong, and no longer whether anything is stored.
    pub(in crate::backend) fn into_fault(self) -> F {
        match self {
            Self::NotDone(fault) | Self::Unknown(fault) => fault,
        }
    }
}

/// Tells the core how a transaction failed.
pub(in crate::backend) fn commit_error<F: Display>(failure: Failure<F>) -> CommitError {
    match failure {
        Failure::NotDone(fault) => CommitError::NotDone(fault.to_string()),
        Failure::Unknown(fault) => CommitError::Unknown(fault.to_string()),
    }
}
