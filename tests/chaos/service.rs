//! A service in a process of its own, on a port and a directory that outlive it.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use awc::Client;
use awc::http::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The service and what it leaves behind when it dies.
pub(crate) struct Service {
    directory: TempDir,
    port: u16,
    process: Option<Child>,
    settings: Vec<(String, String)>,
    client: Client,
}

/// An answer; status 0 if there was none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) replayed: bool,
}

impl Answer {
    pub(crate) fn text(&self, member: &str) -> String {
        self.body[member].as_str().unwrap_or_default().to_owned()
    }
}

/// Waits on the real clock.
#[expect(clippy::disallowed_methods, reason = "the processes under test live by the real clock")]
pub(crate) async fn wait(duration: Duration) {
    tokio::time::sleep(duration).await;
}

impl Service {
    /// Starts a service in a new directory, on a port that was free a moment ago.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// The same with settings, named as in the environment but for the prefix.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let mut service = Self::not_started(settings);
        service.restart().await;
        service
    }

    /// A service that is not started yet.
    pub(crate) fn not_started(settings: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        drop(listener);
        let client = Client::builder().timeout(Duration::from_secs(10)).finish();
        let directory = TempDir::new().expect("a temporary directory");
        let settings = settings.iter().map(|(name, value)| (format!("FLOODGATE_{name}"), (*value).to_owned()));
        Self { directory, port, process: None, settings: settings.collect(), client }
    }

    /// Starts the process again and waits until it is ready.
    pub(crate) async fn restart(&mut self) {
        self.launch();
        self.expect_ready().await;
    }

    /// Starts the process again.
    pub(crate) fn launch(&mut self) {
        self.kill();
        let log = fs::File::options().create(true).append(true).open(self.directory.path().join("log"));
        let log = log.expect("the directory can be written");
        let process = Command::new(env!("CARGO_BIN_EXE_floodgate"))
            .args(["serve", "--listen", &format!("127.0.0.1:{}", self.port), "--data"])
            .arg(self.data())
            .env("FLOODGATE_PRINTER__PATH", self.printed_file())
            .envs(self.settings.iter().cloned())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the binary was built for this test");
        self.process = Some(process);
    }

    /// Waits until the service is ready.
    pub(crate) async fn expect_ready(&self) {
        for _ in 0..300 {
            if self.get("/health/ready").await.status == 200 {
                return;
            }
            wait(Duration::from_millis(50)).await;
        }
        panic!("the service is not ready after 15 s: {}", self.log());
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may be dead already.
            let _ = process.kill();
            process.wait().expect("it is our child");
        }
    }

    /// `kill -9` while others still talk to it.
    pub(crate) fn kill_under_load(&self) {
        let pid = self.process.as_ref().expect("it runs").id();
        let killed = Command::new("kill").args(["-9", &pid.to_string()]).status();
        assert!(killed.expect("every machine has kill").success());
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        let pid = Pid::from_child(self.process.as_ref().expect("it runs"));
        kill_process(pid, Signal::TERM).expect("it is our child");
    }

    /// Runs another command with the same settings and gives its exit code and what it said.
    pub(crate) fn command(&self, command: &str) -> (Option<i32>, String) {
        let mut process = Command::new(env!("CARGO_BIN_EXE_floodgate"));
        process.arg(command).arg("--data").arg(self.data()).envs(self.settings.iter().cloned());
        let output = process.output().expect("the binary was built for this test");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// How the process ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.as_mut()?.try_wait().expect("it is our child")
    }

    /// Kilobytes of memory that the process has to itself.
    pub(crate) fn memory_kb(&self) -> u64 {
        let pid = self.process.as_ref().expect("it runs").id();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("every process has some");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Where it prints, unless it is told otherwise.
    pub(crate) fn printed_file(&self) -> PathBuf {
        self.directory.path().join("printed")
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn token(&self) -> String {
        fs::read_to_string(self.data().join("admin-token")).unwrap_or_default().trim().to_owned()
    }

    /// Sends one request.
    pub(crate) async fn ask(&self, method: Method, path: &str, key: Option<&str>, body: Option<Value>) -> Answer {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let mut request = self.client.request(method, url).bearer_auth(self.token());
        if let Some(key) = key {
            request = request.insert_header(("Idempotency-Key", key));
        }
        let sent = match body {
            Some(body) => request.send_json(&body).await,
            None => request.send().await,
        };
        let none = Answer { status: 0, body: Value::Null, replayed: false };
        let Ok(mut answer) = sent else { return none };
        let replayed = answer.headers().contains_key("Idempotency-Replayed");
        let Ok(bytes) = answer.body().limit(16 * 1024 * 1024).await else { return none };
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: answer.status().as_u16(), body, replayed }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None, None).await
    }

    /// Reads what is no JSON.
    pub(crate) async fn text(&self, path: &str) -> String {
        let url = format!("http://{}{path}", self.address());
        let mut answer = self.client.get(url).bearer_auth(self.token()).send().await.expect("it answers");
        let body = answer.body().limit(16 * 1024 * 1024).await.expect("it answers");
        String::from_utf8(body.to_vec()).expect("it is text")
    }

    pub(crate) async fn post(&self, path: &str, key: Option<&str>, body: Value) -> Answer {
        self.ask(Method::POST, path, key, Some(body)).await
    }

    /// Sends the same request until it has a final answer, across deaths of the service.
    pub(crate) async fn insist(&self, path: &str, key: Option<&str>, body: Value) -> Answer {
        for _ in 0..600 {
            let answer = self.post(path, key, body.clone()).await;
            let is_final = !matches!(answer.status, 0 | 503) && answer.text("code") != "request_in_progress";
            if is_final {
                return answer;
            }
            wait(Duration::from_millis(50)).await;
        }
        panic!("no final answer to {path} in 30 s: {}", self.log());
    }

    /// Puts a SKU up with so many units.
    pub(crate) async fn stock_up(&self, sku: &str, units: u64, window_s: u64) {
        self.put(sku, window_s).await;
        let stocked = self
            .post(&format!("/skus/{sku}/stock"), Some("stock-up"), json!({"change": units, "reason": "test"}))
            .await;
        assert_eq!(stocked.status, 200, "{stocked:?}");
    }

    /// Puts a SKU up, or replaces its payment window.
    pub(crate) async fn put(&self, sku: &str, window_s: u64) {
        let goods = json!({"name": sku, "price": "1.50", "on_sale": true, "payment_window_s": window_s});
        let put = self.ask(Method::PUT, &format!("/skus/{sku}"), None, Some(goods)).await;
        assert!(matches!(put.status, 200 | 201), "{put:?}");
    }

    /// Total, available, reserved and sold units.
    pub(crate) async fn units(&self, sku: &str) -> (i64, i64, i64, i64) {
        let Answer { body, .. } = self.get(&format!("/skus/{sku}/stock")).await;
        let of = |member: &str| body[member].as_i64().expect("a count");
        (of("total"), of("available"), of("reserved"), of("sold"))
    }

    /// Waits until every unit of a SKU is available again.
    pub(crate) async fn expect_back(&self, sku: &str, units: i64) {
        for _ in 0..500 {
            if self.units(sku).await == (units, units, 0, 0) {
                return;
            }
            wait(Duration::from_millis(50)).await;
        }
        panic!("not back after 25 s: {:?}", self.units(sku).await);
    }

    /// Waits until no unit is reserved any more.
    pub(crate) async fn expect_nothing_reserved(&self, skus: &[&str]) {
        let mut reserved = Vec::new();
        for _ in 0..200 {
            reserved.clear();
            for sku in skus {
                reserved.push(self.units(sku).await.2);
            }
            if reserved.iter().all(|units| *units == 0) {
                return;
            }
            wait(Duration::from_millis(50)).await;
        }
        panic!("still reserved after 10 s: {reserved:?}");
    }

    /// Waits until store, orders, ledger and actors agree on every SKU.
    pub(crate) async fn expect_agreement(&self) {
        let mut verdict = Value::Null;
        for _ in 0..300 {
            verdict = self.get("/admin/verdict").await.body;
            if verdict["state"] == "agrees" {
                return;
            }
            assert_ne!(verdict["state"], "differs", "{verdict}");
            wait(Duration::from_millis(50)).await;
        }
        panic!("no agreement after 15 s: {verdict}");
    }

    /// Waits until every event of these orders is printed, and checks that first occurrences are in order and gap-free,
    /// and agree with what the API says.
    pub(crate) async fn expect_every_event_printed(&self, order_ids: &[String]) {
        let mut missing = Vec::new();
        for _ in 0..100 {
            let printed = self.printed();
            missing = Vec::new();
            for order_id in order_ids {
                let events = self.get(&format!("/orders/{order_id}/events")).await.body;
                let events = events["events"].as_array().cloned().unwrap_or_default();
                let told: Vec<u64> = events.iter().filter_map(|event| event["version"].as_u64()).collect();
                assert_eq!(told, (1..=told.len() as u64).collect::<Vec<_>>(), "events of {order_id} have no gap");
                let mut seen = Vec::new();
                for version in printed.iter().filter(|(printed, _)| printed == order_id).map(|(_, version)| *version) {
                    if !seen.contains(&version) {
                        seen.push(version);
                    }
                }
                if seen != told {
                    missing.push((order_id.clone(), told, seen));
                }
            }
            if missing.is_empty() {
                return;
            }
            wait(Duration::from_millis(100)).await;
        }
        panic!("events not printed as committed after 10 s: {missing:?}");
    }

    /// Every printed line, as order id and version, in order. A line cut off by a kill is passed over.
    pub(crate) fn printed(&self) -> Vec<(String, u64)> {
        let text = fs::read_to_string(self.printed_file()).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter_map(|line| Some((line["order_id"].as_str()?.to_owned(), line["version"].as_u64()?))).collect()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}
