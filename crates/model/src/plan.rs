//! A checked pipeline, ready to run: dense arrays in dependency order.
//!
//! Everything refers to everything by index. Expressions, reshapes and patterns refer only to
//! entries before themselves, so a plan has no cycles and reading stored bytes needs no recursion;
//! [`Plan::validate`] checks that once, and whoever runs a plan may rely on it.

use serde::{Deserialize, Serialize};

use crate::codec;
use crate::{Effect, Field, Parameter, Record, Signature, Span, Text, Type, Value};

/// Index of an [`Input`].
pub type InputId = u32;
/// Index of a [`Binding`].
pub type BindingId = u32;
/// Index of a [`Call`].
pub type CallId = u32;
/// Index of an [`Expr`].
pub type ExprId = u32;
/// Index of a constant.
pub type ConstantId = u32;
/// Index of a type.
pub type TypeId = u32;
/// Index of a [`Reshape`].
pub type ReshapeId = u32;
/// Index of a [`Pattern`].
pub type PatternId = u32;
/// Number of a local variable: a pattern variable or a lambda parameter. Unique within a binding.
pub type LocalId = u32;

/// A checked pipeline.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Sorted by name.
    pub inputs: Vec<Input>,
    /// In dependency order: a binding reads only bindings before it. Only those that an output
    /// reaches.
    pub bindings: Vec<Binding>,
    /// Sorted by name.
    pub outputs: Vec<Output>,
    /// Every module that is called.
    pub modules: Vec<ModuleUse>,
    /// Every occurrence of a module call: a node of its own.
    pub calls: Vec<Call>,
    /// Every standard function that is used, by qualified name.
    pub functions: Vec<Text>,
    /// Expressions; operands stand before what uses them.
    pub exprs: Vec<Expr>,
    /// The place of each expression in the source, in step with `exprs`.
    pub spans: Vec<Span>,
    /// Literals.
    #[serde(with = "codec::values")]
    pub constants: Vec<Value>,
    /// Types of inputs, bindings and interpolated values.
    #[serde(with = "codec::types")]
    pub types: Vec<Type>,
    /// Reshapes; parts stand before what uses them.
    pub reshapes: Vec<Reshape>,
    /// Patterns; parts stand before what uses them.
    pub patterns: Vec<Pattern>,
}

/// A declared input: a single-assignment cell filled from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Its name.
    pub name: Text,
    /// What it accepts.
    pub ty: TypeId,
    /// Taken at the start where the input is not supplied.
    pub default: Option<ConstantId>,
    /// `@title`.
    pub title: Option<Text>,
    /// `@description`, else the doc comment.
    pub description: Option<Text>,
    /// Constant `@example`s.
    pub examples: Vec<ConstantId>,
    /// `@deadline`: how long the input may stay missing, in milliseconds.
    pub deadline_ms: Option<u64>,
    /// `@event`: what may fill it beside a request.
    pub event: Option<EventSource>,
    /// The declaration.
    pub span: Span,
}

/// The events that may fill an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventSource {
    /// Their type.
    pub event_type: Text,
    /// The binding of kind [`BindingKind::Key`] whose value is their key. It stands before every
    /// binding that reads the input, so that demand reaches it last.
    pub key: BindingId,
}

/// What a binding stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BindingKind {
    /// A binding that the program names.
    Named,
    /// The guarded value of `out n when c`, named `n.when`; users see it as the output `n`.
    Guard,
    /// The key of the events of the input `n`, named `n.key`: a String or an Int. Nothing reads it.
    Key,
}

/// A named expression: a single-assignment cell filled by evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// Its name; `n.when` for a guard, `n.key` for a key.
    pub name: Text,
    /// What it is.
    pub kind: BindingKind,
    /// The type of its value.
    pub ty: TypeId,
    /// Its expression.
    pub root: ExprId,
    /// How many local variables its expression has.
    pub locals: u32,
    /// The declaration's name.
    pub span: Span,
}

/// Where an output's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// An input.
    Input(InputId),
    /// A binding.
    Binding(BindingId),
}

/// A delivered value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Its name.
    pub name: Text,
    /// The cell it delivers.
    pub source: Source,
    /// `@description`, else the doc comment.
    pub description: Option<Text>,
}

