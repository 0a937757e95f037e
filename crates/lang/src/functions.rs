//! Which function a call means (specification, section 4.5): `use`, qualified and simple names.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use model::catalog::PIPELINES;
use model::{Catalog, Code, Diagnostic, Function, Image, Origin, Span, Text};

use crate::names::{Declarations, Use};
use crate::syntax::Name;

/// The functions of a catalog as one file sees them.
pub(crate) struct Functions<'a> {
    catalog: &'a Catalog,
    uses: Vec<Used>,
    /// `use` with `as`, by alias.
    aliases: HashMap<&'a str, usize>,
    /// `use` without `as`, by namespace; only those that exist.
    plain: HashMap<Text, usize>,
    /// The same by the last segment.
    plain_by_last: HashMap<&'a str, Vec<usize>>,
}

struct Used {
    path: Text,
    span: Span,
    /// Whether the namespace exists; otherwise that has been reported.
    is_known: bool,
    is_used: Cell<bool>,
}

/// What was found for a name; where nothing was, the diagnostic unless it was reported before.
type Found<'a> = Result<&'a Function, Option<Box<Diagnostic>>>;

impl<'a> Functions<'a> {
    /// Reads the `use` declarations; unknown namespaces are reported.
    pub(crate) fn new(
        catalog: &'a Catalog,
        declarations: &Declarations<'a>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Functions<'a> {
        let mut functions = Functions {
            catalog,
            uses: Vec::new(),
            aliases: HashMap::new(),
            plain: HashMap::new(),
            plain_by_last: HashMap::new(),
        };
        for declared in &declarations.uses {
            diagnostics.extend(functions.declare(declared));
        }
        functions
    }

    fn declare(&mut self, declared: &Use<'a>) -> Option<Diagnostic> {
        let Use { path, alias, span } = declared;
        let (first, last) = (path.first()?, path.last()?);
        let joined = join(path);
        let is_known = self.has_namespace(&joined);
        let at = self.uses.len();
        match alias {
            Some(alias) => {
                self.aliases.insert(&alias.text, at);
            }
            None if is_known && !self.plain.contains_key(&joined) => {
                self.plain.insert(joined.clone(), at);
                self.plain_by_last.entry(&last.text).or_default().push(at);
            }
            None => {}
        }
        let unknown =
            (!is_known).then(|| self.unknown_namespace(&joined, first.span.to(last.span)));
        let is_used = Cell::new(!is_known);
        self.uses.push(Used { path: joined, span: *span, is_known, is_used });
        unknown
    }

    /// The function that a call of `path` means, or the diagnostic that says why there is none.
    pub(crate) fn resolve(&self, path: &[Name]) -> Found<'a> {
        match path {
            [name] => self.simple(name),
            [namespace @ .., name] => self.qualified(path, namespace, name),
            [] => Err(None),
        }
    }

