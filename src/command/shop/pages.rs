//! Turning the pages of a list.

use std::collections::HashSet;

use super::Refusal;

/// Where a list is read. A service that sends its reader in a circle is not followed.
#[derive(Default)]
pub(in crate::command) struct Pages {
    cursor: Option<String>,
    seen: HashSet<String>,
}

impl Pages {
    /// Where the page to be read begins; none for the first.
    pub(in crate::command) fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// Turns to the page that the last one named as its next; false if it named none.
    pub(in crate::command) fn turn(&mut self, next: Option<String>) -> Result<bool, Refusal> {
        if let Some(next) = &next
            && !self.seen.insert(next.clone())
        {
            return Err(Refusal::unreadable(&"the list comes back to a page that was read already"));
        }
        self.cursor = next;
        Ok(self.cursor.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_goes_in_a_circle_is_left() {
        let mut pages = Pages::default();
        for next in ["a", "b", "c"] {
            assert_eq!(pages.turn(Some(next.to_owned())), Ok(true));
            assert_eq!(pages.cursor(), Some(next));
        }
        let circle = pages.turn(Some("a".to_owned())).map_err(|refusal| refusal.code);
        assert_eq!(circle, Err("unreadable_answer".to_owned()));
        assert_eq!(Pages::default().turn(None), Ok(false));
    }
}
