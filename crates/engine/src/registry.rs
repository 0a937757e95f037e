//! The modules of this host.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::plan::ModuleUse;
use model::{Catalog, Function, Origin, Text};

use crate::adapted::{adapted, fits};
use crate::ports::RegisteredModule;

/// The modules of this host, by qualified name.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    modules: BTreeMap<Text, Arc<RegisteredModule>>,
    caches: BTreeSet<Text>,
}

impl Registry {
    /// A registry of these modules, by qualified name.
    pub fn new(modules: BTreeMap<Text, RegisteredModule>) -> Registry {
        let modules = modules.into_iter().map(|(name, module)| (name, module.into())).collect();
        Registry { modules, caches: BTreeSet::new() }
    }

    /// The same with these caches beside the default one.
    pub fn with_caches(self, caches: BTreeSet<Text>) -> Registry {
        Registry { caches, ..self }
    }

    /// The names of the caches beside the default one.
    pub fn caches(&self) -> &BTreeSet<Text> {
        &self.caches
    }

    /// The modules, in the order of their qualified names.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &RegisteredModule)> {
        self.modules.iter().map(|(name, module)| (name, &**module))
    }

    /// The module of this qualified name.
    pub fn get(&self, name: &str) -> Option<(&Text, &RegisteredModule)> {
        self.modules.get_key_value(name).map(|(name, module)| (name, &**module))
    }

    /// What a pipeline can call on this host: the standard library and these modules.
    pub fn catalog(&self) -> Catalog {
        let mut catalog = eval::stdlib::catalog();
        catalog.caches.clone_from(&self.caches);
        for (qualified, module) in &self.modules {
            let (namespace, name) = match qualified.rsplit_once('.') {
                Some((namespace, name)) => (namespace.into(), name.into()),
                None => (Text::default(), qualified.clone()),
            };
            catalog.insert(Function {
                namespace,
                name,
                signature: module.signature.clone(),
                effect: module.effect,
                origin: Origin::Host,
                doc: module.doc.clone(),
                overloads: Vec::new(),
            });
        }
        catalog
    }

    /// The module that an image means, or why it cannot be called (R012).
    pub(crate) fn find(&self, wanted: &ModuleUse) -> Result<Arc<RegisteredModule>, String> {
        let name = &wanted.name;
        let Some(module) = self.modules.get(name) else {
            return Err(format!("this host has no module `{name}`"));
        };
        if module.effect != wanted.effect {
            return Err(format!(
                "the module `{name}` is now `{}`, the pipeline was compiled for `{}`",
                module.effect, wanted.effect
            ));
        }
        let (is, was) = (&module.signature, &wanted.signature);
        let is_same = is.result == was.result
            && is.parameters.iter().map(|it| &it.ty).eq(was.parameters.iter().map(|it| &it.ty));
        match is_same {
            true => Ok(module.clone()),
            false if fits(was, is) => Ok(Arc::new(adapted(module, was))),
            false => Err(format!(
                "the module `{name}` is now `{is}`, the pipeline was compiled for `{was}`"
            )),
        }
    }
}
