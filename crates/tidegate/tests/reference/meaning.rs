//! What an expression means, given what is known: a value, a failure, or *unknown*.
//!
//! A direct interpreter of the syntax tree. It keeps nothing: every question is answered from the
//! inputs and the results of calls, so that no order of events can leave a trace in it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use lang::syntax::{
    BinaryOp, Call, Expr, ExprKind, OptionValue, Param, Pattern, PatternKind, Piece, TypeKind,
};
use model::Code;

use super::functions::{self, arithmetic};
use super::modules::Module;
use super::program::Program;
use super::value::Plain;

/// A call: where it begins in the source, and the elements of the lambdas around it.
pub(crate) type Node = (u32, Vec<u32>);

/// What happened to an execution so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Supplied inputs and taken defaults.
    pub(crate) inputs: BTreeMap<String, Plain>,
    /// Whether open inputs were closed.
    pub(crate) closed: bool,
    /// Bindings supplied by hand.
    pub(crate) resolved: BTreeMap<String, Plain>,
    /// The calls that ended.
    pub(crate) calls: BTreeMap<Node, Result<Plain, Failed>>,
}

/// A failure: its code and what it says.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    pub(crate) code: Code,
    pub(crate) message: String,
}

impl From<Code> for Failed {
    fn from(code: Code) -> Failed {
        Failed { code, message: String::new() }
    }
}

/// Why there is no value.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    Unknown,
    Failed(Failed),
}

/// A value, or why there is none.
pub(crate) type Outcome<T = Plain> = Result<T, Stop>;

/// What a call gave or how it failed itself; it stops where an argument does.
pub(crate) type Attempt = Outcome<Result<Plain, Failed>>;

/// Where an expression stands: the variables around it and the elements of the lambdas.
#[derive(Clone, Default)]
pub(crate) struct Scope {
    variables: Vec<(String, Outcome)>,
    pub(crate) path: Vec<u32>,
    /// An option would catch a failure here: then all parts have to be known before one decides.
    catching: bool,
}

impl Scope {
    pub(crate) fn bind(&mut self, name: &str, value: Outcome) {
        self.variables.push((name.to_owned(), value));
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Outcome> {
        self.variables.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn caught(&self, is_caught: bool) -> Scope {
        Scope { catching: self.catching || is_caught, ..self.clone() }
    }

    /// The body of a lambda for one element.
    pub(crate) fn element(&self, index: u32, parameters: &[Param], given: &[Plain]) -> Scope {
        let mut scope = self.clone();
        scope.path.push(index);
        for (parameter, value) in parameters.iter().zip(given) {
            scope.bind(&parameter.name.text, Ok(value.clone()));
        }
        scope
    }
}

/// A program and what is known of an execution.
pub(crate) struct World<'a> {
    pub(crate) program: &'a Program,
    pub(crate) known: &'a Known,
    /// Bindings that were asked for already; it saves time and nothing else.
    seen: RefCell<BTreeMap<String, Outcome>>,
}

impl<'a> World<'a> {
    pub(crate) fn new(program: &'a Program, known: &'a Known) -> World<'a> {
        World { program, known, seen: RefCell::default() }
    }

    /// The value of an input or binding.
    pub(crate) fn cell(&self, name: &str) -> Outcome {
        if let Some(input) = self.program.inputs.get(name) {
            let closed = self.known.closed && input.closes();
            let given = self.known.inputs.get(name).cloned();
            return given.or(closed.then_some(Plain::None)).ok_or(Stop::Unknown);
        }
        if let Some(value) = self.known.resolved.get(name) {
            return Ok(value.clone());
        }
        if let Some(outcome) = self.seen.borrow().get(name) {
            return outcome.clone();
        }
        let outcome = self.value(&self.program.bindings[name], &Scope::default());
        self.seen.borrow_mut().insert(name.to_owned(), outcome.clone());
        outcome
    }

