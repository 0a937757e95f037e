//! Program to [`Plan`]: what the outputs reach, in dependency order, as dense arrays.
//!
//! The plan does not depend on the order of declarations: of bindings that are ready at the same
//! time the first by name comes first, and everything else is numbered as it is met.

mod embed;

pub(crate) use embed::depth;

use std::collections::HashMap;

use model::plan::{
    self, Binding, BindingId, BindingKind, Call, CallOptions, Comparison, ConstantId, Each,
    EventSource, Expr as Op, ExprId, Input, Merge, ModuleUse, Otherwise, Output, PatternId, Rescue,
    Side, Source, TypeId,
};
use model::{Plan, Span, Text, Type, Value, codec};

use crate::join;
use crate::program::{self, Delivered, Expr, Kind, OnError, Pattern, Program};
use crate::reach::in_order;
use crate::reshapes::{KEEP, Reshapes};

/// The plan of a program without errors.
pub(crate) fn lower(program: &Program) -> Plan {
    let cells = in_order(program);
    let mut places = vec![BindingId::MAX; program.bindings.len()];
    for (place, cell) in (0..).zip(&cells) {
        if let Some(id) = cell.id {
            places[id as usize] = place;
        }
    }
    let mut lowering = Lowering::new(&program.functions, places);
    for input in &program.inputs {
        let input = lowering.input(input);
        lowering.plan.inputs.push(input);
    }
    for cell in &cells {
        let program::Binding { name, value, locals, span, .. } = cell.binding;
        lowering.binding(name.clone(), cell.kind, value, locals, *span);
    }
    for (place, cell) in (0..).zip(&cells) {
        if let Some(input) = cell.key_of {
            let event = program.inputs[input as usize].event.as_ref();
            let event_type = event.map(|event| event.event_type.clone());
            lowering.plan.inputs[input as usize].event =
                event_type.map(|event_type| EventSource { event_type, key: place });
        }
    }
    let guards: HashMap<&Text, BindingId> = (0..)
        .zip(&cells)
        .filter(|(_, cell)| cell.kind == BindingKind::Guard)
        .map(|(id, cell)| (&cell.binding.name, id))
        .collect();
    for output in &program.outputs {
        let source = match &output.source {
            Delivered::Input(id) => Source::Input(*id),
            Delivered::Binding(id) => Source::Binding(lowering.places[*id as usize]),
            Delivered::Guard(binding) => Source::Binding(guards[&binding.name]),
        };
        let (name, description) = (output.name.clone(), output.description.clone());
        lowering.plan.outputs.push(Output { name, source, description });
    }
    lowering.finish()
}

/// A plan of one binding for an expression that reads no cell.
pub(crate) fn constant(value: &Expr, locals: &[Type], functions: &[program::Function]) -> Plan {
    let mut lowering = Lowering::new(functions, Vec::new());
    lowering.binding(Text::new_static("constant"), BindingKind::Named, value, locals, value.span);
    lowering.finish()
}

struct Lowering<'p> {
    program_functions: &'p [program::Function],
    plan: Plan,
    reshapes: Reshapes,
    /// Where each binding of the program stands in the plan.
    places: Vec<BindingId>,
    /// Where each function of the program stands among the plan's modules or functions.
    functions: Vec<Option<u32>>,
    types: HashMap<Vec<u8>, TypeId>,
    /// The same by where the types live, which is looked at first.
    types_by_address: HashMap<(u8, usize), TypeId>,
    constants: HashMap<Vec<u8>, ConstantId>,
    /// The types of the variables of the current binding.
    locals: &'p [Type],
    calls_in_binding: u32,
    /// The next local of the current binding that is none of its own variables.
    next_local: u32,
    /// How many lambdas enclose the current expression.
    lambdas: u32,
}

