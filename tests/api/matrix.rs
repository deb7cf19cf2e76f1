//! Every route of the table, as every kind of caller, with its own order and with another's.

use floodgate::access::Role;
use floodgate::http::{RouteRow, routes};

use crate::client::{Client, Reply};
use crate::house::House;

/// The buyer that every order of the matrix belongs to.
const OWNER: &str = "u-owner";
/// An order's id that nobody has.
const UNKNOWN_ORDER: &str = "01KAJ3ZZZZZZZZZZZZZZZZZZZZ";

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Nobody,
    Garbage,
    Revoked,
    Owner,
    Foreign,
    Service,
    Admin,
}

impl Who {
    const ALL: [Self; 7] =
        [Self::Nobody, Self::Garbage, Self::Revoked, Self::Owner, Self::Foreign, Self::Service, Self::Admin];

    const fn role(self) -> Option<Role> {
        match self {
            Self::Nobody | Self::Garbage | Self::Revoked => None,
            Self::Owner | Self::Foreign => Some(Role::Customer),
            Self::Service => Some(Role::Service),
            Self::Admin => Some(Role::Admin),
        }
    }
}

/// How to call a route so that whoever may is told yes.
struct Recipe {
    route: &'static str,
    /// The status of the order in the path.
    order: &'static str,
    body: fn(Who, &str) -> String,
    headers: &'static [(&'static str, &'static str)],
}

const fn recipe(route: &'static str) -> Recipe {
    Recipe { route, order: "submitted", body: |_, _| String::new(), headers: &[] }
}

