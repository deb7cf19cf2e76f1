//! Judges a rush: pure functions from what the buyers saw and what the service says to statements and differences.

use std::collections::BTreeMap;

use super::tally::{Payment, Plan, ReadBack, Tally};
use crate::command::shop::Doubt;
use crate::command::shop::wire::{Agreement, Event, SkuVerdict, Stock};

/// Examples that a sentence names at most.
const EXAMPLES_MAX: usize = 3;

/// What the service says once the rush is over. An `Err` tells why there is no answer.
#[derive(Clone, Debug)]
pub(super) struct ServiceView {
    /// Its own verdict on the SKU.
    pub(super) verdict: Result<SkuVerdict, String>,
    /// The SKU's stock as everyone reads it.
    pub(super) stock: Result<Stock, String>,
    /// The events of a sample of orders.
    pub(super) trails: Vec<Trail>,
}

/// The events of one order.
#[derive(Clone, Debug)]
pub(super) struct Trail {
    /// The order's id.
    pub(super) order_id: String,
    /// The order's version when it was read back.
    pub(super) version: u32,
    /// Its events.
    pub(super) events: Result<Vec<Event>, String>,
}

/// The verdict over a rush.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judgement {
    /// What was found, one plain line each.
    pub(super) statements: Vec<String>,
    /// What should not be so, one plain sentence each.
    pub(super) differences: Vec<String>,
    /// What somebody else did to the SKU meanwhile; asked for only if there are differences.
    pub(super) others: Vec<String>,
}

/// What a judgement comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Everything is as it must be.
    True,
    /// Something is not, and nobody but the service can have done it.
    False,
    /// Something is not, but somebody else had a hand in the sale.
    None,
}

impl Judgement {
    /// What it comes to.
    pub(super) fn verdict(&self) -> Verdict {
        match (self.differences.is_empty(), self.others.is_empty()) {
            (true, _) => Verdict::True,
            (false, true) => Verdict::False,
            (false, false) => Verdict::None,
        }
    }
}

/// Units as the buyers count them.
struct Units {
    acknowledged: i64,
    /// Acknowledged and not owed back: they must be held by the store.
    held: i64,
    paid: i64,
    /// Told of as paid, with no answer.
    paid_perhaps: i64,
    unknown: i64,
}

impl Units {
    fn of(plan: &Plan, tally: &Tally) -> Self {
        let count = |is_counted: fn(&Payment) -> bool| {
            plan.units(tally.orders.iter().filter(|order| is_counted(&order.payment)).count())
        };
        Self {
            acknowledged: plan.units(tally.orders.len()),
            held: count(|payment| !matches!(payment, Payment::RefundDue(_))),
            paid: count(|payment| *payment == Payment::Paid),
            paid_perhaps: count(
                |payment| matches!(payment, Payment::Failed(refusal) if refusal.doubt == Doubt::MayHaveLanded),
            ),
            unknown: plan.units(tally.unknown.len()),
        }
    }
}

/// Judges a rush.
pub(super) fn judge(plan: &Plan, tally: &Tally, service: &ServiceView) -> Judgement {
    let units = Units::of(plan, tally);
    let taken = service.verdict.as_ref().map_or(0, |verdict| verdict.store.reserved + verdict.store.sold);
    let oversold = (units.acknowledged.max(taken) - i64::from(plan.stock)).max(0);
    let missing = examples(tally, |read_back| (*read_back == ReadBack::Missing).then(String::new));

    let mut differences = Vec::new();
    if oversold > 0 {
        differences.push(format!("oversold by {oversold}: more was sold than was there"));
    }
    differences.extend(left_over(plan, tally, &units));
    differences.extend(given_twice(tally));
    differences.extend(unpaid(tally));
    differences.extend(not_intact(tally));
    differences.extend(store_differences(plan, &units, service));
    let (gap_free, gaps) = trails(&service.trails);
    differences.extend(gaps);

    let target = plan.target();
    let exactly = if units.paid == target { "exactly " } else { "" };
    let mut statements = vec![
        format!("sold {exactly}{} of {target}", units.paid),
        format!("oversold {oversold}"),
        format!("acknowledged orders missing {}", missing.len()),
        format!("events gap-free in {gap_free} of {} orders looked at", service.trails.len()),
    ];
    if !tally.unknown.is_empty() {
        statements.push(format!("orders of unknown outcome {}", tally.unknown.len()));
    }
    if !tally.gave_up.is_empty() {
        statements.push(format!("buyers who gave up {} ({})", tally.gave_up_count(), listed(&tally.gave_up)));
    }
    statements.push(match &service.verdict {
        Ok(verdict) => format!("the service's own verdict: {}", verdict.state),
        Err(_) => "the service's own verdict: none".to_owned(),
    });
    Judgement { statements, differences, others: Vec::new() }
}

