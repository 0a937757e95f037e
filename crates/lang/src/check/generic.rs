//! Type variables of standard functions (specification 5.6): every variable becomes the join of what
//! the arguments give for it.

use model::types::is_subtype;
use model::{Code, Diagnostic, Field, KeyType, Record, Type, Value, Variable};

use super::Checker;
use super::expect::show;
use crate::join;
use crate::program::{Expr, Kind};

/// What the type variables of one call stand for.
#[derive(Debug, Default)]
pub(super) struct Solution {
    known: Vec<(Variable, Type)>,
}

/// What the arguments give for the variables.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    found: Vec<Candidate>,
}

#[derive(Debug)]
struct Candidate {
    variable: Variable,
    ty: Type,
    /// An Int literal, which may become a Float.
    is_int_literal: bool,
    span: model::Span,
}

impl Candidates {
    /// What `expr` gives for the variables of `parameter`.
    pub(super) fn collect(&mut self, parameter: &Type, expr: &Expr) {
        match (parameter, &expr.kind) {
            (Type::List(element), Kind::List(items)) => {
                items.iter().for_each(|item| self.collect(element, item));
            }
            (Type::Record(record), Kind::Record(fields)) => {
                for (name, value) in fields {
                    if let Some(ty) = record.get(name) {
                        self.collect(ty, value);
                    }
                }
            }
            (Type::Map(key, value), Kind::Record(fields)) => {
                if *key == KeyType::Variable && !fields.is_empty() {
                    self.add(Variable::Key, &Type::String, expr);
                }
                fields.iter().for_each(|(_, entry)| self.collect(value, entry));
            }
            _ => self.collect_type(parameter, &expr.ty, expr),
        }
    }

    fn collect_type(&mut self, parameter: &Type, ty: &Type, expr: &Expr) {
        match (parameter, ty) {
            (Type::Variable(variable), ty) => self.add(*variable, ty, expr),
            (Type::Optional(content), ty) => self.collect_type(content, ty.content(), expr),
            (Type::List(element), Type::List(given)) => self.collect_type(element, given, expr),
            (Type::Map(key, value), Type::Map(given_key, given)) => {
                if *key == KeyType::Variable {
                    let key = match given_key {
                        KeyType::String | KeyType::Variable => Type::String,
                        KeyType::Int => Type::Int,
                    };
                    self.add(Variable::Key, &key, expr);
                }
                self.collect_type(value, given, expr);
            }
            (Type::Record(record), Type::Record(given)) => {
                for field in record.fields() {
                    if let Some(ty) = given.get(&field.name) {
                        self.collect_type(&field.ty, ty, expr);
                    }
                }
            }
            (parameter, Type::Unknown) => {
                variables(parameter, &mut |variable| self.add(variable, &Type::Unknown, expr));
            }
            _ => {}
        }
    }

    fn add(&mut self, variable: Variable, ty: &Type, expr: &Expr) {
        let is_int_literal = matches!(expr.kind, Kind::Constant(Value::Int(_)));
        let (ty, span) = (ty.clone(), expr.span);
        self.found.push(Candidate { variable, ty, is_int_literal, span });
    }

    fn of(&self, variable: Variable) -> impl Iterator<Item = &Candidate> {
        self.found.iter().filter(move |candidate| candidate.variable == variable)
    }

    /// The join of what is given for `variable`; `None` if nothing is.
    pub(super) fn join(&self, variable: Variable) -> Option<Type> {
        self.of(variable).next()?;
        let has_float = self.of(variable).any(|found| *found.ty.content() == Type::Float);
        let counted = |found: &Candidate| match found.is_int_literal && has_float {
            true => Type::Float,
            false => found.ty.clone(),
        };
        Some(join::join(self.of(variable).map(counted)))
    }
}

impl Solution {
    /// What the variable stands for, if that is known.
    pub(super) fn get(&self, variable: Variable) -> Option<&Type> {
        self.known.iter().find(|(known, _)| *known == variable).map(|(_, ty)| ty)
    }

    pub(super) fn set(&mut self, variable: Variable, ty: Type) {
        match self.known.iter_mut().find(|(known, _)| *known == variable) {
            Some((_, known)) => *known = ty,
            None => self.known.push((variable, ty)),
        }
    }

    /// What the first variable of `parameters` stands for.
    pub(super) fn element<'t>(&self, parameters: impl Iterator<Item = &'t Type>) -> Option<Type> {
        let mut first = None;
        parameters.for_each(|ty| variables(ty, &mut |variable| first = first.or(Some(variable))));
        self.get(first?).cloned()
    }

    /// `ty` with what its variables stand for.
    pub(super) fn apply(&self, ty: &Type) -> Type {
        match ty {
            Type::Variable(variable) => self.get(*variable).cloned().unwrap_or(Type::Nothing),
            Type::List(element) => Type::list(self.apply(element)),
            Type::Optional(content) => Type::optional(self.apply(content)),
            Type::Map(KeyType::Variable, value) => match self.get(Variable::Key) {
                Some(Type::Int) => Type::Map(KeyType::Int, self.apply(value).into()),
                Some(Type::Unknown) => Type::Unknown,
                _ => Type::Map(KeyType::String, self.apply(value).into()),
            },
            Type::Map(key, value) => Type::Map(*key, self.apply(value).into()),
            Type::Record(record) => {
                let field =
                    |field: &Field| Field { name: field.name.clone(), ty: self.apply(&field.ty) };
                Type::Record(Record::new(record.fields().iter().map(field)))
            }
            Type::Function(parameters, result) => {
                let parameters = parameters.iter().map(|parameter| self.apply(parameter));
                Type::Function(parameters.collect(), self.apply(result).into())
            }
            Type::String | Type::Int | Type::Float | Type::Boolean => ty.clone(),
            Type::Literal(_) | Type::Union(_) | Type::Nothing | Type::Unknown => ty.clone(),
        }
    }
}

