//! Evaluates one expression over what is known: a value, a failure, or *open* because something
//! that it needs has no value yet. Never makes a call; reads the results of those that were made.
//!
//! All operands in unconditional position are looked at, and a failure among them outweighs an
//! open one. So the result depends only on what is known, not on the order in which it came.

use std::sync::Arc;

use model::plan::{
    Argument, Arm, BindingId, CallId, Expr, ExprId, InputId, LocalId, Merge, Otherwise, Piece,
    Rescue, Scope, Side, TypeId,
};
use model::{Code, Failure, Plan, Text, Value, limits, value};

use crate::operators;
use crate::stdlib::{self, Body, Builtins, Cost};

/// Why an expression has no value.
#[derive(Clone, Debug)]
pub enum Stop {
    /// A cell that it needs is empty.
    Open,
    /// It failed, or needs something that failed.
    Failed(Arc<Failure>),
}

/// A value, or why there is none.
pub type Outcome<T = Value> = Result<T, Stop>;

/// What a call or function gave, or how it failed itself.
pub(crate) type Attempt = Result<Value, Arc<Failure>>;

/// What is known while an expression is evaluated.
pub trait Cells {
    /// An input.
    fn input(&self, id: InputId) -> Cell<'_>;
    /// An earlier binding.
    fn binding(&self, id: BindingId) -> Cell<'_>;
    /// A module call, in lambdas for the elements with these indices.
    fn call(&self, id: CallId, path: &[u32]) -> Cell<'_>;
}

/// An input, binding or call as an expression sees it.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    /// It has neither.
    Open,
    /// Its value.
    Done(&'a Value),
    /// Its failure.
    Failed(&'a Arc<Failure>),
}

/// Nothing is known: for constants.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCells;

impl Cells for NoCells {
    fn input(&self, _: InputId) -> Cell<'_> {
        Cell::Open
    }

    fn binding(&self, _: BindingId) -> Cell<'_> {
        Cell::Open
    }

    fn call(&self, _: CallId, _: &[u32]) -> Cell<'_> {
        Cell::Open
    }
}

/// What is known of a local.
#[derive(Clone, Debug, Default)]
pub(crate) enum Local {
    #[default]
    Open,
    Done(Value),
    /// Only cells of called pipelines fail without failing the binding.
    Failed(Arc<Failure>),
}

impl From<Outcome> for Local {
    fn from(outcome: Outcome) -> Local {
        match outcome {
            Ok(value) => Local::Done(value),
            Err(Stop::Open) => Local::Open,
            Err(Stop::Failed(failure)) => Local::Failed(failure),
        }
    }
}

/// Evaluates the expressions of one binding at a time.
pub struct Evaluator<'a, C> {
    pub(crate) plan: &'a Plan,
    pub(crate) builtins: &'a Builtins,
    cells: &'a C,
    /// Pattern variables, lambda parameters and cells of called pipelines of the current binding.
    locals: Vec<Local>,
    /// The elements to which the lambdas around the current expression are applied.
    path: Vec<u32>,
    /// Around the current expression, how many options would catch its failure: then an operand that
    /// is open outweighs one that failed, so that what is caught does not depend on which was known
    /// first.
    catching: u32,
    steps: u64,
    /// Bytes of the values that functions and conversions made since [`Evaluator::enter`].
    made: usize,
}

