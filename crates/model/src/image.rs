//! The image: a compiled pipeline as immutable bytes with a version, named by its digest.
//!
//! The digest is not of these bytes: it is taken of the checked program (specification, section
//! 13), so a better optimizer or a newer byte format renames nothing.

use std::fmt;

use crate::limits::NESTING_MAX;
use crate::plan::{Call, Expr, Pattern, Piece, Reshape, Source};
use crate::{Digest, Plan};

/// First bytes of every image.
const MAGIC: &[u8; 4] = b"TGI\0";
/// The version of the byte format that this build writes.
pub const IMAGE_VERSION: u8 = 1;
/// Depth of expressions, reshapes and patterns in a plan: lowering puts at most a few around each
/// one of the source.
const DEPTH_MAX: usize = 3 * NESTING_MAX;

/// A compiled pipeline. Its plan is valid: see [`Plan`].
#[derive(Clone, Debug)]
pub struct Image {
    /// Its name.
    pub digest: Digest,
    /// What runs.
    pub plan: Plan,
}

/// Why bytes are not an image that can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageFault {
    /// The bytes do not begin like an image.
    NotAnImage,
    /// A version that this build does not know.
    Version(u8),
    /// The bytes are cut off or damaged.
    Malformed,
}

impl fmt::Display for ImageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImageFault::NotAnImage => f.write_str("these bytes are no Tidegate image"),
            ImageFault::Version(version) => write!(
                f,
                "the image has format version {version}, this build reads {IMAGE_VERSION}"
            ),
            ImageFault::Malformed => f.write_str("the image is damaged"),
        }
    }
}

impl std::error::Error for ImageFault {}

impl Image {
    /// The bytes of this image: `TGI\0`, the version, the digest, and the plan in postcard's
    /// encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512);
        bytes.extend(MAGIC);
        bytes.push(IMAGE_VERSION);
        bytes.extend(self.digest.0);
        postcard::to_extend(&self.plan, bytes).unwrap_or_default()
    }

    /// Reads an image. Damaged or hostile bytes give a fault, never a plan that cannot be run.
    pub fn decode(bytes: &[u8]) -> Result<Image, ImageFault> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(ImageFault::NotAnImage)?;
        let (&version, rest) = rest.split_first().ok_or(ImageFault::NotAnImage)?;
        if version != IMAGE_VERSION {
            return Err(ImageFault::Version(version));
        }
        let (digest, rest) = rest.split_first_chunk::<32>().ok_or(ImageFault::Malformed)?;
        let plan: Plan = postcard::from_bytes(rest).map_err(|_| ImageFault::Malformed)?;
        plan.validate()
            .then_some(Image { digest: Digest(*digest), plan })
            .ok_or(ImageFault::Malformed)
    }
}

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
                Source::Binding(id) => (id as usize) < self.bindings.len(),
            })
            && (0..self.reshapes.len()).all(|at| self.is_valid_reshape(at))
            && (0..self.patterns.len()).all(|at| self.is_valid_pattern(at))
            && (0..self.exprs.len()).all(|at| self.is_valid_expr(at))
            && self.calls.iter().all(|call| self.is_valid_call(call))
            && self.is_shallow()
            && self.are_valid_bindings()
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
            Expr::Call(call) => {
                self.calls[*call as usize].arguments.iter().for_each(|id| deepen(*id, 1));
            }
            other => other.operands(&mut |id| deepen(id, 1)),
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
            if end <= start || end > self.exprs.len() || !self.has_type(binding.ty) {
                return false;
            }
            let own = start..end;
            start = end;
            own.clone().all(|id| {
                let mut local = true;
                self.exprs[id].operands(&mut |operand| local &= own.contains(&(operand as usize)));
                local
                    && match &self.exprs[id] {
                        Expr::Binding(read) => (*read as usize) < at,
                        Expr::Local(local) => *local < binding.locals,
                        Expr::Call(call) => {
                            let call = &self.calls[*call as usize];
                            call.binding as usize == at
                                && call.arguments.iter().all(|&a| own.contains(&(a as usize)))
                        }
                        Expr::Match { arms, .. } => arms
                            .iter()
                            .all(|arm| self.binds_below(arm.pattern as usize, binding.locals)),
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
                Pattern::Bind(_, reshape, _) => (*reshape as usize) < self.reshapes.len(),
                Pattern::Any | Pattern::None | Pattern::Some(_) => true,
                Pattern::Member(_) | Pattern::Record(_) => true,
            }
    }

    /// Calls inside lambdas have no meaning in this version of the format.
    fn is_valid_call(&self, call: &Call) -> bool {
        let module = self.modules.get(call.module as usize);
        let has_expr = |id: &u32| (*id as usize) < self.exprs.len();
        call.depth == 0
            && (call.binding as usize) < self.bindings.len()
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
                Expr::Apply { function, .. } => (*function as usize) < self.functions.len(),
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
                Expr::Reshape(_, reshape) => (*reshape as usize) < self.reshapes.len(),
                Expr::Local(_) | Expr::Negate(_) | Expr::Not(_) | Expr::Arithmetic(..) => true,
                Expr::Compare(..) | Expr::And(..) | Expr::Or(..) | Expr::When { .. } => true,
                Expr::Coalesce(..) | Expr::If { .. } | Expr::List(_) | Expr::Record(_) => true,
                Expr::Merge(_) => true,
            }
    }
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
    fn parts(&self, visit: &mut dyn FnMut(u32)) {
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
            Expr::Local(_) | Expr::Call(_) => {}
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
        }
    }
}
