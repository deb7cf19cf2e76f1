//! Where pages of lists begin and end, in every store on SQL.

use actors::domain::payment::RefundStatus;
use actors::ports::{ListedRefund, RefundPage, RefundQuery};

/// Sorts after every order id: their first character is 7 at most.
pub(in crate::backend) const AFTER_ALL_IDS: &str = "8";

/// The first `limit` of what was read, and the place of the last of them if there was more.
pub(in crate::backend) fn cut<T, P>(mut all: Vec<T>, limit: usize, place: impl FnOnce(&T) -> P) -> (Vec<T>, Option<P>) {
    let has_more = all.len() > limit;
    all.truncate(limit);
    let next = all.last().filter(|_| has_more).map(place);
    (all, next)
}

/// A number in a SKU's stock flow as a page's bound. Nothing is numbered beyond what the table can number.
pub(in crate::backend) fn flow_bound(before: Option<u64>) -> i64 {
    before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX)
}

/// Time and payment that a page of refunds comes after.
pub(in crate::backend) fn refunds_after(query: &RefundQuery) -> (i64, &str) {
    match &query.after {
        Some((at, payment_id)) => (at.millis(), payment_id.as_str()),
        // No id is empty, so every payment comes after this.
        None => (i64::MIN, ""),
    }
}

/// The statuses that a page of refunds is of.
pub(in crate::backend) fn refund_statuses(query: &RefundQuery) -> impl Iterator<Item = RefundStatus> {
    RefundStatus::ALL.into_iter().filter(|status| query.status.is_none_or(|only| only == *status))
}

/// A page of what was found of each status.
pub(in crate::backend) fn refund_page(mut found: Vec<ListedRefund>, query: &RefundQuery) -> RefundPage {
    found.sort_by_key(ListedRefund::position);
    let (refunds, next) = cut(found, query.limit, ListedRefund::position);
    RefundPage { refunds, next }
}
