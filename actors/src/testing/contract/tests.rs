//! Every case of a suite is run.

#[test]
fn every_case_is_stamped() {
    const STAMPED: &str = include_str!("../contract.rs");
    let suites = [
        include_str!("event_log.rs"),
        include_str!("ledger.rs"),
        include_str!("outbox.rs"),
        include_str!("store/catalogue.rs"),
        include_str!("store/changes.rs"),
        include_str!("store/keys.rs"),
        include_str!("store/lifecycle.rs"),
        include_str!("store/limits.rs"),
        include_str!("store/listing.rs"),
        include_str!("store/payments.rs"),
        include_str!("store/placing.rs"),
        include_str!("store/progress.rs"),
        include_str!("store/refunds.rs"),
        include_str!("store/stock.rs"),
        include_str!("store/whole.rs"),
    ];
    for line in suites.iter().flat_map(|suite| suite.lines()) {
        if let Some((case, _)) = line.strip_prefix("pub async fn ").and_then(|rest| rest.split_once('(')) {
            assert!(STAMPED.contains(&format!("    {case},\n")), "{case} is stamped nowhere");
        }
    }
}