/// A module as the image needs it: a host whose module does not fit fails the call with R012.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModuleUse {
    /// Qualified name.
    pub name: Text,
    /// Parameters and result at compile time.
    #[serde(with = "codec::signature")]
    pub signature: Signature,
    /// Effect at compile time.
    pub effect: Effect,
}

/// One occurrence of a module call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Index into [`Plan::modules`].
    pub module: u32,
    /// One expression a parameter.
    pub arguments: Vec<ExprId>,
    /// The binding it stands in.
    pub binding: BindingId,
    /// Its place among the calls of that binding in source order, from 1.
    pub place: u32,
    /// How many lambdas enclose it: a call in `n` lambdas is one node for every `n` indices.
    pub depth: u32,
    /// How it is made.
    pub options: CallOptions,
    /// The call in the source.
    pub span: Span,
}

/// How a call is made (specification, section 10). What happens when it has failed for good is a
/// [`Rescue`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallOptions {
    /// Further attempts after a retryable failure.
    pub retry: u32,
    /// Wait before each further attempt, in milliseconds; 0 for none.
    pub delay_ms: u64,
    /// How that wait grows.
    pub backoff: Backoff,
    /// Bound of each attempt, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// A successful result may be reused.
    pub cache: Option<Cache>,
    /// At most so many attempts begin in a time.
    pub throttle: Option<Rate>,
    /// At most so many attempts run at once.
    pub concurrency: Option<u64>,
    /// From 0 to 100: the order of starting where the host limits concurrency.
    pub priority: u8,
    /// Never speculative.
    pub lazy: bool,
    /// A failure is written to the host's log.
    pub log_failure: bool,
}

impl Default for CallOptions {
    fn default() -> CallOptions {
        CallOptions {
            retry: 0,
            delay_ms: 0,
            backoff: Backoff::Fixed,
            timeout_ms: None,
            cache: None,
            throttle: None,
            concurrency: None,
            priority: PRIORITY_NORMAL,
            lazy: false,
            log_failure: false,
        }
    }
}

/// The priority of a call that does not say.
pub const PRIORITY_NORMAL: u8 = 50;

/// How the wait before a further attempt grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Backoff {
    /// Not at all.
    Fixed,
    /// With the number of the attempt.
    Linear,
    /// Doubling.
    Exponential,
}

/// How results are reused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cache {
    /// For how long, in milliseconds.
    pub ttl_ms: u64,
    /// The cache of the host's configuration; its default one if none is named.
    pub backend: Option<Text>,
}

/// A number per time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// How many.
    pub count: u64,
    /// In how many milliseconds.
    pub per_ms: u64,
}

/// What a call gives when it has failed for good, in place of its failure. It catches the failure
/// of the call itself, not of its arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rescue {
    /// A module call, or a standard function applied.
    pub of: ExprId,
    /// Evaluated only if that failed.
    pub fallback: Option<ExprId>,
    /// What to give if there is no fallback, or if it fails too.
    pub otherwise: Otherwise,
}

/// The last resort of a [`Rescue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Otherwise {
    /// The failure.
    Propagate,
    /// This value.
    Constant(ConstantId),
    /// A union value that is `{ error }`; what succeeds is `{ value }`.
    Wrap,
}

