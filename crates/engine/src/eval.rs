//! Evaluates one expression over what is known: a value, a failure, or *open* because something
//! that it needs has no value yet. Never runs a call; reads the results of those that ran.
//!
//! All operands in unconditional position are looked at, and a failure among them outweighs an
//! open one. So the result depends only on which cells are filled, not on the order in which
//! that happened.

use std::sync::Arc;

use model::plan::{Arm, CallId, Expr, ExprId, MemberTest, Merge, Pattern, PatternId, Piece, Side};
use model::{Code, Failure, Plan, Text, Value, limits, value};

use crate::cells::{BindingCell, CallCell, Cells};
use crate::loaded::LoadedImage;
use crate::{operators, reshape};

/// Why an expression has no value.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    /// A cell that it needs is empty.
    Open,
    /// It failed, or needs something that failed.
    Failed(Arc<Failure>),
}

pub(crate) type Outcome<T = Value> = Result<T, Stop>;

/// Evaluates the expressions of one binding at a time.
pub(crate) struct Evaluator<'a> {
    loaded: &'a LoadedImage,
    cells: &'a Cells,
    /// Pattern variables of the current binding.
    locals: Vec<Option<Value>>,
    steps: u64,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(loaded: &'a LoadedImage, cells: &'a Cells) -> Evaluator<'a> {
        Evaluator { loaded, cells, locals: Vec::new(), steps: 0 }
    }

    pub(crate) fn plan(&self) -> &'a Plan {
        self.loaded.plan()
    }

    /// Forgets the variables and steps of the binding before.
    pub(crate) fn enter(&mut self, locals: u32) {
        self.locals.clear();
        self.locals.resize(locals as usize, None);
        self.steps = 0;
    }

    pub(crate) fn eval(&mut self, mut id: ExprId) -> Outcome {
        // Conditional positions at the end of an expression go round this loop, so that a long
        // `branch` needs no stack.
        loop {
            self.charge(1, id)?;
            id = match &self.plan().exprs[id as usize] {
                Expr::If { condition, then, otherwise } => {
                    if self.boolean(*condition)? {
                        *then
                    } else {
                        *otherwise
                    }
                }
                Expr::And(a, b) => match self.boolean(*a)? {
                    true => *b,
                    false => return Ok(Value::Boolean(false)),
                },
                Expr::Or(a, b) => match self.boolean(*a)? {
                    true => return Ok(Value::Boolean(true)),
                    false => *b,
                },
                Expr::When { value, condition } => match self.boolean(*condition)? {
                    true => *value,
                    false => return Ok(Value::None),
                },
                Expr::Coalesce(a, b) => match self.eval(*a)? {
                    Value::None => *b,
                    value => return Ok(value),
                },
                Expr::Match { subject, arms } => {
                    let subject = self.eval(*subject)?;
                    self.select(&subject, arms, id)?
                }
                strict => return self.strict(id, strict),
            };
        }
    }

    /// Expressions all of whose operands are unconditional.
    fn strict(&mut self, id: ExprId, expr: &Expr) -> Outcome {
        match expr {
            Expr::Constant(constant) => Ok(self.plan().constant(*constant).clone()),
            Expr::Input(input) => self.cells.input(*input).cloned().ok_or(Stop::Open),
            Expr::Binding(binding) => self.read(*binding, id),
            Expr::Local(local) => self.locals[*local as usize].clone().ok_or(Stop::Open),
            Expr::Call(call) => self.call_result(*call),
            Expr::Negate(a) => {
                let a = self.eval(*a)?;
                operators::negate(&a).map_err(|failure| self.place(failure, id))
            }
            Expr::Not(a) => Ok(Value::Boolean(!self.boolean(*a)?)),
            Expr::Arithmetic(operator, a, b) => {
                let (a, b) = self.both(*a, *b)?;
                operators::arithmetic(*operator, &a, &b).map_err(|failure| self.place(failure, id))
            }
            Expr::Compare(operator, a, b) => {
                let (a, b) = self.both(*a, *b)?;
                self.charge_value(&a, id)?;
                Ok(Value::Boolean(operators::compare(*operator, &a, &b)))
            }
            Expr::CompareUnions { is_equal, left, right } => {
                let (a, b) = self.both(left.0, right.0)?;
                self.charge_value(&a, id)?;
                let plan = self.plan();
                let equal = value::equals_at(plan.ty(left.1), &a, plan.ty(right.1), &b);
                Ok(Value::Boolean(equal == *is_equal))
            }
            Expr::Apply { function, arguments } => {
                let arguments = self.all(arguments)?;
                for argument in &arguments {
                    self.charge_value(argument, id)?;
                }
                let result = (self.loaded.function(*function))(&arguments);
                result.map_err(|failure| self.place(failure, id))
            }
            Expr::List(items) => Ok(Value::List(self.all(items)?.into())),
            Expr::Record(fields) => Ok(Value::Record(self.all(fields)?.into())),
            Expr::Map(entries) => {
                let values: Vec<ExprId> = entries.iter().map(|(_, value)| *value).collect();
                let values = self.all(&values)?;
                let keys = entries.iter().map(|(key, _)| self.plan().constant(*key).clone());
                Ok(Value::Map(keys.zip(values).collect()))
            }
            Expr::Text(pieces) => self.interpolate(pieces, id),
            Expr::Reshape(value, shape) => {
                let value = self.eval(*value)?;
                if !matches!(value, Value::Record(_) | Value::Tagged(..)) {
                    self.charge_value(&value, id)?;
                }
                reshape::apply(self.plan(), *shape, value).ok_or_else(|| self.broken(id))
            }
            Expr::Merge(merge) => self.merge(merge, id),
            Expr::If { .. } | Expr::And(..) | Expr::Or(..) | Expr::When { .. } => self.eval(id),
            Expr::Coalesce(..) | Expr::Match { .. } => self.eval(id),
        }
    }

    fn read(&self, binding: u32, id: ExprId) -> Outcome {
        match self.cells.binding(binding) {
            BindingCell::Done(value) | BindingCell::Resolved(value) => Ok(value.clone()),
            BindingCell::Open => Err(Stop::Open),
            BindingCell::Failed(failure) => {
                let name = &self.plan().bindings[binding as usize].name;
                Err(self.place(by_dependency(name, failure), id))
            }
        }
    }

    /// The result of a call, or why there is none: a call whose arguments fail has failed by
    /// dependency without ever running.
    fn call_result(&mut self, call: CallId) -> Outcome {
        match self.cells.call(call) {
            CallCell::Done(value) => Ok(value.clone()),
            CallCell::Failed(failure) => Err(Stop::Failed(failure.clone())),
            CallCell::Idle | CallCell::Running => {
                self.all(&self.plan().calls[call as usize].arguments)?;
                Err(Stop::Open)
            }
        }
    }

    /// The values of all operands; a failure outweighs an open one.
    pub(crate) fn all(&mut self, ids: &[ExprId]) -> Outcome<Vec<Value>> {
        let mut values = Vec::with_capacity(ids.len());
        let mut open = false;
        for id in ids {
            match self.eval(*id) {
                Ok(value) => values.push(value),
                Err(Stop::Open) => open = true,
                Err(failed) => return Err(failed),
            }
        }
        if open { Err(Stop::Open) } else { Ok(values) }
    }

    fn both(&mut self, a: ExprId, b: ExprId) -> Outcome<(Value, Value)> {
        match (self.eval(a), self.eval(b)) {
            (Ok(a), Ok(b)) => Ok((a, b)),
            (Err(Stop::Failed(failure)), _) => Err(Stop::Failed(failure)),
            (_, Err(stop)) | (Err(stop), _) => Err(stop),
        }
    }

    pub(crate) fn boolean(&mut self, id: ExprId) -> Outcome<bool> {
        match self.eval(id)? {
            Value::Boolean(value) => Ok(value),
            _ => Err(self.broken(id)),
        }
    }

    fn interpolate(&mut self, pieces: &[Piece], id: ExprId) -> Outcome {
        let operands: Vec<ExprId> = pieces.iter().filter_map(Piece::operand).collect();
        let mut values = self.all(&operands)?.into_iter();
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Value(_, ty) => {
                    let value = values.next().unwrap_or(Value::None);
                    self.charge_value(&value, id)?;
                    model::print::print(self.plan().ty(*ty), &value, &mut text);
                }
            }
            if text.len() > limits::STRING_BYTES_MAX {
                return Err(self.exceeded("max_string_bytes", limits::STRING_BYTES_MAX, id));
            }
        }
        Ok(Value::String(text.into()))
    }

    fn merge(&mut self, merge: &Merge, id: ExprId) -> Outcome {
        let (left, right) = self.both(merge.left, merge.right)?;
        let one = |left: &Value, right: &Value| {
            let slot = |(side, slot): &(Side, u32)| match side {
                Side::Left => field(left, *slot),
                Side::Right => field(right, *slot),
            };
            merge.slots.iter().map(slot).collect::<Option<_>>().map(Value::Record)
        };
        let width = merge.slots.len() as u64;
        let merged = match (&left, &right) {
            (Value::List(left), Value::List(right))
                if merge.left_is_list && merge.right_is_list =>
            {
                if left.len() != right.len() {
                    let (left, right) = (left.len(), right.len());
                    let message = format!("lists of {left} and {right} elements cannot be merged");
                    return Err(self.place(Failure::new(Code::R007, message), id));
                }
                self.charge(left.len() as u64 * width, id)?;
                left.iter().zip(right.iter()).map(|(l, r)| one(l, r)).collect::<Option<_>>()
            }
            (Value::List(left), right) if merge.left_is_list => {
                self.charge(left.len() as u64 * width, id)?;
                left.iter().map(|left| one(left, right)).collect()
            }
            (left, Value::List(right)) if merge.right_is_list => {
                self.charge(right.len() as u64 * width, id)?;
                right.iter().map(|right| one(left, right)).collect()
            }
            (left, right) => return one(left, right).ok_or_else(|| self.broken(id)),
        };
        merged.map(Value::List).ok_or_else(|| self.broken(id))
    }

    /// The body of the first arm whose pattern fits `subject` and whose guard holds.
    fn select(&mut self, subject: &Value, arms: &[Arm], id: ExprId) -> Outcome<ExprId> {
        for arm in arms {
            if self.fits(arm.pattern, subject)
                && arm.guard.map_or(Ok(true), |guard| self.boolean(guard))?
            {
                return Ok(arm.body);
            }
        }
        // The checker made sure that an arm fits every value.
        Err(self.broken(id))
    }

    /// Whether `value` fits the pattern; binds its variables.
    pub(crate) fn fits(&mut self, pattern: PatternId, value: &Value) -> bool {
        let plan = self.plan();
        match &plan.patterns[pattern as usize] {
            Pattern::Any => true,
            Pattern::Bind(local, shape, inner) => {
                self.locals[*local as usize] = reshape::apply(plan, *shape, value.clone());
                self.fits(*inner, value)
            }
            Pattern::Equal(constant) => plan.constant(*constant).equals(value),
            Pattern::None => matches!(value, Value::None),
            Pattern::Some(inner) => !matches!(value, Value::None) && self.fits(*inner, value),
            Pattern::Member(cases) => {
                let content = |(test, inner): &(MemberTest, PatternId)| {
                    reshape::member(test, value).map(|content| (*inner, content.clone()))
                };
                let found = cases.iter().find_map(content);
                found.is_some_and(|(inner, content)| self.fits(inner, &content))
            }
            Pattern::Record(slots) => slots.iter().all(|(slot, inner)| {
                field(value, *slot).is_some_and(|value| self.fits(*inner, &value))
            }),
        }
    }

    /// Marks the variables of a pattern as unknown.
    pub(crate) fn unbind(&mut self, pattern: PatternId) {
        match &self.plan().patterns[pattern as usize] {
            Pattern::Any | Pattern::Equal(_) | Pattern::None => {}
            Pattern::Bind(local, _, inner) => {
                self.locals[*local as usize] = None;
                self.unbind(*inner);
            }
            Pattern::Some(inner) => self.unbind(*inner),
            Pattern::Member(cases) => cases.iter().for_each(|(_, inner)| self.unbind(*inner)),
            Pattern::Record(slots) => slots.iter().for_each(|(_, inner)| self.unbind(*inner)),
        }
    }

    /// A step for each element and each 64 bytes of `value`.
    fn charge_value(&mut self, value: &Value, id: ExprId) -> Outcome<()> {
        match value {
            Value::None | Value::Boolean(_) | Value::Int(_) | Value::Float(_) => Ok(()),
            large => self.charge(large.bytes() as u64 / 64, id),
        }
    }

    fn charge(&mut self, steps: u64, id: ExprId) -> Outcome<()> {
        self.steps += steps;
        if self.steps > limits::STEPS_MAX {
            return Err(self.exceeded("max_steps", limits::STEPS_MAX as usize, id));
        }
        Ok(())
    }

    fn exceeded(&self, limit: &str, bound: usize, id: ExprId) -> Stop {
        let message = format!("the limit `{limit}` of {bound} is exceeded");
        self.place(Failure::new(Code::R009, message), id)
    }

    fn broken(&self, id: ExprId) -> Stop {
        self.place(operators::broken(), id)
    }

    fn place(&self, failure: Failure, id: ExprId) -> Stop {
        let span = self.plan().spans[id as usize];
        Stop::Failed(Arc::new(Failure { span, ..failure }))
    }
}

fn field(record: &Value, slot: u32) -> Option<Value> {
    match record {
        Value::Record(fields) => fields.get(slot as usize).cloned(),
        _ => None,
    }
}

/// The failure of what needs `name`, which failed: it names the node where it all began.
fn by_dependency(name: &Text, failure: &Failure) -> Failure {
    let cause = failure.cause.as_ref().unwrap_or(name);
    let mut dependent = Failure::new(Code::R013, format!("`{cause}` failed"));
    dependent.cause = Some(cause.clone());
    dependent
}
