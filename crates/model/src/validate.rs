//! Whether a plan from stored bytes can be run: every index points at something, nothing is nested
//! too deep, and running takes time and memory in proportion to the plan.
//!
//! What runs a plan recurses over it and follows its indices without looking; this is the one place
//! that makes that safe. A compiler's plans always pass.

use crate::limits::{NESTING_MAX, TYPE_SIZE_MAX};
use crate::plan::{
    BindingId, BindingKind, Call, Expr, InputId, Otherwise, Pattern, Piece, Reshape, Source,
};
use crate::{Plan, Type};

/// Depth of expressions, reshapes and patterns in a plan: lowering puts at most a few around each
/// one of the source.
const DEPTH_MAX: usize = 3 * NESTING_MAX;
/// Parts of one reshape, shared ones counted each time: a conversion is at most as large as the two
/// types that it is between, a few times over.
const RESHAPE_SIZE_MAX: usize = 100 * TYPE_SIZE_MAX;

impl Plan {
    /// Whether every index points at something that exists and stands before its user, and
    /// names are sorted where lookups rely on it.
    pub fn validate(&self) -> bool {
        self.spans.len() == self.exprs.len()
            && self.inputs.is_sorted_by(|a, b| a.name < b.name)
            && self.outputs.is_sorted_by(|a, b| a.name < b.name)
            && self.inputs.iter().all(|input| {
                self.has_type(input.ty)
                    && input.default.iter().chain(&input.examples).all(|&c| self.has_constant(c))
            })
            && self.outputs.iter().all(|output| match output.source {
                Source::Input(id) => (id as usize) < self.inputs.len(),
                Source::Binding(id) => {
                    let binding = self.bindings.get(id as usize);
                    binding.is_some_and(|binding| binding.kind != BindingKind::Key)
                }
            })
            && (0..self.reshapes.len()).all(|at| self.is_valid_reshape(at))
            && (0..self.patterns.len()).all(|at| self.is_valid_pattern(at))
            && (0..self.exprs.len()).all(|at| self.is_valid_expr(at))
            && self.calls.iter().all(|call| self.is_valid_call(call))
            && self.is_shallow()
            && self.are_small_reshapes()
            && self.are_trees()
            && self.are_valid_bindings()
            && self.are_valid_keys()
            && self.have_calls_their_depth()
    }

    /// Whether no part of an expression or pattern is used twice: otherwise a short plan could take
    /// any time to walk.
    fn are_trees(&self) -> bool {
        let mut expr_uses = vec![false; self.exprs.len()];
        let mut pattern_uses = vec![false; self.patterns.len()];
        let mut is_tree = true;
        for expr in &self.exprs {
            self.parts(expr, &mut |id| is_tree &= !replace(&mut expr_uses, id));
            if let Expr::Match { arms, .. } = expr {
                arms.iter().for_each(|arm| is_tree &= !replace(&mut pattern_uses, arm.pattern));
            }
        }
        for pattern in &self.patterns {
            pattern.parts(&mut |id| is_tree &= !replace(&mut pattern_uses, id));
        }
        is_tree
    }

    /// Whether no reshape makes more parts than a conversion can.
    fn are_small_reshapes(&self) -> bool {
        let mut sizes: Vec<usize> = Vec::with_capacity(self.reshapes.len());
        self.reshapes.iter().all(|reshape| {
            let mut size = 1usize;
            reshape.parts(&mut |part| size = size.saturating_add(sizes[part as usize]));
            sizes.push(size);
            size <= RESHAPE_SIZE_MAX
        })
    }

    /// Whether each input with events has a key of its own.
    fn are_valid_keys(&self) -> bool {
        let mut is_taken = vec![false; self.bindings.len()];
        let is_owned = self.inputs.iter().filter_map(|input| input.event.as_ref()).all(|event| {
            self.bindings.get(event.key as usize).is_some_and(|binding| {
                matches!(self.ty(binding.ty), Type::String | Type::Int)
                    && !replace(&mut is_taken, event.key)
            })
        });
        let is_key = |at: usize| self.bindings[at].kind == BindingKind::Key;
        is_owned && (0..self.bindings.len()).all(|at| is_key(at) == is_taken[at])
    }

