//! Patterns against the type of what they are matched with (specification 5.7): whether they can
//! fit, what they bind, what they cover.

use std::collections::{BTreeMap, HashMap};

use model::plan::MemberTest;
use model::types::is_subtype;
use model::{Member, Record, Span, Text, Type, Union, Value};

use super::Checker;
use super::coverage::{Case, Cover};
use super::expect::show;
use crate::join;
use crate::program::Pattern;
use crate::syntax::{self, PatternKind};

/// The variables of one arm.
pub(super) struct Variables<'a> {
    /// Their numbers.
    pub(super) ids: HashMap<&'a str, u32>,
    /// The type of each, once for every union member that it may come from.
    pub(super) found: Vec<(u32, Type)>,
}

/// A pattern that can fit.
pub(super) struct Fit {
    pub(super) pattern: Pattern,
    pub(super) cover: Cover,
    /// The type of the values that fit.
    pub(super) ty: Type,
}

/// Why a pattern can never fit.
pub(super) struct Misfit {
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// `Ok(None)` after an error that has been reported.
type Outcome = Result<Option<Fit>, Misfit>;

impl<'a> Checker<'a> {
    /// `pattern` on values of type `ty`, of which only those of type `left` are left over.
    pub(super) fn fit_pattern(
        &mut self,
        pattern: &'a syntax::Pattern,
        ty: &Type,
        left: &Type,
        variables: &mut Variables<'a>,
    ) -> Outcome {
        let span = pattern.span;
        let found = |pattern, cover, ty: &Type| Ok(Some(Fit { pattern, cover, ty: ty.clone() }));
        if *ty == Type::Unknown {
            return Ok(None);
        }
        match (&pattern.kind, ty) {
            (PatternKind::Broken, _) => Ok(None),
            (PatternKind::Any, _) => found(Pattern::Any, Cover::Any, left),
            (PatternKind::Name(name), _) => {
                let bound = variables.bind(name, ty, left, Pattern::Any);
                found(bound, Cover::Any, left)
            }
            (PatternKind::None, Type::Optional(_)) => {
                let none = Type::optional(Type::Nothing);
                found(Pattern::None, Cover::leaf(Case::None), &none)
            }
            (PatternKind::Some(inner), Type::Optional(content)) => {
                let fit = self.fit_pattern(inner, content, left.content(), variables)?;
                Ok(fit.map(|fit| Fit {
                    pattern: Pattern::Some(fit.pattern.into()),
                    cover: Cover::Case(Case::Some, fit.cover.into()),
                    ty: fit.ty,
                }))
            }
            (PatternKind::None | PatternKind::Some(_), _) => {
                let help = "it is never absent: match the value itself";
                Err(never(span, ty, Some(help.to_string())))
            }
            (_, Type::Optional(_)) => {
                let help = "it may be `none`: put the pattern into `some(..)`";
                Err(never(span, ty, Some(help.to_string())))
            }
            (PatternKind::Is(wanted), _) => {
                let wanted = self.types.resolve(wanted, &mut self.diagnostics);
                if wanted == Type::Unknown { Ok(None) } else { fit_is(&wanted, ty, span).map(Some) }
            }
            (PatternKind::Record(fields), _) => {
                self.fit_record_pattern(fields, ty, span, variables)
            }
            (PatternKind::Int(int), _) => fit_literal(Value::Int(*int), ty, span).map(Some),
            (PatternKind::Float(float), _) => fit_literal(Value::Float(*float), ty, span).map(Some),
            (PatternKind::String(text), _) => {
                fit_literal(Value::String(text.clone()), ty, span).map(Some)
            }
            (PatternKind::Boolean(value), _) => {
                fit_literal(Value::Boolean(*value), ty, span).map(Some)
            }
        }
    }