    /// The value of an expression.
    pub(crate) fn value(&self, expr: &Expr, scope: &Scope) -> Outcome {
        match &expr.kind {
            ExprKind::Name(name) => self.name(name, scope),
            ExprKind::Int(int) => Ok(Plain::Int(*int)),
            ExprKind::Float(float) => Ok(Plain::Float(*float)),
            ExprKind::Boolean(value) => Ok(Plain::Boolean(*value)),
            ExprKind::String(pieces) => self.text(pieces, scope),
            ExprKind::List(items) => Ok(Plain::List(self.all(items, scope)?)),
            ExprKind::Record(fields) => {
                let values = self.all(fields.iter().map(|(_, value)| value), scope)?;
                let names = fields.iter().map(|(name, _)| name.text.to_string());
                Ok(Plain::Record(names.zip(values).collect()))
            }
            ExprKind::Negate(a) => fail(functions::negate(&self.value(a, scope)?)),
            ExprKind::Not(a) => Ok(Plain::Boolean(!self.boolean(a, scope)?)),
            ExprKind::Binary(BinaryOp::And, _, a, b) => {
                if self.boolean(a, scope)? {
                    self.value(b, scope)
                } else {
                    Ok(Plain::Boolean(false))
                }
            }
            ExprKind::Binary(BinaryOp::Or, _, a, b) => {
                if self.boolean(a, scope)? {
                    Ok(Plain::Boolean(true))
                } else {
                    self.value(b, scope)
                }
            }
            ExprKind::Binary(operator, _, a, b) => {
                let both = self.all([&**a, &**b], scope)?;
                fail(operate(*operator, &both[0], &both[1]))
            }
            ExprKind::When(value, condition) => {
                if self.boolean(condition, scope)? {
                    self.value(value, scope)
                } else {
                    Ok(Plain::None)
                }
            }
            ExprKind::Coalesce(_, a, b) => match self.value(a, scope)? {
                Plain::None => self.value(b, scope),
                present => Ok(present),
            },
            ExprKind::Field(of, name) => Ok(self.value(of, scope)?.field(&name.text)),
            ExprKind::OptionalField(of, _, name) => match self.value(of, scope)? {
                Plain::None => Ok(Plain::None),
                present => Ok(present.field(&name.text)),
            },
            ExprKind::Project(of, names) => {
                let project = |value: &Plain| {
                    let field = |name: &lang::syntax::Name| {
                        (name.text.to_string(), value.field(&name.text))
                    };
                    Plain::Record(names.iter().map(field).collect())
                };
                Ok(match self.value(of, scope)? {
                    Plain::List(items) => Plain::List(items.iter().map(project).collect()),
                    record => project(&record),
                })
            }
            ExprKind::Call(call) => self.call(expr.span.start, call, scope),
            ExprKind::If(condition, then, otherwise) => {
                let chosen = if self.boolean(condition, scope)? { then } else { otherwise };
                self.value(chosen, scope)
            }
            ExprKind::Branch(arms, otherwise) => {
                for (condition, value) in arms {
                    if self.boolean(condition, scope)? {
                        return self.value(value, scope);
                    }
                }
                self.value(otherwise, scope)
            }
            ExprKind::Match(subject, arms) => {
                let subject = self.value(subject, scope)?;
                for arm in arms {
                    let mut scope = scope.clone();
                    if self.fits(&arm.pattern, &subject, &mut scope)
                        && arm.guard.as_ref().map_or(Ok(true), |g| self.boolean(g, &scope))?
                    {
                        return self.value(&arm.body, &scope);
                    }
                }
                panic!("no arm fits {subject:?}")
            }
            ExprKind::Lambda(..) | ExprKind::Broken => panic!("no value: {expr:?}"),
        }
    }

    fn name(&self, name: &str, scope: &Scope) -> Outcome {
        if let Some(value) = scope.get(name) {
            return value.clone();
        }
        let is_declared =
            self.program.inputs.contains_key(name) || self.program.bindings.contains_key(name);
        if name == "none" && !is_declared {
            return Ok(Plain::None);
        }
        self.cell(name).map_err(|stop| match stop {
            Stop::Failed(_) => Stop::Failed(Code::R013.into()),
            Stop::Unknown => Stop::Unknown,
        })
    }

