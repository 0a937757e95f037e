//! Builds the plan of a called pipeline into that of its caller. Its inputs and bindings become cells
//! of a scope inside the binding that calls it, its calls are calls of that binding, and everything
//! else is numbered anew.

use model::plan::{
    Argument, Call, CallId, Each, Expr as Op, ExprId, Input, LocalId, MemberTest, Merge, ModuleUse,
    Otherwise, Pattern, PatternId, Piece, Rescue, ReshapeId, Scope, Source,
};
use model::{Image, Plan, Span, Text, Type, Value};

use super::Lowering;
use crate::program;
use crate::reshapes::KEEP;

/// How many pipelines are called inside one another here, this one included.
pub(crate) fn depth(plan: &Plan) -> usize {
    let mut depths: Vec<usize> = Vec::with_capacity(plan.exprs.len());
    for expr in &plan.exprs {
        let mut depth = 0;
        expr.operands(&mut |part| depth = depth.max(depths[part as usize]));
        if let Op::Call(call) = expr {
            let arguments = &plan.calls[*call as usize].arguments;
            depth = arguments.iter().map(|part| depths[*part as usize]).fold(depth, usize::max);
        }
        depths.push(depth + usize::from(matches!(expr, Op::Scope(_))));
    }
    depths.into_iter().max().unwrap_or_default() + 1
}

impl<'p> Lowering<'p> {
    /// The scope that stands for a call of the pipeline `image`.
    pub(super) fn scope(&mut self, call: &'p program::Call, image: &Image, span: Span) -> ExprId {
        let callee = &image.plan;
        let mut import = Import {
            callee,
            span,
            inputs: self.new_locals(callee.inputs.len() as u32),
            bindings: self.new_locals(callee.bindings.len() as u32),
            locals: 0,
            reshapes: self.reshapes.import(&callee.reshapes),
            patterns: self.plan.patterns.len() as PatternId,
            exprs: Vec::with_capacity(callee.exprs.len()),
        };
        let arguments = self.arguments(call, &import);
        let mut bindings = Vec::with_capacity(callee.bindings.len());
        let mut locals = Vec::with_capacity(callee.bindings.len());
        for binding in &callee.bindings {
            locals.push(self.new_locals(binding.locals));
        }
        let patterns_of = pattern_locals(callee, &locals);
        for (pattern, locals) in callee.patterns.iter().zip(patterns_of) {
            import.locals = locals;
            let pattern = self.import_pattern(pattern, &import);
            self.plan.patterns.push(pattern);
        }
        for (at, binding) in (0..).zip(&callee.bindings) {
            import.locals = locals[at as usize];
            while import.exprs.len() <= binding.root as usize {
                let expr = self.import_expr(&callee.exprs[import.exprs.len()], &import);
                import.exprs.push(self.push(expr, span));
            }
            bindings.push((import.bindings + at, import.exprs[binding.root as usize]));
        }
        let outputs = callee.outputs.iter().map(|output| match output.source {
            Source::Input(id) => import.inputs + id,
            Source::Binding(id) => import.bindings + id,
        });
        let outputs: Vec<ExprId> = outputs.map(|cell| self.push(Op::Cell(cell), span)).collect();
        let body = match outputs.as_slice() {
            [single] => *single,
            _ => self.push(Op::Record(outputs), span),
        };
        self.push(Op::Scope(Scope { arguments, bindings, body }.into()), span)
    }

    fn new_locals(&mut self, count: u32) -> LocalId {
        let first = self.next_local;
        self.next_local += count;
        first
    }

    /// What the inputs are given: the fields of a record literal, or those of a record that is
    /// computed once; else their default, or none.
    fn arguments(&mut self, call: &'p program::Call, import: &Import<'_>) -> Vec<Argument> {
        let mut arguments = Vec::new();
        let cell = |name: &Text, at: u32, value| {
            let (name, local) = (name.clone(), import.inputs + at);
            Argument { name, local, value }
        };
        let inputs = || (0..).zip(&import.callee.inputs);
        let mut is_given = vec![false; import.callee.inputs.len()];
        match (&call.inputs, call.arguments.as_slice()) {
            (None, [record]) => {
                let value = self.expr(record);
                let (name, local) = (Text::new_static("inputs"), self.new_locals(1));
                arguments.push(Argument { name, local, value });
                for (at, input) in inputs() {
                    let Some(value) = self.input_field(local, &record.ty, input, import) else {
                        continue;
                    };
                    is_given[at as usize] = true;
                    arguments.push(cell(&input.name, at, value));
                }
            }
            (given, values) => {
                for (&at, value) in given.iter().flatten().zip(values) {
                    let value = self.expr(value);
                    is_given[at as usize] = true;
                    arguments.push(cell(&import.callee.inputs[at as usize].name, at, value));
                }
            }
        }
        for (at, input) in inputs().filter(|(at, _)| !is_given[*at as usize]) {
            let default = input.default.map(|id| import.callee.constant(id).clone());
            let constant = self.constant(&default.unwrap_or(Value::None));
            let value = self.push(Op::Constant(constant), import.span);
            arguments.push(cell(&input.name, at, value));
        }
        arguments
    }

