//! `floodgate serve`: runs the service until it is told to stop.

use std::io::{IsTerminal as _, Write as _};
use std::mem::ManuallyDrop;
use std::process::ExitCode;

use actix_web::rt::System;
use actix_web::rt::signal::unix::{SignalKind, signal};
use futures_util::future::select;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use super::Failure;
use super::cli::ServeArgs;
use crate::app::App;
use crate::settings::{Flags, LogFormat, LogSettings, ServerSettings, Settings};

/// Runs the service.
pub(super) fn run(args: ServeArgs) -> Result<ExitCode, Failure> {
    let ServeArgs { listen, data, config, role } = args;
    let listen = listen.map(|text| ServerSettings::parse_listen(&text)).transpose();
    let listen = listen.map_err(|error| Failure::Usage(error.to_string()))?;
    let settings = Settings::of_process(&Flags { config, listen, data, role: role.map(Into::into) });
    let settings = settings.map_err(|error| Failure::Usage(error.to_string()))?;
    let (teller, _log) = start_log(&settings.log);
    allow_many_connections();
    // Never dropped: that would wait for whatever was handed to another thread, such as a look-up of a name. The process
    // ends here anyway.
    let system = ManuallyDrop::new(System::new());
    system.block_on(serve(settings, teller))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(settings: Settings, mut teller: Teller) -> Result<(), Failure> {
    let cannot_listen = |error| Failure::Work(format!("cannot listen to signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot_listen)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot_listen)?;
    let app = App::start(settings).await.map_err(Failure::of_start)?;
    greet(&app, &mut teller);
    let stop = async {
        select(Box::pin(terminate.recv()), Box::pin(interrupt.recv())).await;
        teller.say("floodgate is stopping: finishing what is in hand");
    };
    let stopped = app.serve_until(stop).await;
    stopped.map_err(|error| Failure::Work(format!("the server broke down: {error}")))?;
    teller.say("floodgate has stopped");
    Ok(())
}

/// Tells the person at the terminal what the service does, between the lines of the log.
struct Teller(NonBlocking);

impl Teller {
    fn say(&mut self, line: &str) {
        // Taken whole or not at all.
        let _ = self.0.write_all(format!("{line}\n").as_bytes());
    }
}

fn greet(app: &App, teller: &mut Teller) {
    let (url, token) = (app.url(), app.token_file().display());
    teller.say(&format!("floodgate serves {url}; the admin token is in {token}"));
    if let Some(news) = app.token_news() {
        teller.say(&format!("about {token}: {news}"));
    }
    teller.say(&format!("try: curl -H \"Authorization: Bearer $(cat {token})\" {url}/admin/verdict"));
}

/// Standard output belongs to the printer, so the log goes to standard error. It is written by a thread of its own: a
/// reader that does not read costs lines, never orders, and holds up no stop.
#[must_use = "the log ends when the guard is dropped"]
fn start_log(settings: &LogSettings) -> (Teller, WorkerGuard) {
    let is_terminal = std::io::stderr().is_terminal();
    let filter = EnvFilter::new(settings.directives(is_terminal));
    let (writer, guard) = NonBlockingBuilder::default().lossy(true).finish(std::io::stderr());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer.clone());
    match settings.format {
        LogFormat::Text => log.with_ansi(is_terminal).init(),
        LogFormat::Json => log.json().init(),
    }
    (Teller(writer), guard)
}

/// Every connection is an open file, of which a process may have few unless it asks for what it is allowed.
fn allow_many_connections() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::warn!(%error, ?current, "few connections at once, the limit of open files cannot be raised");
    }
}