    /// The value of a condition.
    pub(crate) fn boolean(&self, expr: &Expr, scope: &Scope) -> Outcome<bool> {
        match self.value(expr, scope)? {
            Plain::Boolean(value) => Ok(value),
            other => panic!("{other:?} is no Boolean"),
        }
    }

    /// The values of parts that are all needed: any failure decides, whatever is still unknown.
    pub(crate) fn all<'e>(
        &self,
        parts: impl IntoIterator<Item = &'e Expr>,
        scope: &Scope,
    ) -> Outcome<Vec<Plain>> {
        together(scope, parts.into_iter().map(|part| self.value(part, scope)))
    }

    fn text(&self, pieces: &[Piece], scope: &Scope) -> Outcome {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => Ok(Plain::text(text)),
            Piece::Expr(expr) => self.value(expr, scope).map(|value| Plain::String(value.print())),
        };
        let texts = together(scope, pieces.iter().map(text))?;
        Ok(Plain::String(texts.iter().map(Plain::print).collect()))
    }

    /// A call with its fallback and `on_error`.
    fn call(&self, place: u32, call: &Call, scope: &Scope) -> Outcome {
        let on_error = option(call, "on_error");
        let wraps = matches!(on_error, Some(OptionValue::Word(word)) if word.text == "wrap");
        let succeed = |value| if wraps { Plain::record([("value", value)]) } else { value };
        let failed = match self.attempt(place, call, scope)? {
            Ok(value) => return Ok(succeed(value)),
            Err(failed) => failed,
        };
        let failed = match option(call, "fallback") {
            Some(OptionValue::Expr(fallback)) => {
                match self.value(fallback, &scope.caught(on_error.is_some())) {
                    Ok(value) => return Ok(succeed(value)),
                    Err(Stop::Failed(failed)) if failed.code != Code::R013 => failed,
                    Err(stop) => return Err(stop),
                }
            }
            _ => failed,
        };
        match on_error {
            None => Err(Stop::Failed(failed)),
            Some(_) if wraps => Ok(Plain::record([("error", Plain::String(failed.message))])),
            Some(_) => {
                Ok(Module::named(&call.path[0].text)
                    .map_or(Plain::Int(0), |module| (module.zero)()))
            }
        }
    }

    /// A call without its fallback and `on_error`.
    pub(crate) fn attempt(&self, place: u32, call: &Call, scope: &Scope) -> Attempt {
        let name = call.path[0].text.as_str();
        if Module::named(name).is_some() {
            let node = (place, scope.path.clone());
            if let Some(result) = self.known.calls.get(&node) {
                return Ok(result.clone());
            }
            self.all(&call.arguments, scope)?;
            return Err(Stop::Unknown);
        }
        let (lambda, plain) = lambda_of(call);
        let arguments = self.all(plain, scope)?;
        match lambda {
            None => Ok(functions::apply(name, &arguments).map_err(Failed::from)),
            Some((parameters, body)) => {
                let is_caught =
                    option(call, "fallback").is_some() || option(call, "on_error").is_some();
                let scope = scope.caught(is_caught);
                match self.apply(name, &arguments, parameters, body, &scope) {
                    Ok(value) => Ok(Ok(value)),
                    // What failed by dependency is caught by nothing.
                    Err(Stop::Failed(failed)) if !is_caught || failed.code != Code::R013 => {
                        Ok(Err(failed))
                    }
                    Err(stop) => Err(stop),
                }
            }
        }
    }

    /// A function that takes a lambda.
    fn apply(
        &self,
        name: &str,
        arguments: &[Plain],
        parameters: &[Param],
        body: &Expr,
        scope: &Scope,
    ) -> Outcome {
        let Plain::List(items) = &arguments[0] else { panic!("{name} of {:?}", arguments[0]) };
        let one = |index: usize, given: &[Plain]| {
            self.value(body, &scope.element(index as u32, parameters, given))
        };
        if name == "fold" {
            let mut result = arguments[1].clone();
            for (index, item) in items.iter().enumerate() {
                result = one(index, &[result, item.clone()])?;
            }
            return Ok(result);
        }
        if name == "all" || name == "any" {
            for (index, item) in items.iter().enumerate() {
                if ends(name, &one(index, std::slice::from_ref(item))?) {
                    return Ok(Plain::Boolean(name == "any"));
                }
            }
            return Ok(Plain::Boolean(name == "all"));
        }
        let results =
            items.iter().enumerate().map(|(index, item)| one(index, std::slice::from_ref(item)));
        let results = together(scope, results)?;
        let both = results.iter().cloned().zip(items.iter().cloned());
        Ok(match name {
            "map" => Plain::List(results),
            "filter" => {
                let kept = both.filter(|(keep, _)| matches!(keep, Plain::Boolean(true)));
                Plain::List(kept.map(|(_, item)| item).collect())
            }
            "flat-map" => {
                let items = |list| match list {
                    Plain::List(items) => items,
                    other => panic!("{other:?} is no list"),
                };
                Plain::List(results.into_iter().flat_map(items).collect())
            }
            "sort-by" => functions::sorted(both.collect()),
            other => panic!("the reference does not know {other}"),
        })
    }

    /// Whether the value fits the pattern; binds its variables.
    pub(crate) fn fits(&self, pattern: &Pattern, value: &Plain, scope: &mut Scope) -> bool {
        match (&pattern.kind, value) {
            (PatternKind::Any, _) => true,
            (PatternKind::Name(name), value) => {
                scope.bind(name, Ok(value.clone()));
                true
            }
            (PatternKind::Int(int), value) => {
                matches!(value, Plain::Int(_)) && value.equals(&Plain::Int(*int))
            }
            (PatternKind::Float(float), value) => {
                matches!(value, Plain::Float(_)) && value.equals(&Plain::Float(*float))
            }
            (PatternKind::String(text), Plain::String(value)) => *text == value.as_str(),
            (PatternKind::Boolean(wanted), Plain::Boolean(value)) => wanted == value,
            (PatternKind::Some(_), Plain::None) => false,
            (PatternKind::Some(inner), value) => self.fits(inner, value, scope),
            (PatternKind::None, value) => matches!(value, Plain::None),
            (PatternKind::Is(ty), value) => {
                let TypeKind::Named(name, _) = &ty.kind else { panic!("is {ty:?}") };
                self.is(&name.text, value)
            }
            (PatternKind::Record(wanted), Plain::Record(fields)) => {
                wanted.iter().all(|(name, inner)| {
                    let field = fields.iter().find(|(known, _)| *known == *name.text);
                    match (field, inner) {
                        (None, _) => false,
                        (Some((_, value)), Some(inner)) => self.fits(inner, value, scope),
                        (Some((name, value)), None) => {
                            scope.bind(name, Ok(value.clone()));
                            true
                        }
                    }
                })
            }
            _ => false,
        }
    }

    /// Whether the value is of that type: a primitive, or an alias of a record type that differs
    /// from its neighbours by its fields.
    fn is(&self, ty: &str, value: &Plain) -> bool {
        match (ty, value) {
            ("Int", value) => matches!(value, Plain::Int(_)),
            ("String", value) => matches!(value, Plain::String(_)),
            (alias, Plain::Record(fields)) => {
                let TypeKind::Record(wanted) = &self.program.types[alias].kind else {
                    panic!("{alias} is no record type")
                };
                wanted.iter().all(|(name, _)| fields.iter().any(|(known, _)| *known == *name.text))
            }
            _ => false,
        }
    }
}

