//! Random programs that compile, with inputs for them; one number makes one program.
//!
//! Expressions are made by type. Where values have the same type, they are written in the same
//! way, so that no conversion changes them. What a binding holds is cut to a small size, because
//! bindings that read each other would otherwise grow without bound.

mod expressions;

use super::random::Random;
use super::value::Plain;

/// A program and what is supplied to it.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// One declaration a line.
    pub(crate) lines: Vec<String>,
    /// Those that are ever supplied.
    pub(crate) inputs: Vec<(String, Plain)>,
}

impl Sample {
    pub(crate) fn source(&self) -> String {
        self.lines.join("\n")
    }
}

/// The types of random programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ty {
    Int,
    Boolean,
    String,
    Float,
    /// `Optional<Int>`
    Maybe,
    /// `List<Int>`
    Ints,
    /// `List<String>`
    Strings,
    /// `Pair`: `{ a: Int, b: String }`
    Pair,
    /// `List<Pair>`
    Pairs,
    /// `Optional<Pair>`
    MaybePair,
    /// `Map<String, Int>`
    Dict,
    /// `Int | String`
    Either,
    /// `Ok | Err`
    Answer,
}

const TYPES: [Ty; 13] = [
    Ty::Int,
    Ty::Boolean,
    Ty::String,
    Ty::Float,
    Ty::Maybe,
    Ty::Ints,
    Ty::Strings,
    Ty::Pair,
    Ty::Pairs,
    Ty::MaybePair,
    Ty::Dict,
    Ty::Either,
    Ty::Answer,
];

impl Ty {
    fn written(self) -> &'static str {
        match self {
            Ty::Int => "Int",
            Ty::Boolean => "Boolean",
            Ty::String => "String",
            Ty::Float => "Float",
            Ty::Maybe => "Optional<Int>",
            Ty::Ints => "List<Int>",
            Ty::Strings => "List<String>",
            Ty::Pair => "Pair",
            Ty::Pairs => "List<Pair>",
            Ty::MaybePair => "Optional<Pair>",
            Ty::Dict => "Map<String, Int>",
            Ty::Either => "Int | String",
            Ty::Answer => "Ok | Err",
        }
    }
}

/// A program of at most `size` bindings.
pub(crate) fn sample(seed: u64, size: usize) -> Sample {
    let (random, names) = (Random::new(seed), Vec::new());
    let mut generator = Generator { random, names, count: 0 };
    generator.program(size)
}

struct Generator {
    random: Random,
    /// What can be read here, with its type.
    names: Vec<(String, Ty)>,
    /// Variables made so far: each has its own name.
    count: usize,
}