    /// Whether the binding at `at` may read this one.
    fn may_read(&self, read: BindingId, at: usize) -> bool {
        (read as usize) < at && self.bindings[read as usize].kind != BindingKind::Key
    }

    /// Whether the binding at `at` may read this input: its key must be known before.
    fn may_read_input(&self, read: InputId, at: usize) -> bool {
        let event = &self.inputs[read as usize].event;
        event.as_ref().is_none_or(|event| (event.key as usize) < at)
    }

    /// Whether each call says how many lambdas are around it.
    fn have_calls_their_depth(&self) -> bool {
        let mut depths = vec![0u32; self.exprs.len()];
        // What uses an expression stands behind it, so going backwards every depth is final in time.
        (0..self.exprs.len()).rev().all(|at| {
            let depth = depths[at];
            let expr = &self.exprs[at];
            self.parts(expr, &mut |part| depths[part as usize] = depth);
            match expr {
                Expr::Each(each) => depths[each.body as usize] = depth + 1,
                Expr::Call(call) => return self.calls[*call as usize].depth == depth,
                _ => {}
            }
            true
        })
    }

    /// Calls `visit` with every part of an expression, the arguments of a module call included.
    fn parts(&self, expr: &Expr, visit: &mut dyn FnMut(u32)) {
        expr.operands(visit);
        if let Expr::Call(call) = expr {
            self.calls[*call as usize].arguments.iter().for_each(|&id| visit(id));
        }
    }

    /// Whether walking any expression, reshape or pattern takes a bounded stack. A long `branch` is
    /// walked in a loop, so its last operand adds no depth.
    fn is_shallow(&self) -> bool {
        let exprs = is_shallow(&self.exprs, |expr, deepen| match expr {
            Expr::If { condition, then, otherwise } => {
                deepen(*condition, 1);
                deepen(*then, 1);
                deepen(*otherwise, 0);
            }
            other => self.parts(other, &mut |id| deepen(id, 1)),
        });
        let reshapes = is_shallow(&self.reshapes, |reshape, deepen| {
            reshape.parts(&mut |id| deepen(id, 1));
        });
        let patterns = is_shallow(&self.patterns, |pattern, deepen| {
            pattern.parts(&mut |id| deepen(id, 1));
        });
        exprs && reshapes && patterns
    }

    /// Bindings own consecutive ranges of expressions, and read only bindings before themselves.
    fn are_valid_bindings(&self) -> bool {
        let mut start = 0;
        let valid = self.bindings.iter().enumerate().all(|(at, binding)| {
            let end = binding.root as usize + 1;
            let variables = self.exprs.len() + self.patterns.len();
            if end <= start
                || end > self.exprs.len()
                || !self.has_type(binding.ty)
                || binding.locals as usize > variables
            {
                return false;
            }
            let own = start..end;
            start = end;
            own.clone().all(|id| {
                let mut local = true;
                let expr = &self.exprs[id];
                self.parts(expr, &mut |part| local &= own.contains(&(part as usize)));
                local
                    && match expr {
                        Expr::Binding(read) => self.may_read(*read, at),
                        Expr::Input(read) => self.may_read_input(*read, at),
                        Expr::Local(local) | Expr::Cell(local) => *local < binding.locals,
                        Expr::Scope(scope) => {
                            scope.cells().all(|(local, _)| local < binding.locals)
                        }
                        Expr::Call(call) => self.calls[*call as usize].binding as usize == at,
                        Expr::Match { arms, .. } => arms
                            .iter()
                            .all(|arm| self.binds_below(arm.pattern as usize, binding.locals)),
                        Expr::Each(each) => {
                            each.parameters.iter().all(|(local, _)| *local < binding.locals)
                        }
                        _ => true,
                    }
            })
        });
        valid && start == self.exprs.len()
    }

    fn binds_below(&self, pattern: usize, locals: u32) -> bool {
        let pattern = &self.patterns[pattern];
        let mut below = !matches!(pattern, Pattern::Bind(local, ..) if *local >= locals);
        pattern.parts(&mut |inner| below = below && self.binds_below(inner as usize, locals));
        below
    }

