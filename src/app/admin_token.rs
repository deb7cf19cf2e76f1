//! The first token: made when there is none, so that whoever owns the data directory is the service's admin.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use actors::domain::id::NodeName;
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
    /// Sees to it that the file holds an admin token: makes one if the store has none, or if there is no file. The other
    /// nodes of a store that is shared have files of their own, whose tokens cannot be read back from it.
    pub(super) async fn provide(path: &Path, tokens: &dyn TokenStore, node: &NodeName) -> Result<Self, StartError> {
        let written = std::fs::read_to_string(path).ok();
        let is_first = tokens.count().await? == 0;
        let news = match written {
            Some(text) if !is_first => {
                let is_known = tokens.find(*TokenHash::of(text.trim()).as_bytes()).await?.is_some();
                (!is_known)
                    .then_some("the token in this file is not known to the store; delete the file to get a new one")
            }
            _ if is_first => {
                make(path, tokens, "first admin".to_owned()).await?;
                None
            }
            _ => {
                make(path, tokens, format!("admin of node {node}")).await?;
                Some("there was no such file, and tokens are known to the store; it holds a new one, and those work on")
            }
        };
        Ok(Self { path: path.to_owned(), news })
    }

    /// Sees to it as soon as the store is there, in a task of the running system.
    pub(super) fn provide_later(
        path: PathBuf,
        tokens: Arc<dyn TokenStore>,
        node: NodeName,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let later = path.clone();
        actix_web::rt::spawn(async move {
            // What is not there is told of by those who need it.
            while Self::provide(&later, &*tokens, &node).await.is_err() {
                clock.sleep(RETRY_PAUSE).await;
            }
            tracing::info!(file = %later.display(), "the admin token is in its file");
        });
        Self { path, news: Some("the store is not there yet; the file is seen to when it is") }
    }
}

async fn make(path: &Path, tokens: &dyn TokenStore, label: String) -> Result<(), StartError> {
    let (token, stored) = tokens::make(&Caller::Admin, Some(label))?;
    // A crash between the two leaves a token that nobody knows, and a file to be made at the next start.
    tokens.insert(stored).await?;
    write_whole(path, &format!("{token}\n"))
}

#[cfg(test)]
mod tests {
    use actors::domain::commit::Rules;
    use actors::testing::manual_clock::ManualClock;

    use super::*;
    use crate::backend::sqlite::{SqliteOptions, SqliteStore, SqliteTokens};

    #[actix_web::test]
    async fn every_node_of_a_store_has_a_file_that_lets_it_in_and_says_whose_it_is() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let clock = Arc::<ManualClock>::default();
        let options = SqliteOptions::at(directory.path().join("floodgate.db"));
        let store = SqliteStore::open(options, Arc::<ManualClock>::clone(&clock), Rules::default()).expect("a store");
        let tokens = SqliteTokens::of(&store, clock);
        let mut labels = Vec::new();
        for (node, news) in [("n1", false), ("n2", true), ("n2", false)] {
            let path = directory.path().join(node);
            let node = node.parse().expect("a name");
            let provided = AdminToken::provide(&path, &tokens, &node).await.expect("the store is there");
            assert_eq!(provided.news.is_some(), news, "{node}: {:?}", provided.news);
            let token = std::fs::read_to_string(&path).expect("a file");
            let found = tokens.find(*TokenHash::of(token.trim()).as_bytes()).await.expect("the store is there");
            labels.push(found.expect("it is known").label.expect("it is labelled"));
        }
        assert_eq!(labels, ["first admin", "admin of node n2", "admin of node n2"]);
    }
}
