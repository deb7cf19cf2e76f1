//! `floodgate token`, as a process of its own: beside a running service, and without one.

use std::path::Path;
use std::process::{Command, Output};

use crate::house::{House, ground};
use crate::stack::Stack;

fn token(data: &Path, words: &str) -> Output {
    token_on(&Stack::Embedded, data, words)
}

/// The same with settings that name the stack: what opens the store itself has to know where that is.
fn token_on(stack: &Stack, data: &Path, words: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_floodgate"));
    command.arg("token").args(words.split_whitespace()).arg("--data").arg(data).env_clear().envs(stack.settings());
    command.output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a command that must succeed prints.
fn done(stack: &Stack, data: &Path, words: &str) -> String {
    let output = token_on(stack, data, words);
    assert!(output.status.success(), "{words}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn tokens_are_given_out_listed_and_taken_back_beside_a_running_service() {
    let house = House::open();
    let given = done(house.stack(), house.data(), "create --role customer --user u-7 --label web");
    let customer = house.client.with_token(given.trim());
    assert_eq!(customer.get("/orders").status, 200, "what is printed is the token and nothing else");
    let listed = done(house.stack(), house.data(), "list");
    let row = listed.lines().find(|line| line.contains("u-7")).expect("it is listed");
    assert!(row.contains("customer") && row.contains("web"), "{listed}");
    assert!(!listed.contains(given.trim()), "{listed}");
    let token_id = row.split_whitespace().next().expect("an id");
    done(house.stack(), house.data(), &format!("revoke {token_id}"));
    assert_eq!(customer.get("/orders").status, 401);
    let gone = token(house.data(), &format!("revoke {token_id}"));
    assert_eq!(gone.status.code(), Some(1));
    assert!(text(&gone.stderr).contains("token_not_found"), "{gone:?}");
    assert_eq!(token(house.data(), "revoke ../skus").status.code(), Some(2));
}

#[test]
fn without_a_service_a_token_is_made_in_the_store_itself() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let data = directory.path().join("data");
    let stack = ground(&[]);
    let given = done(&stack, &data, "create --role service");
    assert_eq!(done(&stack, &data, "create --role admin").lines().count(), 1);
    let house = House::on(directory, &data, stack);
    assert_eq!(house.client.with_token(given.trim()).get("/orders").status, 200);
    assert_eq!(house.client.get("/admin/tokens").status, 200, "the first admin token was made, too");
    // What a service that was killed left behind does not keep the command from the store.
    let mut house = house;
    house.stop();
    std::fs::write(data.join("run.json"), r#"{"url":"http://127.0.0.1:1","pid":1}"#).expect("a file");
    assert_eq!(done(house.stack(), &data, "create --role service").lines().count(), 1);
    let refused = token(&data, "create --role service --url http://127.0.0.1:1");
    assert_eq!(refused.status.code(), Some(1), "a service that is named is the one that is meant");
    let refused = token(&data, "create --role customer --user admin");
    assert_eq!(refused.status.code(), Some(2), "no customer is recorded as the shop");
}

#[test]
fn a_token_that_no_request_can_carry_is_told_in_a_sentence() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join("admin-token"), "one\ntwo\n").expect("a file");
    for words in ["list", "revoke 1f", "create --role service --url http://127.0.0.1:1"] {
        let refused = token(directory.path(), words);
        assert_eq!(refused.status.code(), Some(2), "{words}: {refused:?}");
        assert!(text(&refused.stderr).contains("admin-token holds is no token"), "{words}: {refused:?}");
    }
}

#[test]
fn a_store_that_is_held_is_not_opened() {
    let house = House::open();
    std::fs::remove_file(house.data().join("run.json")).expect("a running service has it");
    let refused = token_on(house.stack(), house.data(), "create --role service");
    if house.is_full() {
        // A database on a server is held by nobody: whoever may use it may give out a token.
        assert_eq!(refused.status.code(), Some(0), "{refused:?}");
        return;
    }
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("is in use by process"), "{refused:?}");
}