    fn has_type(&self, id: u32) -> bool {
        (id as usize) < self.types.len()
    }

    fn has_constant(&self, id: u32) -> bool {
        (id as usize) < self.constants.len()
    }

    fn has_reshape(&self, id: u32) -> bool {
        (id as usize) < self.reshapes.len()
    }

    fn is_valid_reshape(&self, at: usize) -> bool {
        let mut before = true;
        self.reshapes[at].parts(&mut |id| before &= (id as usize) < at);
        before
    }

    fn is_valid_pattern(&self, at: usize) -> bool {
        let pattern = &self.patterns[at];
        let mut before = true;
        pattern.parts(&mut |id| before &= (id as usize) < at);
        before
            && match pattern {
                Pattern::Equal(constant) => self.has_constant(*constant),
                Pattern::Bind(_, reshape, _) => self.has_reshape(*reshape),
                Pattern::Any | Pattern::None | Pattern::Some(_) => true,
                Pattern::Member(_) | Pattern::Record(_) => true,
            }
    }

    fn is_valid_call(&self, call: &Call) -> bool {
        let module = self.modules.get(call.module as usize);
        let has_expr = |id: &u32| (*id as usize) < self.exprs.len();
        (call.binding as usize) < self.bindings.len()
            && call.arguments.iter().all(has_expr)
            && module.is_some_and(|m| m.signature.parameters.len() == call.arguments.len())
    }

    fn is_valid_expr(&self, at: usize) -> bool {
        let expr = &self.exprs[at];
        let mut before = true;
        expr.operands(&mut |id| before &= (id as usize) < at);
        before
            && match expr {
                Expr::Constant(id) => self.has_constant(*id),
                Expr::Input(id) => (*id as usize) < self.inputs.len(),
                Expr::Binding(id) => (*id as usize) < self.bindings.len(),
                Expr::Call(id) => self.calls.get(*id as usize).is_some_and(|call| {
                    call.arguments.iter().all(|argument| (*argument as usize) < at)
                }),
                Expr::Apply { function, ty, .. } => {
                    (*function as usize) < self.functions.len()
                        && ty.is_none_or(|ty| self.has_type(ty))
                }
                Expr::Each(each) => {
                    (each.function as usize) < self.functions.len()
                        && each.parameters.iter().all(|(_, shape)| self.has_reshape(*shape))
                }
                Expr::Rescue(rescue) => {
                    let is_constant = match rescue.otherwise {
                        Otherwise::Constant(id) => self.has_constant(id),
                        Otherwise::Propagate | Otherwise::Wrap => true,
                    };
                    is_constant
                        && matches!(
                            self.exprs[rescue.of as usize],
                            Expr::Call(_) | Expr::Apply { .. } | Expr::Each(_) | Expr::Scope(_)
                        )
                }
                Expr::Match { arms, .. } => {
                    arms.iter().all(|arm| (arm.pattern as usize) < self.patterns.len())
                }
                Expr::CompareUnions { left, right, .. } => {
                    self.has_type(left.1) && self.has_type(right.1)
                }
                Expr::Map(entries) => entries.iter().all(|(key, _)| self.has_constant(*key)),
                Expr::Text(pieces) => pieces.iter().all(|piece| match piece {
                    Piece::Literal(_) => true,
                    Piece::Value(_, ty) => self.has_type(*ty),
                }),
                Expr::Reshape(_, reshape) => self.has_reshape(*reshape),
                Expr::Local(_) | Expr::Negate(_) | Expr::Not(_) | Expr::Arithmetic(..) => true,
                Expr::Compare(..) | Expr::And(..) | Expr::Or(..) | Expr::When { .. } => true,
                Expr::Coalesce(..) | Expr::If { .. } | Expr::List(_) | Expr::Record(_) => true,
                Expr::Merge(_) | Expr::Scope(_) | Expr::Cell(_) => true,
            }
    }
}

