//! Columns of text for the terminal.

use super::plain;

/// Lines up `rows` in columns: the first to the left, the others, which are numbers, to the right.
pub(super) fn columns(rows: &[Vec<String>]) -> String {
    lined_up(rows, |column| column == 0)
}

/// Lines up `rows` in columns of words, to the left.
pub(super) fn text_columns(rows: &[Vec<String>]) -> String {
    lined_up(rows, |_| true)
}

fn lined_up(rows: &[Vec<String>], is_left: impl Fn(usize) -> bool) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match is_left(column) {
            true => format!("{cell:<width$}"),
            false => format!("{cell:>width$}"),
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let row = |cells: &[&str]| cells.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>();
        let rows = [row(&["sku", "sold"]), row(&["sneaker-42", "7"]), row(&["a"])];
        assert_eq!(columns(&rows), "sku         sold\nsneaker-42     7\na\n");
        assert_eq!(columns(&[]), "");
        assert_eq!(text_columns(&[row(&["a\x1b[2J\nb", "c"])]), "a\\u{1b}[2J\\nb  c\n");
    }
}
