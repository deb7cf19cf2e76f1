//! Which layer may use which: the map of `ARCHITECTURE.md` as a table, checked by the paths that the code writes.

use super::source::{Source, blank};

/// A layer, and the layers it may use besides itself.
struct Row {
    layer: &'static str,
    /// Layers of its own crate.
    here: &'static [&'static str],
    /// Modules of the core; only for layers of the shell.
    core: &'static [&'static str],
}

const fn row(layer: &'static str, here: &'static [&'static str], core: &'static [&'static str]) -> Row {
    Row { layer, here, core }
}

/// Stands for every module.
const ANY: &[&str] = &["*"];
/// What carries a request to the core and its answer back, and the words it is said in.
const MESSAGES: &[&str] = &["domain", "event", "node", "order", "ports", "stock"];

const CORE: &[Row] = &[
    row("domain", &[], &[]),
    row("ports", &["domain"], &[]),
    row("runtime", &["ports", "domain"], &[]),
    row("stock", &["runtime", "ports", "domain"], &[]),
    row("order", &["stock", "runtime", "ports", "domain"], &[]),
    row("event", &["order", "runtime", "ports", "domain"], &[]),
    row("node", ANY, &[]),
    row("testing", ANY, &[]),
];

const SHELL: &[Row] = &[
    row("rfc3339", &[], &["domain"]),
    row("access", &[], &["ports", "domain"]),
    row("trace", &[], &["domain"]),
    row("settings", &[], &["domain"]),
    row("backend", &["rfc3339", "trace"], &["ports", "domain"]),
    row("http", &["access", "rfc3339", "trace"], MESSAGES),
    row("app", ANY, ANY),
    row("command", &["access", "app", "settings"], &["ports", "domain"]),
];

/// The layer of a file, with its table; none for crate roots and for what is outside the crates' sources.
fn place(path: &str) -> Option<(&'static [Row], &str)> {
    let (rows, inside) = match path.strip_prefix("actors/src/") {
        Some(inside) => (CORE, inside),
        None => (SHELL, path.strip_prefix("src/")?),
    };
    let layer = inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs");
    (!["lib", "main"].contains(&layer)).then_some((rows, layer))
}

/// The file, if its layer is not in the table.
pub(crate) fn without_row(source: &Source) -> Option<String> {
    let (rows, layer) = place(&source.path)?;
    (!rows.iter().any(|row| row.layer == layer)).then(|| source.path.clone())
}

/// Every use that the table does not allow.
pub(crate) fn wrong_uses(source: &Source) -> Vec<String> {
    let Some((rows, layer)) = place(&source.path) else { return Vec::new() };
    let Some(row) = rows.iter().find(|row| row.layer == layer) else { return Vec::new() };
    // Tests of the shell may reach for the core's fakes; the layers hold for what is shipped.
    let code = &source.code_outside_tests;
    let mut found = Vec::new();
    for used in used(code, "crate::") {
        if used != layer && !allows(row.here, &used) {
            found.push(format!("{}: crate::{used}", source.path));
        }
    }
    for used in used(code, "actors::") {
        if !allows(row.core, &used) {
            found.push(format!("{}: actors::{used}", source.path));
        }
    }
    found.extend(foreign_backends(&source.path, code));
    found.extend(roots_reached_by_super(&source.path, layer, code));
    found
}

fn allows(allowed: &[&str], used: &str) -> bool {
    allowed == ANY || allowed.contains(&used)
}

/// One outside system knows nothing of another; what they share stands in a file of `backend/` itself.
fn foreign_backends(path: &str, code: &str) -> Vec<String> {
    const BACKENDS: [&str; 6] = ["kafka", "mysql", "printer", "redis", "remote_inventory", "sqlite"];
    let Some(inside) = path.strip_prefix("src/backend/") else { return Vec::new() };
    let own = inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs");
    let foreign = |used: &String| used != own && BACKENDS.contains(&used.as_str());
    used(code, "crate::backend::").into_iter().filter(foreign).map(|used| format!("{path}: backend::{used}")).collect()
}

/// In a layer's root file `super` is the crate's root, where a path would go round the table.
fn roots_reached_by_super(path: &str, layer: &str, code: &str) -> Option<String> {
    let is_root = path.ends_with(&format!("src/{layer}.rs"));
    (is_root && code.contains("super::")).then(|| format!("{path}: super::"))
}

/// The names that follow `prefix`, one by one where they are grouped in braces.
fn used(code: &str, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let is_whole = !code[..at].ends_with(|letter: char| letter.is_alphanumeric() || "_:".contains(letter));
        if is_whole || prefix.ends_with("backend::") {
            found.extend(names(&code[at + prefix.len()..]));
        }
    }
    found
}

fn names(after: &str) -> Vec<String> {
    let name = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = after.strip_prefix('{') else { return vec![name(after)] };
    let mut depth = 0_usize;
    let mut starts = vec![0];
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => starts.push(at + 1),
            _ => {}
        }
    }
    starts.into_iter().map(|start| name(&group[start..])).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        let code = blank(text);
        let source =
            Source { path: path.to_owned(), text: text.to_owned(), code: code.clone(), code_outside_tests: code };
        wrong_uses(&source).len() + usize::from(without_row(&source).is_some())
    }

    #[test]
    fn uses_are_judged_by_the_table() {
        let table = [
            ("actors/src/domain/order.rs", "use crate::domain::id::SkuId;", 0),
            ("actors/src/domain/order.rs", "use crate::ports::Clock;", 1),
            ("actors/src/domain.rs", "use super::ports::Clock;", 1),
            ("actors/src/ports/store.rs", "use crate::{domain::id, order::{Orders, stock}};", 1),
            ("actors/src/event/worker.rs", "let x = crate::stock::find();", 1),
            ("actors/src/event/worker.rs", "// crate::stock", 0),
            ("actors/src/order/front.rs", "use crate::stock::Directory;", 0),
            ("actors/src/stock/actor.rs", "use crate::order::Orders;", 1),
            ("actors/src/node.rs", "use crate::order::Orders;", 0),
            ("actors/src/extra/a.rs", "", 1),
            ("src/backend/sqlite/store.rs", "use actors::{ports::Store, domain::id};", 0),
            ("src/backend/sqlite/store.rs", "use actors::order::Orders;", 1),
            ("src/backend/sqlite/store.rs", "use crate::backend::sqlite::row; use crate::backend::call;", 0),
            ("src/backend/redis/ledger.rs", "use crate::backend::sqlite::row;", 1),
            ("src/http/order/post.rs", "use crate::backend::sqlite;", 1),
            ("src/http/order/post.rs", "use crate::http::problem; use actors::node::Node;", 0),
            ("src/http/order/post.rs", "use actors::runtime::link::Link;", 1),
            ("src/settings/store.rs", "use crate::app::clock;", 1),
            ("src/command/rush.rs", "use crate::app::clock; use actors::ports::Clock;", 0),
            ("src/command/rush.rs", "use crate::http::routes;", 1),
            ("src/app/embedded.rs", "use crate::http::routes; use actors::runtime::Spawn;", 0),
            ("src/lib.rs", "use crate::anything;", 0),
        ];
        for (path, text, count) in table {
            assert_eq!(found(path, text), count, "{path}: {text}");
        }
    }
}
