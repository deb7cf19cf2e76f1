//! The house rules that no lint knows, as a test over the source. An exception is listed here or there is none.

#[path = "tidy/directions.rs"]
mod directions;
#[path = "tidy/proofs.rs"]
mod proofs;
#[path = "tidy/settings.rs"]
mod settings;
#[path = "tidy/source.rs"]
mod source;

use std::path::Path;

use source::{Source, sources, texts};

/// Lines of a file.
const FILE_LINES_MAX: usize = 400;
/// A function has fewer lines than this.
const FUNCTION_LINES_MAX: usize = 70;

/// Files longer than the rule allows, with their length. This list only shrinks.
const LONG_FILES: &[(&str, usize)] = &[];

/// What no code says, and where it may all the same. Written in halves so that this list does not name itself.
struct Banned {
    code: &'static str,
    /// Where the rule holds.
    within: &'static str,
    /// Paths that it does not hold for.
    except: &'static [&'static str],
    /// Whether it holds in tests.
    in_tests: bool,
    why: &'static str,
}

const BANNED: &[Banned] = &[
    everywhere("do_send", "it has no bound; only a link sends"),
    Banned {
        within: "actors/",
        except: &["actors/src/runtime/link.rs"],
        ..everywhere(".try_send(", "only a link sends")
    },
    Banned { in_tests: false, ..everywhere(".unwrap()", "it says nothing when it fails") },
    everywhere("todo!", "unfinished work is not committed"),
    everywhere("unimplemented!", "unfinished work is not committed"),
    everywhere("dbg!", "a trace belongs in the log"),
    everywhere("#[ignore", "a test that is not run proves nothing"),
    everywhere("[allow(", "an exception is an expect with a reason"),
    everywhere(", allow(", "an exception is an expect with a reason"),
    Banned { in_tests: false, ..everywhere("super::super::", "a path from the crate's root shows what it crosses") },
];

const fn everywhere(code: &'static str, why: &'static str) -> Banned {
    Banned { code, within: "", except: &[], in_tests: true, why }
}

/// Paths that exist on one machine only.
const MACHINE_PATHS: [&str; 5] = ["/tmp/", "/root/", "/home/", "/Users/", "/work/"];

fn report(rule: &str, mut found: Vec<String>) {
    found.sort();
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn files_are_short() {
    let lines = |source: &Source| source.text.lines().count();
    let listed = |path: &str| LONG_FILES.iter().find(|(long, _)| *long == path).map(|&(_, lines)| lines);
    let sources = sources();
    let too_long = sources.iter().filter(|source| lines(source) > listed(&source.path).unwrap_or(FILE_LINES_MAX));
    report(
        "longer than it may be",
        too_long.map(|source| format!("{}: {} lines", source.path, lines(source))).collect(),
    );
    let still_long = |path: &str| sources.iter().any(|source| source.path == path && lines(source) > FILE_LINES_MAX);
    let needless = LONG_FILES.iter().filter(|(path, _)| !still_long(path));
    report("no longer too long, to be taken off the list", needless.map(|(path, _)| (*path).to_owned()).collect());
}

#[test]
fn functions_are_short() {
    let mut found = Vec::new();
    for source in sources() {
        for (name, line, length) in source.functions() {
            if length >= FUNCTION_LINES_MAX {
                found.push(format!("{}:{line}: {name} has {length} lines", source.path));
            }
        }
    }
    report("functions that are too long", found);
}

#[test]
fn every_file_says_what_it_is_for() {
    let unsaid = sources().into_iter().filter(|source| !source.text.starts_with("//! "));
    report("opens without a word on what it is for", unsaid.map(|source| source.path).collect());
}

#[test]
fn parents_stand_beside_their_folders() {
    let is_inside = |path: &str| Path::new(path).file_name().is_some_and(|name| name == "mod.rs");
    let inside = sources().into_iter().filter(|source| is_inside(&source.path));
    report("is named mod.rs", inside.map(|source| source.path).collect());
}

#[test]
fn what_is_banned_is_nowhere() {
    let mut found = Vec::new();
    for source in sources() {
        for banned in BANNED.iter().filter(|banned| source.path.starts_with(banned.within)) {
            if banned.except.contains(&source.path.as_str()) {
                continue;
            }
            let code = if banned.in_tests { &source.code } else { &source.code_outside_tests };
            for line in source::lines_with(code, banned.code) {
                found.push(format!("{}:{line}: {} ({})", source.path, banned.code, banned.why));
            }
        }
    }
    report("banned", found);
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    let mut found = Vec::new();
    for (path, text) in texts() {
        if path == "tests/tidy.rs" {
            continue;
        }
        for machine_path in MACHINE_PATHS {
            found.extend(source::lines_with(&text, machine_path).map(|line| format!("{path}:{line}: {machine_path}")));
        }
    }
    report("names a path of one machine", found);
}

#[test]
fn scripts_of_other_languages_open_with_their_contract() {
    let is_script = |path: &str| path.ends_with(".lua") || path.ends_with(".sql");
    let unsaid = texts().into_iter().filter(|(path, text)| is_script(path) && !text.starts_with("--"));
    report("opens without a comment", unsaid.map(|(path, _)| path).collect());
}

#[test]
fn unsafe_code_is_forbidden_in_every_crate() {
    let manifests: Vec<(String, String)> =
        texts().into_iter().filter(|(path, _)| path.ends_with("Cargo.toml")).collect();
    let root = manifests.iter().find(|(path, _)| path == "Cargo.toml").map_or("", |(_, text)| text.as_str());
    let lints = root.split("[workspace.lints.rust]").nth(1).and_then(|rest| rest.split("\n[").next());
    assert!(
        lints.is_some_and(|lints| lints.contains("unsafe_code = \"forbid\"")),
        "the workspace's lints forbid unsafe code"
    );
    let apart = manifests.iter().filter(|(_, text)| !text.contains("[lints]\nworkspace = true"));
    report("does not take the workspace's lints", apart.map(|(path, _)| path.clone()).collect());
}

#[test]
fn layers_use_each_other_in_the_allowed_directions_only() {
    report("a layer uses what it may not", sources().iter().flat_map(directions::wrong_uses).collect());
}

#[test]
fn every_layer_has_a_row_in_the_table_of_directions() {
    report("has no row", sources().iter().filter_map(directions::without_row).collect());
}

#[test]
fn what_the_page_of_degraded_modes_promises_is_shown_by_tests_that_exist() {
    let pages = texts().into_iter().filter(|(path, _)| path == "docs/degraded-modes.md");
    report("promised and not shown", pages.flat_map(|(_, page)| proofs::unproved(&page, &sources())).collect());
}
