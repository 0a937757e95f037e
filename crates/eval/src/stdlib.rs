//! The standard library: one table of signatures for the checker and of implementations for the
//! evaluator. All functions are pure and total over their types; what they refuse is a [`Failure`].
//!
//! What a released function gives never changes: another meaning is another image version.

mod arguments;
mod list;
mod map;
mod math;
mod text;

use model::{
    Catalog, Effect, Failure, Function, KeyType, Origin, Parameter, Plan, Signature, Text, Type,
    Value, Variable,
};

use model::plan::{self, Expr};

/// A standard function.
#[derive(Debug)]
pub struct Builtin {
    namespace: &'static str,
    name: &'static str,
    signatures: &'static [Shape],
    doc: &'static str,
    /// What a call is charged beside the step of every expression.
    pub(crate) cost: Cost,
    pub(crate) body: Body,
}

/// How the time that a function takes depends on its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// Not at all.
    Constant,
    /// It looks at every element of a list or map, and at every byte of a text.
    Elements,
    /// It looks at everything inside.
    Bytes,
    /// It compares everything inside a few times.
    Sorting,
    /// It searches its first argument for the pattern that is its second.
    Search,
}

/// How a standard function is evaluated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body {
    /// By its arguments.
    Plain(PlainFn),
    /// By its arguments and by what the first type variable of its signature stands for.
    Typed(TypedFn),
    /// With a lambda.
    Each(Each),
}

pub(crate) type PlainFn = fn(&[Value]) -> Result<Value, Failure>;
pub(crate) type TypedFn = fn(&[Value], Option<&Type>) -> Result<Value, Failure>;

/// The functions that apply a lambda to elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after its function")]
pub enum Each {
    Filter,
    Map,
    All,
    Any,
    FlatMap,
    Fold,
    SortBy,
    GroupBy,
}

impl Each {
    /// How many parameters the lambda has.
    pub fn parameters(self) -> usize {
        if self == Each::Fold { 2 } else { 1 }
    }

    /// Whether nothing behind an element is looked at for which the lambda gives this.
    pub fn ends_with(self, result: bool) -> bool {
        match self {
            Each::All => !result,
            Each::Any => result,
            Each::Filter | Each::Map | Each::FlatMap => false,
            Each::Fold | Each::SortBy | Each::GroupBy => false,
        }
    }

    /// Whether an element is looked at only when those before it are known.
    pub fn is_sequential(self) -> bool {
        matches!(self, Each::Fold | Each::All | Each::Any)
    }
}

/// Why a pattern cannot be used by `matches`: R011, or R009 if it is too large.
pub fn pattern_fault(pattern: &str) -> Option<Failure> {
    text::pattern_fault(pattern)
}

/// The steps that a search takes.
pub(crate) fn search_steps(arguments: &[Value]) -> u64 {
    text::search_steps(arguments)
}

/// The standard functions.
pub fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    for builtin in BUILTINS {
        catalog.insert(builtin.function());
    }
    catalog
}

/// The standard functions of a plan, in step with [`Plan::functions`].
#[derive(Clone, Debug, Default)]
pub struct Builtins(Vec<&'static Builtin>);

/// A plan uses a standard function that this build does not have, or not as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFunction(pub Text);

impl Builtins {
    /// Finds the functions of `plan`.
    pub fn of(plan: &Plan) -> Result<Builtins, UnknownFunction> {
        let find = |name: &Text| {
            let (namespace, own) = name.rsplit_once('.').unwrap_or_default();
            let mut all = BUILTINS.iter();
            all.find(|builtin| builtin.namespace == namespace && builtin.name == own)
                .ok_or_else(|| UnknownFunction(name.clone()))
        };
        let builtins = Builtins(plan.functions.iter().map(find).collect::<Result<_, _>>()?);
        for expr in &plan.exprs {
            let (function, is_right) = match expr {
                Expr::Apply { function, .. } => {
                    let is_right = !matches!(builtins.get(*function).body, Body::Each(_));
                    (*function, is_right)
                }
                Expr::Each(each) => {
                    let is_right = match builtins.get(each.function).body {
                        Body::Each(kind) => {
                            each.parameters.len() == kind.parameters()
                                && each.arguments.len() == kind.parameters()
                        }
                        Body::Plain(_) | Body::Typed(_) => false,
                    };
                    (each.function, is_right)
                }
                _ => continue,
            };
            if !is_right {
                return Err(UnknownFunction(plan.functions[function as usize].clone()));
            }
        }
        Ok(builtins)
    }

    /// Which function an application is of; `None` in an image that nobody compiled.
    pub fn each(&self, application: &plan::Each) -> Option<Each> {
        match self.get(application.function).body {
            Body::Each(each) => Some(each),
            Body::Plain(_) | Body::Typed(_) => None,
        }
    }

    /// The function of this number, of which the plan has as many.
    pub(crate) fn get(&self, function: u32) -> &'static Builtin {
        self.0[function as usize]
    }
}