impl<'a, C: Cells> Evaluator<'a, C> {
    /// An evaluator of a valid plan; see [`Plan::validate`].
    pub fn new(plan: &'a Plan, builtins: &'a Builtins, cells: &'a C) -> Evaluator<'a, C> {
        let (locals, path) = (Vec::new(), Vec::new());
        Evaluator { plan, builtins, cells, locals, path, catching: 0, steps: 0, made: 0 }
    }

    /// Forgets the variables and steps of the binding before, and makes room for as many `locals`.
    pub fn enter(&mut self, locals: u32) {
        self.locals.clear();
        self.locals.resize(locals as usize, Local::Open);
        self.path.clear();
        self.catching = 0;
        self.refresh();
    }

    /// Forgets the steps that were taken: the bounds hold anew.
    pub fn refresh(&mut self) {
        self.steps = 0;
        self.made = 0;
    }

    /// The steps that were taken since then.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Gives a local its value, or makes it unknown.
    pub fn bind(&mut self, local: LocalId, value: Option<Value>) {
        self.locals[local as usize] = value.map_or(Local::Open, Local::Done);
    }

    /// Fills the cells of a called pipeline as far as they can be. None of them fails the pipeline
    /// unless its result needs it.
    pub fn enter_scope(&mut self, scope: &Scope) {
        for Argument { name, local, value } in &scope.arguments {
            let outcome = self.eval(*value).map_err(|stop| match stop {
                // It would not be the pipeline's own.
                Stop::Failed(failure) => self.place(Failure::by_dependency(name, &failure), *value),
                Stop::Open => Stop::Open,
            });
            self.locals[*local as usize] = outcome.into();
        }
        for (local, value) in &scope.bindings {
            self.locals[*local as usize] = self.eval(*value).into();
        }
    }

    /// Whether this cell has a value.
    pub fn is_filled(&self, local: LocalId) -> bool {
        matches!(self.locals[local as usize], Local::Done(_))
    }

    /// The elements to which the lambdas around the current expression are applied, outermost
    /// first.
    pub fn path(&self) -> &[u32] {
        &self.path
    }

    /// Goes into a lambda for the element `index`.
    pub fn enter_element(&mut self, index: usize) {
        self.path.push(index as u32);
    }

    /// Leaves the innermost lambda.
    pub fn leave_element(&mut self) {
        self.path.pop();
    }

    /// The value of an expression of the current binding.
    pub fn eval(&mut self, mut id: ExprId) -> Outcome {
        // Conditional positions at the end of an expression go round this loop, so that a long
        // `branch` needs no stack.
        loop {
            self.charge(1, id)?;
            id = match &self.plan.exprs[id as usize] {
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
    fn strict(&mut self, id: ExprId, expr: &'a Expr) -> Outcome {
        match expr {
            Expr::Constant(constant) => Ok(self.plan.constant(*constant).clone()),
            Expr::Input(input) => {
                let name = &self.plan.inputs[*input as usize].name;
                self.read(self.cells.input(*input), name, id)
            }
            Expr::Binding(binding) => {
                let name = &self.plan.bindings[*binding as usize].name;
                self.read(self.cells.binding(*binding), name, id)
            }
            Expr::Local(local) | Expr::Cell(local) => match &self.locals[*local as usize] {
                Local::Done(value) => Ok(value.clone()),
                Local::Open => Err(Stop::Open),
                Local::Failed(failure) => Err(Stop::Failed(failure.clone())),
            },
            Expr::Scope(scope) => {
                self.enter_scope(scope);
                self.eval(scope.body)
            }
            Expr::Call(_) | Expr::Apply { .. } | Expr::Each(_) => {
                self.attempt(id, false)?.map_err(Stop::Failed)
            }
            Expr::Rescue(rescue) => self.rescue(rescue),
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
                let equal = value::equals_at(self.plan.ty(left.1), &a, self.plan.ty(right.1), &b);
                Ok(Value::Boolean(equal == *is_equal))
            }
            Expr::List(items) => Ok(Value::List(self.all(items)?.into())),
            Expr::Record(fields) => Ok(Value::Record(self.all(fields)?.into())),
            Expr::Map(entries) => {
                let values: Vec<ExprId> = entries.iter().map(|(_, value)| *value).collect();
                let values = self.all(&values)?;
                let keys = entries.iter().map(|(key, _)| self.plan.constant(*key).clone());
                Ok(Value::Map(keys.zip(values).collect()))
            }
            Expr::Text(pieces) => self.interpolate(pieces, id),
            Expr::Reshape(value, shape) => {
                let value = self.eval(*value)?;
                self.reshape(*shape, value, id)
            }
            Expr::Merge(merge) => self.merge(merge, id),
            Expr::If { .. } | Expr::And(..) | Expr::Or(..) | Expr::When { .. } => self.eval(id),
            Expr::Coalesce(..) | Expr::Match { .. } => self.eval(id),
        }
    }

    fn read(&self, cell: Cell<'_>, name: &Text, id: ExprId) -> Outcome {
        match cell {
            Cell::Done(value) => Ok(value.clone()),
            Cell::Open => Err(Stop::Open),
            Cell::Failed(failure) => Err(self.place(Failure::by_dependency(name, failure), id)),
        }
    }

    /// What the call of `rescue` gave, or the failure that its fallback replaces. It stops where an
    /// argument does, and where the call failed by dependency: only what the call itself does wrong
    /// is caught.
    pub fn caught(&mut self, rescue: &Rescue) -> Outcome<Result<Value, Arc<Failure>>> {
        match self.attempt(rescue.of, true)? {
            Err(failure) if failure.code == Code::R013 => Err(Stop::Failed(failure)),
            attempt => Ok(attempt),
        }
    }

    /// A call or function, told apart: what it gave, or how it failed itself. It stops where an
    /// argument does.
    fn attempt(&mut self, id: ExprId, is_caught: bool) -> Outcome<Attempt> {
        match &self.plan.exprs[id as usize] {
            Expr::Call(call) => self.call_result(*call),
            Expr::Apply { function, ty, arguments } => {
                let arguments = self.all(arguments)?;
                Ok(self.apply(*function, *ty, &arguments, id))
            }
            Expr::Each(each) => {
                let arguments = self.all(&each.arguments)?;
                self.catching(is_caught, |this| this.each(each, &arguments, id))
            }
            Expr::Scope(_) => match self.catching(is_caught, |this| this.eval(id)) {
                Err(Stop::Failed(failure)) => Ok(Err(failure)),
                outcome => outcome.map(Ok),
            },
            _ => self.eval(id).map(Ok),
        }
    }

    /// The result of a call, or why there is none: a call whose arguments fail has failed by
    /// dependency without ever running.
    fn call_result(&mut self, call: CallId) -> Outcome<Attempt> {
        match self.cells.call(call, &self.path) {
            Cell::Done(value) => Ok(Ok(value.clone())),
            Cell::Failed(failure) => Ok(Err(failure.clone())),
            Cell::Open => {
                self.all(&self.plan.calls[call as usize].arguments)?;
                Err(Stop::Open)
            }
        }
    }

    fn apply(
        &mut self,
        function: u32,
        ty: Option<TypeId>,
        arguments: &[Value],
        id: ExprId,
    ) -> Attempt {
        let builtin = self.builtins.get(function);
        let steps: u64 = match builtin.cost {
            Cost::Search => stdlib::search_steps(arguments),
            cost => arguments.iter().map(|argument| steps(cost, argument)).sum(),
        };
        own(self.charge(steps, id))?;
        let result = match builtin.body {
            Body::Plain(eval) => eval(arguments),
            Body::Typed(eval) => eval(arguments, ty.map(|ty| self.plan.ty(ty))),
            Body::Each(_) => Err(operators::broken()),
        };
        let value = own(result.map_err(|failure| self.place(failure, id)))?;
        own(self.charge_made(&value, id))?;
        Ok(value)
    }

    fn rescue(&mut self, rescue: &Rescue) -> Outcome {
        let failure = match self.caught(rescue)? {
            Ok(value) => return Ok(succeeded(rescue.otherwise, value)),
            Err(failure) => failure,
        };
        let is_caught = rescue.otherwise != Otherwise::Propagate;
        let fallback = rescue.fallback.map(|id| self.catching(is_caught, |this| this.eval(id)));
        let failure = match fallback {
            None => failure,
            Some(Ok(value)) => return Ok(succeeded(rescue.otherwise, value)),
            Some(Err(Stop::Failed(failure))) if failure.code != Code::R013 => failure,
            Some(Err(stop)) => return Err(stop),
        };
        match rescue.otherwise {
            Otherwise::Propagate => Err(Stop::Failed(failure)),
            Otherwise::Constant(constant) => Ok(self.plan.constant(constant).clone()),
            Otherwise::Wrap => Ok(member(0, Value::string(failure.message.clone()))),
        }
    }

    /// Evaluates what an option would catch, if one would.
    fn catching<T>(
        &mut self,
        is_caught: bool,
        eval: impl FnOnce(&mut Self) -> Outcome<T>,
    ) -> Outcome<T> {
        self.catching += u32::from(is_caught);
        let outcome = eval(self);
        self.catching -= u32::from(is_caught);
        outcome
    }

    /// The values of all operands; a failure outweighs an open one.
    pub fn all(&mut self, ids: &[ExprId]) -> Outcome<Vec<Value>> {
        self.each_of(ids.iter(), |this, id| this.eval(*id))
    }

    /// The values of all parts. A failure outweighs what is open, the first one the others; unless
    /// it would be caught: then all of them have to be known.
    pub(crate) fn each_of<I>(
        &mut self,
        parts: impl ExactSizeIterator<Item = I>,
        mut eval: impl FnMut(&mut Self, I) -> Outcome,
    ) -> Outcome<Vec<Value>> {
        let mut values = Vec::with_capacity(parts.len());
        let (mut open, mut failed) = (false, None);
        for part in parts {
            match eval(self, part) {
                Ok(value) => values.push(value),
                Err(Stop::Open) => open = true,
                Err(failure) if self.catching == 0 => return Err(failure),
                Err(failure) => failed = failed.or(Some(failure)),
            }
        }
        match failed {
            _ if open => Err(Stop::Open),
            Some(failure) => Err(failure),
            None => Ok(values),
        }
    }

    fn both(&mut self, a: ExprId, b: ExprId) -> Outcome<(Value, Value)> {
        match (self.eval(a), self.eval(b)) {
            (Ok(a), Ok(b)) => Ok((a, b)),
            (Err(Stop::Open), _) | (_, Err(Stop::Open)) if self.catching > 0 => Err(Stop::Open),
            (Err(Stop::Failed(failure)), _) => Err(Stop::Failed(failure)),
            (_, Err(stop)) | (Err(stop), _) => Err(stop),
        }
    }

    /// The value of a Boolean expression.
    pub fn boolean(&mut self, id: ExprId) -> Outcome<bool> {
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
                    let ty = self.plan.ty(*ty);
                    model::print::print_within(ty, &value, &mut text, limits::STRING_BYTES_MAX);
                }
            }
            if text.len() > limits::STRING_BYTES_MAX {
                return Err(self.exceeded("max_string_bytes", limits::STRING_BYTES_MAX, id));
            }
        }
        let text = Value::string(text);
        self.charge_made(&text, id)?;
        Ok(text)
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
            if self.fits(arm.pattern, subject, id)?
                && arm.guard.map_or(Ok(true), |guard| self.boolean(guard))?
            {
                return Ok(arm.body);
            }
        }
        // The checker made sure that an arm fits every value.
        Err(self.broken(id))
    }

    /// A step for each element and each 64 bytes of `value`.
    pub(crate) fn charge_value(&mut self, value: &Value, id: ExprId) -> Outcome<()> {
        match value {
            Value::None | Value::Boolean(_) | Value::Int(_) | Value::Float(_) => Ok(()),
            large => self.charge(large.bytes() as u64 / 64, id),
        }
    }

    /// Counts a value that was made: its own elements and bytes, not what they share with others.
    pub(crate) fn charge_made(&mut self, value: &Value, id: ExprId) -> Outcome<()> {
        let bytes = match value {
            Value::String(text) => text.len(),
            Value::List(items) | Value::Record(items) => size_of_val(&**items),
            Value::Map(entries) => size_of_val(&**entries),
            Value::None | Value::Boolean(_) | Value::Int(_) | Value::Float(_) => return Ok(()),
            Value::Tagged(..) => size_of::<Value>(),
        };
        self.made += bytes;
        if self.made > limits::EXECUTION_BYTES_MAX {
            return Err(self.exceeded("max_execution_bytes", limits::EXECUTION_BYTES_MAX, id));
        }
        self.charge(bytes as u64 / 64, id)
    }

    pub(crate) fn charge(&mut self, steps: u64, id: ExprId) -> Outcome<()> {
        self.steps += steps;
        if self.steps > limits::STEPS_MAX {
            return Err(self.exceeded("max_steps", limits::STEPS_MAX as usize, id));
        }
        Ok(())
    }

    pub(crate) fn exceeded(&self, limit: &str, bound: usize, id: ExprId) -> Stop {
        let message = format!("the limit `{limit}` of {bound} is exceeded");
        self.place(Failure::new(Code::R009, message), id)
    }

    pub(crate) fn broken(&self, id: ExprId) -> Stop {
        self.place(operators::broken(), id)
    }

    pub(crate) fn place(&self, failure: Failure, id: ExprId) -> Stop {
        let span = self.plan.spans[id as usize];
        Stop::Failed(Arc::new(Failure { span, ..failure }))
    }
}