/// Marks `id` and says whether it was marked before.
fn replace(marks: &mut [bool], id: u32) -> bool {
    std::mem::replace(&mut marks[id as usize], true)
}

/// Whether nothing is nested deeper than the bound. `parts` says how much deeper each part lies; all
/// parts stand before what they are parts of.
fn is_shallow<T>(items: &[T], parts: impl Fn(&T, &mut dyn FnMut(u32, usize))) -> bool {
    let mut depths: Vec<usize> = Vec::with_capacity(items.len());
    items.iter().all(|item| {
        let mut depth = 0;
        parts(item, &mut |part, deeper| depth = depth.max(depths[part as usize] + deeper));
        depths.push(depth);
        depth <= DEPTH_MAX
    })
}

impl Reshape {
    /// Calls `visit` with every part.
    fn parts(&self, visit: &mut dyn FnMut(u32)) {
        match self {
            Reshape::Keep | Reshape::Float => {}
            Reshape::Field(_, next) | Reshape::List(next) | Reshape::Map(next) => visit(*next),
            Reshape::Optional(next) | Reshape::Mark(_, next) => visit(*next),
            Reshape::Record(slots) => slots.iter().flatten().for_each(|(_, next)| visit(*next)),
            Reshape::Union(cases) => cases.iter().for_each(|case| visit(case.reshape)),
        }
    }
}

impl Pattern {
    /// Calls `visit` with every part.
    pub fn parts(&self, visit: &mut dyn FnMut(u32)) {
        match self {
            Pattern::Any | Pattern::Equal(_) | Pattern::None => {}
            Pattern::Bind(_, _, inner) | Pattern::Some(inner) => visit(*inner),
            Pattern::Member(cases) => cases.iter().for_each(|(_, inner)| visit(*inner)),
            Pattern::Record(slots) => slots.iter().for_each(|(_, inner)| visit(*inner)),
        }
    }
}

impl Expr {
    /// Calls `visit` with every operand of this expression, but not with the arguments of a
    /// module call, which belong to the [`Call`].
    pub fn operands(&self, visit: &mut dyn FnMut(u32)) {
        match self {
            Expr::Constant(_) | Expr::Input(_) | Expr::Binding(_) => {}
            Expr::Local(_) | Expr::Cell(_) | Expr::Call(_) => {}
            Expr::Apply { arguments: many, .. } | Expr::List(many) | Expr::Record(many) => {
                many.iter().for_each(|&id| visit(id));
            }
            Expr::Negate(a) | Expr::Not(a) | Expr::Reshape(a, _) => visit(*a),
            Expr::Arithmetic(_, a, b) | Expr::Compare(_, a, b) => {
                [*a, *b].into_iter().for_each(visit)
            }
            Expr::CompareUnions { left, right, .. } => {
                [left.0, right.0].into_iter().for_each(visit);
            }
            Expr::And(a, b) | Expr::Or(a, b) | Expr::Coalesce(a, b) => {
                [*a, *b].into_iter().for_each(visit)
            }
            Expr::When { value, condition } => [*condition, *value].into_iter().for_each(visit),
            Expr::If { condition, then, otherwise } => {
                [*condition, *then, *otherwise].into_iter().for_each(visit)
            }
            Expr::Match { subject, arms } => {
                visit(*subject);
                for arm in arms {
                    arm.guard.into_iter().for_each(&mut *visit);
                    visit(arm.body);
                }
            }
            Expr::Map(entries) => entries.iter().for_each(|(_, id)| visit(*id)),
            Expr::Text(pieces) => {
                for piece in pieces {
                    if let Piece::Value(id, _) = piece {
                        visit(*id);
                    }
                }
            }
            Expr::Merge(merge) => [merge.left, merge.right].into_iter().for_each(visit),
            Expr::Each(each) => each.arguments.iter().chain([&each.body]).for_each(|&id| visit(id)),
            Expr::Rescue(rescue) => {
                visit(rescue.of);
                rescue.fallback.into_iter().for_each(visit);
            }
            Expr::Scope(scope) => {
                scope.cells().for_each(|(_, value)| visit(value));
                visit(scope.body);
            }
        }
    }
}
