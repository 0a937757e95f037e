//! The checked program: names resolved, types known, conversions explicit. It is what the
//! structural hash covers, and what lowering turns into a plan.
//!
//! Nothing here depends on the order of declarations: inputs, bindings and outputs are sorted by
//! name and refer to each other by their place in that order. Subexpressions keep their source
//! order, since the calls of a binding are counted in it.

use std::sync::Arc;

use model::plan::{Arithmetic, CallOptions, Comparison, InputId, MemberTest, Rate};
use model::{Effect, Image, Signature, Span, Text, Type, Value};

/// A checked program.
#[derive(Debug, Default)]
pub(crate) struct Program {
    /// Sorted by name.
    pub(crate) inputs: Vec<Input>,
    /// Sorted by name; also those that no output reaches.
    pub(crate) bindings: Vec<Binding>,
    /// Sorted by name.
    pub(crate) outputs: Vec<Output>,
    /// What is called, in the order of first use.
    pub(crate) functions: Vec<Function>,
}

impl Program {
    /// The places of all declared names with the types behind them, in source order.
    pub(crate) fn declared(&self) -> Vec<(Span, Type)> {
        let inputs = self.inputs.iter().map(|input| (input.span, input.ty.clone()));
        let bindings = self.bindings.iter().map(|binding| (binding.span, binding.ty.clone()));
        let outputs = self.outputs.iter().map(|output| {
            let ty = match &output.source {
                Delivered::Input(id) => &self.inputs[*id as usize].ty,
                Delivered::Binding(id) => &self.bindings[*id as usize].ty,
                Delivered::Guard(binding) => &binding.ty,
            };
            (output.span, ty.clone())
        });
        let mut declared: Vec<(Span, Type)> = inputs.chain(bindings).chain(outputs).collect();
        declared.sort_by_key(|(span, _)| *span);
        declared.dedup_by_key(|(span, _)| *span);
        declared
    }
}

/// A declared input.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) name: Text,
    pub(crate) ty: Type,
    pub(crate) default: Option<Value>,
    pub(crate) title: Option<Text>,
    pub(crate) description: Option<Text>,
    pub(crate) examples: Vec<Value>,
    /// How long it may stay missing, in milliseconds.
    pub(crate) deadline_ms: Option<u64>,
    pub(crate) event: Option<Event>,
    pub(crate) span: Span,
}

/// The events that may fill an input.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) event_type: Text,
    /// A binding of its own, which nothing reads.
    pub(crate) key: Binding,
}

/// A named expression.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) name: Text,
    pub(crate) ty: Type,
    pub(crate) value: Expr,
    /// The types of its pattern variables and lambda parameters, by number.
    pub(crate) locals: Vec<Type>,
    pub(crate) span: Span,
}

/// A delivered value.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) name: Text,
    pub(crate) source: Delivered,
    pub(crate) description: Option<Text>,
    pub(crate) span: Span,
}

/// What an output delivers.
#[derive(Debug)]
pub(crate) enum Delivered {
    /// An input.
    Input(u32),
    /// A binding.
    Binding(u32),
    /// `out n when c`: a binding of its own, which nothing else can read.
    Guard(Box<Binding>),
}

/// A function that the program calls.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: Text,
    pub(crate) signature: Signature,
    pub(crate) effect: Effect,
    /// Whether it is a module: a call of it is a node of the graph. Otherwise it is a standard
    /// function, and is computed.
    pub(crate) is_module: bool,
    /// The pipeline that it is, if it is one; then it is a module too.
    pub(crate) pipeline: Option<Arc<Image>>,
    /// The strictest limits that calls of it carry; they hold for all that carry one.
    pub(crate) limits: Limits,
}

/// Limits of the calls of one module.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) throttle: Option<Rate>,
    pub(crate) concurrency: Option<u64>,
}

/// A call of [`Program::functions`].
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) function: u32,
    /// All but the lambda, converted to the parameters' types.
    pub(crate) arguments: Vec<Expr>,
    /// The last argument, where the function takes one.
    pub(crate) lambda: Option<Lambda>,
    /// What the first type variable of the signature stands for.
    pub(crate) element: Option<Type>,
    pub(crate) options: Options,
    /// For a pipeline that is called with a record literal: which input each argument is for.
    pub(crate) inputs: Option<Vec<InputId>>,
}

/// A function as an argument.
#[derive(Debug)]
pub(crate) struct Lambda {
    /// The local of each parameter, and the type of what it is given.
    pub(crate) parameters: Vec<(u32, Type)>,
    pub(crate) body: Expr,
}

/// The options of a call as they are written.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) call: CallOptions,
    pub(crate) fallback: Option<Expr>,
    pub(crate) on_error: OnError,
}

