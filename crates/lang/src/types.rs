//! Types as they are written become types as they are meant: aliases expanded, unions flat, limits
//! kept. A union member that was written by an alias remembers it as its tag.

use std::cell::Cell;
use std::collections::HashMap;

use model::limits::{NESTING_MAX, TYPE_SIZE_MAX};
use model::{Code, Diagnostic, Field, KeyType, Record, Span, Text, Type, Union};
use rustc_hash::FxHashMap;

use crate::join::{self, TooLarge};
use crate::names::{Alias, Declarations};
use crate::order::Graph;
use crate::syntax::{Name, TypeExpr, TypeKind};

/// The aliases of a file; empty where only builtin types have a meaning.
#[derive(Debug, Default)]
pub(crate) struct Types<'a> {
    aliases: Vec<Resolved<'a>>,
    by_name: HashMap<&'a str, usize>,
}

#[derive(Debug)]
struct Resolved<'a> {
    name: &'a Name,
    ty: Type,
    is_used: Cell<bool>,
}

const PRIMITIVES: [&str; 4] = ["String", "Int", "Float", "Boolean"];
const BUILTINS: [&str; 9] =
    ["String", "Int", "Float", "Boolean", "List", "Map", "Optional", "Candidates", "Seq"];

impl<'a> Types<'a> {
    /// Resolves all aliases, each after those that it mentions.
    pub(crate) fn new(
        declarations: &Declarations<'a>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Types<'a> {
        let aliases = &declarations.aliases;
        let resolved = |alias: &Alias<'a>| Resolved {
            name: alias.name,
            ty: Type::Unknown,
            is_used: false.into(),
        };
        let by_name = aliases.iter().enumerate().map(|(at, alias)| (&*alias.name.text, at));
        let mut types =
            Types { by_name: by_name.collect(), aliases: aliases.iter().map(resolved).collect() };
        let mut graph = Graph::default();
        for alias in aliases {
            let mut mentions = Vec::new();
            types.mentions(alias.ty, &mut mentions);
            graph.add(mentions);
        }
        graph.parts(&mut |part, is_cycle| {
            if is_cycle {
                part.sort_unstable();
                let cycle = graph.cycle(part, part[0]);
                diagnostics.push(types.recursive(&cycle));
                part.iter().for_each(|&at| types.aliases[at as usize].is_used.set(true));
            }
            for &at in &*part {
                let ty = types.resolve(aliases[at as usize].ty, diagnostics);
                types.aliases[at as usize].ty = if is_cycle { Type::Unknown } else { ty };
            }
        });
        types
    }

    fn mentions(&self, ty: &TypeExpr, found: &mut Vec<u32>) {
        match &ty.kind {
            TypeKind::Named(name, arguments) => {
                if arguments.is_empty() && !PRIMITIVES.contains(&name.text.as_str()) {
                    found.extend(self.by_name.get(name.text.as_str()).map(|&at| at as u32));
                }
                arguments.iter().for_each(|argument| self.mentions(argument, found));
            }
            TypeKind::Record(fields) => fields.iter().for_each(|(_, ty)| self.mentions(ty, found)),
            TypeKind::Union(many) | TypeKind::Merged(many) => {
                many.iter().for_each(|ty| self.mentions(ty, found));
            }
            TypeKind::Literal(_) | TypeKind::Broken => {}
        }
    }

    fn recursive(&self, cycle: &[u32]) -> Diagnostic {
        let name = |at: &u32| model::text::quote(&self.aliases[*at as usize].name.text);
        let path: Vec<String> = cycle.iter().chain(&cycle[..1]).map(name).collect();
        let first = &self.aliases[cycle[0] as usize];
        let message = format!("the type is defined by itself: {}", path.join(" -> "));
        Diagnostic::new(Code::E031, first.name.span, message)
            .help("a type cannot contain itself; name the inner value by an id instead")
    }

    /// Warns of aliases that nothing uses.
    pub(crate) fn report_unused(&self, diagnostics: &mut Vec<Diagnostic>) {
        for alias in self.aliases.iter().filter(|alias| !alias.is_used.get()) {
            let name = model::text::quote(&alias.name.text);
            let is_primitive = PRIMITIVES.contains(&alias.name.text.as_str());
            let (message, help) = if is_primitive {
                let message = format!("`{name}` always means the builtin type, never this alias");
                (message, "choose another name for the alias")
            } else {
                (format!("the type `{name}` is never used"), "remove it")
            };
            diagnostics.push(Diagnostic::new(Code::W013, alias.name.span, message).help(help));
        }
    }

