//! Every database is a shop of its own, and stays the one it is.

use std::sync::Arc;

use actors::domain::commit::Rules;
use actors::testing::manual_clock::ManualClock;
use floodgate::backend::shop::ShopId;
use floodgate::backend::sqlite::{SqliteOptions, SqliteStore};

use crate::mysql_database::Database;

fn known(shop_id: &ShopId) -> String {
    shop_id.get().expect("the database has told it").to_owned()
}

#[tokio::test]
async fn a_database_on_sqlite_stays_the_shop_it_is_and_no_other_is_the_same() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut told = Vec::new();
    for file in ["a.db", "a.db", "b.db"] {
        let options = SqliteOptions::at(directory.path().join(file));
        let store = SqliteStore::open(options, Arc::<ManualClock>::default(), Rules::default()).expect("a store");
        for _ in 0..2 {
            told.push(known(&store.shop_id().await.expect("it is kept")));
        }
    }
    assert_eq!(told[0].len(), 32, "{told:?}");
    assert!(told[..4].iter().all(|shop_id| *shop_id == told[0]), "{told:?}");
    assert_ne!(told[4], told[0]);
}

#[tokio::test]
async fn a_database_on_mysql_stays_the_shop_it_is_and_no_other_is_the_same() {
    let mut told = Vec::new();
    for database in [Database::new(), Database::new()] {
        let store = database.fresh_store().await;
        assert_eq!(store.shop_id().get(), None, "nothing was asked of it yet");
        // Nodes that come at once, of which only one can be first.
        let others = [(); 3].map(|()| database.store(Arc::<ManualClock>::default()));
        let [first, second, third] = others.each_ref().map(|node| async { node.is_usable().await });
        for usable in <[_; 3]>::from(tokio::join!(first, second, third)) {
            assert_eq!(usable, Ok(Some(())));
        }
        let shop_id = known(&others[0].shop_id());
        assert_eq!(shop_id.len(), 32);
        assert!(others.iter().all(|node| known(&node.shop_id()) == shop_id));
        assert_eq!(store.is_usable().await, Ok(Some(())));
        assert_eq!(known(&store.shop_id()), shop_id);
        told.push(shop_id);
    }
    assert_ne!(told[0], told[1]);
}