impl Generator {
    fn below(&mut self, bound: usize) -> usize {
        self.random.below(bound)
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn program(&mut self, size: usize) -> Sample {
        let mut lines = vec![
            "type Pair = { a: Int, b: String }".to_owned(),
            "type Ok = { value: Int }".to_owned(),
            "type Err = { error: String }".to_owned(),
        ];
        let mut inputs = Vec::new();
        for at in 0..3 + self.below(5) {
            let ty = match self.below(3) {
                0 => Ty::Int,
                1 => Ty::Boolean,
                _ => self.pick(&TYPES),
            };
            let name = format!("i{at}");
            let default = self.below(6) == 0 && matches!(ty, Ty::Int | Ty::Boolean | Ty::Maybe);
            let value = self.plain(ty);
            let default = match (default, ty) {
                (false, _) => String::new(),
                (true, Ty::Int) => " = 2 + 1".to_owned(),
                (true, Ty::Maybe) => " = none".to_owned(),
                (true, _) => format!(" = {}", value.print()),
            };
            lines.push(format!("in {name}: {}{default}", ty.written()));
            if self.below(5) > 0 {
                inputs.push((name.clone(), value));
            }
            self.names.push((name, ty));
        }
        for at in 0..1 + self.below(size) {
            let ty = match self.below(3) {
                0 => Ty::Int,
                1 => Ty::Boolean,
                _ => self.pick(&TYPES),
            };
            let value = self.small(ty, 3);
            lines.push(format!("b{at} = {value}"));
            self.names.push((format!("b{at}"), ty));
        }
        let bindings = self.names.clone();
        for at in 0..1 + self.below(4) {
            if self.below(2) == 0 {
                let ty = self.pick(&TYPES);
                let value = self.small(ty, 3);
                lines.push(format!("out o{at} = {value}"));
            } else {
                let (name, _) = bindings[self.below(bindings.len())].clone();
                let guard = self.boolean(2);
                let line = match self.below(3) {
                    0 => format!("out {name}"),
                    _ => format!("out {name} when {guard}"),
                };
                let delivers = |known: &String| {
                    known == &format!("out {name}") || known.starts_with(&format!("out {name} "))
                };
                if !lines.iter().any(delivers) {
                    lines.push(line);
                }
            }
        }
        Sample { lines, inputs }
    }

    /// A value to supply.
    fn plain(&mut self, ty: Ty) -> Plain {
        let int = |generator: &mut Self| match generator.below(40) {
            0 => Plain::Int(i64::MAX),
            1 => Plain::Int(i64::MIN),
            n => Plain::Int(n as i64 % 9 - 2),
        };
        let text = |generator: &mut Self| {
            Plain::text(generator.pick(&["", "a", "abc", " x ", "é😀", "7", "A,b,,c", "-12"]))
        };
        let pair = |generator: &mut Self| {
            let (a, b) = (int(generator), text(generator));
            Plain::record([("a", a), ("b", b)])
        };
        match ty {
            Ty::Int => int(self),
            Ty::Boolean => Plain::Boolean(self.below(2) == 0),
            Ty::String => text(self),
            Ty::Float => Plain::Float(self.pick(&[0.0, 1.0, -2.5, 0.1, 1e10, 0.0004, 3.5])),
            Ty::Maybe if self.below(3) == 0 => Plain::None,
            Ty::Maybe => int(self),
            Ty::MaybePair if self.below(3) == 0 => Plain::None,
            Ty::Pair | Ty::MaybePair => pair(self),
            Ty::Ints => Plain::List((0..self.below(4)).map(|_| int(self)).collect()),
            Ty::Strings => Plain::List((0..self.below(4)).map(|_| text(self)).collect()),
            Ty::Pairs => Plain::List((0..self.below(4)).map(|_| pair(self)).collect()),
            Ty::Dict => {
                let keys = ["", "a", "b"];
                let keys = keys.into_iter().filter(|_| self.random.below(2) == 0);
                Plain::Map(
                    keys.map(|key| (Plain::text(key), Plain::Int(key.len() as i64))).collect(),
                )
            }
            Ty::Either if self.below(2) == 0 => text(self),
            Ty::Either => int(self),
            Ty::Answer if self.below(2) == 0 => Plain::record([("value", int(self))]),
            Ty::Answer => Plain::record([("error", text(self))]),
        }
    }

    /// An expression whose value stays small, whatever it reads.
    fn small(&mut self, ty: Ty, depth: usize) -> String {
        let value = self.expr(ty, depth);
        match ty {
            Ty::String => format!("substring({value}, 0, 12)"),
            Ty::Ints | Ty::Strings | Ty::Pairs => format!("take({value}, 4)"),
            _ => value,
        }
    }

    fn expr(&mut self, ty: Ty, depth: usize) -> String {
        let names: Vec<String> =
            self.names.iter().filter(|(_, known)| *known == ty).map(|(n, _)| n.clone()).collect();
        if !names.is_empty()
            && self.below(if depth == 0 { 4 } else { 5 }) > if depth == 0 { 0 } else { 2 }
        {
            // Names of the last lines and of the innermost variables are taken more often.
            let at = self.below(names.len()).max(self.below(names.len()));
            return names[at].clone();
        }
        if depth == 0 {
            return self.literal(ty);
        }
        if self.below(4) == 0 {
            return self.conditional(ty, depth - 1);
        }
        match ty {
            Ty::Int => self.int(depth - 1),
            Ty::Boolean => self.boolean(depth),
            Ty::String => self.string(depth - 1),
            Ty::Float => self.float(depth - 1),
            Ty::Maybe => self.maybe(depth - 1),
            Ty::Ints => self.ints(depth - 1),
            Ty::Strings => self.strings(depth - 1),
            Ty::Pair => self.pair(depth - 1),
            Ty::Pairs => self.pairs(depth - 1),
            Ty::MaybePair => self.maybe_pair(depth - 1),
            Ty::Dict => self.dict(depth - 1),
            Ty::Either => self.either(depth - 1),
            Ty::Answer => self.answer(depth - 1),
        }
    }

    fn literal(&mut self, ty: Ty) -> String {
        match ty {
            Ty::Int => self.pick(&["0", "1", "2", "3", "7", "-1"]).to_owned(),
            Ty::Boolean => self.pick(&["true", "false"]).to_owned(),
            Ty::String => self.pick(&["\"\"", "\"a\"", "\"bc\"", "\" é \"", "\"5\""]).to_owned(),
            Ty::Float => self.pick(&["0.0", "1.5", "-0.25", "1234567.5"]).to_owned(),
            Ty::Maybe => "(1 when true)".to_owned(),
            Ty::Ints => self.pick(&["[1, 2]", "[3]", "[2, 0, 1]"]).to_owned(),
            Ty::Strings => self.pick(&["[\"a\"]", "[\"b\", \"a\"]"]).to_owned(),
            Ty::Pair => self.pick(&["{ a: 1, b: \"x\" }", "{ a: 0, b: \"\" }"]).to_owned(),
            Ty::Pairs => "[{ a: 2, b: \"y\" }, { a: 1, b: \"z\" }]".to_owned(),
            Ty::MaybePair => "({ a: 1, b: \"x\" } when true)".to_owned(),
            Ty::Dict => "put({}, \"a\", 1)".to_owned(),
            Ty::Either => "(if (true) 1 else \"x\")".to_owned(),
            Ty::Answer => "(if (false) { value: 1 } else { error: \"e\" })".to_owned(),
        }
    }

    fn i(&mut self, depth: usize) -> String {
        self.expr(Ty::Int, depth)
    }

    fn s(&mut self, depth: usize) -> String {
        self.expr(Ty::String, depth)
    }

    fn boolean(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.expr(Ty::Boolean, 0);
        }
        let d = depth - 1;
        match self.below(16) {
            0 | 1 => self.expr(Ty::Boolean, d),
            2 | 3 => format!("({} and {})", self.boolean(d), self.boolean(d)),
            4 | 5 => format!("({} or {})", self.boolean(d), self.boolean(d)),
            6 => format!("(not {})", self.boolean(d)),
            7 | 8 => {
                let operator = self.pick(&["<", "<=", ">", ">=", "==", "!="]);
                format!("({} {operator} {})", self.i(d), self.i(d))
            }
            9 => {
                let operator = self.pick(&["<", ">=", "=="]);
                let ty = self.pick(&[Ty::Int, Ty::Float]);
                format!("({} {operator} {})", self.expr(Ty::Float, d), self.expr(ty, d))
            }
            10 => {
                let operator = self.pick(&["<", ">=", "==", "!="]);
                format!("({} {operator} {})", self.s(d), self.s(d))
            }
            11 => {
                let ty = self.pick(&[
                    Ty::Ints,
                    Ty::Pair,
                    Ty::Pairs,
                    Ty::Maybe,
                    Ty::Dict,
                    Ty::Either,
                    Ty::Answer,
                    Ty::MaybePair,
                ]);
                format!("({} == {})", self.expr(ty, d), self.expr(ty, d))
            }
            12 => {
                let (function, ty) = self.pick(&[
                    ("all", Ty::Ints),
                    ("any", Ty::Ints),
                    ("any", Ty::Pairs),
                    ("all", Ty::Strings),
                ]);
                self.lambda(function, ty, Ty::Boolean, d)
            }
            13 => {
                let options = self.options(Ty::Boolean, d);
                format!("Check({}){options}", self.i(d))
            }
            14 => {
                let maybe = self.expr(Ty::Maybe, d);
                format!("{}({maybe})", self.pick(&["is-some", "is-none"]))
            }
            _ => {
                let (a, b) = (self.s(d), self.s(d));
                match self.below(6) {
                    0 => format!("contains({a}, {b})"),
                    1 => format!("starts-with({a}, {b})"),
                    2 => format!("is-blank({a})"),
                    3 => format!("list-contains({}, {})", self.expr(Ty::Ints, d), self.i(d)),
                    4 => format!("contains({}, {a})", self.expr(Ty::Dict, d)),
                    _ => format!("gt({a}, {b})"),
                }
            }
        }
    }

