//! The syntax tree: what the parser found, with the place of every part. Names are not resolved
//! here and types are not known; the checker turns this into a checked program.

use model::{Span, Text};

/// A word with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The word.
    pub text: Text,
    /// Where it stands.
    pub span: Span,
}

/// A source file: declarations in source order. Where the parser recovered, what it skipped is
/// missing here and an error stands in the diagnostics.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// `use`, `type`, `in`, `out` and bindings.
    pub declarations: Vec<Declaration>,
}

/// One declaration.
#[derive(Clone, Debug)]
pub enum Declaration {
    /// `use stdlib.math as m`
    Use {
        /// The namespace, its segments.
        path: Vec<Name>,
        /// `as m`.
        alias: Option<Name>,
        /// The whole declaration.
        span: Span,
    },
    /// `type Order = { .. }`
    Type {
        /// The alias.
        name: Name,
        /// What it stands for.
        ty: TypeExpr,
        /// `##` lines before it.
        doc: Option<Text>,
    },
    /// `in n: T = e`
    Input {
        /// Its name.
        name: Name,
        /// What it accepts.
        ty: TypeExpr,
        /// `= e`.
        default: Option<Expr>,
        /// Before `in`.
        annotations: Vec<Annotation>,
        /// `##` lines before it.
        doc: Option<Text>,
    },
    /// `out n`, `out n when c`, `out n = e`
    Output {
        /// Its name.
        name: Name,
        /// What it delivers.
        form: OutputForm,
        /// Before `out`.
        annotations: Vec<Annotation>,
        /// `##` lines before it.
        doc: Option<Text>,
    },
    /// `n = e`
    Binding {
        /// Its name.
        name: Name,
        /// Its expression.
        value: Expr,
        /// `##` lines before it.
        doc: Option<Text>,
    },
}

/// What follows the name in an `out`.
#[derive(Clone, Debug)]
pub enum OutputForm {
    /// Nothing: the cell of that name.
    Cell,
    /// `when c`.
    When(Expr),
    /// `= e`.
    Binding(Expr),
    /// Something erroneous, already reported (E025); the checker leaves it alone.
    Broken,
}

/// `@name(arguments)`
#[derive(Clone, Debug)]
pub struct Annotation {
    /// Its name, without `@`.
    pub name: Name,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// All of it.
    pub span: Span,
}

/// One argument of an annotation.
#[derive(Clone, Debug)]
pub struct Argument {
    /// `key:`.
    pub name: Option<Name>,
    /// What is given.
    pub value: ArgumentValue,
}

impl Annotation {
    /// The expression that is given for the argument `name`.
    pub(crate) fn argument(&self, name: &str) -> Option<&Expr> {
        self.arguments.iter().find_map(|argument| match (&argument.name, &argument.value) {
            (Some(given), ArgumentValue::Expr(value)) if given.text == name => Some(value),
            _ => None,
        })
    }
}

/// The value of an annotation's argument.
#[derive(Clone, Debug)]
pub enum ArgumentValue {
    /// `72h`, in milliseconds.
    Duration(u64, Span),
    /// Anything else.
    Expr(Expr),
}

/// A type as it is written.
#[derive(Clone, Debug)]
pub struct TypeExpr {
    /// Its form.
    pub kind: TypeKind,
    /// Where it stands.
    pub span: Span,
}

/// The forms of types.
#[derive(Clone, Debug)]
pub enum TypeKind {
    /// `Int`, `List<T>`, `Order`
    Named(Name, Vec<TypeExpr>),
    /// `{ f: T }`
    Record(Vec<(Name, TypeExpr)>),
    /// `"gold"`
    Literal(Text),
    /// `A | B`
    Union(Vec<TypeExpr>),
    /// `A + B`
    Merged(Vec<TypeExpr>),
    /// Something erroneous, already reported.
    Broken,
}

/// An expression with its place.
#[derive(Clone, Debug)]
pub struct Expr {
    /// Its form.
    pub kind: ExprKind,
    /// From its first to its last token; for an operator the whole operation.
    pub span: Span,
}