/// An expression. Operands are indices of earlier expressions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Expr {
    /// A literal.
    Constant(ConstantId),
    /// The value of an input.
    Input(InputId),
    /// The value of an earlier binding.
    Binding(BindingId),
    /// A pattern variable or lambda parameter.
    Local(LocalId),
    /// The result of a module call.
    Call(CallId),
    /// A standard function applied to all its arguments.
    Apply {
        /// Index into [`Plan::functions`].
        function: u32,
        /// What the first type variable of its signature stands for.
        ty: Option<TypeId>,
        /// In order.
        arguments: Vec<ExprId>,
    },
    /// A standard function that applies a lambda to elements.
    Each(Box<Each>),
    /// A call with what to give if it fails.
    Rescue(Rescue),
    /// `-a`.
    Negate(ExprId),
    /// `not a`.
    Not(ExprId),
    /// `+ - * / %` on two Ints or two Floats.
    Arithmetic(Arithmetic, ExprId, ExprId),
    /// `== != < <= > >=`.
    Compare(Comparison, ExprId, ExprId),
    /// `==` and `!=` where a type holds a union: members are compared by their types, since the
    /// layout of a record does not name its fields.
    CompareUnions {
        /// `==`, and not `!=`.
        is_equal: bool,
        /// An operand and its type.
        left: (ExprId, TypeId),
        /// An operand and its type.
        right: (ExprId, TypeId),
    },
    /// `a and b`: `b` is conditional.
    And(ExprId, ExprId),
    /// `a or b`: `b` is conditional.
    Or(ExprId, ExprId),
    /// `value when condition`: `value` is conditional.
    When {
        /// Evaluated only if the condition is true.
        value: ExprId,
        /// A Boolean.
        condition: ExprId,
    },
    /// `a ?? b`: `b` is conditional.
    Coalesce(ExprId, ExprId),
    /// `if`, and each row of `branch`.
    If {
        /// A Boolean.
        condition: ExprId,
        /// Chosen by true.
        then: ExprId,
        /// Chosen by false.
        otherwise: ExprId,
    },
    /// `match`: the first arm that fits is chosen; the checker made sure that one does.
    Match {
        /// What is looked at.
        subject: ExprId,
        /// In order.
        arms: Vec<Arm>,
    },
    /// A list.
    List(Vec<ExprId>),
    /// A record: its fields in slot order. They are evaluated in slot order too.
    Record(Vec<ExprId>),
    /// A map literal: distinct String keys, sorted.
    Map(Vec<(ConstantId, ExprId)>),
    /// An interpolated string.
    Text(Vec<Piece>),
    /// Field access, projection or conversion.
    Reshape(ExprId, ReshapeId),
    /// `a + b` on records or lists of records.
    Merge(Box<Merge>),
    /// A called pipeline.
    Scope(Box<Scope>),
    /// A cell of an enclosing scope.
    Cell(LocalId),
}

/// A called pipeline, built in: its cells, and what it gives. Like those of the program itself, cells
/// are filled as far as they can be, and only those that are needed are asked for calls and inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    /// What its inputs are given. A failure here is not one of the pipeline.
    pub arguments: Vec<Argument>,
    /// The locals that are its bindings, in dependency order: each reads only cells before it.
    pub bindings: Vec<(LocalId, ExprId)>,
    /// Its result.
    pub body: ExprId,
}

/// What an input of a called pipeline is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Argument {
    /// The name of the input.
    pub name: Text,
    /// The local that is its cell.
    pub local: LocalId,
    /// Its value.
    pub value: ExprId,
}

impl Scope {
    /// The expressions of all cells with their locals, in the order in which they are filled.
    pub fn cells(&self) -> impl DoubleEndedIterator<Item = (LocalId, ExprId)> {
        let arguments = self.arguments.iter().map(|argument| (argument.local, argument.value));
        arguments.chain(self.bindings.iter().copied())
    }
}

/// An arithmetic operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`, truncating on Ints.
    Divide,
    /// `%`, with the sign of the left operand.
    Remainder,
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A standard function with its lambda. The body is conditional: it is evaluated for an element
/// when the function applies it to that element.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Each {
    /// Index into [`Plan::functions`].
    pub function: u32,
    /// The arguments before the lambda: a list first.
    pub arguments: Vec<ExprId>,
    /// What an argument of the lambda becomes, and the local that holds it.
    pub parameters: Vec<(LocalId, ReshapeId)>,
    /// The lambda's expression.
    pub body: ExprId,
}

/// One arm of a `match`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// What it fits.
    pub pattern: PatternId,
    /// A Boolean that must hold too.
    pub guard: Option<ExprId>,
    /// Its value.
    pub body: ExprId,
}

/// One piece of an interpolated string.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Piece {
    /// As it is written.
    Literal(Text),
    /// A value, printed as its type says.
    Value(ExprId, TypeId),
}

impl Piece {
    /// The expression of an interpolated value.
    pub fn operand(&self) -> Option<ExprId> {
        match self {
            Piece::Literal(_) => None,
            Piece::Value(id, _) => Some(*id),
        }
    }
}

/// A merge: which side gives each slot of the result, and what is broadcast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Merge {
    /// Left operand.
    pub left: ExprId,
    /// Right operand.
    pub right: ExprId,
    /// The left operand is a list.
    pub left_is_list: bool,
    /// The right operand is a list.
    pub right_is_list: bool,
    /// For each slot of the result, the side and the slot there.
    pub slots: Vec<(Side, u32)>,
}