impl<'p> Lowering<'p> {
    fn new(functions: &'p [program::Function], places: Vec<BindingId>) -> Lowering<'p> {
        Lowering {
            program_functions: functions,
            plan: Plan::default(),
            reshapes: Reshapes::new(),
            places,
            functions: vec![None; functions.len()],
            types: HashMap::new(),
            types_by_address: HashMap::new(),
            constants: HashMap::new(),
            locals: &[],
            calls_in_binding: 0,
            next_local: 0,
            lambdas: 0,
        }
    }

    fn finish(mut self) -> Plan {
        self.plan.reshapes = self.reshapes.finish();
        self.plan
    }

    fn input(&mut self, input: &program::Input) -> Input {
        Input {
            name: input.name.clone(),
            ty: self.ty(&input.ty),
            default: input.default.as_ref().map(|value| self.constant(value)),
            title: input.title.clone(),
            description: input.description.clone(),
            examples: input.examples.iter().map(|value| self.constant(value)).collect(),
            deadline_ms: input.deadline_ms,
            event: None,
            span: input.span,
        }
    }

    fn binding(
        &mut self,
        name: Text,
        kind: BindingKind,
        value: &'p Expr,
        locals: &'p [Type],
        span: Span,
    ) {
        self.locals = locals;
        self.calls_in_binding = 0;
        self.next_local = locals.len() as u32;
        let root = self.expr(value);
        let ty = self.ty(&value.ty);
        let locals = self.next_local;
        self.plan.bindings.push(Binding { name, kind, ty, root, locals, span });
    }

    fn ty(&mut self, ty: &Type) -> TypeId {
        let address = join::address(ty);
        let known = address.and_then(|address| self.types_by_address.get(&address));
        if let Some(known) = known {
            return *known;
        }
        let mut key = Vec::new();
        codec::write_type(&mut key, ty);
        let (types, plan) = (&mut self.types, &mut self.plan);
        let id = *types.entry(key).or_insert_with(|| {
            plan.types.push(ty.clone());
            plan.types.len() as TypeId - 1
        });
        self.types_by_address.extend(address.map(|address| (address, id)));
        id
    }

    fn constant(&mut self, value: &Value) -> ConstantId {
        let mut key = Vec::new();
        codec::write_value(&mut key, value);
        let (constants, plan) = (&mut self.constants, &mut self.plan);
        *constants.entry(key).or_insert_with(|| {
            plan.constants.push(value.clone());
            plan.constants.len() as ConstantId - 1
        })
    }

    fn push(&mut self, op: Op, span: Span) -> ExprId {
        self.plan.exprs.push(op);
        self.plan.spans.push(span);
        self.plan.exprs.len() as ExprId - 1
    }

    /// Appends the expression behind its operands, and gives its place.
    fn expr(&mut self, expr: &'p Expr) -> ExprId {
        let span = expr.span;
        let op = match &expr.kind {
            Kind::Constant(value) => Op::Constant(self.constant(value)),
            Kind::Input(id) => Op::Input(*id),
            Kind::Binding(id) => Op::Binding(self.places[*id as usize]),
            Kind::Local(id) => Op::Local(*id),
            Kind::Call(call) => return self.call(call, span),
            Kind::Negate(a) => Op::Negate(self.expr(a)),
            Kind::Not(a) => Op::Not(self.expr(a)),
            Kind::Arithmetic(op, a, b) => Op::Arithmetic(*op, self.expr(a), self.expr(b)),
            Kind::Compare(op @ (Comparison::Equal | Comparison::NotEqual), a, b)
                if a.ty.has_union() || b.ty.has_union() =>
            {
                let left = (self.expr(a), self.ty(&a.ty));
                let right = (self.expr(b), self.ty(&b.ty));
                Op::CompareUnions { is_equal: *op == Comparison::Equal, left, right }
            }
            Kind::Compare(op, a, b) => Op::Compare(*op, self.expr(a), self.expr(b)),
            Kind::And(a, b) => Op::And(self.expr(a), self.expr(b)),
            Kind::Or(a, b) => Op::Or(self.expr(a), self.expr(b)),
            Kind::When(value, condition) => {
                let (value, condition) = (self.expr(value), self.expr(condition));
                Op::When { value, condition }
            }
            Kind::Coalesce(a, b) => Op::Coalesce(self.expr(a), self.expr(b)),
            Kind::Branch(rows, otherwise) => return self.branch(rows, otherwise, span),
            Kind::Match(subject, arms) => {
                let subject = self.expr(subject);
                let arms = arms.iter().map(|arm| self.arm(arm)).collect();
                Op::Match { subject, arms }
            }
            Kind::List(items) => Op::List(items.iter().map(|item| self.expr(item)).collect()),
            Kind::Record(fields) => {
                let mut fields = self.fields(fields);
                fields.sort_by(|a, b| a.0.cmp(&b.0));
                Op::Record(fields.into_iter().map(|(_, value)| value).collect())
            }
            Kind::Map(entries) => {
                let mut entries = self.fields(entries);
                entries.sort_by(|a, b| a.0.cmp(&b.0));
                let entry =
                    |(key, value): (Text, ExprId)| (self.constant(&Value::String(key)), value);
                Op::Map(entries.into_iter().map(entry).collect())
            }
            Kind::Text(pieces) => Op::Text(pieces.iter().map(|piece| self.piece(piece)).collect()),
            Kind::Field(base, name) => {
                let value = self.expr(base);
                Op::Reshape(value, self.reshapes.field(&base.ty, name, &expr.ty))
            }
            Kind::OptionalField(base, name) => {
                let value = self.expr(base);
                Op::Reshape(value, self.reshapes.optional_field(&base.ty, name, &expr.ty))
            }
            Kind::Project(base) => {
                let value = self.expr(base);
                match self.reshapes.project(&base.ty, &expr.ty) {
                    KEEP => return value,
                    reshape => Op::Reshape(value, reshape),
                }
            }
            Kind::Merge(left, right) => {
                let types = (&left.ty, &right.ty, &expr.ty);
                let (left, right) = (self.expr(left), self.expr(right));
                Op::Merge(merge(left, right, types).into())
            }
            Kind::Convert(inner) => {
                let value = self.expr(inner);
                match self.reshapes.convert(&inner.ty, &expr.ty) {
                    KEEP => return value,
                    reshape => Op::Reshape(value, reshape),
                }
            }
            // A program with errors is never lowered.
            Kind::Broken => Op::Constant(self.constant(&Value::None)),
        };
        self.push(op, span)
    }

    fn fields(&mut self, fields: &'p [(Text, Expr)]) -> Vec<(Text, ExprId)> {
        fields.iter().map(|(name, value)| (name.clone(), self.expr(value))).collect()
    }

    fn piece(&mut self, piece: &'p program::Piece) -> plan::Piece {
        match piece {
            program::Piece::Literal(text) => plan::Piece::Literal(text.clone()),
            program::Piece::Value(value) => {
                let id = self.expr(value);
                plan::Piece::Value(id, self.ty(&value.ty))
            }
        }
    }

    /// Rows become nested conditionals, the last one innermost.
    fn branch(&mut self, rows: &'p [(Expr, Expr)], otherwise: &'p Expr, span: Span) -> ExprId {
        let mut lowered = Vec::with_capacity(rows.len());
        for (condition, value) in rows {
            lowered.push((self.expr(condition), self.expr(value)));
        }
        let otherwise = self.expr(otherwise);
        lowered.into_iter().rev().fold(otherwise, |otherwise, (condition, then)| {
            self.push(Op::If { condition, then, otherwise }, span)
        })
    }

    fn call(&mut self, call: &'p program::Call, span: Span) -> ExprId {
        let function = &self.program_functions[call.function as usize];
        let of = match &function.pipeline {
            Some(image) => self.scope(call, image, span),
            None => {
                let op = self.called(call, function, span);
                self.push(op, span)
            }
        };
        let fallback = call.options.fallback.as_ref().map(|fallback| self.expr(fallback));
        let otherwise = match &call.options.on_error {
            OnError::Propagate => Otherwise::Propagate,
            OnError::Skip(zero) | OnError::Log(zero) => Otherwise::Constant(self.constant(zero)),
            OnError::Wrap => Otherwise::Wrap,
        };
        if fallback.is_none() && otherwise == Otherwise::Propagate {
            return of;
        }
        self.push(Op::Rescue(Rescue { of, fallback, otherwise }), span)
    }

    fn called(&mut self, call: &'p program::Call, function: &program::Function, span: Span) -> Op {
        let index = self.function(call.function);
        match &call.lambda {
            Some(lambda) => self.each(index, &call.arguments, lambda),
            None if function.is_module => self.module_call(index, function, call, span),
            None => {
                let ty = call.element.as_ref().map(|element| self.ty(element));
                let arguments = self.all(&call.arguments);
                Op::Apply { function: index, ty, arguments }
            }
        }
    }

    fn all(&mut self, exprs: &'p [Expr]) -> Vec<ExprId> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    fn each(&mut self, function: u32, arguments: &'p [Expr], lambda: &'p program::Lambda) -> Op {
        let arguments = self.all(arguments);
        let parameter = |(local, given): &(u32, Type)| {
            (*local, self.reshapes.convert(given, &self.locals[*local as usize]))
        };
        let parameters = lambda.parameters.iter().map(parameter).collect();
        self.lambdas += 1;
        let body = self.expr(&lambda.body);
        self.lambdas -= 1;
        Op::Each(Each { function, arguments, parameters, body }.into())
    }

    fn module_call(
        &mut self,
        module: u32,
        function: &program::Function,
        call: &'p program::Call,
        span: Span,
    ) -> Op {
        self.calls_in_binding += 1;
        let place = self.calls_in_binding;
        let arguments = self.all(&call.arguments);
        let given = &call.options.call;
        let options = CallOptions {
            throttle: given.throttle.and(function.limits.throttle),
            concurrency: given.concurrency.and(function.limits.concurrency),
            cache: given.cache.clone().filter(|cache| cache.ttl_ms > 0),
            log_failure: matches!(call.options.on_error, OnError::Log(_)),
            ..given.clone()
        };
        let id = self.plan.calls.len() as u32;
        self.plan.calls.push(Call {
            module,
            arguments,
            binding: self.plan.bindings.len() as BindingId,
            place,
            depth: self.lambdas,
            options,
            span,
        });
        Op::Call(id)
    }

    /// The place of a function among the plan's modules or functions.
    fn function(&mut self, id: u32) -> u32 {
        if let Some(index) = self.functions[id as usize] {
            return index;
        }
        let function = &self.program_functions[id as usize];
        let name = function.name.clone();
        let index = match function.is_module {
            false => self.standard_function(&name),
            true => {
                let (signature, effect) = (function.signature.clone(), function.effect);
                self.module(ModuleUse { name, signature, effect })
            }
        };
        self.functions[id as usize] = Some(index);
        index
    }

    fn arm(&mut self, arm: &'p program::Arm) -> plan::Arm {
        let pattern = self.pattern(&arm.pattern);
        let guard = arm.guard.as_ref().map(|guard| self.expr(guard));
        plan::Arm { pattern, guard, body: self.expr(&arm.body) }
    }

    fn pattern(&mut self, pattern: &Pattern) -> PatternId {
        let lowered = match pattern {
            Pattern::Any => plan::Pattern::Any,
            Pattern::Bind(local, from, inner) => {
                let to = &self.locals[*local as usize];
                let reshape = self.reshapes.narrow(from, to);
                plan::Pattern::Bind(*local, reshape, self.pattern(inner))
            }
            Pattern::Equal(value) => plan::Pattern::Equal(self.constant(value)),
            Pattern::None => plan::Pattern::None,
            Pattern::Some(inner) => plan::Pattern::Some(self.pattern(inner)),
            Pattern::Member(cases) => {
                let case = |(test, inner): &(_, Pattern)| (Clone::clone(test), self.pattern(inner));
                plan::Pattern::Member(cases.iter().map(case).collect())
            }
            Pattern::Record(slots) => {
                let slot = |(slot, inner): &(u32, Pattern)| (*slot, self.pattern(inner));
                plan::Pattern::Record(slots.iter().map(slot).collect())
            }
        };
        self.plan.patterns.push(lowered);
        self.plan.patterns.len() as PatternId - 1
    }
}

/// A merge of values of these types: left, right and result.
fn merge(left: ExprId, right: ExprId, types: (&Type, &Type, &Type)) -> Merge {
    let element = |ty: &Type| match ty {
        Type::List(element) => (**element).clone(),
        other => other.clone(),
    };
    let is_list = |ty: &Type| matches!(ty, Type::List(_));
    let (left_ty, right_ty, result) = types;
    let mut slots = Vec::new();
    if let (Type::Record(a), Type::Record(b), Type::Record(to)) =
        (element(left_ty), element(right_ty), element(result))
    {
        let slot = |field: &model::Field| match (b.slot(&field.name), a.slot(&field.name)) {
            (Some(slot), _) => (Side::Right, slot as u32),
            (None, slot) => (Side::Left, slot.unwrap_or_default() as u32),
        };
        slots.extend(to.slots().map(slot));
    }
    let (left_is_list, right_is_list) = (is_list(left_ty), is_list(right_ty));
    Merge { left, right, left_is_list, right_is_list, slots }
}
