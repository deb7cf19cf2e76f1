//! `floodgate rush`: holds a flash sale over real HTTP and judges it, by its own count and by the service's.

mod patience;
mod progress;
mod report;
mod sale;
mod service;
mod tally;
mod verdict;

use std::process::ExitCode;
use std::sync::Arc;

use actix_web::rt::System;
use actors::ports::{Clock, Ids as _};

use super::cli::RushArgs;
use super::shop::Shop;
use super::target::BaseUrl;
use super::{Failure, print, say};
use crate::app::clock::SystemClock;
use crate::app::ids::UlidIds;
use patience::Patience;
use sale::Sale;
use service::Service;
#[cfg(feature = "bench")]
pub(super) use service::{OwnService, with_settings};
use tally::Plan;
use verdict::Verdict;

/// Holds the sale. The exit code is the verdict.
pub(super) fn run(args: &RushArgs) -> Result<ExitCode, Failure> {
    System::new().block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let service = Service::find_or_start(args, &clock).await?;
        let held = rush(args, service.url(), service.token(), clock).await;
        service.release(!held.as_ref().is_ok_and(|held| held.verdict == Verdict::True)).await;
        let held = held?;
        print(&held.report);
        Ok(match held.verdict {
            Verdict::True => ExitCode::SUCCESS,
            Verdict::False => ExitCode::from(1),
            // A rush needs a SKU of its own, during the sale as before it.
            Verdict::None => ExitCode::from(2),
        })
    })
}

/// A rush that was held.
#[derive(Debug)]
struct Held {
    report: String,
    verdict: Verdict,
}

/// Rushes the service at `url` and judges it.
async fn rush(args: &RushArgs, url: &BaseUrl, token: &str, clock: Arc<dyn Clock>) -> Result<Held, Failure> {
    let name = UlidIds::new().order_id(clock.now().wall).to_string();
    let sku_id = args.sku.as_ref().map_or_else(|| format!("rush-{name}"), ToString::to_string);
    let plan = Plan { sku_id, stock: args.stock, buyers: args.buyers, clients: args.clients, quantity: args.quantity };
    let Plan { sku_id, stock, buyers, quantity, .. } = &plan;
    say(&format!("{buyers} buyers want {quantity} each of {stock} units of {sku_id}"));

    let shop = Shop::new(url.clone(), token, args.clients);
    let patience = Patience::new(clock.clone(), args.patience);
    let outcome = Sale::new(&plan, &shop, clock, patience, name).hold().await?;
    let report = report::report(&plan, &outcome.tally, outcome.measures, &outcome.judgement);
    Ok(Held { report, verdict: outcome.judgement.verdict() })
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
