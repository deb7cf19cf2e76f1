//! What the service says of itself: the OpenAPI document, the page that shows it, a page for every problem.

use std::collections::BTreeSet;
use std::path::Path;

use actors::domain::money::Currency;
use floodgate::http::{PAGES, document, routes};
use serde_json::Value;

use crate::house::House;

/// What to do when the committed document is not the one that the code gives.
const RENEW: &str = "docs/openapi.json is stale; renew it with: RENEW=1 cargo test --test api openapi";

#[test]
fn the_committed_openapi_document_is_the_one_that_the_code_gives() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let given = document(&Currency::default());
    if std::env::var_os("RENEW").is_some() {
        std::fs::write(&path, &given).expect("the document can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let line = committed.lines().zip(given.lines()).position(|(committed, given)| committed != given);
    assert!(committed == given, "{RENEW} (first difference in line {:?})", line.map(|line| line + 1));
}

#[test]
fn the_openapi_document_names_the_routes_and_no_others() {
    let document: Value = serde_json::from_str(&document(&Currency::default())).expect("json");
    let mut described = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            described.insert((method.to_uppercase(), path.clone()));
            let id = operation["operationId"].as_str().expect("an id");
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
        }
    }
    let table = routes().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    assert_eq!(described, table);
}

/// Every `$ref` in the document.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_of_the_openapi_document_leads_somewhere() {
    let document: Value = serde_json::from_str(&document(&Currency::default())).expect("json");
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 10);
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

#[test]
fn the_openapi_document_knows_the_shops_currency() {
    let in_yen = document(&Currency { code: "JPY".to_owned(), digits: 0 });
    assert!(in_yen.contains(r#""^[0-9]{1,14}$""#) && !in_yen.contains("[0-9]{2}"));
    let in_dinars = document(&Currency { code: "KWD".to_owned(), digits: 3 });
    assert!(in_dinars.contains("[0-9]{3}$") && in_dinars.contains("[0-9]{1,3}"));
}

#[test]
fn the_document_is_served_to_everyone() {
    let house = House::open();
    let reply = house.client.with_token("").get("/openapi.json");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    assert_eq!(reply.text, document(&Currency::default()));
}

#[test]
fn the_documentation_page_and_all_that_it_loads_are_in_the_program() {
    let house = House::open();
    let anyone = house.client.with_token("");
    let page = anyone.get("/docs");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let loaded: Vec<&str> = page.text.split(['"', '=']).filter(|text| text.starts_with("/docs/")).collect();
    assert_eq!(loaded.len(), 4, "{}", page.text);
    for path in loaded {
        let file = anyone.get(path);
        assert!(file.status == 200 && !file.text.is_empty(), "{path}");
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"), "{path}");
        let kind = if path.ends_with(".css") { "text/css" } else { "text/javascript" };
        assert_eq!(file.header("content-type"), Some(kind), "{path}");
    }
    assert!(anyone.get("/docs/swagger-initializer.js").text.contains("/openapi.json"));
    assert_eq!(anyone.get("/docs/package.json").refusal(), (404, "route_not_found".to_owned()));
}

#[test]
fn every_problem_has_a_page_that_explains_it() {
    let house = House::open();
    let anyone = house.client.with_token("");
    for page in PAGES {
        let reply = anyone.get(&format!("/problems/{}", page.code));
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html; charset=utf-8")));
        assert!(reply.text.contains(&page.code.replace('_', " ")), "{}", reply.text);
        assert!(reply.text.contains(&format!("<strong>{}</strong>", page.status)), "{}", reply.text);
    }
    for unknown in ["nonsense", "SOLD_OUT", "sold_out%00"] {
        let refused = anyone.get(&format!("/problems/{unknown}"));
        assert_eq!(refused.refusal(), (404, "route_not_found".to_owned()));
    }
}
