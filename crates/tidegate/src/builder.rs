//! Puts an engine together: which modules, which store.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use engine::{Engine, MemoryStore, Registry, Store};
use model::Text;
use modules::{Manifest, ManifestFault};
use store::{OpenError, SqliteStore};

use crate::{SystemClock, Tidegate};

/// What an engine is made of. Everything has a default: no modules, a store in memory.
#[derive(Clone, Debug)]
pub struct Builder {
    modules: Option<PathBuf>,
    caches: BTreeSet<Text>,
    store: Option<PathBuf>,
    wait: Duration,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            modules: None,
            caches: BTreeSet::new(),
            store: None,
            wait: engine::limits::WAIT_DEFAULT,
        }
    }
}

/// Why an engine could not be put together.
#[derive(Debug)]
pub enum BuildError {
    /// The manifests have faults; all of them are listed.
    Modules(Vec<ManifestFault>),
    /// The data folder cannot be opened.
    Store(OpenError),
}

impl Builder {
    /// Modules declared by the `*.toml` files of this folder.
    #[must_use]
    pub fn modules(mut self, folder: impl Into<PathBuf>) -> Builder {
        self.modules = Some(folder.into());
        self
    }

    /// Caches that calls may name with `cache_backend`, beside the default one.
    #[must_use]
    pub fn caches(mut self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Builder {
        self.caches.extend(names.into_iter().map(|name| Text::new(name.as_ref())));
        self
    }

    /// Keeps everything in this folder, which no other process may use meanwhile.
    #[must_use]
    pub fn store(mut self, folder: impl Into<PathBuf>) -> Builder {
        self.store = Some(folder.into());
        self
    }

    /// How long a request waits for its execution to come to rest, before it is answered as Running;
    /// 60 s if nothing is said.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Builder {
        self.wait = wait;
        self
    }

    /// The engine. Manifests are read before the store is opened: a fault in them touches no data.
    /// Reads files and may wait for a locked database, so it is not for an async task.
    pub fn build(self) -> Result<Tidegate, BuildError> {
        let registry = match self.modules {
            Some(folder) => {
                let Manifest { modules, .. } =
                    modules::load(&folder).map_err(BuildError::Modules)?;
                Registry::new(modules)
            }
            None => Registry::default(),
        };
        let registry = registry.with_caches(self.caches);
        let store: Arc<dyn Store> = match self.store {
            Some(folder) => Arc::new(SqliteStore::open(&folder).map_err(BuildError::Store)?),
            None => Arc::new(MemoryStore::new()),
        };
        let catalog = Arc::new(registry.catalog());
        let engine = Engine::new(store, Arc::new(SystemClock), registry);
        Ok(Tidegate { engine, catalog, wait: self.wait })
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::Modules(faults) => {
                for (at, fault) in faults.iter().enumerate() {
                    write!(f, "{}{fault}", if at == 0 { "" } else { "\n" })?;
                }
                Ok(())
            }
            BuildError::Store(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for BuildError {}