/// Units that nobody has although buyers wanted them, and why: whoever went away without a true answer may account for
/// one order each, and what is left of the gap was refused.
fn left_over(plan: &Plan, tally: &Tally, units: &Units) -> Option<String> {
    let short = plan.target() - units.acknowledged;
    if short <= 0 {
        return None;
    }
    let mut unknown = BTreeMap::new();
    for code in tally.unknown.values() {
        *unknown.entry(code.clone()).or_default() += 1;
    }
    let mut reasons = Vec::new();
    reasons.extend(buyers(&tally.gave_up, ["buyer gave up", "buyers gave up"]));
    reasons.extend(buyers(&unknown, ["buyer has no answer", "buyers have no answer"]));
    let away = tally.gave_up.values().chain(unknown.values()).sum::<u64>();
    let excused = i64::try_from(away).unwrap_or(i64::MAX).saturating_mul(i64::from(plan.quantity));
    if short > excused {
        reasons.extend(buyers(&tally.refused, ["buyer was refused all the same", "buyers were refused all the same"]));
    }
    let left = if short == 1 { "unit" } else { "units" };
    Some(format!("{short} {left} left over: {}", reasons.join(", ")))
}

/// So many buyers, with the code they all saw, or with each code and its count. `what` is for one and for more.
fn buyers(by_code: &BTreeMap<String, u64>, what: [&str; 2]) -> Option<String> {
    let count = by_code.values().sum::<u64>();
    let codes = match by_code.len() {
        0 => return None,
        1 => by_code.keys().cloned().collect(),
        _ => listed(by_code),
    };
    Some(format!("{count} {} ({codes})", what[usize::from(count > 1)]))
}

fn given_twice(tally: &Tally) -> Vec<String> {
    let mut buyers: BTreeMap<&str, u64> = BTreeMap::new();
    for order in &tally.orders {
        *buyers.entry(&order.order_id).or_default() += 1;
    }
    let twice: Vec<String> = buyers
        .into_iter()
        .filter(|&(_, count)| count > 1)
        .map(|(order_id, count)| format!("{order_id} to {count}"))
        .collect();
    sentence(&twice, ["order was", "orders were"], "given to more than one buyer")
}

fn unpaid(tally: &Tally) -> Vec<String> {
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for order in &tally.orders {
        let reason = match &order.payment {
            Payment::Paid => continue,
            Payment::Pending => "not told of".to_owned(),
            Payment::RefundDue(reason) => format!("refund due, {reason}"),
            Payment::Failed(refusal) => refusal.code.clone(),
        };
        *reasons.entry(reason).or_default() += 1;
    }
    let count: u64 = reasons.values().sum();
    if count == 0 {
        return Vec::new();
    }
    let orders = if count == 1 { "order" } else { "orders" };
    vec![format!("{count} acknowledged {orders} could not be paid ({})", listed(&reasons))]
}

fn not_intact(tally: &Tally) -> Vec<String> {
    let missing = examples(tally, |read_back| (*read_back == ReadBack::Missing).then(String::new));
    let unanswered = examples(tally, |read_back| match read_back {
        ReadBack::Unanswered(code) => Some(code.clone()),
        ReadBack::Pending => Some("not read".to_owned()),
        _ => None,
    });
    let wrong = examples(tally, |read_back| match read_back {
        ReadBack::Wrong(problem) => Some(problem.clone()),
        _ => None,
    });
    let mut sentences = sentence(&missing, ["acknowledged order is", "acknowledged orders are"], "missing");
    sentences.extend(sentence(&unanswered, ["acknowledged order", "acknowledged orders"], "could not be read back"));
    sentences.extend(sentence(&wrong, ["order is", "orders are"], "not what was acknowledged"));
    sentences
}

fn examples(tally: &Tally, problem: impl Fn(&ReadBack) -> Option<String>) -> Vec<String> {
    let with_problem = tally.orders.iter().filter_map(|order| Some((order, problem(&order.read_back)?)));
    with_problem.map(|(order, problem)| format!("{} {problem}", order.order_id).trim_end().to_owned()).collect()
}

