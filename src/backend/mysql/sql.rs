//! Statements: text of ours with a question mark for each value, which the driver's own rules escape.
//!
//! Statements are sent as text and not prepared, because most have as many rows or ids as the batch has, and one that
//! is prepared for each number of them would cost a round trip each.

use mysql_async::Value;

use actors::domain::money::Money;

/// What stands for a question mark.
pub(super) enum Argument {
    One(Value),
    /// In parentheses, separated by commas; never empty.
    List(Vec<Value>),
}

impl<T: Into<Value>> From<T> for Argument {
    fn from(value: T) -> Self {
        Self::One(value.into())
    }
}

/// A list of values, for `IN`.
pub(super) fn list<T: Into<Value>>(values: impl IntoIterator<Item = T>) -> Argument {
    Argument::List(values.into_iter().map(Into::into).collect())
}

/// A sum of money as its column takes it.
pub(super) fn money(sum: Money) -> Value {
    Value::from(sum.decimal().to_string())
}

/// A statement and what it is called in the log.
#[derive(Clone)]
pub(super) struct Sql {
    pub(super) what: &'static str,
    pub(super) text: String,
}

impl Sql {
    /// A statement without values.
    pub(super) fn plain(what: &'static str, text: &str) -> Self {
        Self { what, text: text.to_owned() }
    }

    /// A statement whose question marks stand for `arguments`, in their order.
    pub(super) fn new(what: &'static str, template: &str, arguments: impl IntoIterator<Item = Argument>) -> Self {
        let mut text = String::with_capacity(template.len() * 2);
        let mut pieces = template.split('?');
        text.push_str(pieces.next().unwrap_or_default());
        let mut arguments = arguments.into_iter();
        for piece in pieces {
            match arguments.next() {
                Some(Argument::One(value)) => push(&mut text, &value),
                Some(Argument::List(values)) => push_list(&mut text, &values),
                // The server refuses it, so a slip of ours is no silent one.
                None => text.push('?'),
            }
            text.push_str(piece);
        }
        debug_assert!(arguments.next().is_none(), "{what} has more values than places");
        Self { what, text }
    }
}

/// Appends a value. The session's mode leaves backslashes their meaning, which the driver has to be told.
pub(super) fn push(text: &mut String, value: &Value) {
    text.push_str(&value.as_sql(false));
}

/// Appends values in parentheses.
pub(super) fn push_list(text: &mut String, values: &[Value]) {
    text.push('(');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push(text, value);
    }
    text.push(')');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_and_stay_in_their_places() {
        let table: [(&str, Vec<Argument>, &str); 5] = [
            ("SELECT 1", vec![], "SELECT 1"),
            ("a = ? AND b = ?", vec![7.into(), "x".into()], "a = 7 AND b = 'x'"),
            ("a = ?", vec!["?'; DROP TABLE x; -- \\".into()], r"a = '?\'; DROP TABLE x; -- \\'"),
            ("a = ?", vec![None::<i64>.into()], "a = NULL"),
            ("a IN ? LIMIT ?", vec![list(["x", "y"]), 2.into()], "a IN ('x','y') LIMIT 2"),
        ];
        for (template, arguments, expected) in table {
            assert_eq!(Sql::new("test", template, arguments).text, expected, "{template}");
        }
        assert_eq!(money(Money::ZERO).as_sql(false), "'0.0000'");
    }
}
