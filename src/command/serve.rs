//! `floodgate serve`: runs the service until it is told to stop.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use actix_web::rt::System;
use actix_web::rt::signal::unix::{Signal, SignalKind, signal};
use futures_util::future::select;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use super::cli::ServeArgs;
use super::{Failure, say};
use crate::app::App;
use crate::settings::{Flags, LogFormat, LogSettings, ServerSettings, Settings};

/// Runs the service.
pub(super) fn run(args: ServeArgs) -> Result<ExitCode, Failure> {
    // There is one role so far, which the settings know, too.
    let ServeArgs { listen, data, config, role: _ } = args;
    let listen = listen.map(|text| ServerSettings::parse_listen(&text)).transpose();
    let listen = listen.map_err(|error| Failure::Usage(error.to_string()))?;
    let settings = Settings::of_process(&Flags { config, listen, data });
    let settings = settings.map_err(|error| Failure::Usage(error.to_string()))?;
    let _log = start_log(&settings.log);
    allow_many_connections();
    System::new().block_on(serve(settings))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(settings: Settings) -> Result<(), Failure> {
    let cannot_listen = |error| Failure::Work(format!("cannot listen to signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot_listen)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot_listen)?;
    let app = App::start(settings).await.map_err(Failure::of_start)?;
    greet(&app);
    let stopped = app.serve_until(either(&mut terminate, &mut interrupt)).await;
    stopped.map_err(|error| Failure::Work(format!("the server broke down: {error}")))?;
    say("floodgate has stopped");
    Ok(())
}

async fn either(first: &mut Signal, second: &mut Signal) {
    select(Box::pin(first.recv()), Box::pin(second.recv())).await;
    say("floodgate is stopping: finishing what is in hand");
}

fn greet(app: &App) {
    let (url, token) = (app.url(), app.token_file().display());
    say(&format!("floodgate serves {url}; the admin token is in {token}"));
    if let Some(news) = app.token_news() {
        say(&format!("about {token}: {news}"));
    }
    say(&format!("try: curl -H \"Authorization: Bearer $(cat {token})\" {url}/admin/verdict"));
}

/// Standard output belongs to the printer, so the log goes to standard error. It is written by a thread of its own: a
/// reader that does not read costs lines, never orders.
#[must_use = "the log ends when this is dropped"]
fn start_log(settings: &LogSettings) -> WorkerGuard {
    let is_terminal = std::io::stderr().is_terminal();
    let filter = EnvFilter::new(settings.directives(is_terminal));
    let (writer, guard) = NonBlockingBuilder::default().lossy(true).finish(std::io::stderr());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    match settings.format {
        LogFormat::Text => log.with_ansi(is_terminal).init(),
        LogFormat::Json => log.json().init(),
    }
    guard
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
