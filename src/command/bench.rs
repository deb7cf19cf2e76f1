//! `floodgate bench`: durable orders on one hot SKU beside the same server's bare echo, by turns, in one run.
//!
//! The server is a child process and the load is this one, so that their processor time can be told apart.

mod load;
mod report;
mod server;
mod wire;

use std::fs::File;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use actix_web::rt::{System, SystemRunner};
use actors::domain::time::Monotonic;
use actors::ports::Clock;

use super::cli::BenchArgs;
use super::rush::OwnService;
use super::shop::Shop;
use super::{Failure, print, say, target};
use crate::app::clock::SystemClock;
use load::{Kind, Load};
use report::Measures;
use server::CpuTimes;

const SKU: &str = "hot";
/// More than all rounds together can sell.
const STOCK: u32 = 1_000_000_000;
/// Longer than any run, so that nothing expires under it.
const PAYMENT_WINDOW_S: u32 = 24 * 60 * 60;
/// A first round of each kind that is not counted.
const WARM_UP: Duration = Duration::from_secs(1);
/// Everything but access lines and other noise; the store's own words tell its durability.
const SETTINGS: [(&str, &str); 2] =
    [("FLOODGATE_LOG__LEVEL", "warn,floodgate::store=info"), ("FLOODGATE_LOG__FORMAT", "json")];
/// How long the server may go on after a round, and how often it is looked at.
const REST_MAX: Duration = Duration::from_secs(20);
const LOOK_PAUSE: Duration = Duration::from_millis(200);
/// Processor time between two looks that counts as none.
const IDLE: Duration = Duration::from_millis(10);
/// Writes per probe of the disk, and their size.
const PROBES: usize = 20;
const PROBE_BYTES: usize = 4 * 1024;

/// Measures. The exit code tells whether every answer was a success.
pub(super) fn run(args: &BenchArgs) -> Result<ExitCode, Failure> {
    let system = System::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let program = std::env::current_exe()
        .map_err(|error| Failure::Work(format!("cannot find this program to start a service: {error}")))?;
    let own = system.block_on(OwnService::start(Command::new(program), &SETTINGS, Arc::clone(&clock)))?;
    let measured = measure(args, &system, &own, &*clock);
    system.block_on(own.stop(false));
    let measures = measured?;
    print(&measures.report());
    Ok(if measures.is_success() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn measure(args: &BenchArgs, system: &SystemRunner, own: &OwnService, clock: &dyn Clock) -> Result<Measures, Failure> {
    let url = own.url()?;
    let token = target::token_in(own.data())?;
    let address = url.as_str().trim_start_matches("http://").parse::<SocketAddr>();
    let address = address.map_err(|error| Failure::Work(format!("{} is no address: {error}", url.as_str())))?;
    system.block_on(put_up(&Shop::new(url, &token, 1)))?;
    let load =
        Load { address, token: &token, sku_id: SKU, connections: args.connections, clock, next: AtomicU64::new(0) };
    let rest = || system.block_on(rest(own.process(), clock));
    let mut measures =
        Measures { connections: args.connections, durability: server::durability(&own.log()), ..Measures::default() };
    load.round(Kind::Echo, WARM_UP)?;
    load.round(Kind::Order, WARM_UP)?;
    let duration = Duration::from_secs(args.seconds.into());
    for round in 1..=args.rounds {
        say(&format!("round {round} of {}", args.rounds));
        probe(own.data(), clock, &mut measures.syncs)?;
        measures.echo.push(load.round(Kind::Echo, duration)?);
        let (before, commits) = (rest()?, server::commits(address, &token)?);
        measures.orders.push(load.round(Kind::Order, duration)?);
        let after = rest()?;
        measures.commits += server::commits(address, &token)? - commits;
        for (thread, time) in after {
            let spent = time.saturating_sub(before.get(&thread).copied().unwrap_or_default());
            *measures.cpu.entry(thread).or_default() += spent;
        }
    }
    measures.cpu.retain(|_, time| *time > IDLE);
    Ok(measures)
}

async fn put_up(shop: &Shop) -> Result<(), Failure> {
    let failed = |refusal| Failure::Work(format!("cannot put up what is to be sold: {refusal}"));
    shop.put_sku(SKU, "hot", "9.90", PAYMENT_WINDOW_S).await.map_err(failed)?;
    shop.add_stock(SKU, STOCK, "bench").await.map_err(failed)?;
    Ok(())
}

/// Waits until the server has nothing left to do: events of the orders of a round are printed after it. What it has
/// spent by then is the round's.
async fn rest(process: u32, clock: &dyn Clock) -> Result<CpuTimes, Failure> {
    let sum = |times: &CpuTimes| times.values().sum::<Duration>();
    let until: Monotonic = clock.now().monotonic.plus(REST_MAX);
    let mut before = server::cpu_times(process)?;
    loop {
        clock.sleep(LOOK_PAUSE).await;
        let now = server::cpu_times(process)?;
        if sum(&now).saturating_sub(sum(&before)) <= IDLE || clock.now().monotonic > until {
            return Ok(now);
        }
        before = now;
    }
}

/// How long the disk of the data directory takes to make a small write durable.
fn probe(data: &Path, clock: &dyn Clock, syncs: &mut Vec<Duration>) -> Result<(), Failure> {
    let path = data.join("probe");
    let probed: io::Result<()> = File::create(&path).and_then(|mut file| {
        for _ in 0..PROBES {
            file.write_all(&[7; PROBE_BYTES])?;
            let started = clock.now().monotonic;
            file.sync_data()?;
            syncs.push(clock.now().monotonic.since(started));
        }
        std::fs::remove_file(&path)
    });
    probed.map_err(|error| Failure::Work(format!("cannot probe the disk: {error}")))
}