/// One row for each route. `{unique}` of a path, and the second argument of a body, differ from call to call.
const RECIPES: &[Recipe] = &[
    Recipe {
        body: |who, _| {
            let items = r#""items":[{"sku_id":"a","quantity":1}]"#;
            if who.role() == Some(Role::Customer) {
                format!("{{{items}}}")
            } else {
                format!(r#"{{"user_id":"{OWNER}",{items}}}"#)
            }
        },
        ..recipe("POST /orders")
    },
    recipe("GET /orders"),
    recipe("GET /orders/{id}"),
    Recipe {
        body: |_, _| r#"{"remark":"gift"}"#.to_owned(),
        headers: &[("If-Match", "\"1\"")],
        ..recipe("PATCH /orders/{id}")
    },
    Recipe { order: "cancelled", ..recipe("DELETE /orders/{id}") },
    Recipe {
        body: |_, unique| format!(r#"{{"payment_id":"p-{unique}","amount":"1.00"}}"#),
        ..recipe("POST /orders/{id}/pay")
    },
    Recipe { order: "paid", ..recipe("POST /orders/{id}/ship") },
    Recipe { order: "shipped", ..recipe("POST /orders/{id}/receive") },
    recipe("POST /orders/{id}/cancel"),
    recipe("GET /orders/{id}/events"),
    Recipe { body: |_, _| r#"{"name":"a","price":"1.00","on_sale":true}"#.to_owned(), ..recipe("PUT /skus/{id}") },
    recipe("GET /skus"),
    recipe("GET /skus/{id}"),
    recipe("GET /skus/{id}/stock/flow"),
    recipe("GET /skus/{id}/stock"),
    Recipe {
        body: |_, _| r#"{"change":1}"#.to_owned(),
        headers: &[("Idempotency-Key", "matrix")],
        ..recipe("POST /skus/{id}/stock")
    },
    recipe("GET /admin/verdict"),
    recipe("GET /admin/actors"),
    recipe("GET /admin/actors/{kind}/{key}"),
    Recipe { body: |_, _| r#"{"sku_ids":["a"]}"#.to_owned(), ..recipe("POST /admin/warm-up") },
    recipe("GET /admin/orders/{id}"),
    recipe("GET /admin/refunds"),
    recipe("POST /admin/refunds/{id}/done"),
    Recipe { body: |_, _| r#"{"role":"service"}"#.to_owned(), ..recipe("POST /admin/tokens") },
    recipe("GET /admin/tokens"),
    recipe("DELETE /admin/tokens/{id}"),
    recipe("GET /health/live"),
    recipe("GET /metrics"),
    recipe("GET /health/ready"),
    recipe("GET /openapi.json"),
    recipe("GET /docs"),
    recipe("GET /docs/{file}"),
    recipe("GET /problems/{code}"),
];

struct Matrix {
    house: House,
    garbage: Client,
    revoked: Client,
    owner: Client,
    foreign: Client,
    service: Client,
    calls: u32,
}

impl Matrix {
    fn open() -> Self {
        let house = House::open();
        let admin = &house.client;
        admin.put_up("a", "1.00", 10_000, "");
        let (revoked_id, revoked) = admin.caller(r#""role":"admin""#);
        assert_eq!(revoked.get("/orders").status, 200, "it is good until it is revoked");
        assert_eq!(admin.send("DELETE", &format!("/admin/tokens/{revoked_id}"), &[], "").status, 204);
        Self {
            garbage: admin.with_token("nonsense"),
            revoked,
            owner: admin.customer(OWNER),
            foreign: admin.customer("u-foreign"),
            service: admin.caller(r#""role":"service""#).1,
            house,
            calls: 0,
        }
    }

    fn admin(&self) -> &Client {
        &self.house.client
    }

    fn client(&self, who: Who) -> Client {
        match who {
            Who::Nobody => self.admin().with_token(""),
            Who::Garbage => self.garbage.clone(),
            Who::Revoked => self.revoked.clone(),
            Who::Owner => self.owner.clone(),
            Who::Foreign => self.foreign.clone(),
            Who::Service => self.service.clone(),
            Who::Admin => self.admin().clone(),
        }
    }

    /// Makes what the path names, and answers the path.
    fn path(&self, route: &RouteRow, recipe: &Recipe) -> String {
        let path = route.path;
        if path.contains("/orders/{id}") {
            return path.replace("{id}", &self.order(recipe.order));
        }
        let path = path.replace("/skus/{id}", "/skus/a").replace("{file}", "swagger-ui.css");
        let path = path.replace("{code}", "sold_out").replace("{kind}/{key}", "stock/a");
        if path.contains("/tokens/{id}") {
            return path.replace("{id}", &self.admin().caller(r#""role":"admin""#).0);
        }
        if path.contains("/refunds/{id}") {
            return path.replace("{id}", &self.refund());
        }
        assert!(!path.contains('{'), "the matrix does not know what to call in {path}");
        path
    }

    /// Makes an order of the owner that has this status.
    fn order(&self, status: &str) -> String {
        let admin = self.admin();
        let order_id = admin.placed(OWNER, "a", 1);
        let paid = format!(r#"{{"payment_id":"{order_id}","amount":"1.00"}}"#);
        let steps: &[(&str, &str)] = match status {
            "submitted" => &[],
            "paid" => &[("pay", &paid)],
            "shipped" => &[("pay", &paid), ("ship", "{}")],
            "completed" => &[("pay", &paid), ("ship", "{}"), ("receive", "{}")],
            "cancelled" => &[("cancel", "{}")],
            _ => panic!("the matrix does not know how an order becomes {status}"),
        };
        for (verb, body) in steps {
            let done = admin.post(&format!("/orders/{order_id}/{verb}"), "", body);
            assert_eq!(done.status, 200, "{verb}: {done:?}");
        }
        order_id
    }

    /// Makes a payment that is owed back. Answers its id.
    fn refund(&self) -> String {
        let order_id = self.order("cancelled");
        let late = format!(r#"{{"payment_id":"{order_id}","amount":"1.00"}}"#);
        let paid = self.admin().post(&format!("/orders/{order_id}/pay"), "", &late);
        assert_eq!(paid.json()["outcome"], "refund_due");
        order_id
    }

    fn call(&mut self, route: &RouteRow, recipe: &Recipe, who: Who, path: &str) -> Reply {
        self.calls += 1;
        let unique = self.calls.to_string();
        let body = (recipe.body)(who, &unique);
        let mut headers = recipe.headers.to_vec();
        if !body.is_empty() {
            headers.push(("Content-Type", "application/json"));
        }
        self.client(who).send(route.method, path, &headers, &body)
    }
}

/// The answer without what names the request and the order.
fn masked(reply: &Reply, path: &str) -> Reply {
    let order_id = path.split('/').nth(2).unwrap_or_default();
    let request_id = reply.header("x-request-id").unwrap_or_default().to_owned();
    let mask = |text: &str| text.replace(order_id, "ORDER").replace(&request_id, "REQUEST");
    let headers = reply.headers.iter().filter(|(name, _)| name != "date");
    let mut headers: Vec<_> = headers.map(|(name, value)| (name.clone(), mask(value))).collect();
    // The server sends headers in an order that is drawn anew for each answer.
    headers.sort();
    Reply { status: reply.status, headers, text: mask(&reply.text) }
}

fn recipe_of(route: &RouteRow) -> &'static Recipe {
    let name = format!("{} {}", route.method, route.path);
    let found = RECIPES.iter().find(|recipe| recipe.route == name);
    found.unwrap_or_else(|| panic!("{name} is in the route table; say in the matrix how it is called"))
}

#[test]
fn every_route_lets_in_whom_the_table_names_and_nobody_else() {
    let mut matrix = Matrix::open();
    for route in routes() {
        let recipe = recipe_of(&route);
        for who in Who::ALL {
            let path = matrix.path(&route, recipe);
            let reply = matrix.call(&route, recipe, who, &path);
            let case = format!("{} {path} as {who:?}: {reply:?}", route.method);
            match (route.roles, who.role()) {
                (None, _) => assert!(reply.status < 300, "{case}"),
                (Some(_), None) => {
                    assert_eq!(reply.refusal(), (401, "unauthenticated".to_owned()), "{case}");
                    assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{case}");
                }
                (Some(roles), Some(role)) if !roles.contains(&role) => {
                    assert_eq!(reply.refusal(), (403, "forbidden".to_owned()), "{case}");
                }
                // What another's order answers is a test of its own.
                (Some(_), Some(_)) if who == Who::Foreign && path.starts_with("/orders/") => {}
                (Some(_), Some(_)) => assert!((200..300).contains(&reply.status), "{case}"),
            }
        }
    }
}

#[test]
fn a_foreign_order_answers_like_an_unknown_one_byte_for_byte_and_stays_as_it_is() {
    let mut matrix = Matrix::open();
    for route in routes().filter(|route| route.path.starts_with("/orders/{id}")) {
        let recipe = recipe_of(&route);
        let path = matrix.path(&route, recipe);
        let unknown_path = route.path.replace("{id}", UNKNOWN_ORDER);
        let order = path.split('/').take(3).collect::<Vec<_>>().join("/");
        let before = matrix.admin().get(&order);
        let foreign = matrix.call(&route, recipe, Who::Foreign, &path);
        let unknown = matrix.call(&route, recipe, Who::Foreign, &unknown_path);
        let case = format!("{} {}", route.method, route.path);
        assert_eq!(masked(&foreign, &path), masked(&unknown, &unknown_path), "{case}");
        let may = route.roles.is_some_and(|roles| roles.contains(&Role::Customer));
        let refusal = if may { (404, "order_not_found".to_owned()) } else { (403, "forbidden".to_owned()) };
        assert_eq!(foreign.refusal(), refusal, "{case}");
        assert_eq!(matrix.admin().get(&order).text, before.text, "{case}");
    }
}

#[test]
fn the_matrix_knows_no_route_that_is_not_there() {
    for recipe in RECIPES {
        let is_there = routes().any(|route| format!("{} {}", route.method, route.path) == recipe.route);
        assert!(is_there, "{}", recipe.route);
    }
}