/// The steps that a function of this cost takes for an argument.
fn steps(cost: Cost, argument: &Value) -> u64 {
    let elements = |value: &Value| match value {
        Value::String(text) => text.len() / 64,
        Value::List(items) | Value::Record(items) => items.len(),
        Value::Map(entries) => entries.len(),
        Value::Tagged(..) => 1,
        Value::None | Value::Boolean(_) | Value::Int(_) | Value::Float(_) => 0,
    };
    let steps = match cost {
        Cost::Constant | Cost::Search => 0,
        Cost::Elements => elements(argument),
        Cost::Bytes => argument.bytes() / 64,
        Cost::Sorting => {
            let rounds = elements(argument).max(1).ilog2() as usize + 1;
            argument.bytes() / 64 * rounds
        }
    };
    steps as u64
}

/// The failure of the function itself, where evaluation inside it stopped.
pub(crate) fn own<T>(outcome: Outcome<T>) -> Result<T, Arc<Failure>> {
    outcome.map_err(|stop| match stop {
        Stop::Failed(failure) => failure,
        // Functions have all their arguments.
        Stop::Open => Arc::new(operators::broken()),
    })
}

fn succeeded(otherwise: Otherwise, value: Value) -> Value {
    match otherwise {
        Otherwise::Wrap => member(1, value),
        Otherwise::Propagate | Otherwise::Constant(_) => value,
    }
}

/// `{ error }` or `{ value }` as a member of their union, in the order of their names.
fn member(at: u32, value: Value) -> Value {
    Value::Tagged(at, Value::Record([value].into()).into())
}

pub(crate) fn field(record: &Value, slot: u32) -> Option<Value> {
    match record {
        Value::Record(fields) => fields.get(slot as usize).cloned(),
        _ => None,
    }
}
