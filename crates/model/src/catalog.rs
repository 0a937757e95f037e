//! What a pipeline can call: one table for the checker, the constant folder and the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Digest, Image, Text, Type};

/// What calling a module may do to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Effect {
    /// Nothing; equal arguments give equal results.
    Pure,
    /// It looks at the world.
    Read,
    /// It changes the world; never called speculatively.
    Write,
}

impl Effect {
    /// `pure`, `read` or `write`.
    pub fn as_str(self) -> &'static str {
        match self {
            Effect::Pure => "pure",
            Effect::Read => "read",
            Effect::Write => "write",
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One parameter of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name: documentation, and the name by which modules receive the argument.
    pub name: Text,
    /// The type of the argument.
    pub ty: Type,
}

/// Parameters and result of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// In order.
    pub parameters: Vec<Parameter>,
    /// What it gives.
    pub result: Type,
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (at, Parameter { name, ty }) in self.parameters.iter().enumerate() {
            write!(f, "{}{name}: {ty}", if at == 0 { "" } else { ", " })?;
        }
        write!(f, ") -> {}", self.result)
    }
}

/// Who provides a function. Host functions win over standard ones of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The standard library: evaluated inside the engine.
    Standard,
    /// A module of this host: a call of it is a node of the graph.
    Host,
    /// A stored pipeline: it is built into its caller.
    Pipeline,
}

/// The namespace of stored pipelines.
pub const PIPELINES: &str = "pipeline";

/// One callable function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Where it lives, as in `stdlib.math`; empty for none.
    pub namespace: Text,
    /// Its own name.
    pub name: Text,
    /// Parameters and result. Those of a standard function may have type variables, and its last
    /// parameter may be a function.
    pub signature: Signature,
    /// Further signatures of a standard function, told apart by the form of the first argument.
    pub overloads: Vec<Signature>,
    /// What a call may do.
    pub effect: Effect,
    /// Who provides it.
    pub origin: Origin,
    /// One line for people; may be empty.
    pub doc: Text,
}

impl Function {
    /// Namespace and name, `stdlib.math.add`.
    pub fn qualified(&self) -> Text {
        if self.namespace.is_empty() {
            self.name.clone()
        } else {
            format!("{}.{}", self.namespace, self.name).into()
        }
    }
}

/// All functions, by qualified name.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    functions: BTreeMap<Text, Function>,
    /// The qualified names of the functions with this name of their own, or this camelCase spelling
    /// of a standard function's.
    by_name: BTreeMap<Text, Vec<Text>>,
    /// Namespaces that have functions, with all their prefixes.
    namespaces: BTreeSet<Text>,
    /// Stored pipelines that can be called, by alias.
    pipelines: BTreeMap<Text, Arc<Image>>,
    /// The names of the caches that the host has beside its default one.
    pub caches: BTreeSet<Text>,
}

impl Catalog {
    /// Adds a function; one of the same qualified name is replaced and returned.
    pub fn insert(&mut self, function: Function) -> Option<Function> {
        let qualified = function.qualified();
        let mut names = vec![function.name.clone()];
        if function.origin == Origin::Standard && function.name.contains('-') {
            names.push(camel_case(&function.name));
        }
        for name in names {
            let known = self.by_name.entry(name).or_default();
            if !known.contains(&qualified) {
                known.push(qualified.clone());
            }
        }
        let mut namespace = function.namespace.as_str();
        while !namespace.is_empty() && self.namespaces.insert(namespace.into()) {
            namespace = namespace.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
        self.functions.insert(qualified, function)
    }

    /// Adds a stored pipeline, as the function `pipeline.ALIAS`.
    pub fn insert_pipeline(&mut self, alias: Text, image: Arc<Image>) {
        let effects = image.plan.modules.iter().map(|module| module.effect);
        self.insert(Function {
            namespace: Text::new_static(PIPELINES),
            name: alias.clone(),
            signature: image.plan.signature(),
            overloads: Vec::new(),
            effect: effects.max().unwrap_or(Effect::Pure),
            origin: Origin::Pipeline,
            doc: Text::default(),
        });
        self.pipelines.insert(alias, image);
    }

    /// The pipeline that `function` stands for.
    pub fn pipeline(&self, function: &Function) -> Option<&Arc<Image>> {
        let is_pipeline = function.origin == Origin::Pipeline;
        is_pipeline.then(|| self.pipelines.get(&function.name)).flatten()
    }

    /// The functions that a simple call of `name` may mean.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Function> {
        self.by_name.get(name).into_iter().flatten().filter_map(|name| self.functions.get(name))
    }

    /// The names by which simple calls are written.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(Text::as_str)
    }

    /// Namespaces that have functions, with all their prefixes.
    pub fn namespaces(&self) -> &BTreeSet<Text> {
        &self.namespaces
    }

    /// The function of this qualified name.
    pub fn get(&self, qualified: &str) -> Option<&Function> {
        self.functions.get(qualified)
    }

    /// All functions, in the order of their qualified names.
    pub fn iter(&self) -> impl Iterator<Item = &Function> {
        self.functions.values()
    }

    /// A digest of all that the checker can see: sources compiled against equal catalogs give
    /// equal images.
    pub fn digest(&self) -> Digest {
        let mut text = String::new();
        for (name, function) in &self.functions {
            let Function { signature, effect, origin, .. } = function;
            text.push_str(&format!("{name}\0{signature}\0{effect}\0{origin:?}\n"));
        }
        let pipelines = self.pipelines.iter();
        pipelines.for_each(|(name, image)| text.push_str(&format!("{name}\0{}\n", image.digest)));
        self.caches.iter().for_each(|cache| text.push_str(&format!("cache\0{cache}\n")));
        Digest::of(text.as_bytes())
    }
}

/// `string-length` as `stringLength`.
fn camel_case(name: &str) -> Text {
    let mut words = name.split('-');
    let mut camel = words.next().unwrap_or_default().to_string();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel.into()
}
