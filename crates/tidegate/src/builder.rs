//! Puts an engine together: which modules, which store.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use engine::ports::RegisteredModule;
use engine::{Engine, MemoryStore, Registry, Store};
use model::Text;
use model::text::quote;
use modules::{Manifest, ManifestFault};
use store::{OpenError, SqliteStore};

use crate::{IntoModule, SystemClock, Tidegate};

/// Where modules come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// A folder of manifests.
    modules: Option<PathBuf>,
    caches: BTreeSet<Text>,
    /// Those of this program.
    embedded: Vec<(Text, RegisteredModule)>,
}

impl Sources {
    /// The modules as they are declared now.
    pub(crate) fn registry(&self) -> Result<Registry, BuildError> {
        let declared = self.modules.as_deref().map(modules::load).transpose();
        let Manifest { mut modules, .. } =
            declared.map_err(BuildError::Modules)?.unwrap_or_default();
        for (name, module) in &self.embedded {
            modules::check_name(name).map_err(BuildError::Name)?;
            if modules.insert(name.clone(), module.clone()).is_some() {
                let message = format!("the module `{}` is there twice", quote(name));
                return Err(BuildError::Name(message));
            }
        }
        Ok(Registry::new(modules).with_caches(self.caches.clone()))
    }
}

/// What an engine is made of. Everything has a default: no modules, a store in memory.
#[derive(Clone, Debug)]
pub struct Builder {
    sources: Sources,
    store: Option<PathBuf>,
    wait: Duration,
}

impl Default for Builder {
    fn default() -> Builder {
        let wait = engine::limits::WAIT_DEFAULT;
        Builder { sources: Sources::default(), store: None, wait }
    }
}

/// Why an engine could not be put together.
#[derive(Debug)]
pub enum BuildError {
    /// The manifests have faults; all of them are listed.
    Modules(Vec<ManifestFault>),
    /// A module of this program has a name that it cannot have.
    Name(String),
    /// The data folder cannot be opened.
    Store(OpenError),
}

impl Builder {
    /// Modules declared by the `*.toml` files of this folder.
    #[must_use]
    pub fn modules(mut self, folder: impl Into<PathBuf>) -> Builder {
        self.sources.modules = Some(folder.into());
        self
    }

    /// A module of this program: an async function, or an [`Embedded`](crate::Embedded).
    #[must_use]
    pub fn module<Arguments>(mut self, name: &str, module: impl IntoModule<Arguments>) -> Builder {
        self.sources.embedded.push((name.into(), module.into_module().registered()));
        self
    }

    /// Caches that calls may name with `cache_backend`, beside the default one.
    #[must_use]
    pub fn caches(mut self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Builder {
        self.sources.caches.extend(names.into_iter().map(|name| Text::new(name.as_ref())));
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
        let registry = self.sources.registry()?;
        let store: Arc<dyn Store> = match self.store {
            Some(folder) => Arc::new(SqliteStore::open(&folder).map_err(BuildError::Store)?),
            None => Arc::new(MemoryStore::new()),
        };
        let engine = Engine::new(store, Arc::new(SystemClock), registry);
        Ok(Tidegate { engine, sources: self.sources, wait: self.wait })
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
            BuildError::Name(message) => f.write_str(message),
            BuildError::Store(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for BuildError {}