/// What a call gives that has failed, fallback and all.
#[derive(Debug, Default)]
pub(crate) enum OnError {
    #[default]
    Propagate,
    /// The zero value of its type.
    Skip(Value),
    /// The same; the failure is logged.
    Log(Value),
    /// `{ error }`, and `{ value }` if it succeeds.
    Wrap,
}

/// A checked expression.
#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) kind: Kind,
    pub(crate) ty: Type,
    pub(crate) span: Span,
}

/// The forms of checked expressions.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A scalar literal or `none`.
    Constant(Value),
    Input(u32),
    Binding(u32),
    Local(u32),
    Call(Box<Call>),
    Negate(Box<Expr>),
    Not(Box<Expr>),
    /// Both operands are Ints, or both are Floats.
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    /// The value, then the condition.
    When(Box<Expr>, Box<Expr>),
    Coalesce(Box<Expr>, Box<Expr>),
    /// `if` and `branch`: conditions with their values, and the value otherwise.
    Branch(Vec<(Expr, Expr)>, Box<Expr>),
    Match(Box<Expr>, Vec<Arm>),
    List(Vec<Expr>),
    /// Fields in source order.
    Record(Vec<(Text, Expr)>),
    /// Entries in source order.
    Map(Vec<(Text, Expr)>),
    Text(Vec<Piece>),
    /// `r.f`
    Field(Box<Expr>, Text),
    /// `o?.f`
    OptionalField(Box<Expr>, Text),
    /// `r[f, g]`: the fields are those of the type.
    Project(Box<Expr>),
    Merge(Box<Expr>, Box<Expr>),
    /// From the type of the operand to the type of this expression (specification 5.3).
    Convert(Box<Expr>),
    /// Erroneous.
    Broken,
}

/// A piece of an interpolated string.
#[derive(Debug)]
pub(crate) enum Piece {
    Literal(Text),
    Value(Expr),
}

/// An arm of a `match`.
#[derive(Debug)]
pub(crate) struct Arm {
    pub(crate) pattern: Pattern,
    pub(crate) guard: Option<Expr>,
    pub(crate) body: Expr,
}

/// A checked pattern.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    Any,
    /// Binds a local: the value has the type given here, the local that of
    /// [`Binding::locals`].
    Bind(u32, Type, Box<Pattern>),
    Equal(Value),
    None,
    Some(Box<Pattern>),
    /// One of these members, with a pattern for its content.
    Member(Vec<(MemberTest, Pattern)>),
    /// Fields by slot.
    Record(Vec<(u32, Pattern)>),
}

impl Expr {
    /// What stands for an erroneous expression.
    pub(crate) fn broken(span: Span) -> Expr {
        Expr { kind: Kind::Broken, ty: Type::Unknown, span }
    }

    /// Whether it, or something inside, is erroneous.
    pub(crate) fn is_broken(&self) -> bool {
        let mut is_broken = false;
        self.walk(&mut |part| is_broken |= matches!(part.kind, Kind::Broken));
        is_broken
    }

    /// Calls `visit` with every direct part, in source order.
    pub(crate) fn parts<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        match &self.kind {
            Kind::Constant(_) | Kind::Input(_) | Kind::Binding(_) | Kind::Local(_) => {}
            Kind::Broken => {}
            Kind::Call(call) => {
                call.arguments.iter().for_each(&mut *visit);
                call.lambda.iter().for_each(|lambda| visit(&lambda.body));
                call.options.fallback.iter().for_each(visit);
            }
            Kind::List(many) => many.iter().for_each(visit),
            Kind::Negate(a) | Kind::Not(a) | Kind::Field(a, _) | Kind::OptionalField(a, _) => {
                visit(a);
            }
            Kind::Project(a) | Kind::Convert(a) => visit(a),
            Kind::Arithmetic(_, a, b) | Kind::Compare(_, a, b) | Kind::And(a, b) => {
                visit(a);
                visit(b);
            }
            Kind::Or(a, b) | Kind::When(a, b) | Kind::Coalesce(a, b) | Kind::Merge(a, b) => {
                visit(a);
                visit(b);
            }
            Kind::Branch(rows, otherwise) => {
                for (condition, value) in rows {
                    visit(condition);
                    visit(value);
                }
                visit(otherwise);
            }
            Kind::Match(subject, arms) => {
                visit(subject);
                for arm in arms {
                    arm.guard.iter().for_each(&mut *visit);
                    visit(&arm.body);
                }
            }
            Kind::Record(fields) | Kind::Map(fields) => fields.iter().for_each(|(_, e)| visit(e)),
            Kind::Text(pieces) => pieces.iter().for_each(|piece| match piece {
                Piece::Literal(_) => {}
                Piece::Value(value) => visit(value),
            }),
        }
    }

    /// Calls `visit` with this expression and all that is inside, outer ones first.
    pub(crate) fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        visit(self);
        self.parts(&mut |part| part.walk(visit));
    }
}
