//! Pages that say which test shows what they promise, and whether there is such a test.

use crate::source::Source;

/// What heads the column that names tests.
const COLUMN: &str = "shown by |";

/// Rows that promise something and name no test, and names that no test has.
pub(crate) fn unproved(page: &str, sources: &[Source]) -> Vec<String> {
    let is_test = |name: &str| {
        let function = format!("fn {name}(");
        sources.iter().any(|source| source.code.contains(&function) && !source.code_outside_tests.contains(&function))
    };
    let mut found: Vec<String> =
        named(page).filter(|name| !is_test(name)).map(|name| format!("no test {name}")).collect();
    let mut is_promise = false;
    for (index, line) in page.lines().enumerate() {
        is_promise = line.starts_with('|') && (is_promise || line.ends_with(COLUMN));
        let is_head = line.ends_with(COLUMN) || line.starts_with("|--");
        let proofs = line.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        if is_promise && !is_head && named(proofs).next().is_none() {
            found.push(format!("line {} names no test: {line}", index + 1));
        }
    }
    found
}

/// Words between backticks that look like the name of a test: a sentence of words with underscores between them.
fn named(page: &str) -> impl Iterator<Item = &str> {
    let is_letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    let words = page.split('`').skip(1).step_by(2);
    words.filter(move |word| {
        word.chars().all(is_letter) && word.matches('_').count() > 2 && !word.starts_with("floodgate_")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_test_shows_is_found() {
        let sources = [Source::new("tests/a.rs".to_owned(), "fn a_test_that_is_there() {}".to_owned(), true)];
        let page = "| what | shown by |\n|---|---|\n| x | `a_test_that_is_there` |\n| y | `file` |\n\n| z |\n\
                    `a_test_that_is_gone` and `floodgate_is_no_test_name`";
        let found = unproved(page, &sources);
        assert_eq!(found, ["no test a_test_that_is_gone", "line 4 names no test: | y | `file` |"]);
    }
}
