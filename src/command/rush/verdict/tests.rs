//! The verdict by table: a sound rush, one thing made wrong, and the sentence that must tell of it.

use super::*;
use crate::command::rush::tally::Acknowledged;
use crate::command::shop::Refusal;
use crate::command::shop::wire::Totals;

type Spoil = fn(&mut Case);

struct Case {
    plan: Plan,
    tally: Tally,
    service: ServiceView,
}

impl Case {
    fn verdict(&mut self) -> &mut SkuVerdict {
        self.service.verdict.as_mut().expect("the case has a verdict")
    }

    /// Lets store, orders and stock say the same.
    fn store(&mut self, reserved: i64, sold: i64) {
        let total = i64::from(self.plan.stock);
        let stock = Stock { total, available: total - reserved - sold, reserved, sold };
        self.verdict().store = stock;
        self.verdict().orders = Totals { reserved, sold };
        self.service.stock = Ok(stock);
    }

    fn judge(&self) -> Judgement {
        judge(&self.plan, &self.tally, &self.service)
    }
}

fn event(version: u32, event_type: &str) -> Event {
    Event { version, event_type: event_type.to_owned() }
}

/// Ten buyers for eight units, two each: four orders, six refusals.
fn sound() -> Case {
    let orders = (0..4).map(|buyer| Acknowledged {
        buyer,
        order_id: format!("order-{buyer}"),
        amount: "20.00".to_owned(),
        version: 2,
        payment: Payment::Paid,
        read_back: ReadBack::Intact,
    });
    let tally =
        Tally { orders: orders.collect(), refused: BTreeMap::from([("sold_out".to_owned(), 6)]), ..Tally::default() };
    let trails = vec![Trail {
        order_id: "order-0".to_owned(),
        version: 2,
        events: Ok(vec![event(1, "order_submitted"), event(2, "order_paid")]),
    }];
    let verdict = SkuVerdict { sku_id: "s".to_owned(), state: Agreement::Agrees, ..SkuVerdict::default() };
    let mut case = Case {
        plan: Plan { sku_id: "s".to_owned(), stock: 8, buyers: 10, clients: 4, quantity: 2 },
        tally,
        service: ServiceView { verdict: Ok(verdict), stock: Err("not set".to_owned()), trails },
    };
    case.store(0, 8);
    case
}

fn failed(doubt: Doubt) -> Payment {
    Payment::Failed(Refusal::of_client("timed_out", doubt, &""))
}

#[test]
fn a_sound_rush_is_true_and_says_so() {
    let judgement = sound().judge();
    assert_eq!(judgement.differences, Vec::<String>::new());
    assert_eq!(
        judgement.statements,
        [
            "sold exactly 8 of 8",
            "oversold 0",
            "acknowledged orders missing 0",
            "events gap-free in 1 of 1 orders looked at",
            "the service's own verdict: agrees",
        ]
    );
    assert_eq!(judgement.verdict(), Verdict::True);
}

fn each_is_told(table: &[(&str, Spoil)]) {
    for (wanted, spoil) in table {
        let mut case = sound();
        spoil(&mut case);
        let differences = case.judge().differences;
        assert!(differences.iter().any(|told| told.starts_with(wanted)), "{wanted:?} is not in {differences:#?}");
    }
}

#[test]
fn what_the_buyers_saw_wrong_is_told_in_a_sentence() {
    each_is_told(&[
        ("oversold by 2: more was sold than was there", |case| {
            let mut fifth = case.tally.orders[0].clone();
            fifth.order_id = "order-4".to_owned();
            case.tally.orders.push(fifth);
            case.store(0, 10);
        }),
        ("oversold by 2: more was sold than was there", |case| case.store(2, 8)),
        ("2 units left over: 6 buyers were refused all the same (sold_out)", |case| {
            case.tally.orders.pop();
            case.store(0, 6);
        }),
        ("4 units left over: 1 buyer gave up (busy), 6 buyers were refused all the same (sold_out)", |case| {
            case.tally.orders.truncate(2);
            case.tally.gave_up.insert("busy".to_owned(), 1);
            case.store(0, 4);
        }),
        ("8 units left over: 10 buyers gave up (busy 3, unavailable 7)", |case| {
            case.tally.orders.clear();
            case.tally.refused.clear();
            case.tally.gave_up = BTreeMap::from([("busy".to_owned(), 3), ("unavailable".to_owned(), 7)]);
            case.store(0, 0);
        }),
        ("1 order was given to more than one buyer (order-0 to 2)", |case| {
            case.tally.orders[1].order_id = "order-0".to_owned();
        }),
        ("1 acknowledged order is missing (order-3)", |case| {
            case.tally.orders[3].read_back = ReadBack::Missing;
        }),
        ("4 acknowledged orders are missing (order-0; order-1; order-2; ...)", |case| {
            case.tally.orders.iter_mut().for_each(|order| order.read_back = ReadBack::Missing);
        }),
        ("1 acknowledged order could not be read back (order-0 timed_out)", |case| {
            case.tally.orders[0].read_back = ReadBack::Unanswered("timed_out".to_owned());
        }),
        ("1 order is not what was acknowledged (order-0 is submitted)", |case| {
            case.tally.orders[0].read_back = ReadBack::Wrong("is submitted".to_owned());
        }),
        ("1 acknowledged order could not be paid (timed_out 1)", |case| {
            case.tally.orders[0].payment = failed(Doubt::NothingDone);
            case.store(2, 6);
        }),
        ("1 acknowledged order could not be paid (refund due, order_cancelled 1)", |case| {
            case.tally.orders[0].payment = Payment::RefundDue("order_cancelled".to_owned());
            case.store(0, 6);
        }),
    ]);
}