    fn fit_record_pattern(
        &mut self,
        fields: &'a [(syntax::Name, Option<syntax::Pattern>)],
        ty: &Type,
        span: Span,
        variables: &mut Variables<'a>,
    ) -> Outcome {
        match ty {
            Type::Record(record) => {
                let Some((pattern, cover)) = self.fit_fields(fields, record, ty, variables)? else {
                    return Ok(None);
                };
                Ok(Some(Fit { pattern, cover, ty: ty.clone() }))
            }
            Type::Union(union) => {
                let mut fits = Fits::default();
                let mut misfit = None;
                for (at, member) in union.members().iter().enumerate() {
                    let Type::Record(record) = &member.ty else { continue };
                    let known = variables.found.len();
                    match self.fit_fields(fields, record, &member.ty, variables) {
                        Ok(Some((pattern, cover))) => fits.add(at, member, pattern, cover),
                        Ok(None) => return Ok(None),
                        Err(fault) => {
                            variables.found.truncate(known);
                            misfit = misfit.or(Some(fault));
                        }
                    }
                }
                match (fits.is_empty(), misfit) {
                    (false, _) => Ok(Some(fits.finish())),
                    (true, Some(misfit)) => Err(misfit),
                    (true, None) => Err(never(span, ty, None)),
                }
            }
            _ => Err(never(span, ty, None)),
        }
    }

    fn fit_fields(
        &mut self,
        fields: &'a [(syntax::Name, Option<syntax::Pattern>)],
        record: &Record,
        ty: &Type,
        variables: &mut Variables<'a>,
    ) -> Result<Option<(Pattern, Cover)>, Misfit> {
        let mut patterns = Vec::with_capacity(fields.len());
        let mut covers = Vec::with_capacity(fields.len());
        for (name, inner) in fields {
            let Some(slot) = record.slot(&name.text) else {
                let quoted = model::text::quote(&name.text);
                let names = record.fields().iter().map(|field| field.name.as_str());
                return Err(Misfit {
                    span: name.span,
                    message: format!("{} has no field `{quoted}`", show(ty)),
                    help: model::text::did_you_mean(&name.text, names),
                });
            };
            let field = &record.at_slot(slot).ty;
            let (pattern, cover) = match inner {
                None => (variables.bind(&name.text, field, field, Pattern::Any), Cover::Any),
                Some(inner) => match self.fit_pattern(inner, field, field, variables)? {
                    Some(fit) => (fit.pattern, fit.cover),
                    None => return Ok(None),
                },
            };
            patterns.push((slot as u32, pattern));
            covers.push((slot as u32, cover));
        }
        Ok(Some((Pattern::Record(patterns), Cover::Record(covers))))
    }
}

impl Variables<'_> {
    /// Binds a variable to a value of type `ty`, which is known to be of type `left`.
    fn bind(&mut self, name: &str, ty: &Type, left: &Type, inner: Pattern) -> Pattern {
        match self.ids.get(name) {
            Some(&id) => {
                self.found.push((id, left.clone()));
                Pattern::Bind(id, ty.clone(), inner.into())
            }
            None => inner,
        }
    }
}

/// The union members that a pattern fits.
#[derive(Default)]
struct Fits {
    patterns: Vec<(MemberTest, Pattern)>,
    covers: Vec<Cover>,
    types: Vec<(Type, Option<Text>)>,
}

impl Fits {
    fn add(&mut self, at: usize, member: &Member, pattern: Pattern, cover: Cover) {
        self.patterns.push((member_test(at, &member.ty), pattern));
        self.covers.push(Cover::Case(Case::Member(at as u32), cover.into()));
        self.types.extend(tagged(member));
    }

    fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    fn finish(self) -> Fit {
        let ty = Union::of(self.types);
        Fit { pattern: Pattern::Member(self.patterns), cover: Cover::Or(self.covers), ty }
    }
}

/// A member as an alternative of another union, with all its tags.
pub(super) fn tagged(member: &Member) -> Vec<(Type, Option<Text>)> {
    let tags = member.tags.iter().map(|tag| (member.ty.clone(), Some(tag.clone())));
    std::iter::once((member.ty.clone(), None)).chain(tags).collect()
}

/// How a value tells that it is the member `at`.
pub(crate) fn member_test(at: usize, ty: &Type) -> MemberTest {
    match ty {
        Type::String => MemberTest::String,
        Type::Int => MemberTest::Int,
        Type::Float => MemberTest::Float,
        Type::Boolean => MemberTest::Boolean,
        Type::Literal(text) => MemberTest::Literal(text.clone()),
        _ => MemberTest::Tag(at as u32),
    }
}

