//! The modules of this host.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::plan::ModuleUse;
use model::{Catalog, Function, Origin, Text};

use crate::ports::RegisteredModule;

/// The modules of this host, by qualified name.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    modules: BTreeMap<Text, RegisteredModule>,
}

impl Registry {
    /// A registry of these modules, by qualified name.
    pub fn new(modules: BTreeMap<Text, RegisteredModule>) -> Registry {
        Registry { modules }
    }

    /// The modules, in the order of their qualified names.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &RegisteredModule)> {
        self.modules.iter()
    }

    /// What a pipeline can call on this host: the standard library and these modules.
    pub fn catalog(&self) -> Catalog {
        let mut catalog = eval::stdlib::catalog();
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
        let parameters = |signature: &model::Signature| -> Vec<_> {
            signature.parameters.iter().map(|parameter| parameter.ty.clone()).collect()
        };
        let fits = parameters(&module.signature) == parameters(&wanted.signature)
            && module.signature.result == wanted.signature.result;
        if !fits {
            return Err(format!(
                "the module `{name}` is now `{}`, the pipeline was compiled for `{}`",
                module.signature, wanted.signature
            ));
        }
        Ok(Arc::new(module.clone()))
    }
}