    /// A conditional expression of any type.
    fn conditional(&mut self, ty: Ty, d: usize) -> String {
        match self.below(10) {
            0 | 1 => {
                let condition = self.boolean(d);
                format!("(if ({condition}) {} else {})", self.expr(ty, d), self.expr(ty, d))
            }
            2 => format!(
                "branch {{ {} -> {}, {} -> {}, otherwise -> {} }}",
                self.boolean(d),
                self.expr(ty, d),
                self.boolean(d),
                self.expr(ty, d),
                self.expr(ty, d)
            ),
            3 | 4 => {
                let subject = self.i(d);
                let (one, many) = (self.expr(ty, d), self.expr(ty, d));
                let (name, guard, body) = self.bound(Ty::Int, |g| (g.boolean(d), g.expr(ty, d)));
                format!(
                    "match ({subject}) {{ 1 -> {one}, {name} if {guard} -> {body}, _ -> {many} }}"
                )
            }
            5 => {
                let subject = self.expr(Ty::Maybe, d);
                let place = self.names.iter().rposition(|(name, _)| *name == subject);
                // A variable is of the narrowed type within an arm.
                let (name, guard, body) = self.narrowed(place, Some(Ty::Int), |g| {
                    g.bound(Ty::Int, |g| (g.boolean(d), g.expr(ty, d)))
                });
                let other = self.narrowed(place, Some(Ty::Int), |g| g.expr(ty, d));
                let absent = self.narrowed(place, None, |g| g.expr(ty, d));
                format!(
                    "match ({subject}) {{ some({name}) if {guard} -> {body}, some(_) -> {other}, none -> {absent} }}"
                )
            }
            6 => {
                let subject = self.expr(Ty::Pair, d);
                let first = self.expr(ty, d);
                let (name, guard, body) = self.bound(Ty::String, |g| (g.boolean(d), g.expr(ty, d)));
                let last = self.expr(ty, d);
                format!(
                    "match ({subject}) {{ {{a: 1}} -> {first}, {{a: _, b: {name}}} if {guard} -> {body}, _ -> {last} }}"
                )
            }
            7 => {
                // Of a variable the arms would see the member alone.
                let subject = format!("identity({})", self.expr(Ty::Answer, d));
                let first = self.expr(ty, d);
                let (good, (), body) = self.bound(Ty::Int, |g| ((), g.expr(ty, d)));
                let (bad, (), other) = self.bound(Ty::String, |g| ((), g.expr(ty, d)));
                match self.below(2) {
                    0 => format!(
                        "match ({subject}) {{ {{value: 0}} -> {first}, {{value: {good}}} -> {body}, {{error: {bad}}} -> {other} }}"
                    ),
                    _ => format!(
                        "match ({subject}) {{ is Ok -> {first}, {{error: {bad}}} -> {other} }}"
                    ),
                }
            }
            8 => {
                let subject = self.expr(Ty::Either, d);
                let place = self.names.iter().rposition(|(name, _)| *name == subject);
                let number = self.narrowed(place, Some(Ty::Int), |g| g.expr(ty, d));
                let text = self.narrowed(place, Some(Ty::String), |g| g.expr(ty, d));
                match self.below(2) {
                    0 => format!("match ({subject}) {{ is Int -> {number}, is String -> {text} }}"),
                    _ => format!("match ({subject}) {{ is String -> {text}, _ -> {number} }}"),
                }
            }
            _ => {
                let subject = self.s(d);
                let (one, two) = (self.expr(ty, d), self.expr(ty, d));
                format!("match ({subject}) {{ \"a\" -> {one}, _ -> {two} }}")
            }
        }
    }