impl Checker<'_> {
    /// Solves the variables of `ty` that are not solved yet. Says whether each stands for a type that
    /// it may stand for; otherwise that is reported.
    pub(super) fn solve(
        &mut self,
        ty: &Type,
        candidates: &Candidates,
        solution: &mut Solution,
        name: &str,
    ) -> bool {
        let mut is_sound = true;
        variables(ty, &mut |variable| {
            if solution.get(variable).is_some() {
                return;
            }
            let joined = candidates.join(variable);
            let solved = match allowed(variable, joined.as_ref()) {
                Some(solved) => solved,
                None => {
                    is_sound = false;
                    self.report_disallowed(variable, candidates, name);
                    Type::Unknown
                }
            };
            solution.set(variable, solved);
        });
        is_sound
    }

    fn report_disallowed(&mut self, variable: Variable, candidates: &Candidates, name: &str) {
        let wanted = match variable {
            Variable::Number => "an `Int` or a `Float`",
            Variable::Ordered => "an `Int`, a `Float` or a `String`",
            Variable::Key => "a `String` or an `Int`",
            Variable::Any(_) => "any type",
        };
        let name = model::text::quote(name);
        // The first that is wrong by itself, or else the one with which they fall apart.
        let wrong = candidates
            .of(variable)
            .find(|found| allowed(variable, Some(&found.ty)).is_none())
            .or_else(|| candidates.of(variable).last());
        let Some(wrong) = wrong else { return };
        let found = show(&wrong.ty);
        let is_wrong_alone = allowed(variable, Some(&wrong.ty)).is_none();
        let diagnostic = if is_wrong_alone {
            let message = format!("`{name}` takes {wanted} here, not {found}");
            let help = super::expr::absence_help(&wrong.ty);
            Diagnostic::new(Code::E010, wrong.span, message).maybe_help(help)
        } else {
            let first = candidates.of(variable).next().unwrap_or(wrong);
            let message = format!("`{name}` takes values of one type here, not {found} beside it");
            let mixes = matches!((&first.ty, &wrong.ty), (Type::Int, Type::Float))
                || matches!((&first.ty, &wrong.ty), (Type::Float, Type::Int));
            Diagnostic::new(Code::E010, wrong.span, message)
                .label(first.span, format!("this is {}", show(&first.ty)))
                .maybe_help(mixes.then(|| "make the Int a Float: `to-float(..)`".to_owned()))
        };
        self.report(diagnostic);
    }
}

/// The type that `variable` stands for where the candidates join to this.
fn allowed(variable: Variable, joined: Option<&Type>) -> Option<Type> {
    let is_text = |ty: &Type| is_subtype(ty, &Type::String);
    match (variable, joined) {
        (_, Some(Type::Unknown)) => Some(Type::Unknown),
        (Variable::Any(_), None) => Some(Type::Nothing),
        (Variable::Any(_), Some(ty)) => Some(ty.clone()),
        (Variable::Number | Variable::Ordered, None | Some(Type::Nothing)) => Some(Type::Int),
        (Variable::Key, None | Some(Type::Nothing)) => Some(Type::String),
        (Variable::Number | Variable::Ordered, Some(ty @ (Type::Int | Type::Float))) => {
            Some(ty.clone())
        }
        (Variable::Key, Some(Type::Int)) => Some(Type::Int),
        (Variable::Key | Variable::Ordered, Some(ty)) if is_text(ty) => Some(Type::String),
        (Variable::Number | Variable::Ordered | Variable::Key, Some(_)) => None,
    }
}

/// Calls `visit` with the variables of a type, from left to right.
pub(super) fn variables(ty: &Type, visit: &mut dyn FnMut(Variable)) {
    match ty {
        Type::Variable(variable) => visit(*variable),
        Type::List(inner) | Type::Optional(inner) => variables(inner, visit),
        Type::Map(key, value) => {
            if *key == KeyType::Variable {
                visit(Variable::Key);
            }
            variables(value, visit);
        }
        Type::Record(record) => {
            record.fields().iter().for_each(|field| variables(&field.ty, visit));
        }
        Type::Function(parameters, result) => {
            parameters.iter().for_each(|parameter| variables(parameter, visit));
            variables(result, visit);
        }
        Type::String | Type::Int | Type::Float | Type::Boolean => {}
        Type::Literal(_) | Type::Union(_) | Type::Nothing | Type::Unknown => {}
    }
}