    /// The stored pipeline that a function stands for.
    pub(crate) fn pipeline(&self, function: &Function) -> Option<&'a Arc<Image>> {
        self.catalog.pipeline(function)
    }

    /// The caches that the host has.
    pub(crate) fn caches(&self) -> &BTreeSet<Text> {
        &self.catalog.caches
    }

    /// Whether a call of `name` would mean something; helps only name what is there.
    pub(crate) fn is_known(&self, name: &str) -> bool {
        self.catalog.named(name).next().is_some()
    }

    /// Warns of `use` declarations that nothing needs.
    pub(crate) fn report_unused(&self, diagnostics: &mut Vec<Diagnostic>) {
        for used in self.uses.iter().filter(|used| !used.is_used.get()) {
            let path = model::text::quote(&used.path);
            let message = format!("nothing here needs this `use` of `{path}`");
            diagnostics.push(Diagnostic::new(Code::W013, used.span, message).help("remove it"));
        }
    }

    fn has_namespace(&self, path: &str) -> bool {
        path == PIPELINES || self.catalog.namespaces().contains(path)
    }

    fn simple(&self, name: &Name) -> Found<'a> {
        let is_callable = |function: &&'a Function| {
            function.origin != Origin::Pipeline || self.plainly_used(&function.namespace).is_some()
        };
        let all: Vec<&'a Function> = self.catalog.named(&name.text).filter(is_callable).collect();
        let group = |function: &Function| {
            let is_plainly_used = self.plainly_used(&function.namespace).is_some();
            match function.origin {
                Origin::Pipeline => 1,
                Origin::Host if function.namespace.is_empty() || is_plainly_used => 1,
                Origin::Standard if is_plainly_used => 2,
                Origin::Host => 3,
                Origin::Standard => 4,
            }
        };
        let first = all.iter().map(|function| group(function)).min().unwrap_or(0);
        let candidates: Vec<&'a Function> =
            all.iter().copied().filter(|function| group(function) == first).collect();
        match candidates.as_slice() {
            [] => Err(Some(self.unknown_function(name).into())),
            [one] => {
                if let Some(used) = self.plainly_used(&one.namespace) {
                    used.is_used.set(true);
                }
                Ok(one)
            }
            many => Err(Some(ambiguous(&name.text, name.span, many).into())),
        }
    }

    fn plainly_used(&self, namespace: &str) -> Option<&Used> {
        self.plain.get(namespace).map(|&at| &self.uses[at])
    }

    fn qualified(&self, path: &[Name], namespace: &[Name], name: &Name) -> Found<'a> {
        let (first, rest) = (&path[0], &namespace[1..]);
        let span = first.span.to(name.span);
        if let Some(&at) = self.aliases.get(first.text.as_str()) {
            let used = &self.uses[at];
            used.is_used.set(true);
            let expanded = expand(&used.path, rest);
            let missing = || used.is_known.then(|| self.missing(&expanded, name, span));
            return self.get(&expanded, &name.text).ok_or_else(missing);
        }
        let full = join(namespace);
        if let Some(found) = self.get(&full, &name.text) {
            return Ok(found);
        }
        let none = Vec::new();
        let by_last = self.plain_by_last.get(first.text.as_str()).unwrap_or(&none);
        let mut found: Vec<&'a Function> = Vec::new();
        let mut expanded = full;
        for used in by_last.iter().map(|&at| &self.uses[at]) {
            used.is_used.set(true);
            expanded = expand(&used.path, rest);
            found.extend(self.get(&expanded, &name.text));
        }
        match found.as_slice() {
            [] => Err(Some(self.missing(&expanded, name, span))),
            [function] => Ok(function),
            many => Err(Some(ambiguous(&join(path), span, many).into())),
        }
    }

    /// The function of this name, or of this camelCase spelling of a standard function's name.
    fn get(&self, namespace: &str, name: &str) -> Option<&'a Function> {
        let qualified = |name: &str| match namespace {
            "" => name.to_string(),
            _ => format!("{namespace}.{name}"),
        };
        self.catalog.get(&qualified(name)).or_else(|| {
            let hyphenated = hyphenated(name)?;
            let found = self.catalog.get(&qualified(&hyphenated))?;
            (found.origin == Origin::Standard).then_some(found)
        })
    }

    fn missing(&self, namespace: &str, name: &Name, span: Span) -> Box<Diagnostic> {
        if !self.has_namespace(namespace) {
            return self.unknown_namespace(namespace, span).into();
        }
        let (function, quoted) = (model::text::quote(&name.text), model::text::quote(namespace));
        let message = match namespace {
            PIPELINES => format!("there is no stored pipeline `{function}`"),
            _ => format!("there is no function `{function}` in `{quoted}`"),
        };
        let there = self.catalog.iter().filter(|function| function.namespace == namespace);
        let names = there.map(|function| function.name.as_str());
        let help = model::text::did_you_mean(&name.text, names).or_else(|| {
            let help =
                "it must have been compiled before; pipelines do not call each other in a circle";
            (namespace == PIPELINES).then(|| help.to_owned())
        });
        Diagnostic::new(Code::E002, name.span, message).maybe_help(help).into()
    }

    fn unknown_function(&self, name: &Name) -> Diagnostic {
        let quoted = model::text::quote(&name.text);
        let span = name.span;
        let is_alias = self.aliases.contains_key(name.text.as_str());
        let is_last = self.plain_by_last.contains_key(name.text.as_str());
        if is_alias || is_last || self.has_namespace(&name.text) {
            return Diagnostic::new(
                Code::E002,
                span,
                format!("`{quoted}` is a namespace, no function"),
            )
            .help(format!("write `{quoted}.` and the name of one of its functions"));
        }
        let names = self.catalog.names();
        Diagnostic::new(Code::E002, span, format!("there is no function or module `{quoted}`"))
            .maybe_help(model::text::did_you_mean(&name.text, names))
    }

    fn unknown_namespace(&self, path: &str, span: Span) -> Diagnostic {
        let message = format!("there is no namespace `{}`", model::text::quote(path));
        let known = self.catalog.namespaces().iter().map(Text::as_str);
        Diagnostic::new(Code::E004, span, message)
            .maybe_help(model::text::did_you_mean(path, known))
    }
}

fn join(path: &[Name]) -> Text {
    let segments: Vec<&str> = path.iter().map(|name| name.text.as_str()).collect();
    segments.join(".").into()
}

fn expand(namespace: &str, rest: &[Name]) -> Text {
    if rest.is_empty() { namespace.into() } else { format!("{namespace}.{}", join(rest)).into() }
}

fn ambiguous(name: &str, span: Span, candidates: &[&Function]) -> Diagnostic {
    let mut names: Vec<String> =
        candidates.iter().map(|function| format!("`{}`", function.qualified())).collect();
    names.sort_unstable();
    let message = format!("`{}` may mean {}", model::text::quote(name), names.join(" or "));
    Diagnostic::new(Code::E005, span, message).help(format!("write {} in full", names[0]))
}

/// `stringLength` as `string-length`, if the name has capitals and no hyphens.
fn hyphenated(name: &str) -> Option<String> {
    let has_capitals = name.bytes().any(|letter| letter.is_ascii_uppercase());
    if name.contains('-') || !has_capitals {
        return None;
    }
    let mut out = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    Some(out)
}
