//! Which modules stored images call that cannot be called now.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use model::plan::ModuleUse;
use model::{Digest, Text};
use rustc_hash::FxHashMap;

use crate::error::EngineError;
use crate::limits::{MODULES_MISSING_MAX, PAGE_OF_IMAGES};
use crate::shared::Shared;

/// A module that a stored image calls, and that calls cannot be made of (R012).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingModule {
    /// Its qualified name.
    pub name: Text,
    /// Whether it is gone or what has become of it, in one sentence.
    pub reason: String,
}

/// What each stored image calls. Images never change, so each is read once.
#[derive(Default)]
pub(crate) struct Needs(Mutex<FxHashMap<Digest, Arc<[ModuleUse]>>>);

/// The modules that stored images call and that cannot be called, by name, one reason each.
pub(crate) async fn missing(shared: &Shared) -> Result<Vec<MissingModule>, EngineError> {
    let registry = shared.registry();
    let mut missing = BTreeMap::new();
    let mut known = FxHashMap::default();
    let mut after = None;
    loop {
        let page = shared.store.images(after, PAGE_OF_IMAGES).await?;
        after = page.last().copied();
        let is_last = page.len() < PAGE_OF_IMAGES;
        for digest in page {
            // One that cannot be used at all is refused when it is asked for.
            let Ok(needs) = shared.needs.of(shared, digest).await else { continue };
            for module in needs.iter() {
                if let Err(reason) = registry.find(module)
                    && missing.len() < MODULES_MISSING_MAX
                {
                    missing.insert(module.name.clone(), reason);
                }
            }
            known.insert(digest, needs);
        }
        if is_last {
            break;
        }
    }
    *shared.needs.0.lock().unwrap_or_else(PoisonError::into_inner) = known;
    Ok(missing.into_iter().map(|(name, reason)| MissingModule { name, reason }).collect())
}

impl Needs {
    async fn of(&self, shared: &Shared, digest: Digest) -> Result<Arc<[ModuleUse]>, EngineError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        if let Some(needs) = known {
            return Ok(needs);
        }
        let image = shared.read_image(digest).await?;
        Ok(image.map_or([].into(), |image| image.plan.modules.into()))
    }
}