    /// The field of a record for an input, if it has one.
    fn input_field(
        &mut self,
        record: LocalId,
        ty: &Type,
        input: &Input,
        import: &Import<'_>,
    ) -> Option<ExprId> {
        let Type::Record(fields) = ty else { return None };
        let (from, to) = (fields.get(&input.name)?, import.callee.ty(input.ty));
        let mut value = self.push(Op::Cell(record), import.span);
        let field = self.reshapes.field(ty, &input.name, from);
        for reshape in [field, self.reshapes.convert(from, to)] {
            if reshape != KEEP {
                value = self.push(Op::Reshape(value, reshape), import.span);
            }
        }
        Some(value)
    }

    fn import_expr(&mut self, expr: &Op, import: &Import<'_>) -> Op {
        let at = |id: &ExprId| import.exprs[*id as usize];
        let all = |ids: &[ExprId]| ids.iter().map(at).collect::<Vec<ExprId>>();
        match expr {
            Op::Constant(id) => Op::Constant(self.constant(import.callee.constant(*id))),
            Op::Input(id) => Op::Cell(import.inputs + id),
            Op::Binding(id) => Op::Cell(import.bindings + id),
            Op::Local(id) => Op::Local(import.locals + id),
            Op::Cell(id) => Op::Cell(import.locals + id),
            Op::Call(id) => Op::Call(self.import_call(*id, import)),
            Op::Apply { function, ty, arguments } => Op::Apply {
                function: self.import_function(*function, import),
                ty: ty.map(|ty| self.ty(import.callee.ty(ty))),
                arguments: all(arguments),
            },
            Op::Each(each) => {
                let parameter = |(local, shape): &(LocalId, ReshapeId)| {
                    (import.locals + local, import.reshape(*shape))
                };
                let parameters = each.parameters.iter().map(parameter).collect();
                let function = self.import_function(each.function, import);
                let (arguments, body) = (all(&each.arguments), at(&each.body));
                Op::Each(Each { function, arguments, parameters, body }.into())
            }
            Op::Rescue(rescue) => Op::Rescue(Rescue {
                of: at(&rescue.of),
                fallback: rescue.fallback.as_ref().map(at),
                otherwise: match rescue.otherwise {
                    Otherwise::Constant(id) => {
                        Otherwise::Constant(self.constant(import.callee.constant(id)))
                    }
                    other => other,
                },
            }),
            Op::Negate(a) => Op::Negate(at(a)),
            Op::Not(a) => Op::Not(at(a)),
            Op::Arithmetic(op, a, b) => Op::Arithmetic(*op, at(a), at(b)),
            Op::Compare(op, a, b) => Op::Compare(*op, at(a), at(b)),
            Op::CompareUnions { is_equal, left, right } => Op::CompareUnions {
                is_equal: *is_equal,
                left: (at(&left.0), self.ty(import.callee.ty(left.1))),
                right: (at(&right.0), self.ty(import.callee.ty(right.1))),
            },
            Op::And(a, b) => Op::And(at(a), at(b)),
            Op::Or(a, b) => Op::Or(at(a), at(b)),
            Op::When { value, condition } => {
                Op::When { value: at(value), condition: at(condition) }
            }
            Op::Coalesce(a, b) => Op::Coalesce(at(a), at(b)),
            Op::If { condition, then, otherwise } => {
                let (condition, then, otherwise) = (at(condition), at(then), at(otherwise));
                Op::If { condition, then, otherwise }
            }
            Op::Match { subject, arms } => Op::Match {
                subject: at(subject),
                arms: arms
                    .iter()
                    .map(|arm| model::plan::Arm {
                        pattern: import.patterns + arm.pattern,
                        guard: arm.guard.as_ref().map(at),
                        body: at(&arm.body),
                    })
                    .collect(),
            },
            Op::List(items) => Op::List(all(items)),
            Op::Record(fields) => Op::Record(all(fields)),
            Op::Map(entries) => Op::Map(
                entries
                    .iter()
                    .map(|(key, value)| (self.constant(import.callee.constant(*key)), at(value)))
                    .collect(),
            ),
            Op::Text(pieces) => Op::Text(
                pieces
                    .iter()
                    .map(|piece| match piece {
                        Piece::Literal(text) => Piece::Literal(text.clone()),
                        Piece::Value(id, ty) => {
                            Piece::Value(at(id), self.ty(import.callee.ty(*ty)))
                        }
                    })
                    .collect(),
            ),
            Op::Reshape(a, shape) => Op::Reshape(at(a), import.reshape(*shape)),
            Op::Merge(merge) => {
                let Merge { left, right, .. } = **merge;
                Op::Merge(Merge { left: at(&left), right: at(&right), ..(**merge).clone() }.into())
            }
            Op::Scope(scope) => {
                let argument = |argument: &Argument| Argument {
                    name: argument.name.clone(),
                    local: import.locals + argument.local,
                    value: at(&argument.value),
                };
                let binding =
                    |(local, value): &(LocalId, ExprId)| (import.locals + local, at(value));
                let arguments = scope.arguments.iter().map(argument).collect();
                let bindings = scope.bindings.iter().map(binding).collect();
                Op::Scope(Scope { arguments, bindings, body: at(&scope.body) }.into())
            }
        }
    }

