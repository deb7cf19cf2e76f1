//! `floodgate verdict`: prints whether stock, orders and ledger agree, as the running service sees it.

use std::process::ExitCode;

use actix_web::rt::System;
use actors::domain::id::SkuId;

use super::cli::VerdictArgs;
use super::shop::Shop;
use super::shop::wire::{Agreement, SkuVerdict, Totals, Verdict};
use super::{Failure, plain, print, table};

/// Asks the service and prints its verdict.
pub(super) fn run(args: &VerdictArgs) -> Result<ExitCode, Failure> {
    let verdict = System::new().block_on(ask(args))?;
    print(&report(&verdict));
    Ok(if differs(&verdict) { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

async fn ask(args: &VerdictArgs) -> Result<Verdict, Failure> {
    let shop = Shop::running(&args.target).await?;
    let wanted = args.sku.as_ref().map(SkuId::as_str);
    let answer = shop.verdict(wanted).await;
    let verdict = answer.map_err(|refusal| Failure::Work(format!("the service gives no verdict: {refusal}")))?;
    match wanted.filter(|sku_id| verdict.skus.iter().all(|sku| sku.sku_id != *sku_id)) {
        Some(sku_id) => Err(Failure::Work(format!("the service gives no verdict on {sku_id}"))),
        None => Ok(verdict),
    }
}

fn differs(verdict: &Verdict) -> bool {
    let mut states = std::iter::once(verdict.state).chain(verdict.skus.iter().map(|sku| sku.state));
    states.any(|state| state == Agreement::Differs)
}

fn report(verdict: &Verdict) -> String {
    const HEADINGS: [&str; 10] = [
        "sku",
        "state",
        "total",
        "available",
        "reserved",
        "sold",
        "orders reserved",
        "orders sold",
        "ledger",
        "grants",
    ];
    let mut rows = vec![HEADINGS.map(str::to_owned).to_vec()];
    rows.extend(verdict.skus.iter().map(row));
    let mut text = table::columns(&rows);
    for sku in &verdict.skus {
        for difference in sku.differences() {
            text.push_str(&format!("{}: {}\n", plain(&sku.sku_id), plain(&difference)));
        }
    }
    text.push_str(&format!("verdict: {}\n", verdict.state));
    text
}

fn row(sku: &SkuVerdict) -> Vec<String> {
    let mut cells = vec![sku.sku_id.clone(), sku.state.to_string()];
    let Totals { reserved, sold } = sku.orders;
    let numbers = [sku.store.total, sku.store.available, sku.store.reserved, sku.store.sold, reserved, sold];
    cells.extend(numbers.map(|number| number.to_string()));
    match sku.ledger {
        Some(ledger) => cells.extend([ledger.available.to_string(), ledger.grants.to_string()]),
        None => cells.extend(["-".to_owned(), "-".to_owned()]),
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::cli::TargetArgs;

    fn verdict(state: &str, sku_state: &str, differences: &str) -> Verdict {
        let json = format!(
            r#"{{"state":"{state}","skus":[{{"sku_id":"sneaker-42","state":"{sku_state}",
            "store":{{"total":100,"available":40,"reserved":35,"sold":25}},"orders":{{"reserved":35,"sold":25}},
            "ledger":null,"actor":null,"differences":{differences}}}]}}"#
        );
        serde_json::from_str(&json).expect("a verdict as the service writes it")
    }

    #[actix_web::test]
    async fn where_nothing_answers_that_is_said_before_anything_else() {
        let data = tempfile::tempdir().expect("a temporary directory");
        // A port that nothing listens on: it was free a moment ago.
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let url = format!("http://{}", free.local_addr().expect("it is bound"));
        drop(free);
        let target = TargetArgs { url: Some(url.clone()), token: None, data: data.path().to_owned() };
        let refused = ask(&VerdictArgs { target, sku: None }).await.map(|_| ());
        let problem = format!("no service answers at {url}; start one with floodgate");
        assert_eq!(refused, Err(Failure::Work(problem)));
    }

    #[test]
    fn only_a_difference_fails() {
        let table = [
            ("agrees", "agrees", false),
            ("settling", "settling", false),
            ("differs", "differs", true),
            ("settling", "differs", true),
        ];
        for (state, sku_state, fails) in table {
            assert_eq!(differs(&verdict(state, sku_state, "[]")), fails, "{state} {sku_state}");
        }
    }

    #[test]
    fn the_report_names_each_difference() {
        let text = report(&verdict("differs", "differs", r#"["sold 26 wanted", {"of":1}]"#));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("sneaker-42  differs"), "{text}");
        assert_eq!(lines[2..], ["sneaker-42: sold 26 wanted", "sneaker-42: {\"of\":1}", "verdict: differs"]);
    }
}