impl Builtin {
    fn function(&self) -> Function {
        let mut signatures = self.signatures.iter().map(Shape::signature);
        Function {
            namespace: Text::new_static(self.namespace),
            name: Text::new_static(self.name),
            signature: signatures
                .next()
                .unwrap_or(Signature { parameters: Vec::new(), result: Type::Nothing }),
            overloads: signatures.collect(),
            effect: Effect::Pure,
            origin: Origin::Standard,
            doc: Text::new_static(self.doc),
        }
    }
}

/// A signature in the table.
#[derive(Debug)]
struct Shape {
    parameters: &'static [(&'static str, Kind)],
    result: Kind,
}

impl Shape {
    fn signature(&self) -> Signature {
        let parameter =
            |(name, kind): &(&'static str, Kind)| Parameter { name: (*name).into(), ty: kind.ty() };
        Signature {
            parameters: self.parameters.iter().map(parameter).collect(),
            result: self.result.ty(),
        }
    }
}

/// A type in the table.
#[derive(Clone, Copy, Debug)]
enum Kind {
    String,
    Int,
    Float,
    Boolean,
    /// What has a text of its own.
    Scalar,
    Var(Variable),
    List(&'static Kind),
    Optional(&'static Kind),
    /// With keys of [`Variable::Key`].
    Map(&'static Kind),
    Record(&'static [(&'static str, Kind)]),
    Function(&'static [Kind], &'static Kind),
}

impl Kind {
    fn ty(&self) -> Type {
        match self {
            Kind::String => Type::String,
            Kind::Int => Type::Int,
            Kind::Float => Type::Float,
            Kind::Boolean => Type::Boolean,
            Kind::Scalar => model::Union::of(
                [Type::Boolean, Type::Float, Type::Int, Type::String].map(|ty| (ty, None)),
            ),
            Kind::Var(variable) => Type::Variable(*variable),
            Kind::List(element) => Type::list(element.ty()),
            Kind::Optional(content) => Type::optional(content.ty()),
            Kind::Map(value) => Type::Map(KeyType::Variable, value.ty().into()),
            Kind::Record(fields) => {
                let field = |(name, kind): &(&'static str, Kind)| model::Field {
                    name: (*name).into(),
                    ty: kind.ty(),
                };
                Type::Record(model::Record::new(fields.iter().map(field)))
            }
            Kind::Function(parameters, result) => {
                let parameters = parameters.iter().map(Kind::ty).collect();
                Type::Function(parameters, result.ty().into())
            }
        }
    }
}

const STRING: Kind = Kind::String;
const INT: Kind = Kind::Int;
const FLOAT: Kind = Kind::Float;
const BOOLEAN: Kind = Kind::Boolean;
const SCALAR: Kind = Kind::Scalar;
const N: Kind = Kind::Var(Variable::Number);
const ORD: Kind = Kind::Var(Variable::Ordered);
const KEY: Kind = Kind::Var(Variable::Key);
const T: Kind = Kind::Var(Variable::Any('T'));
const A: Kind = Kind::Var(Variable::Any('A'));
const B: Kind = Kind::Var(Variable::Any('B'));
const V: Kind = Kind::Var(Variable::Any('V'));
const STRINGS: Kind = Kind::List(&STRING);
const INTS: Kind = Kind::List(&INT);
const NUMBERS: Kind = Kind::List(&N);
const ORDS: Kind = Kind::List(&ORD);
const KEYS: Kind = Kind::List(&KEY);
const LIST: Kind = Kind::List(&T);
const LIST_A: Kind = Kind::List(&A);
const LIST_B: Kind = Kind::List(&B);
const LIST_V: Kind = Kind::List(&V);
const OPTIONAL: Kind = Kind::Optional(&T);
const OPTIONAL_INT: Kind = Kind::Optional(&INT);
const OPTIONAL_FLOAT: Kind = Kind::Optional(&FLOAT);
const OPTIONAL_V: Kind = Kind::Optional(&V);
const MAP: Kind = Kind::Map(&V);
const GROUPS: Kind = Kind::Map(&LIST);
const PAIRS: Kind = Kind::List(&Kind::Record(&[("first", A), ("second", B)]));
const ENTRIES: Kind = Kind::List(&Kind::Record(&[("key", KEY), ("value", V)]));
const TEST: Kind = Kind::Function(&[T], &BOOLEAN);
const TRANSFORM: Kind = Kind::Function(&[A], &B);
const SPREAD: Kind = Kind::Function(&[A], &LIST_B);
const STEP: Kind = Kind::Function(&[A, T], &A);
const ORDER: Kind = Kind::Function(&[T], &ORD);
const GROUP: Kind = Kind::Function(&[T], &KEY);

macro_rules! builtins {
    ($($namespace:literal {$(
        $name:literal $(($($parameter:ident: $kind:ident),*) -> $result:ident),+;
        $cost:ident $body:expr,
        $doc:literal;
    )*})*) => {
        const BUILTINS: &[Builtin] = &[$($(Builtin {
            namespace: $namespace,
            name: $name,
            signatures: &[$(Shape {
                parameters: &[$((parameter_name(stringify!($parameter)), $kind)),*],
                result: $result,
            }),+],
            doc: $doc,
            cost: Cost::$cost,
            body: $body,
        }),*),*];
    };
}

/// `in` is a word of Rust.
const fn parameter_name(name: &'static str) -> &'static str {
    match name.as_bytes() {
        b"within" => "in",
        _ => name,
    }
}

use Body::{Plain, Typed};

builtins! {
    "stdlib" {
        "identity" (value: T) -> T; Constant Plain(|args| arguments::at(args, 0).cloned()),
        "The value itself.";
    }
    "stdlib.math" {
        "add" (a: N, b: N) -> N; Constant Plain(math::add),
        "The sum, as `+`.";
        "subtract" (a: N, b: N) -> N; Constant Plain(math::subtract),
        "The difference, as `-`.";
        "multiply" (a: N, b: N) -> N; Constant Plain(math::multiply),
        "The product, as `*`.";
        "divide" (a: N, b: N) -> N; Constant Plain(math::divide),
        "The quotient, as `/`: of two Ints without its fraction.";
        "modulo" (a: INT, b: INT) -> INT; Constant Plain(math::modulo),
        "The remainder, as `%`.";
        "max" (a: N, b: N) -> N; Constant Plain(math::max),
        "The larger one.";
        "min" (a: N, b: N) -> N; Constant Plain(math::min),
        "The smaller one.";
        "abs" (value: N) -> N; Constant Plain(math::abs),
        "Without its sign.";
        "negate" (value: N) -> N; Constant Plain(math::negate),
        "With the other sign.";
        "round" (value: N) -> INT; Constant Plain(math::round),
        "The nearest whole number, ties upward.";
        "floor" (value: N) -> INT; Constant Plain(math::floor),
        "The next whole number below.";
        "ceil" (value: N) -> INT; Constant Plain(math::ceil),
        "The next whole number above.";
        "sqrt" (value: FLOAT) -> FLOAT; Constant Plain(math::sqrt),
        "The square root.";
        "pow" (base: FLOAT, exponent: FLOAT) -> FLOAT; Constant Plain(math::pow),
        "A power.";
    }
    "stdlib.string" {
        "concat" (a: STRING, b: STRING) -> STRING; Elements Plain(text::concat),
        "One text after the other.";
        "string-length" (value: STRING) -> INT; Elements Plain(text::length),
        "How many Unicode scalar values.";
        "join" (list: STRINGS, separator: STRING) -> STRING; Bytes Plain(text::join),
        "Texts with a separator between them.";
        "split" (value: STRING, separator: STRING) -> STRINGS; Elements Plain(text::split),
        "The parts between separators.";
        "contains"
        (within: STRING, part: STRING) -> BOOLEAN,
        (within: LIST, part: T) -> BOOLEAN,
        (within: MAP, part: KEY) -> BOOLEAN;
        Bytes Typed(list::contains),
        "Whether a text has a part, a list an element, or a map a key.";
        "trim" (value: STRING) -> STRING; Elements Plain(text::trim),
        "Without white space and control characters at both ends.";
        "replace" (value: STRING, target: STRING, replacement: STRING) -> STRING;
        Elements Plain(text::replace),
        "Every occurrence replaced, from left to right.";
        "upper" (value: STRING) -> STRING; Elements Plain(text::upper),
        "In upper case.";
        "lower" (value: STRING) -> STRING; Elements Plain(text::lower),
        "In lower case.";
        "starts-with" (value: STRING, part: STRING) -> BOOLEAN; Elements Plain(text::starts_with),
        "Whether it begins so.";
        "ends-with" (value: STRING, part: STRING) -> BOOLEAN; Elements Plain(text::ends_with),
        "Whether it ends so.";
        "substring" (value: STRING, start: INT, end: INT) -> STRING;
        Elements Plain(text::substring),
        "The characters from start up to end.";
        "is-blank" (value: STRING) -> BOOLEAN; Elements Plain(text::is_blank),
        "Empty or white space only.";
        "pad-left" (value: STRING, width: INT, fill: STRING) -> STRING;
        Elements Plain(text::pad_left),
        "Filled at the left up to a width.";
        "pad-right" (value: STRING, width: INT, fill: STRING) -> STRING;
        Elements Plain(text::pad_right),
        "Filled at the right up to a width.";
        "matches" (value: STRING, pattern: STRING) -> BOOLEAN; Search Plain(text::matches),
        "Whether a regular expression is found anywhere in it.";
    }
    "stdlib.list" {
        "list-length" (list: LIST) -> INT; Constant Plain(list::length),
        "How many elements.";
        "list-sum" (list: NUMBERS) -> N; Elements Typed(list::sum),
        "The sum, from left to right.";
        "sum" (list: NUMBERS) -> N; Elements Typed(list::sum),
        "The sum, from left to right.";
        "average" (list: NUMBERS) -> FLOAT; Elements Plain(list::average),
        "The sum as a Float, divided by the length.";
        "list-first" (list: LIST) -> T; Constant Plain(list::list_first),
        "The first element; an empty list fails.";
        "list-last" (list: LIST) -> T; Constant Plain(list::list_last),
        "The last element; an empty list fails.";
        "first" (list: LIST) -> OPTIONAL; Constant Plain(list::first),
        "The first element, if there is one.";
        "last" (list: LIST) -> OPTIONAL; Constant Plain(list::last),
        "The last element, if there is one.";
        "get" (list: LIST, index: INT) -> OPTIONAL; Constant Plain(list::get),
        "The element at a position from 0, if there is one.";
        "list-is-empty" (list: LIST) -> BOOLEAN; Constant Plain(list::is_empty),
        "Whether there is no element.";
        "list-contains" (list: LIST, value: T) -> BOOLEAN; Bytes Typed(list::contains),
        "Whether an element is equal to the value.";
        "list-reverse" (list: LIST) -> LIST; Elements Plain(list::reverse),
        "From the last to the first.";
        "list-concat" (a: LIST, b: LIST) -> LIST; Elements Plain(list::concat),
        "One list after the other.";
        "take" (list: LIST, count: INT) -> LIST; Elements Plain(list::take),
        "The first elements.";
        "drop" (list: LIST, count: INT) -> LIST; Elements Plain(list::drop),
        "All but the first elements.";
        "distinct" (list: LIST) -> LIST; Bytes Typed(list::distinct),
        "Of equal elements only the first.";
        "sort" (list: ORDS) -> ORDS; Sorting Plain(list::sort),
        "In ascending order.";
        "zip" (a: LIST_A, b: LIST_B) -> PAIRS; Elements Plain(list::zip),
        "Pairs of elements at the same position.";
        "range" (start: INT, end: INT) -> INTS; Constant Plain(list::range),
        "The whole numbers from start up to end.";
    }
    "stdlib.collection" {
        "filter" (items: LIST, keep: TEST) -> LIST; Constant Body::Each(Each::Filter),
        "The elements for which the lambda is true.";
        "map" (items: LIST_A, transform: TRANSFORM) -> LIST_B; Constant Body::Each(Each::Map),
        "What the lambda gives for each element.";
        "all" (items: LIST, test: TEST) -> BOOLEAN; Constant Body::Each(Each::All),
        "Whether the lambda is true for all elements.";
        "any" (items: LIST, test: TEST) -> BOOLEAN; Constant Body::Each(Each::Any),
        "Whether the lambda is true for some element.";
        "flat-map" (items: LIST_A, f: SPREAD) -> LIST_B; Constant Body::Each(Each::FlatMap),
        "The lists that the lambda gives, one after the other.";
        "fold" (items: LIST, start: A, step: STEP) -> A; Constant Body::Each(Each::Fold),
        "A value carried from element to element.";
        "sort-by" (items: LIST, key: ORDER) -> LIST; Constant Body::Each(Each::SortBy),
        "In ascending order of what the lambda gives.";
        "group-by" (items: LIST, key: GROUP) -> GROUPS; Constant Body::Each(Each::GroupBy),
        "The elements by what the lambda gives.";
        "length"
        (value: STRING) -> INT,
        (value: LIST) -> INT,
        (value: MAP) -> INT;
        Elements Plain(list::any_length),
        "How many characters, elements or entries.";
    }
    "stdlib.map" {
        "keys" (map: MAP) -> KEYS; Elements Plain(map::keys),
        "The keys in order.";
        "values" (map: MAP) -> LIST_V; Elements Plain(map::values),
        "The values in the order of their keys.";
        "entries" (map: MAP) -> ENTRIES; Elements Plain(map::entries),
        "Keys with their values, in order.";
        "to-map" (entries: ENTRIES) -> MAP; Sorting Plain(map::to_map),
        "A map of entries; of equal keys the last counts.";
        "get-key" (map: MAP, key: KEY) -> OPTIONAL_V; Constant Plain(map::get),
        "The value of a key, if it is there.";
        "put" (map: MAP, key: KEY, value: V) -> MAP; Elements Plain(map::put),
        "The map with one entry more, or another one.";
        "merge" (a: MAP, b: MAP) -> MAP; Elements Plain(map::merge),
        "The entries of both; of equal keys the right one counts.";
    }
    "stdlib.optional" {
        "is-some" (value: OPTIONAL) -> BOOLEAN; Constant Plain(map::is_some),
        "Whether it is there.";
        "is-none" (value: OPTIONAL) -> BOOLEAN; Constant Plain(map::is_none),
        "Whether it is absent.";
        "or-else" (value: OPTIONAL, other: T) -> T; Constant Plain(map::or_else),
        "The value, or the other one if it is absent.";
    }
    "stdlib.bool" {
        "and" (a: BOOLEAN, b: BOOLEAN) -> BOOLEAN; Constant Plain(math::and),
        "Whether both are true.";
        "or" (a: BOOLEAN, b: BOOLEAN) -> BOOLEAN; Constant Plain(math::or),
        "Whether one is true.";
        "not" (value: BOOLEAN) -> BOOLEAN; Constant Plain(math::not),
        "The opposite.";
    }
    "stdlib.compare" {
        "eq-int" (a: INT, b: INT) -> BOOLEAN; Constant Plain(math::equal),
        "Whether they are equal.";
        "eq-string" (a: STRING, b: STRING) -> BOOLEAN; Elements Plain(math::equal),
        "Whether they are equal.";
        "gt" (a: ORD, b: ORD) -> BOOLEAN; Elements Plain(math::greater),
        "As `>`.";
        "lt" (a: ORD, b: ORD) -> BOOLEAN; Elements Plain(math::less),
        "As `<`.";
        "gte" (a: ORD, b: ORD) -> BOOLEAN; Elements Plain(math::greater_or_equal),
        "As `>=`.";
        "lte" (a: ORD, b: ORD) -> BOOLEAN; Elements Plain(math::less_or_equal),
        "As `<=`.";
    }
    "stdlib.convert" {
        "to-string" (value: SCALAR) -> STRING; Elements Plain(text::to_string),
        "The text, as in a string.";
        "to-int" (value: N) -> INT; Constant Plain(math::to_int),
        "Without its fraction.";
        "to-float" (value: N) -> FLOAT; Constant Plain(math::to_float),
        "The nearest Float.";
        "parse-int" (value: STRING) -> OPTIONAL_INT; Elements Plain(text::parse_int),
        "The Int that the text is, if it is one.";
        "parse-float" (value: STRING) -> OPTIONAL_FLOAT; Elements Plain(text::parse_float),
        "The Float that the text is, if it is one.";
    }
    "stdlib.debug" {
        "log" (message: STRING) -> STRING; Constant Plain(|args| arguments::at(args, 0).cloned()),
        "The message itself.";
    }
}
