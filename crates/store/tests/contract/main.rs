//! What every store promises. Each test runs against every store.

use std::sync::Arc;

use engine::memory::MemoryStore;
use tidegate_store::SqliteStore;

/// Runs each of these functions as a test of each store.
macro_rules! contract {
    ($($test:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::memory_store()).await;
            })*
        }
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                let folder = tempfile::tempdir().unwrap();
                super::$test(crate::sqlite_store(folder.path())).await;
            })*
        }
    };
}

mod agreement;
mod aliases;
#[path = "../common/mod.rs"]
mod common;
mod events;
mod executions;
mod retention;

fn memory_store() -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new())
}

fn sqlite_store(folder: &std::path::Path) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(folder).unwrap())
}
