//! The service that is rushed: one that runs already, or one of the rush's own in a temporary directory.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use actors::ports::Clock;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::command::cli::RushArgs;
use crate::command::shop::Shop;
use crate::command::target::{self, BaseUrl};
use crate::command::{Failure, say};

/// How long a service of our own may take to answer.
const START_MAX: Duration = Duration::from_secs(30);
/// How long it may take to end once asked to.
const STOP_MAX: Duration = Duration::from_secs(10);
/// How often we look meanwhile.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// The service that is rushed.
pub(super) struct Service {
    url: BaseUrl,
    token: String,
    own: Option<OwnService>,
}

impl Service {
    /// Takes the service that is named, else the one that runs on the data directory, else starts one. Says which.
    /// With patience, one that was killed there is waited for.
    pub(super) async fn find_or_start(rush: &RushArgs, clock: &Arc<dyn Clock>) -> Result<Self, Failure> {
        let args = &rush.target;
        if let Some(url) = &args.url {
            let url = allowed(BaseUrl::parse(url)?, rush.anywhere)?;
            let service = Self { url, token: target::token_of(args)?, own: None };
            say(&format!("using the service at {}", service.url.as_str()));
            return Ok(service);
        }
        if let Some(url) = running_on(&args.data, rush.patience.unwrap_or_default(), &**clock).await {
            let service = Self { url: allowed(url, rush.anywhere)?, token: target::token_of(args)?, own: None };
            let (url, data) = (service.url.as_str(), args.data.display());
            say(&format!("using the service at {url}, which runs on {data}"));
            return Ok(service);
        }
        let program = std::env::current_exe()
            .map_err(|error| Failure::Work(format!("cannot find this program to start a service: {error}")))?;
        let own = OwnService::start(Command::new(program), &[], clock.clone()).await?;
        let url = own.url()?;
        say(&format!("no service runs on {}, so one was started at {}", args.data.display(), url.as_str()));
        Ok(Self { url, token: target::token_in(own.data())?, own: Some(own) })
    }

    /// Where it listens.
    pub(super) fn url(&self) -> &BaseUrl {
        &self.url
    }

    /// The admin token.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Stops the service if it is our own. What it wrote is kept for a look if the rush failed.
    pub(super) async fn release(self, keep: bool) {
        if let Some(own) = self.own {
            let kept = own.stop(keep).await;
            if let Some(directory) = kept {
                say(&format!("what the service wrote is kept in {}", directory.display()));
            }
        }
    }
}

/// The service that the data directory tells of, if it answers before patience ends. One that was stopped took its word
/// back; one that was killed did not, and may be started again.
async fn running_on(data: &Path, patience: Duration, clock: &dyn Clock) -> Option<BaseUrl> {
    let started = clock.now().monotonic;
    let mut is_told = false;
    loop {
        let url = target::url_of_run(data)?;
        if Shop::new(url.clone(), "", 1).is_alive().await {
            return Some(url);
        }
        if clock.now().monotonic.since(started) >= patience {
            return None;
        }
        if !is_told {
            is_told = true;
            say(&format!("the service at {} does not answer, waiting for it to come back", url.as_str()));
        }
        clock.sleep(LOOK_PAUSE).await;
    }
}

/// The address, if it may be rushed.
fn allowed(url: BaseUrl, anywhere: bool) -> Result<BaseUrl, Failure> {
    if url.is_loopback() || anywhere {
        return Ok(url);
    }
    let problem = "is not on this machine, and a rush is a storm; --anywhere says that it is meant";
    Err(Failure::Usage(format!("{} {problem}", url.as_str())))
}

/// A service of our own: a child process and the directory it works in. Both end with this value.
pub(in crate::command) struct OwnService {
    child: Child,
    directory: TempDir,
    clock: Arc<dyn Clock>,
}

impl OwnService {
    /// Starts `program` as a service on a free port, with these settings as its environment names them, and waits until
    /// it answers.
    pub(in crate::command) async fn start(
        mut program: Command,
        settings: &[(&str, &str)],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::Work(format!("cannot start a service: {error}"));
        let directory = tempfile::Builder::new().prefix("floodgate-").tempdir().map_err(failed)?;
        let output = File::create(directory.path().join("events.jsonl")).map_err(failed)?;
        let log = File::create(log_in(directory.path())).map_err(failed)?;
        with_settings(&mut program, settings);
        program.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(directory.path());
        program.stdin(Stdio::null()).stdout(output).stderr(log);
        let child = program.spawn().map_err(failed)?;
        let mut own = Self { child, directory, clock };
        own.wait_until_it_answers().await?;
        Ok(own)
    }

