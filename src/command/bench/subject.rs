//! A service that is measured: a process of our own, with a SKU of which there is more than can be sold.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use actix_web::rt::SystemRunner;
use actors::domain::time::Monotonic;
use actors::ports::{Clock, Ids as _};

use super::load::{Kind, Load, Round};
use super::report::Measured;
use super::server::{self, CpuTimes, IDLE};
use crate::app::ids::UlidIds;
use crate::command::cli::BenchArgs;
use crate::command::rush::{OwnService, with_settings};
use crate::command::shop::Shop;
use crate::command::{Failure, target};

/// More than all rounds together can sell.
const STOCK: u32 = 1_000_000_000;
/// Longer than any run, so that nothing expires under it.
const PAYMENT_WINDOW_S: u32 = 24 * 60 * 60;
/// Everything but access lines and other noise; what is opened tells its durability.
const SETTINGS: [(&str, &str); 2] = [
    ("FLOODGATE_LOG__LEVEL", "warn,floodgate::store=info,floodgate::ledger=info,floodgate::stream=info"),
    ("FLOODGATE_LOG__FORMAT", "json"),
];
/// How long the server may go on after a round, and how often it is looked at.
const REST_MAX: Duration = Duration::from_secs(20);
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// See the module.
pub(super) struct Subject {
    own: OwnService,
    address: SocketAddr,
    token: String,
    sku_id: String,
    connections: u16,
    clock: Arc<dyn Clock>,
    next: AtomicU64,
}

impl Subject {
    /// A service with nothing but its directory.
    pub(super) async fn embedded(args: &BenchArgs, clock: &Arc<dyn Clock>) -> Result<Self, Failure> {
        Self::start(&SETTINGS, "hot".to_owned(), args, clock).await
    }

    /// A service on what the arguments name, if they name anything. There it has keys, topic and SKU of its own, for
    /// others may have been there before.
    pub(super) async fn beyond(args: &BenchArgs, clock: &Arc<dyn Clock>) -> Result<Option<Self>, Failure> {
        let urls = [
            ("FLOODGATE_STORE__URL", &args.store_url),
            ("FLOODGATE_LEDGER__URL", &args.ledger_url),
            ("FLOODGATE_STREAM__URL", &args.stream_url),
        ];
        let urls = urls.into_iter().filter_map(|(name, url)| Some((name, url.as_deref()?)));
        let mut settings: Vec<(&str, &str)> = urls.collect();
        if settings.is_empty() {
            return Ok(None);
        }
        let name = format!("bench-{}", UlidIds::new().order_id(clock.now().wall));
        let prefix = format!("{}:", &name[..name.len().min(PREFIX_MAX)]);
        settings.extend(SETTINGS);
        settings.extend([("FLOODGATE_LEDGER__PREFIX", &*prefix), ("FLOODGATE_STREAM__TOPIC", &*name)]);
        if args.store_url.as_ref().is_some_and(|url| url.starts_with("mysql:")) {
            migrate(&settings)?;
        }
        Self::start(&settings, name.clone(), args, clock).await.map(Some)
    }

    async fn start(
        settings: &[(&str, &str)],
        sku_id: String,
        args: &BenchArgs,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let own = OwnService::start(Command::new(program()?), settings, Arc::clone(clock)).await?;
        let url = own.url()?;
        let token = target::token_in(own.data())?;
        let address = url.as_str().trim_start_matches("http://").parse::<SocketAddr>();
        let address = address.map_err(|error| Failure::Work(format!("{} is no address: {error}", url.as_str())))?;
        put_up(&Shop::new(url, &token, 1), &sku_id).await?;
        let first =
            getrandom::u64().map_err(|error| Failure::Work(format!("no random number to begin with: {error}")))?;
        let (connections, clock, next) = (args.connections, Arc::clone(clock), AtomicU64::new(first));
        Ok(Self { own, address, token, sku_id, connections, clock, next })
    }

    /// The service's data directory.
    pub(super) fn data(&self) -> PathBuf {
        self.own.data().to_owned()
    }

    /// What it says of its durability.
    pub(super) fn durability(&self) -> Vec<(String, String)> {
        server::durability(&self.own.log())
    }

    /// One round.
    pub(super) fn round(&self, kind: Kind, duration: Duration) -> Result<Round, Failure> {
        let Self { address, token, sku_id, connections, clock, next, .. } = self;
        let load = Load { address: *address, token, sku_id, connections: *connections, clock: &**clock, next };
        load.round(kind, duration)
    }

    /// One round of orders, with what it cost the service until that had nothing left to do.
    pub(super) fn measure(
        &self,
        system: &SystemRunner,
        duration: Duration,
        measured: &mut Measured,
    ) -> Result<(), Failure> {
        let rest = || system.block_on(self.rest());
        let (before, commits) = (rest()?, server::commits(self.address, &self.token)?);
        measured.rounds.push(self.round(Kind::Order, duration)?);
        let after = rest()?;
        measured.commits += server::commits(self.address, &self.token)? - commits;
        for (thread, time) in after {
            let spent = time.saturating_sub(before.get(&thread).copied().unwrap_or_default());
            *measured.cpu.entry(thread).or_default() += spent;
        }
        Ok(())
    }

    /// Waits until the server has nothing left to do: events of the orders of a round are printed after it. What it has
    /// spent by then is the round's.
    async fn rest(&self) -> Result<CpuTimes, Failure> {
        let sum = |times: &CpuTimes| times.values().sum::<Duration>();
        let until: Monotonic = self.clock.now().monotonic.plus(REST_MAX);
        let mut before = server::cpu_times(self.own.process())?;
        loop {
            self.clock.sleep(LOOK_PAUSE).await;
            let now = server::cpu_times(self.own.process())?;
            if sum(&now).saturating_sub(sum(&before)) <= IDLE || self.clock.now().monotonic > until {
                return Ok(now);
            }
            before = now;
        }
    }

    /// Ends the service.
    pub(super) async fn stop(self) {
        self.own.stop(false).await;
    }
}

/// Letters that a prefix of keys may have before its colon.
const PREFIX_MAX: usize = 31;

fn program() -> Result<PathBuf, Failure> {
    std::env::current_exe()
        .map_err(|error| Failure::Work(format!("cannot find this program to start a service: {error}")))
}

/// Makes the tables.
fn migrate(settings: &[(&str, &str)]) -> Result<(), Failure> {
    let failed = |why: &dyn std::fmt::Display| Failure::Work(format!("the store cannot be migrated: {why}"));
    let mut program = Command::new(program()?);
    with_settings(&mut program, settings);
    let output = program.arg("migrate").output().map_err(|error| failed(&error))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(failed(&String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("it said nothing"))),
    }
}

async fn put_up(shop: &Shop, sku_id: &str) -> Result<(), Failure> {
    let failed = |refusal| Failure::Work(format!("cannot put up what is to be sold: {refusal}"));
    shop.put_sku(sku_id, "hot", "9.90", PAYMENT_WINDOW_S).await.map_err(failed)?;
    shop.add_stock(sku_id, STOCK, sku_id).await.map_err(failed)?;
    Ok(())
}
