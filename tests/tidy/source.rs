//! Reads the source as text, with comments and literals blanked, so that a rule sees code and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What is not ours or not source.
const SKIPPED: [&str; 3] = ["target", "data", ".git"];
/// Files that are read as text; others are not looked at.
const TEXTS: [&str; 12] = ["rs", "toml", "md", "json", "jsonl", "lua", "sql", "sh", "yml", "yaml", "html", "proto"];

/// A Rust file.
pub(crate) struct Source {
    /// The path from the root of the repository.
    pub(crate) path: String,
    /// The file as it is.
    pub(crate) text: String,
    /// The file with comments and literals blanked, line for line.
    pub(crate) code: String,
    /// The same, and blank where it is test code.
    pub(crate) code_outside_tests: String,
}

impl Source {
    pub(crate) fn new(path: String, text: String, is_test: bool) -> Self {
        let code = blank(&text);
        let code_outside_tests = if is_test { String::new() } else { without_test_modules(&code) };
        Self { path, text, code, code_outside_tests }
    }

    /// Name, first line and length of each function.
    pub(crate) fn functions(&self) -> Vec<(String, usize, usize)> {
        functions(&self.code)
    }
}

/// Every text file of the repository: its path from the root and its text.
pub(crate) fn texts() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if SKIPPED.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if is_text(&path)
                && let (Ok(text), Ok(path)) = (fs::read_to_string(&path), path.strip_prefix(root))
            {
                found.push((path.to_string_lossy().replace('\\', "/"), text));
            }
        }
    }
    assert!(found.iter().any(|(path, _)| path == "src/main.rs"), "the source was found");
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn is_text(path: &Path) -> bool {
    match path.extension() {
        Some(extension) => TEXTS.iter().any(|text| extension == *text),
        // Scripts have no extension; nothing else without one is large.
        None => path.is_file(),
    }
}

/// Every Rust file of the repository.
pub(crate) fn sources() -> Vec<Source> {
    let files: Vec<(String, String)> = texts().into_iter().filter(|(path, _)| path.ends_with(".rs")).collect();
    let test_files = test_files(&files);
    files
        .into_iter()
        .map(|(path, text)| {
            let is_test = path.starts_with("tests/") || test_files.iter().any(|test| path.starts_with(test.as_str()));
            Source::new(path, text, is_test)
        })
        .collect()
}

/// Starts of the paths of modules that are compiled for tests only and have a file of their own.
fn test_files(files: &[(String, String)]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, text) in files {
        let is_root = path.ends_with("lib.rs") || path.ends_with("main.rs");
        let parent = path.trim_end_matches(".rs").trim_end_matches(if is_root { "lib" } else { "" });
        for declared in text.split("#[cfg(test)]\n").skip(1) {
            let line = declared.lines().next().unwrap_or_default();
            if let Some(name) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
                let folder = format!("{}/{name}", parent.trim_end_matches('/'));
                found.extend([format!("{folder}.rs"), format!("{folder}/")]);
            }
        }
    }
    found
}

/// Numbers of the lines that contain `wanted`.
pub(crate) fn lines_with<'a>(text: &'a str, wanted: &'a str) -> impl Iterator<Item = usize> {
    text.lines().enumerate().filter(move |(_, line)| line.contains(wanted)).map(|(index, _)| index + 1)
}

/// Blanks comments, strings and characters; keeps every line where it is.
pub(crate) fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let literal = literal_length(rest, code.chars().next_back());
        let (taken, is_code) = if literal > 0 { (literal, false) } else { (next.len_utf8(), true) };
        let (piece, after) = rest.split_at(taken);
        match is_code {
            true => code.push_str(piece),
            false => code.extend(piece.chars().map(|letter| if letter == '\n' { '\n' } else { ' ' })),
        }
        rest = after;
    }
    code
}

/// Bytes of the comment, string or character that `rest` starts with; zero if it starts with code.
fn literal_length(rest: &str, before: Option<char>) -> usize {
    let is_word = before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    let until = |end: &str, skip: usize| rest[skip..].find(end).map_or(rest.len(), |at| skip + at + end.len());
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return until("*/", 2);
    }
    if rest.starts_with('"') {
        return quoted_length(rest, '"');
    }
    if rest.starts_with('r') && !is_word {
        let hashes = rest[1..].len() - rest[1..].trim_start_matches('#').len();
        if rest[1 + hashes..].starts_with('"') {
            return until(&format!("\"{}", "#".repeat(hashes)), 2 + hashes);
        }
    }
    if let Some(after) = rest.strip_prefix('\'') {
        // A lifetime has no quote after its first letter; a character does.
        let mut letters = after.chars();
        let first = letters.next();
        if first == Some('\\') || letters.next() == Some('\'') {
            return quoted_length(rest, '\'');
        }
    }
    0
}

fn quoted_length(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if letter == quote => return at + quote.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// Blanks every `#[cfg(test)] mod name { .. }`.
fn without_test_modules(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]\n") {
        let (before, from) = rest.split_at(at);
        let end = item_length(from);
        kept.push_str(before);
        kept.extend(from[..end].chars().filter(|&letter| letter == '\n'));
        rest = &from[end..];
    }
    kept.push_str(rest);
    kept
}

/// Bytes up to the end of the item that `code` starts with: its closing brace or its semicolon.
fn item_length(code: &str) -> usize {
    let mut depth = 0_usize;
    // Brackets count too, so that the semicolon of an array type ends nothing.
    for (at, letter) in code.char_indices() {
        match letter {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && letter == '}' {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let is_word = code[..at].chars().next_back().is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
        let name: String =
            code[at + 3..].chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
        if is_word || name.is_empty() {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let length = code[at..at + item_length(&code[at..])].matches('\n').count() + 1;
        found.push((name, line, length));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_lines_kept() {
        let table = [
            ("a // b\nc", "a     \nc"),
            ("a /* b\n */ c", "a     \n    c"),
            (r#"f("do \" it", x)"#, r"f(          , x)"),
            (r##"f(r#"a "b" c"#)"##, "f(            )"),
            ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
            (r"['{', '\'', 'é']", "[   ,     ,    ]"),
            ("for r in \"x\"", "for r in    "),
        ];
        for (text, code) in table {
            assert_eq!(blank(text), code, "{text}");
        }
    }

    #[test]
    fn functions_are_measured_from_their_name_to_their_brace() {
        let code = "fn a() {\n  if x {\n  }\n}\ntrait T {\n  fn b(f: fn(u8) -> u8);\n}\nfn c(x: [u8; 2]) {}\n";
        let found: Vec<(String, usize, usize)> = functions(code);
        let expected = [("a", 1, 4), ("b", 6, 1), ("c", 8, 1)];
        assert_eq!(found, expected.map(|(name, line, length)| (name.to_owned(), line, length)));
    }

    #[test]
    fn test_modules_are_told_from_the_rest() {
        let code = "a\n#[cfg(test)]\nmod tests {\n  fn t() {}\n}\nb\n#[cfg(test)]\nmod fake;\nc";
        let kept = without_test_modules(code);
        assert_eq!(kept.split_whitespace().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(kept.lines().count(), code.lines().count());
        let files = [("src/x.rs".to_owned(), code.to_owned()), ("src/lib.rs".to_owned(), code.to_owned())];
        let expected = ["src/fake.rs", "src/fake/", "src/x/fake.rs", "src/x/fake/"];
        assert_eq!(test_files(&files), expected.map(str::to_owned).into());
    }
}