    async fn wait_until_it_answers(&mut self) -> Result<(), Failure> {
        let started = self.clock.now().monotonic;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                let last = last_line(&log_in(self.data()));
                return Err(Failure::Work(format!("the service that was started ended at once ({status}): {last}")));
            }
            if let Some(url) = target::url_of_run(self.data())
                && Shop::new(url, "", 1).is_alive().await
            {
                return Ok(());
            }
            if self.clock.now().monotonic.since(started) >= START_MAX {
                let (seconds, last) = (START_MAX.as_secs(), last_line(&log_in(self.data())));
                return Err(Failure::Work(format!(
                    "the service that was started does not answer in {seconds} s: {last}"
                )));
            }
            self.clock.sleep(LOOK_PAUSE).await;
        }
    }

    /// Its data directory.
    pub(in crate::command) fn data(&self) -> &Path {
        self.directory.path()
    }

    /// Its log.
    #[cfg(feature = "bench")]
    pub(in crate::command) fn log(&self) -> PathBuf {
        log_in(self.data())
    }

    /// Its process.
    #[cfg(feature = "bench")]
    pub(in crate::command) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub(in crate::command) fn url(&self) -> Result<BaseUrl, Failure> {
        target::url_of_run(self.data())
            .ok_or_else(|| Failure::Work("the service that was started does not say where it listens".to_owned()))
    }

    /// Asks the process to end, ends it if it does not, and tells where its files are if they are kept.
    pub(in crate::command) async fn stop(mut self, keep: bool) -> Option<PathBuf> {
        // The process may be gone already; then there is nothing to ask and the wait ends at once.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let asked = self.clock.now().monotonic;
        while matches!(self.child.try_wait(), Ok(None)) && self.clock.now().monotonic.since(asked) < STOP_MAX {
            self.clock.sleep(LOOK_PAUSE).await;
        }
        if keep {
            self.directory.disable_cleanup(true);
        }
        keep.then(|| self.data().to_owned())
    }
}

impl Drop for OwnService {
    fn drop(&mut self) {
        // Both fail only if the process has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Gives a program these settings, as its environment names them, and none of ours: those of whoever calls us name their
/// own store.
pub(in crate::command) fn with_settings(program: &mut Command, settings: &[(&str, &str)]) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FLOODGATE_")) {
        program.env_remove(name);
    }
    program.envs(settings.iter().copied());
}

fn log_in(directory: &Path) -> PathBuf {
    directory.join("service.log")
}

fn last_line(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it wrote nothing to its log").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use futures_util::future::join;

    use super::*;
    use crate::app::clock::SystemClock;
    use crate::command::rush::fake::{Fault, RunningFake};

    /// A program that takes the arguments of `serve` and does what `script` says; `$5` is its data directory.
    fn program(directory: &Path, script: &str) -> Command {
        let path = directory.join("program");
        std::fs::write(&path, script).expect("a file");
        let mut program = Command::new("sh");
        program.arg(path);
        program
    }

    fn clock() -> Arc<dyn Clock> {
        Arc::new(SystemClock::start())
    }

    #[actix_web::test]
    async fn a_service_of_our_own_ends_with_the_rush_and_leaves_nothing_unless_told_to() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let fake = RunningFake::start(Fault::None);
        let script = format!(
            r#"trap 'echo asked > "$5/asked"; exit 0' TERM
            printf %s "$*" > "$5/arguments"
            printf %s "$FLOODGATE_OF_OURS" > "$5/setting"
            printf '{{"url":"{}","pid":1}}' > "$5/run.json"
            while :; do sleep 0.1; done"#,
            fake.url.as_str()
        );
        for keep in [false, true] {
            let own = OwnService::start(program(directory.path(), &script), &[("FLOODGATE_OF_OURS", "set")], clock())
                .await
                .expect("it starts");
            assert_eq!(own.url(), Ok(fake.url.clone()));
            let data = own.data().to_owned();
            let arguments = std::fs::read_to_string(data.join("arguments")).expect("it was told its arguments");
            assert_eq!(arguments, format!("serve --listen 127.0.0.1:0 --data {}", data.display()));
            let setting = std::fs::read_to_string(data.join("setting")).expect("it was given its environment");
            assert_eq!(setting, "set");
            let pid = Pid::from_child(&own.child);
            assert_eq!(own.stop(keep).await, keep.then(|| data.clone()));
            assert!(rustix::process::test_kill_process(pid).is_err(), "the process is gone");
            assert_eq!(data.exists(), keep);
            if keep {
                assert!(data.join("asked").exists(), "it was asked to end before it was ended");
                std::fs::remove_dir_all(data).expect("what was kept can be removed");
            }
        }
        fake.stop().await;
    }

    #[actix_web::test]
    async fn a_service_that_was_killed_is_waited_for_as_long_as_patience_lasts() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let data = directory.path();
        let say_in = |url: &BaseUrl| {
            let text = format!(r#"{{"url":"{}","pid":1}}"#, url.as_str());
            std::fs::write(data.join("run.json"), text).expect("a file");
        };
        let clock = clock();
        assert_eq!(running_on(data, Duration::from_secs(60), &*clock).await, None, "nothing ever ran there");
        let killed = RunningFake::start(Fault::None);
        say_in(&killed.url);
        killed.stop().await;
        assert_eq!(running_on(data, Duration::ZERO, &*clock).await, None);
        let restart = async {
            clock.sleep(LOOK_PAUSE * 4).await;
            let restarted = RunningFake::start(Fault::None);
            say_in(&restarted.url);
            restarted
        };
        let patience = Duration::from_secs(60);
        let (found, restarted) = join(running_on(data, patience, &*clock), restart).await;
        assert_eq!(found.as_ref(), Some(&restarted.url));
        restarted.stop().await;
    }

    #[actix_web::test]
    async fn a_service_that_ends_at_once_is_told_of_with_its_last_words() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let script = "echo first >&2; echo 'the port is taken' >&2; echo >&2; exit 2";
        match OwnService::start(program(directory.path(), script), &[], clock()).await {
            Err(Failure::Work(told)) => assert!(told.ends_with(": the port is taken"), "{told}"),
            _ => panic!("it was taken for a service"),
        }
    }
}