/// The forms of expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// `n`
    Name(Text),
    /// `3`; `-9223372036854775808` is one literal, other negative numbers are a negation.
    Int(i64),
    /// `1.5`
    Float(f64),
    /// `true`
    Boolean(bool),
    /// `"a ${e} b"`
    String(Vec<Piece>),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `{ f: e }`
    Record(Vec<(Name, Expr)>),
    /// `-a`
    Negate(Box<Expr>),
    /// `not a`
    Not(Box<Expr>),
    /// `a + b`; also `and`, `or`, comparisons. The span is that of the operator.
    Binary(BinaryOp, Span, Box<Expr>, Box<Expr>),
    /// `value when condition`
    When(Box<Expr>, Box<Expr>),
    /// `a ?? b`; the span is that of `??`.
    Coalesce(Span, Box<Expr>, Box<Expr>),
    /// `r.f`
    Field(Box<Expr>, Name),
    /// `o?.f`; the span is that of `?.`.
    OptionalField(Box<Expr>, Span, Name),
    /// `r[f, g]`, `r{f, g}`
    Project(Box<Expr>, Vec<Name>),
    /// `f(a, b) with retry: 3`
    Call(Call),
    /// `if (c) a else b`
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `branch { c -> a, otherwise -> b }`
    Branch(Vec<(Expr, Expr)>, Box<Expr>),
    /// `match e { .. }`
    Match(Box<Expr>, Vec<Arm>),
    /// `(x, y: Int) => e`
    Lambda(Vec<Param>, Box<Expr>),
    /// Something erroneous, already reported.
    Broken,
}

/// A piece of a string.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Text, escapes resolved.
    Text(Text),
    /// `${ e }`
    Expr(Expr),
}

/// Operators between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after its sign")]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

/// A call of a function or module.
#[derive(Clone, Debug)]
pub struct Call {
    /// The segments of its name.
    pub path: Vec<Name>,
    /// In order.
    pub arguments: Vec<Expr>,
    /// `with ..`, in source order.
    pub options: Vec<CallOption>,
}

/// One option of a call.
#[derive(Clone, Debug)]
pub struct CallOption {
    /// Its name: a known option, or one that is reserved (E023, which the checker reports).
    pub name: Name,
    /// What is given.
    pub value: OptionValue,
}

/// The value of an option.
#[derive(Clone, Debug)]
pub enum OptionValue {
    /// `lazy` alone.
    Flag,
    /// `true`, `false`
    Boolean(bool, Span),
    /// `3`, `-1`
    Int(i64, Span),
    /// `200ms`, in milliseconds
    Duration(u64, Span),
    /// `5/1s`: a count and milliseconds
    Rate(u64, u64, Span),
    /// `exponential`
    Word(Name),
    /// `"redis"`
    String(Text, Span),
    /// The expression of `fallback`.
    Expr(Box<Expr>),
    /// A form that no option takes here, with its place (the checker reports E016).
    Other(Span),
}

/// One arm of a `match`.
#[derive(Clone, Debug)]
pub struct Arm {
    /// What it fits.
    pub pattern: Pattern,
    /// `if e`.
    pub guard: Option<Expr>,
    /// Behind `->`.
    pub body: Expr,
}

/// A pattern with its place.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// Its form.
    pub kind: PatternKind,
    /// Where it stands.
    pub span: Span,
}

/// The forms of patterns.
#[derive(Clone, Debug)]
pub enum PatternKind {
    /// `_`
    Any,
    /// `x`
    Name(Text),
    /// `5`, `-1`
    Int(i64),
    /// `2.5`
    Float(f64),
    /// `"a"`
    String(Text),
    /// `true`
    Boolean(bool),
    /// `is T`
    Is(TypeExpr),
    /// `some(p)`
    Some(Box<Pattern>),
    /// `none`
    None,
    /// `{ f, g: p }`
    Record(Vec<(Name, Option<Pattern>)>),
    /// Something erroneous, already reported.
    Broken,
}

/// A lambda's parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// `: T`.
    pub ty: Option<TypeExpr>,
}