    /// The meaning of `ty`; [`Type::Unknown`] where it is erroneous, which is reported.
    pub(crate) fn resolve(&self, ty: &TypeExpr, diagnostics: &mut Vec<Diagnostic>) -> Type {
        let resolved = match &ty.kind {
            TypeKind::Named(name, arguments) if arguments.is_empty() => {
                return self.named(name, arguments, diagnostics);
            }
            TypeKind::Named(name, arguments) => self.named(name, arguments, diagnostics),
            TypeKind::Record(fields) => self.record(fields, diagnostics),
            TypeKind::Literal(text) => Type::Literal(text.clone()),
            TypeKind::Union(members) => self.union(members, ty.span, diagnostics),
            TypeKind::Merged(parts) => self.merged(parts, diagnostics),
            TypeKind::Broken => Type::Unknown,
        };
        bounded(resolved, ty.span, diagnostics)
    }

    fn named(
        &self,
        name: &Name,
        arguments: &[TypeExpr],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Type {
        let mut resolve = |at: usize| self.resolve(&arguments[at], diagnostics);
        let text = name.text.as_str();
        match (text, arguments.len()) {
            ("String", 0) => Type::String,
            ("Int", 0) => Type::Int,
            ("Float", 0) => Type::Float,
            ("Boolean", 0) => Type::Boolean,
            (_, 0) if self.by_name.contains_key(text) => {
                let alias = &self.aliases[self.by_name[text]];
                alias.is_used.set(true);
                alias.ty.clone()
            }
            ("List" | "Candidates" | "Seq", 1) => Type::list(resolve(0)),
            ("Optional", 1) => Type::optional(resolve(0)),
            ("Map", 2) => {
                let (key, value) = (resolve(0), resolve(1));
                match key {
                    Type::String => Type::Map(KeyType::String, value.into()),
                    Type::Int => Type::Map(KeyType::Int, value.into()),
                    Type::Unknown => Type::Unknown,
                    other => {
                        let message = format!("a map cannot have keys of type `{other}`");
                        diagnostics.push(
                            Diagnostic::new(Code::E018, arguments[0].span, message)
                                .help("use `String` or `Int`"),
                        );
                        Type::Unknown
                    }
                }
            }
            _ => {
                for at in 0..arguments.len() {
                    resolve(at);
                }
                diagnostics.push(self.unknown(name, arguments.len()));
                Type::Unknown
            }
        }
    }

    fn unknown(&self, name: &Name, given: usize) -> Diagnostic {
        let text = name.text.as_str();
        let quoted = model::text::quote(text);
        let expected = match text {
            "List" | "Candidates" | "Seq" | "Optional" => Some("<T>"),
            "Map" => Some("<K, V>"),
            _ if BUILTINS.contains(&text) || self.by_name.contains_key(text) => Some(""),
            _ => None,
        };
        match expected {
            Some("") => {
                let message = format!("`{quoted}` takes no type arguments, but {given} are given");
                Diagnostic::new(Code::E003, name.span, message).help(format!("write `{quoted}`"))
            }
            Some(form) => {
                let count = form.split(',').count();
                let message = format!("`{quoted}` takes {count} type arguments, not {given}");
                Diagnostic::new(Code::E003, name.span, message)
                    .help(format!("write `{quoted}{form}`"))
            }
            None => {
                let aliases = self.aliases.iter().map(|alias| alias.name.text.as_str());
                let known = BUILTINS.iter().copied().chain(aliases);
                Diagnostic::new(Code::E003, name.span, format!("there is no type `{quoted}`"))
                    .maybe_help(model::text::did_you_mean(text, known))
            }
        }
    }

    fn record(&self, fields: &[(Name, TypeExpr)], diagnostics: &mut Vec<Diagnostic>) -> Type {
        report_repeated(fields.iter().map(|(name, _)| name), diagnostics);
        Type::Record(Record::new(fields.iter().map(|(name, ty)| Field {
            name: name.text.clone(),
            ty: self.resolve(ty, diagnostics),
        })))
    }

    fn union(&self, members: &[TypeExpr], span: Span, diagnostics: &mut Vec<Diagnostic>) -> Type {
        let mut size = 0;
        let mut alternatives = Vec::with_capacity(members.len());
        for member in members {
            let ty = self.resolve(member, diagnostics);
            size += join::measure(&ty).unwrap_or(0);
            if size > TYPE_SIZE_MAX {
                diagnostics.push(too_large(TooLarge::Size, span));
                return Type::Unknown;
            }
            alternatives.push((ty, self.tag(member)));
        }
        Union::of(alternatives)
    }

    /// The alias by which a member is written.
    fn tag(&self, member: &TypeExpr) -> Option<Text> {
        match &member.kind {
            TypeKind::Named(name, arguments) if arguments.is_empty() => {
                let is_alias = self.by_name.contains_key(name.text.as_str());
                let is_primitive = PRIMITIVES.contains(&name.text.as_str());
                (is_alias && !is_primitive).then(|| name.text.clone())
            }
            _ => None,
        }
    }

    fn merged(&self, parts: &[TypeExpr], diagnostics: &mut Vec<Diagnostic>) -> Type {
        let mut merged: Option<Type> = None;
        for part in parts {
            let ty = self.resolve(part, diagnostics);
            merged = Some(match merged {
                None => ty,
                Some(Type::Unknown) => Type::Unknown,
                Some(_) if ty == Type::Unknown => Type::Unknown,
                Some(left) => join::merge(&left, &ty).unwrap_or_else(|| {
                    let message = format!("`{left}` and `{ty}` cannot be merged");
                    diagnostics.push(
                        Diagnostic::new(Code::E012, part.span, message)
                            .help("`+` merges records and lists of records"),
                    );
                    Type::Unknown
                }),
            });
        }
        merged.unwrap_or(Type::Unknown)
    }
}

/// Reports every name that is not the first of its kind.
pub(crate) fn report_repeated<'n>(
    names: impl Iterator<Item = &'n Name>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for name in names {
        if let Some(first) = seen.get(name.text.as_str()) {
            let message = format!("the field `{}` is given twice", model::text::quote(&name.text));
            diagnostics.push(
                Diagnostic::new(Code::E030, name.span, message)
                    .label(*first, "first given here")
                    .help("remove one of the two"),
            );
        } else {
            seen.insert(&name.text, name.span);
        }
    }
}