    fn import_call(&mut self, id: CallId, import: &Import<'_>) -> CallId {
        let call = &import.callee.calls[id as usize];
        self.calls_in_binding += 1;
        let call = Call {
            module: self.module(import.callee.modules[call.module as usize].clone()),
            arguments: call.arguments.iter().map(|id| import.exprs[*id as usize]).collect(),
            binding: self.plan.bindings.len() as u32,
            place: self.calls_in_binding,
            depth: self.lambdas + call.depth,
            options: call.options.clone(),
            span: import.span,
        };
        self.plan.calls.push(call);
        self.plan.calls.len() as CallId - 1
    }

    /// The place of a module among those of the plan.
    pub(super) fn module(&mut self, module: ModuleUse) -> u32 {
        let modules = &mut self.plan.modules;
        let known = modules.iter().position(|known| *known == module);
        known.unwrap_or_else(|| {
            modules.push(module);
            modules.len() - 1
        }) as u32
    }

    fn import_function(&mut self, id: u32, import: &Import<'_>) -> u32 {
        self.standard_function(&import.callee.functions[id as usize])
    }

    /// The place of a standard function among those of the plan.
    pub(super) fn standard_function(&mut self, name: &Text) -> u32 {
        let functions = &mut self.plan.functions;
        let known = functions.iter().position(|known| known == name);
        known.unwrap_or_else(|| {
            functions.push(name.clone());
            functions.len() - 1
        }) as u32
    }

    fn import_pattern(&mut self, pattern: &Pattern, import: &Import<'_>) -> Pattern {
        let inner = |id: &PatternId| import.patterns + id;
        match pattern {
            Pattern::Any => Pattern::Any,
            Pattern::Bind(local, shape, id) => {
                Pattern::Bind(import.locals + local, import.reshape(*shape), inner(id))
            }
            Pattern::Equal(id) => Pattern::Equal(self.constant(import.callee.constant(*id))),
            Pattern::None => Pattern::None,
            Pattern::Some(id) => Pattern::Some(inner(id)),
            Pattern::Member(cases) => {
                let case = |(test, id): &(MemberTest, PatternId)| (test.clone(), inner(id));
                Pattern::Member(cases.iter().map(case).collect())
            }
            Pattern::Record(slots) => {
                Pattern::Record(slots.iter().map(|(slot, id)| (*slot, inner(id))).collect())
            }
        }
    }
}

/// Where the parts of a called pipeline's plan stand in that of the caller.
struct Import<'c> {
    callee: &'c Plan,
    /// The call: a failure inside is a failure there.
    span: Span,
    /// The locals that are its first input and its first binding.
    inputs: LocalId,
    bindings: LocalId,
    /// The first local of the binding that is imported.
    locals: LocalId,
    reshapes: ReshapeId,
    patterns: PatternId,
    exprs: Vec<ExprId>,
}

impl Import<'_> {
    fn reshape(&self, id: ReshapeId) -> ReshapeId {
        if id == KEEP { KEEP } else { self.reshapes + id }
    }
}

/// For each pattern the first local of the binding that it stands in.
fn pattern_locals(plan: &Plan, locals: &[LocalId]) -> Vec<LocalId> {
    let mut first = vec![0; plan.patterns.len()];
    let mut binding = 0;
    for (at, expr) in plan.exprs.iter().enumerate() {
        while plan.bindings[binding].root < at as ExprId {
            binding += 1;
        }
        if let Op::Match { arms, .. } = expr {
            arms.iter().for_each(|arm| first[arm.pattern as usize] = locals[binding]);
        }
    }
    // Parts stand before what they are parts of.
    for at in (0..plan.patterns.len()).rev() {
        let own = first[at];
        plan.patterns[at].parts(&mut |part| first[part as usize] = own);
    }
    first
}
