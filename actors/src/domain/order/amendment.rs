//! What may be changed of an order after it was placed, and by whoever has seen what it is now.

/// What becomes of source and remark. `None` keeps what is there, `Some(None)` clears it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amendment {
    /// Where the order came from.
    pub source: Option<Option<String>>,
    /// The remark.
    pub remark: Option<Option<String>>,
}

/// The version that an order must have for a change that was made up from what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedVersion {
    /// Whatever it is.
    Any,
    /// One of these; of none, nothing is ever changed.
    OneOf(Vec<u32>),
}

impl ExpectedVersion {
    /// Whether an order of this version may be changed.
    pub fn allows(&self, version: u32) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }
}
