//! Several nodes on one MySQL, Redis and Kafka: they sell what is there, and members of the consumer group come and go
//! without an event being lost or doubled.

use std::cell::Cell;
use std::fs::File;
use std::process::Command;

use futures_util::future::join_all;
use serde_json::json;

use crate::cluster::Cluster;
use crate::service::Service;
use crate::stop;
use crate::told::Printer;

/// What nodes without a stream of their own are told.
const NO_STREAM: (&str, &str) = ("STREAM__URL", "store:");

impl Service {
    /// SIGTERM, which it heeds in time.
    async fn stop_well(&mut self) {
        let (status, taken) = stop::stop(self).await;
        eprintln!("stopped within {taken:?}");
        assert!(status.success() && taken < stop::PROMISED, "{status} after {taken:?}: {}", self.log());
    }
}

/// Orders and pays by some clients until it is over. Whoever gets no answer tries again with the same request.
async fn trade(service: &Service, name: &str, is_over: &Cell<bool>) -> usize {
    let trading = (0..6).map(|client| async move {
        for attempt in 0.. {
            if is_over.get() {
                return attempt;
            }
            let user = format!("{name}-{client}");
            let body = json!({"items": [{"sku_id": "a", "quantity": 1}], "user_id": user});
            let placed = service.insist("/orders", Some(&format!("{user}-{attempt}")), body).await;
            assert_eq!(placed.status, 201, "{placed:?}");
            let order_id = placed.text("order_id");
            let payment = json!({"payment_id": format!("p-{order_id}"), "amount": placed.text("amount")});
            let paid = service.insist(&format!("/orders/{order_id}/pay"), None, payment).await;
            assert_eq!(paid.text("outcome"), "paid", "{paid:?}");
        }
        unreachable!("attempts do not end");
    });
    join_all(trading).await.into_iter().sum()
}

/// Two nodes on the same servers, both ready; those of a group that they share are members.
async fn two_nodes(cluster: &Cluster, settings: &[(&str, &str)]) -> [Service; 2] {
    let mut nodes = ["n1", "n2"].map(|name| cluster.node(name, settings));
    for node in &mut nodes {
        node.restart().await;
        if !settings.contains(&NO_STREAM) {
            node.until_member().await;
        }
    }
    nodes
}

#[actix_web::test]
async fn two_nodes_sell_exactly_what_is_there_and_share_the_printing() {
    const UNITS: i64 = 300;
    let cluster = Cluster::take().await;
    let nodes = two_nodes(&cluster, &[]).await;
    nodes[0].stock_up("a", UNITS.unsigned_abs(), 900).await;
    let buying = (0..480).map(|number| {
        let node = &nodes[number % 2];
        let body = json!({"items": [{"sku_id": "a", "quantity": 1}], "user_id": format!("u-{number}")});
        async move { node.insist("/orders", Some("k"), body).await }
    });
    let answers = join_all(buying).await;
    let placed = answers.iter().filter(|answer| answer.status == 201).count();
    let refused = answers.iter().filter(|answer| answer.text("code") == "sold_out").count();
    assert_eq!((placed, refused), (300, 180));
    for (number, answer) in answers.iter().enumerate().filter(|(_, answer)| answer.status == 201).take(40) {
        let other = &nodes[(number + 1) % 2];
        let read = other.get(&format!("/orders/{}", answer.text("order_id"))).await;
        assert_eq!((read.status, &read.body), (200, &answer.body), "the other node has it, too");
    }
    for node in &nodes {
        assert_eq!(node.units("a").await, (UNITS, 0, UNITS, 0));
        node.expect_agreement().await;
    }
    cluster.expect_published(&nodes[0]).await;
    assert_eq!(cluster.expect_printed(&[Printer::of(&nodes[0]), Printer::of(&nodes[1])]).await, 0);
    assert!(nodes.iter().all(|node| !node.printed().is_empty()), "both are members, and each has its partitions");
}

#[actix_web::test]
async fn a_worker_that_joins_and_leaves_while_events_come_loses_and_doubles_nothing() {
    let (cluster, service) = Cluster::with_a_service().await;
    service.stock_up("a", 1_000_000, 900).await;
    let mut worker = cluster.node("w1", &[("SERVER__ROLE", "worker")]);
    let is_over = Cell::new(false);
    let coming_and_going = async {
        for round in 1..=3 {
            let printed = worker.printed().len();
            worker.restart().await;
            worker.until_printed(printed + 100 * round).await;
            worker.stop_well().await;
        }
        is_over.set(true);
    };
    let (orders, ()) = tokio::join!(trade(&service, "u", &is_over), coming_and_going);
    cluster.expect_published(&service).await;
    assert_eq!(cluster.expect_printed(&[Printer::of(&service), Printer::of(&worker)]).await, 0);
    eprintln!("{orders} orders, {} lines by the one that came and went", worker.printed().len());
}