fn fit_is(wanted: &Type, ty: &Type, span: Span) -> Result<Fit, Misfit> {
    let Type::Union(union) = ty else {
        let fit = Fit { pattern: Pattern::Any, cover: Cover::Any, ty: ty.clone() };
        return if is_subtype(ty, wanted) { Ok(fit) } else { Err(never(span, ty, None)) };
    };
    let mut fits = Fits::default();
    for (at, member) in union.members().iter().enumerate() {
        if is_subtype(&member.ty, wanted) {
            fits.add(at, member, Pattern::Any, Cover::Any);
        }
    }
    if fits.is_empty() { Err(never(span, ty, None)) } else { Ok(fits.finish()) }
}

fn fit_literal(value: Value, ty: &Type, span: Span) -> Result<Fit, Misfit> {
    let members = match ty {
        Type::Union(union) => union.members(),
        _ => {
            let cover = literal_cover(&value, ty).ok_or_else(|| no_literal(&value, ty, span))?;
            return Ok(Fit { pattern: Pattern::Equal(value), cover, ty: ty.clone() });
        }
    };
    let mut fits = Fits::default();
    for (at, member) in members.iter().enumerate() {
        if let Some(cover) = literal_cover(&value, &member.ty) {
            fits.add(at, member, Pattern::Any, cover);
        }
    }
    if fits.is_empty() {
        return Err(no_literal(&value, ty, span));
    }
    // Members that equal a literal are scalars, which carry no mark.
    let Fit { cover, ty, .. } = fits.finish();
    let cover = match cover {
        Cover::Or(mut covers) if covers.len() == 1 => covers.remove(0),
        cover => cover,
    };
    Ok(Fit { pattern: Pattern::Equal(value), cover, ty })
}

/// What a literal covers of a type that is no union; `None` if it equals none of its values.
fn literal_cover(value: &Value, ty: &Type) -> Option<Cover> {
    let constant = |text: String| Some(Cover::leaf(Case::Constant(text.into())));
    match (value, ty) {
        (Value::Boolean(value), Type::Boolean) => Some(Cover::leaf(Case::Boolean(*value))),
        (Value::Int(int), Type::Int | Type::Float) => constant(int.to_string()),
        (Value::Float(float), Type::Int | Type::Float) => {
            let int = *float as i64;
            match Value::Int(int).equals(value) {
                true => constant(int.to_string()),
                false if *ty == Type::Float => constant(format!("{float:?}")),
                false => None,
            }
        }
        (Value::String(text), Type::String) => constant(text.to_string()),
        (Value::String(text), Type::Literal(literal)) if text == literal => {
            constant(text.to_string())
        }
        _ => None,
    }
}

fn no_literal(value: &Value, ty: &Type, span: Span) -> Misfit {
    let mut misfit = never(span, ty, None);
    if let (Value::String(text), Type::Union(union)) = (value, ty) {
        let literals = union.members().iter().filter_map(|member| match &member.ty {
            Type::Literal(literal) => Some(literal.as_str()),
            _ => None,
        });
        let near = model::text::suggestions(text, literals);
        let quoted = near.first().map(|near| Type::Literal((*near).into()));
        misfit.help = quoted.map(|literal| format!("Did you mean {literal}?"));
    }
    misfit
}

fn never(span: Span, ty: &Type, help: Option<String>) -> Misfit {
    let message = format!("this pattern never fits a value of type {}", show(ty));
    Misfit { span, message, help }
}

/// The variables, each with the join of the types that it may have.
pub(super) fn variable_types(found: Vec<(u32, Type)>) -> Vec<(u32, Type)> {
    let mut by_id: BTreeMap<u32, Vec<Type>> = BTreeMap::new();
    for (id, ty) in found {
        by_id.entry(id).or_default().push(ty);
    }
    by_id.into_iter().map(|(id, types)| (id, join::join(types))).collect()
}
