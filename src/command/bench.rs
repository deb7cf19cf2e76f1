//! `floodgate bench`: durable orders on one hot SKU beside the same server's bare echo, by turns, in one run; and, where
//! it is told of a store, a ledger or a stream elsewhere, beside orders on those.
//!
//! Each server is a child process and the load is this one, so that their processor time can be told apart.

mod load;
mod report;
mod server;
mod subject;
mod wire;

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::{System, SystemRunner};
use actors::ports::Clock;

use super::cli::BenchArgs;
use super::{Failure, print, say};
use crate::app::clock::SystemClock;
use load::Kind;
use report::{Measured, Measures};
use subject::Subject;

/// A first round of each kind that is not counted.
const WARM_UP: Duration = Duration::from_secs(1);
/// Writes per probe of the disk, and their size.
const PROBES: usize = 20;
const PROBE_BYTES: usize = 4 * 1024;

/// Measures. The exit code tells whether every answer was a success.
pub(super) fn run(args: &BenchArgs) -> Result<ExitCode, Failure> {
    let system = System::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    // The other first: what is wrong with what it is told of is told at once.
    let beyond = system.block_on(Subject::beyond(args, &clock))?;
    let embedded = system.block_on(Subject::embedded(args, &clock))?;
    let measured = measure(args, &system, &embedded, beyond.as_ref(), &*clock);
    for subject in beyond.into_iter().chain([embedded]) {
        system.block_on(subject.stop());
    }
    let measures = measured?;
    print(&measures.report());
    Ok(if measures.is_success() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn measure(
    args: &BenchArgs,
    system: &SystemRunner,
    embedded: &Subject,
    beyond: Option<&Subject>,
    clock: &dyn Clock,
) -> Result<Measures, Failure> {
    let subjects: Vec<&Subject> = [embedded].into_iter().chain(beyond).collect();
    let titles = ["orders", "orders elsewhere"].map(str::to_owned).into_iter();
    let mut measures = Measures {
        connections: args.connections,
        orders: titles.zip(&subjects).map(|(title, subject)| Measured::of(title, subject.durability())).collect(),
        ..Measures::default()
    };
    embedded.round(Kind::Echo, WARM_UP)?;
    for subject in &subjects {
        subject.round(Kind::Order, WARM_UP)?;
    }
    let duration = Duration::from_secs(args.seconds.into());
    for round in 1..=args.rounds {
        say(&format!("round {round} of {}", args.rounds));
        probe(&embedded.data(), clock, &mut measures.syncs)?;
        measures.echo.push(embedded.round(Kind::Echo, duration)?);
        for (subject, measured) in subjects.iter().zip(&mut measures.orders) {
            subject.measure(system, duration, measured)?;
        }
    }
    measures.orders.iter_mut().for_each(Measured::forget_idlers);
    Ok(measures)
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