#[actix_web::test]
async fn a_worker_that_is_killed_doubles_nothing_but_its_last_words() {
    let (cluster, service) = Cluster::with_a_service().await;
    service.stock_up("a", 1_000_000, 900).await;
    let mut worker = cluster.node("w1", &[("SERVER__ROLE", "worker")]);
    let is_over = Cell::new(false);
    let mut deaths = Vec::new();
    let dying = async {
        for _ in 0..2 {
            let printed = worker.printed().len();
            worker.restart().await;
            worker.until_printed(printed + 100).await;
            worker.kill();
            deaths.push(worker.printed().len());
        }
        is_over.set(true);
    };
    let (orders, ()) = tokio::join!(trade(&service, "u", &is_over), dying);
    cluster.expect_published(&service).await;
    let repeats = cluster.expect_printed(&[Printer::of(&service), Printer::killed(&worker, &deaths)]).await;
    eprintln!("{orders} orders, {} lines by the one that was killed, {repeats} twice", worker.printed().len());
}

#[actix_web::test]
async fn two_nodes_without_a_stream_print_every_event_once_in_total() {
    let cluster = Cluster::take().await;
    let [first, mut second] = two_nodes(&cluster, &[NO_STREAM]).await;
    first.stock_up("a", 1_000_000, 900).await;
    for round in 0..2 {
        let is_over = Cell::new(false);
        let watching = async {
            let [printed, other] = [&first, &second].map(|node| node.printed().len());
            first.until_printed(printed + 100).await;
            second.until_printed(other + 100).await;
            is_over.set(true);
        };
        let names = [format!("u1-{round}"), format!("u2-{round}")];
        tokio::join!(trade(&first, &names[0], &is_over), trade(&second, &names[1], &is_over), watching);
        second.stop_well().await;
        second.restart().await;
    }
    assert_eq!(cluster.expect_printed(&[Printer::of(&first), Printer::of(&second)]).await, 0);
    let (is_over, printed) = (Cell::new(false), second.printed().len());
    let dying = async {
        second.until_printed(printed + 100).await;
        second.kill_under_load();
        is_over.set(true);
    };
    tokio::join!(trade(&first, "u1-last", &is_over), buy_until_it_dies(&second), dying);
    second.kill();
    let deaths = [second.printed().len()];
    let repeats = cluster.expect_printed(&[Printer::of(&first), Printer::killed(&second, &deaths)]).await;
    eprintln!("{repeats} lines twice, of {} and {}", first.printed().len(), second.printed().len());
    first.expect_agreement().await;
}

/// Orders by some clients until nobody answers.
async fn buy_until_it_dies(service: &Service) {
    let buying = (0..6).map(|client| async move {
        for attempt in 0.. {
            let body = json!({"items": [{"sku_id": "a", "quantity": 1}], "user_id": format!("dying-{client}")});
            if service.post("/orders", Some(&format!("dying-{attempt}")), body).await.status == 0 {
                return;
            }
        }
    });
    join_all(buying).await;
}

#[actix_web::test]
async fn a_printer_that_is_stuck_on_one_node_holds_up_neither_orders_nor_what_others_print() {
    let cluster = Cluster::take().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let pipe = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("every machine has mkfifo").success());
    // Both ends, so that opening does not wait. Nobody reads, until later.
    let end = File::options().read(true).write(true).open(&pipe).expect("a pipe");
    let mut first = cluster.node("n1", &[]);
    first.restart().await;
    first.until_member().await;
    let mut stuck = cluster.node("n2", &[("PRINTER__PATH", pipe.to_str().expect("a plain path"))]);
    stuck.restart().await;
    stuck.until_member().await;
    first.stock_up("a", 1_000_000, 900).await;
    // A pipe takes 64 KiB, some 350 lines.
    first.place_many("a", 800).await;
    stuck.place_many("a", 800).await;
    stuck.expect_degraded(json!(["printer"])).await;
    assert_eq!(first.degraded().await, json!([]));
    cluster.expect_published(&first).await;
    first.until_printed(400).await;
    stuck.expect_sale("a", "stuck").await;
    first.expect_sale("a", "not-stuck").await;
    let printed = File::create(stuck.printed_file()).expect("the directory can be written");
    let mut draining = Command::new("cat").stdin(end).stdout(printed).spawn().expect("every machine has cat");
    stuck.expect_degraded(json!([])).await;
    let repeats = cluster.expect_printed(&[Printer::of(&first), Printer::of(&stuck)]).await;
    draining.kill().expect("it is our child");
    draining.wait().expect("it is our child");
    assert_eq!(repeats, 0);
    assert!(!stuck.printed().is_empty());
}