#[test]
fn what_the_service_says_wrong_is_told_in_a_sentence() {
    each_is_told(&[
        ("the service counts 6 units sold, 8 were paid", |case| case.store(2, 6)),
        ("the service counts 6 units in orders, 8 were acknowledged", |case| case.store(0, 6)),
        ("the service has 9 units in all, 8 were put in", |case| {
            case.verdict().store.total = 9;
            case.verdict().store.available = 1;
        }),
        ("the service's stock does not add up: total 8, available -1, reserved 1, sold 8", |case| {
            case.verdict().store.available = -1;
            case.verdict().store.reserved = 1;
        }),
        ("the service's orders hold reserved 0, sold 7, its stock says", |case| case.verdict().orders.sold = 7),
        ("the service's own verdict is differs; ledger has 3", |case| {
            case.verdict().state = Agreement::Differs;
            case.verdict().differences = vec!["ledger has 3".into()];
        }),
        ("the service's own verdict is settling", |case| case.verdict().state = Agreement::Settling),
        ("the service gives no verdict: timed_out", |case| {
            case.service.verdict = Err("timed_out".to_owned());
        }),
        ("the stock reads total 8, available 8, reserved 0, sold 0, the verdict says", |case| {
            case.service.stock = Ok(Stock { total: 8, available: 8, reserved: 0, sold: 0 });
        }),
        ("the stock cannot be read: busy", |case| case.service.stock = Err("busy".to_owned())),
        ("1 order has events that are not whole (order-0 is at version 2 with events [1])", |case| {
            case.service.trails[0].events = Ok(vec![event(1, "order_submitted")]);
        }),
    ]);
}

#[test]
fn events_must_begin_with_the_order_and_tell_of_one_payment() {
    let table: [(&[&str], bool); 5] = [
        (&["order_submitted", "order_paid"], true),
        (&["order_submitted", "order_amended", "order_paid"], true),
        (&["order_paid", "order_submitted"], false),
        (&["order_submitted", "order_paid", "order_paid"], false),
        (&["order_submitted"], false),
    ];
    for (types, is_whole) in table {
        let events: Vec<Event> = (1..).zip(types).map(|(version, event_type)| event(version, event_type)).collect();
        let version = u32::try_from(types.len()).expect("few events");
        let trail = Trail { order_id: "o".to_owned(), version, events: Ok(events) };
        assert_eq!(trail_problem(&trail).is_none(), is_whole, "{types:?}");
    }
}

/// One buyer less has its order; its fate and what the store may hold for it.
fn with_three_orders(spoil: impl Fn(&mut Tally), reserved: i64, sold: i64) -> Judgement {
    let mut case = sound();
    case.tally.orders.pop();
    spoil(&mut case.tally);
    case.store(reserved, sold);
    case.judge()
}

#[test]
fn an_unknown_outcome_allows_its_units_and_no_more() {
    let unknown = |tally: &mut Tally| {
        tally.unknown.insert(3, "timed_out".to_owned());
    };
    let table = [(0, 6, true), (2, 6, true), (0, 8, false), (1, 6, true), (3, 6, false), (0, 4, false)];
    for (reserved, sold, is_allowed) in table {
        let Judgement { statements, differences, .. } = with_three_orders(unknown, reserved, sold);
        assert!(differences.contains(&"2 units left over: 1 buyer has no answer (timed_out)".to_owned()));
        assert_eq!(differences.len() == 1, is_allowed, "{reserved} {sold}: {differences:?}");
        assert!(statements.contains(&"orders of unknown outcome 1".to_owned()));
        assert!(statements.contains(&"sold 6 of 8".to_owned()));
    }
}

#[test]
fn units_left_over_are_a_difference_and_who_gave_up_is_named() {
    let gave_up = |tally: &mut Tally| {
        tally.gave_up.insert("busy".to_owned(), 1);
    };
    let Judgement { statements, differences, .. } = with_three_orders(gave_up, 0, 6);
    assert_eq!(differences, ["2 units left over: 1 buyer gave up (busy)"]);
    assert!(statements.contains(&"buyers who gave up 1 (busy 1)".to_owned()), "{statements:?}");
    assert_eq!(with_three_orders(gave_up, 2, 6).differences.len(), 2, "units held are not excused");
}

#[test]
fn a_payment_of_unknown_outcome_allows_both_but_is_a_difference() {
    for (reserved, sold) in [(2, 6), (0, 8)] {
        let mut case = sound();
        case.tally.orders[0].payment = failed(Doubt::MayHaveLanded);
        case.store(reserved, sold);
        let differences = case.judge().differences;
        assert_eq!(differences, ["1 acknowledged order could not be paid (timed_out 1)"], "{reserved} {sold}");
    }
}