/// Whether the function looks no further after this result of its lambda.
pub(crate) fn ends(function: &str, result: &Plain) -> bool {
    match (function, result) {
        ("any", Plain::Boolean(found)) => *found,
        ("all", Plain::Boolean(found)) => !found,
        _ => false,
    }
}

/// The parameters and the body of a call's lambda, and its other arguments.
pub(crate) fn lambda_of(call: &Call) -> (Option<(&[Param], &Expr)>, Vec<&Expr>) {
    let mut lambda = None;
    let mut plain = Vec::new();
    for argument in &call.arguments {
        match &argument.kind {
            ExprKind::Lambda(parameters, body) => lambda = Some((parameters.as_slice(), &**body)),
            _ => plain.push(argument),
        }
    }
    (lambda, plain)
}

/// What is given for an option of a call.
pub(crate) fn option<'e>(call: &'e Call, name: &str) -> Option<&'e OptionValue> {
    call.options.iter().find(|option| option.name.text == name).map(|option| &option.value)
}

/// All values; else the first failure; else unknown. Where a failure would be caught, what is unknown
/// comes first.
fn together(scope: &Scope, outcomes: impl Iterator<Item = Outcome>) -> Outcome<Vec<Plain>> {
    let outcomes: Vec<Outcome> = outcomes.collect();
    let is_unknown = |outcome: &Outcome| matches!(outcome, Err(Stop::Unknown));
    if scope.catching && outcomes.iter().any(is_unknown) {
        return Err(Stop::Unknown);
    }
    let failed = outcomes.iter().find(|outcome| matches!(outcome, Err(Stop::Failed(_))));
    match failed {
        Some(Err(failed)) => Err(failed.clone()),
        _ => outcomes.into_iter().collect(),
    }
}