fn store_differences(plan: &Plan, units: &Units, service: &ServiceView) -> Vec<String> {
    let verdict = match &service.verdict {
        Ok(verdict) => verdict,
        Err(problem) => return vec![format!("the service gives no verdict: {problem}")],
    };
    let mut found = Vec::new();
    let store = verdict.store;
    if verdict.state != Agreement::Agrees {
        let named: Vec<String> = std::iter::once(verdict.state.to_string()).chain(verdict.differences()).collect();
        found.push(format!("the service's own verdict is {}", named.join("; ")));
    }
    if !store.is_sound() {
        found.push(format!("the service's stock does not add up: {}", shown(&store)));
    }
    if store.total != i64::from(plan.stock) {
        found.push(format!("the service has {} units in all, {} were put in", store.total, plan.stock));
    }
    if (verdict.orders.reserved, verdict.orders.sold) != (store.reserved, store.sold) {
        let orders = verdict.orders;
        let held = format!("reserved {}, sold {}", orders.reserved, orders.sold);
        found.push(format!("the service's orders hold {held}, its stock says {}", shown(&store)));
    }
    if !(units.paid..=units.paid + units.paid_perhaps).contains(&store.sold) {
        found.push(format!("the service counts {} units sold, {} were paid", store.sold, units.paid));
    }
    let taken = store.reserved + store.sold;
    if !(units.held..=units.held + units.unknown).contains(&taken) {
        let wanted = match units.unknown {
            0 => format!("{} were acknowledged", units.held),
            unknown => format!("{} were acknowledged and {unknown} are unknown", units.held),
        };
        found.push(format!("the service counts {taken} units in orders, {wanted}"));
    }
    match &service.stock {
        Err(problem) => found.push(format!("the stock cannot be read: {problem}")),
        Ok(stock) if !stock.is_sound() => found.push(format!("the stock does not add up: {}", shown(stock))),
        // What is unknown may still land between the two readings.
        Ok(stock) if *stock != store && units.unknown == 0 && units.paid_perhaps == 0 => {
            found.push(format!("the stock reads {}, the verdict says {}", shown(stock), shown(&store)));
        }
        Ok(_) => {}
    }
    found
}

fn shown(stock: &Stock) -> String {
    let Stock { total, available, reserved, sold } = stock;
    format!("total {total}, available {available}, reserved {reserved}, sold {sold}")
}

fn trails(trails: &[Trail]) -> (usize, Vec<String>) {
    let problems: Vec<String> = trails
        .iter()
        .filter_map(|trail| trail_problem(trail).map(|problem| format!("{} {problem}", trail.order_id)))
        .collect();
    let gap_free = trails.len() - problems.len();
    (gap_free, sentence(&problems, ["order has", "orders have"], "events that are not whole"))
}

fn trail_problem(trail: &Trail) -> Option<String> {
    let events = match &trail.events {
        Ok(events) => events,
        Err(problem) => return Some(problem.clone()),
    };
    let versions: Vec<u32> = events.iter().map(|event| event.version).collect();
    if versions != (1..=trail.version).collect::<Vec<u32>>() {
        return Some(format!("is at version {} with events {versions:?}", trail.version));
    }
    let count = |event_type: &str| events.iter().filter(|event| event.event_type == event_type).count();
    let starts = events.first().is_some_and(|event| event.event_type == "order_submitted");
    let is_once = count("order_submitted") == 1 && count("order_paid") == 1;
    (!starts || !is_once).then(|| {
        let types: Vec<&str> = events.iter().map(|event| event.event_type.as_str()).collect();
        format!("has the events {}", types.join(", "))
    })
}

/// One sentence with a few examples; none if there is nothing to tell. `who` is for one and for more.
fn sentence(found: &[String], who: [&str; 2], what: &str) -> Vec<String> {
    if found.is_empty() {
        return Vec::new();
    }
    let count = found.len();
    let examples = found.iter().take(EXAMPLES_MAX).map(String::as_str);
    let more = (count > EXAMPLES_MAX).then_some("...");
    let examples: Vec<&str> = examples.chain(more).collect();
    vec![format!("{count} {} {what} ({})", who[usize::from(count > 1)], examples.join("; "))]
}

/// Counts by code, on one line.
pub(super) fn listed(counts: &BTreeMap<String, u64>) -> String {
    counts.iter().map(|(code, count)| format!("{code} {count}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
