//! How much an engine takes at once.

use std::sync::Arc;

use crate::engine::Engine;
use crate::limits;
use crate::ports::{Clock, Store};
use crate::registry::Registry;
use crate::shared::Shared;

/// How much an engine takes at once; what is beyond is refused as overloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Executions in memory, [`limits::EXECUTIONS_MAX`].
    pub executions: usize,
    /// Requests that wait for durable executions, [`limits::REQUESTS_MAX`].
    pub requests: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { executions: limits::EXECUTIONS_MAX, requests: limits::REQUESTS_MAX }
    }
}

impl Engine {
    /// An engine like [`Engine::new`] that takes so much at once.
    pub fn with_bounds(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        registry: Registry,
        bounds: Bounds,
    ) -> Engine {
        Engine { shared: Arc::new(Shared::new(store, clock, registry, bounds)) }
    }

    /// How many executions are in memory now.
    pub fn load(&self) -> usize {
        self.shared.load()
    }
}