    /// Makes parts in which a new variable of this type can be read.
    fn bound<A, B>(&mut self, ty: Ty, make: impl FnOnce(&mut Self) -> (A, B)) -> (String, A, B) {
        self.count += 1;
        let name = format!("v{}", self.count);
        self.names.push((name.clone(), ty));
        let (first, second) = make(self);
        self.names.pop();
        (name, first, second)
    }

    /// Makes a part in which the variable at `place`, if there is one, is of another type or, where
    /// that is `None`, of no use.
    fn narrowed<T>(
        &mut self,
        place: Option<usize>,
        ty: Option<Ty>,
        make: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let Some(place) = place else { return make(self) };
        let whole = self.names[place].clone();
        self.names[place] = match ty {
            Some(ty) => (whole.0.clone(), ty),
            None => ("true".to_owned(), Ty::Boolean),
        };
        let made = make(self);
        self.names[place] = whole;
        made
    }

    /// A function that takes a list and a lambda.
    fn lambda(&mut self, function: &str, from: Ty, to: Ty, d: usize) -> String {
        let element = match from {
            Ty::Ints => Ty::Int,
            Ty::Strings => Ty::String,
            _ => Ty::Pair,
        };
        let items = self.expr(from, d);
        let annotated = self.below(4) == 0;
        let (name, (), body) = self.bound(element, |g| ((), g.expr(to, d)));
        let parameter = if annotated { format!("({name}: {})", element.written()) } else { name };
        let body = if function == "flat-map" { format!("take({body}, 2)") } else { body };
        format!("{function}(take({items}, 3), {parameter} => {body})")
    }

    fn fold(&mut self, ty: Ty, d: usize) -> String {
        let items = self.expr(Ty::Ints, d);
        let start = self.expr(ty, d);
        let (sum, item, body) = self.bound(ty, |g| {
            let (item, (), body) = g.bound(Ty::Int, |g| ((), g.small(ty, d.max(1))));
            (item, body)
        });
        format!("fold(take({items}, 3), {start}, ({sum}, {item}) => {body})")
    }

    /// Options of a call with a result of this type.
    fn options(&mut self, ty: Ty, d: usize) -> String {
        match self.below(9) {
            0 | 1 => format!(" with {{ fallback: {} }}", self.expr(ty, d)),
            2 => " with { on_error: skip }".to_owned(),
            3 => format!(" with {{ fallback: {}, on_error: log }}", self.expr(ty, d)),
            4 => " with { lazy }".to_owned(),
            5 => format!(" with {{ lazy, retry: 1, fallback: {} }}", self.expr(ty, d)),
            _ => String::new(),
        }
    }
}
