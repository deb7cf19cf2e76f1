//! The first token: made when there is none, so that whoever owns the data directory is the service's admin.

use std::path::{Path, PathBuf};

use super::data_dir::write_whole;
use super::{StartError, tokens};
use crate::access::{Caller, TokenHash};
use crate::backend::sqlite::SqliteTokens;

/// Where the admin token is, and what happened to it.
pub(super) struct AdminToken {
    /// The file that holds it.
    pub(super) path: PathBuf,
    /// What is worth telling.
    pub(super) news: Option<&'static str>,
}

impl AdminToken {
    /// Sees to it that the file holds an admin token: makes one if the store has none, or if the file is lost.
    pub(super) async fn provide(path: &Path, tokens: &SqliteTokens) -> Result<Self, StartError> {
        let written = std::fs::read_to_string(path).ok();
        let is_first = tokens.count().await? == 0;
        let news = match written {
            Some(text) if !is_first => {
                let is_known = tokens.find(*TokenHash::of(text.trim()).as_bytes()).await?.is_some();
                (!is_known)
                    .then_some("the token in this file is not known to the store; delete the file to get a new one")
            }
            _ => {
                make(path, tokens).await?;
                if is_first {
                    None
                } else {
                    Some("the file was gone, so it holds a new token; the earlier one works on")
                }
            }
        };
        Ok(Self { path: path.to_owned(), news })
    }
}

async fn make(path: &Path, tokens: &SqliteTokens) -> Result<(), StartError> {
    let (token, stored) = tokens::make(&Caller::Admin, Some("first admin".to_owned()))?;
    // A crash between the two leaves a token that nobody knows, and a file to be made at the next start.
    tokens.insert(stored).await?;
    write_whole(path, &format!("{token}\n"))
}