fn fail(given: Result<Plain, Code>) -> Outcome {
    given.map_err(|code| Stop::Failed(code.into()))
}

/// An operator all of whose operands are needed.
fn operate(operator: BinaryOp, a: &Plain, b: &Plain) -> Result<Plain, Code> {
    Ok(Plain::Boolean(match operator {
        BinaryOp::Add => return add(a, b),
        BinaryOp::Subtract => return arithmetic('-', a, b),
        BinaryOp::Multiply => return arithmetic('*', a, b),
        BinaryOp::Divide => return arithmetic('/', a, b),
        BinaryOp::Remainder => return arithmetic('%', a, b),
        BinaryOp::Equal => a.equals(b),
        BinaryOp::NotEqual => !a.equals(b),
        BinaryOp::Less => a.order(b).is_lt(),
        BinaryOp::LessOrEqual => a.order(b).is_le(),
        BinaryOp::Greater => a.order(b).is_gt(),
        BinaryOp::GreaterOrEqual => a.order(b).is_ge(),
        BinaryOp::And | BinaryOp::Or => panic!("{operator:?} does not need both"),
    }))
}

/// Numbers are added, records and lists of records merged.
fn add(a: &Plain, b: &Plain) -> Result<Plain, Code> {
    Ok(match (a, b) {
        (Plain::List(a), Plain::List(b)) if a.len() != b.len() => return Err(Code::R007),
        (Plain::List(a), Plain::List(b)) => {
            Plain::List(a.iter().zip(b).map(|(a, b)| add(a, b)).collect::<Result<_, _>>()?)
        }
        (Plain::List(a), b) => Plain::List(a.iter().map(|a| add(a, b)).collect::<Result<_, _>>()?),
        (a, Plain::List(b)) => Plain::List(b.iter().map(|b| add(a, b)).collect::<Result<_, _>>()?),
        (Plain::Record(a), Plain::Record(b)) => {
            let mut fields = a.clone();
            for (name, value) in b {
                match fields.iter_mut().find(|(known, _)| known == name) {
                    Some(field) => field.1 = value.clone(),
                    None => fields.push((name.clone(), value.clone())),
                }
            }
            Plain::Record(fields)
        }
        (a, b) => return arithmetic('+', a, b),
    })
}