/// `ty`, or unknown if it exceeds the limits, which is reported. Every type that is built from
/// others must pass here, since the walks over types rely on the bounds.
fn bounded(ty: Type, span: Span, diagnostics: &mut Vec<Diagnostic>) -> Type {
    match join::measure(&ty) {
        Ok(_) => ty,
        Err(excess) => {
            diagnostics.push(too_large(excess, span));
            Type::Unknown
        }
    }
}

/// Fields and members of all types of one program; bounds the memory that checking and the image
/// take.
const TYPES_SIZE_MAX: usize = 500 * TYPE_SIZE_MAX;

/// What the types of a program still may take.
#[derive(Debug)]
pub(crate) struct Budget {
    left: usize,
    /// Where the types live that were counted; they are kept, so that no other comes to live there.
    counted: FxHashMap<(u8, usize), Type>,
}

impl Budget {
    pub(crate) fn new() -> Budget {
        Budget { left: TYPES_SIZE_MAX, counted: FxHashMap::default() }
    }

    /// `ty`, or unknown if it exceeds the limits or there are too many large types, which is
    /// reported. Every type that an expression builds must pass here.
    pub(crate) fn bounded(
        &mut self,
        ty: Type,
        span: Span,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Type {
        let Some(address) = join::address(&ty) else { return ty };
        if self.counted.contains_key(&address) {
            return ty;
        }
        let size = match join::measure(&ty) {
            Ok(size) => size,
            Err(excess) => {
                diagnostics.push(too_large(excess, span));
                return Type::Unknown;
            }
        };
        if self.left < size {
            if self.left > 0 {
                let message = format!(
                    "the types of this program have more than {TYPES_SIZE_MAX} fields and members"
                );
                let help = "split the program into several pipelines";
                diagnostics.push(Diagnostic::new(Code::E040, span, message).help(help));
            }
            self.left = 0;
            return Type::Unknown;
        }
        self.left -= size;
        self.counted.insert(address, ty.clone());
        ty
    }
}

fn too_large(excess: TooLarge, span: Span) -> Diagnostic {
    let message = match excess {
        TooLarge::Size => {
            format!("this type has more than {TYPE_SIZE_MAX} fields and members (`max_type_size`)")
        }
        TooLarge::Depth => {
            format!("this type is nested deeper than {NESTING_MAX} levels (`max_nesting`)")
        }
    };
    Diagnostic::new(Code::E040, span, message).help("split it into smaller types")
}