/// A side of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// The left operand.
    Left,
    /// The right operand.
    Right,
}

/// A total re-shaping of a value: one mechanism for field access, projection and the conversions
/// of specification 5.3. It never fails and never looks at more than the value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reshape {
    /// The value itself.
    Keep,
    /// An Int becomes a Float.
    Float,
    /// One field, reshaped further.
    Field(u32, ReshapeId),
    /// A new record: for each slot the old slot and its reshape, or an absent Optional.
    Record(Vec<Option<(u32, ReshapeId)>>),
    /// Each element of a list.
    List(ReshapeId),
    /// Each value of a map.
    Map(ReshapeId),
    /// What is present; `none` stays `none`.
    Optional(ReshapeId),
    /// Marks an unmarked value as this member of a union.
    Mark(u32, ReshapeId),
    /// A value of a union: by its member, in member order.
    Union(Vec<MemberCase>),
}

/// What happens to the values of one union member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberCase {
    /// Which values are meant.
    pub test: MemberTest,
    /// What they become; the mark is already removed.
    pub reshape: ReshapeId,
}

/// How a value tells its union member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemberTest {
    /// Any String.
    String,
    /// An Int.
    Int,
    /// A Float.
    Float,
    /// A Boolean.
    Boolean,
    /// Exactly this text.
    Literal(Text),
    /// A list, record or map marked with this member.
    Tag(u32),
}

/// A pattern of a `match` arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pattern {
    /// Fits anything.
    Any,
    /// Fits what the inner pattern fits, and binds the value, reshaped, to a local.
    Bind(LocalId, ReshapeId, PatternId),
    /// Fits an equal value.
    Equal(ConstantId),
    /// Fits `none`.
    None,
    /// Fits what is present and fits the inner pattern.
    Some(PatternId),
    /// Fits a union value of one of these members whose content fits the pattern beside it.
    Member(Vec<(MemberTest, PatternId)>),
    /// Fits a record whose slots fit.
    Record(Vec<(u32, PatternId)>),
}

impl Plan {
    /// The type with this index.
    pub fn ty(&self, id: TypeId) -> &Type {
        &self.types[id as usize]
    }

    /// The value of this literal.
    pub fn constant(&self, id: ConstantId) -> &Value {
        &self.constants[id as usize]
    }

    /// The input of this name.
    pub fn input(&self, name: &str) -> Option<InputId> {
        let found = self.inputs.binary_search_by(|input| input.name.as_str().cmp(name));
        found.ok().map(|at| at as InputId)
    }

    /// The binding of this name that the program declares and an output reaches.
    pub fn binding(&self, name: &str) -> Option<BindingId> {
        let found = self
            .bindings
            .iter()
            .position(|binding| binding.name == name && binding.kind == BindingKind::Named);
        found.map(|at| at as BindingId)
    }

    /// Whether the input must be supplied: it has no default, and is not Optional.
    pub fn is_required(&self, id: InputId) -> bool {
        let input = &self.inputs[id as usize];
        let may_be_left_out = input.default.is_some() || self.ty(input.ty).is_optional();
        !may_be_left_out || input.deadline_ms.is_some() || input.event.is_some()
    }

    /// The signature of the pipeline as a function: one record with its inputs, and a record of its
    /// outputs, or the value of a single one.
    pub fn signature(&self) -> Signature {
        let inputs = self
            .inputs
            .iter()
            .map(|input| Field { name: input.name.clone(), ty: self.ty(input.ty).clone() });
        let outputs = self.outputs.iter().map(|output| Field {
            name: output.name.clone(),
            ty: self.output_type(output).clone(),
        });
        let result = match self.outputs.as_slice() {
            [single] => self.output_type(single).clone(),
            _ => Type::Record(Record::new(outputs)),
        };
        let (name, ty) = (Text::new_static("inputs"), Type::Record(Record::new(inputs)));
        Signature { parameters: vec![Parameter { name, ty }], result }
    }

    /// The type of an output.
    pub fn output_type(&self, output: &Output) -> &Type {
        self.ty(match output.source {
            Source::Input(id) => self.inputs[id as usize].ty,
            Source::Binding(id) => self.bindings[id as usize].ty,
        })
    }
}
