//! The first token: made when there is none, so that whoever owns the data directory is the service's admin.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use actors::domain::limits::RETRY_PAUSE;
use actors::ports::Clock;

use super::data_dir::write_whole;
use super::{StartError, tokens};
use crate::access::{Caller, TokenHash};
use crate::backend::tokens::TokenStore;

/// Where the admin token is, and what happened to it.
pub(super) struct AdminToken {
    /// The file that holds it.
    pub(super) path: PathBuf,
    /// What is worth telling.
    pub(super) news: Option<&'static str>,
}

impl AdminToken {
    /// Sees to it that the file holds an admin token: makes one if the store has none, or if the file is lost.
    pub(super) async fn provide(path: &Path, tokens: &dyn TokenStore) -> Result<Self, StartError> {
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

    /// Sees to it as soon as the store is there, in a task of the running system.
    pub(super) fn provide_later(path: PathBuf, tokens: Arc<dyn TokenStore>, clock: Arc<dyn Clock>) -> Self {
        let later = path.clone();
        actix_web::rt::spawn(async move {
            // What is not there is told of by those who need it.
            while Self::provide(&later, &*tokens).await.is_err() {
                clock.sleep(RETRY_PAUSE).await;
            }
            tracing::info!(file = %later.display(), "the admin token is in its file");
        });
        Self { path, news: Some("the store is not there yet; the file is seen to when it is") }
    }
}

async fn make(path: &Path, tokens: &dyn TokenStore) -> Result<(), StartError> {
    let (token, stored) = tokens::make(&Caller::Admin, Some("first admin".to_owned()))?;
    // A crash between the two leaves a token that nobody knows, and a file to be made at the next start.
    tokens.insert(stored).await?;
    write_whole(path, &format!("{token}\n"))
}
