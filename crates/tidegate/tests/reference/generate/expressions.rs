//! Expressions of each type: operators, standard functions and calls. Conditional expressions, which
//! every type has, are made by the parent.

use super::{Generator, TYPES, Ty};

impl Generator {
    pub(super) fn int(&mut self, d: usize) -> String {
        match self.below(22) {
            0..=2 => {
                let operator = self.pick(&["+", "-", "*", "/", "%"]);
                format!("({} {operator} {})", self.i(d), self.i(d))
            }
            3 => format!("(- {})", self.i(d)),
            4..=6 => {
                let module = self.pick(&["Read", "Read", "Twice", "Store"]);
                let options = self.options(Ty::Int, d);
                format!("{module}({}){options}", self.i(d))
            }
            7 => {
                let options = self.options(Ty::Int, d);
                format!("divide({}, {}){options}", self.i(d), self.i(d))
            }
            8 | 9 => format!("({} ?? {})", self.expr(Ty::Maybe, d), self.i(d)),
            10 => format!("({}).a", self.expr(Ty::Pair, d)),
            11 => format!("(({} + {{ c: {} }}).c)", self.expr(Ty::Pair, d), self.i(d)),
            12 => format!("sum({})", self.expr(Ty::Ints, d)),
            13 => {
                let function = self.pick(&["list-first", "list-last", "list-length"]);
                let options =
                    self.pick(&["", "", " with { fallback: 5 }", " with { on_error: skip }"]);
                format!("{function}({}){options}", self.expr(Ty::Ints, d))
            }
            14 => {
                let ty = self.pick(&[Ty::String, Ty::Pairs, Ty::Dict]);
                format!("length({})", self.expr(ty, d))
            }
            15 => self.fold(Ty::Int, d),
            16 => {
                let function = self.pick(&["max", "min", "add", "subtract", "multiply", "modulo"]);
                format!("{function}({}, {})", self.i(d), self.i(d))
            }
            17 => format!("or-else({}, {})", self.expr(Ty::Maybe, d), self.i(d)),
            18 => {
                let function = self.pick(&["round", "to-int", "floor"]);
                format!("{function}({})", self.expr(Ty::Float, d))
            }
            19 => {
                let (wrapped, body) = (self.i(d), self.i(d));
                let (good, (), found) = self.bound(Ty::Int, |g| ((), g.i(d)));
                format!(
                    "match (Read({wrapped}) with {{ on_error: wrap }}) {{ {{value: {good}}} -> {found}, {{error: _}} -> {body} }}"
                )
            }
            20 => {
                let function = self.pick(&["abs", "negate", "identity"]);
                format!("{function}({})", self.i(d))
            }
            _ => {
                let items = self.expr(Ty::Ints, d);
                let (name, (), body) = self.bound(Ty::Int, |g| ((), g.expr(Ty::Int, d)));
                let fallback = self.expr(Ty::Ints, d);
                format!(
                    "sum(map(take({items}, 3), {name} => ({body} / {name})) with {{ fallback: {fallback} }})"
                )
            }
        }
    }

    pub(super) fn string(&mut self, d: usize) -> String {
        match self.below(12) {
            0..=2 => {
                let (a, b) = (self.pick(&TYPES), self.pick(&TYPES));
                format!("\"${{{}}}-${{{}}}\"", self.expr(a, d), self.expr(b, d))
            }
            3 | 4 => {
                let options = self.options(Ty::String, d);
                let message = self.s(d);
                format!("Send(substring({message}, 0, 9)){options}")
            }
            5 => format!("({}).b", self.expr(Ty::Pair, d)),
            6 => format!("concat({}, {})", self.s(d), self.s(d)),
            7 => format!("join({}, \",\")", self.expr(Ty::Strings, d)),
            8 => {
                let function = self.pick(&["trim", "upper", "lower", "identity"]);
                format!("{function}({})", self.s(d))
            }
            9 => format!("substring({}, {}, {})", self.s(d), self.i(d), self.i(d)),
            10 => format!("\"${{({})[b, a]}}\"", self.expr(Ty::Pair, d)),
            _ => self.fold(Ty::String, d),
        }
    }

    pub(super) fn float(&mut self, d: usize) -> String {
        let operator = self.pick(&["+", "-", "*", "/"]);
        match self.below(5) {
            0 => format!("({} {operator} {})", self.expr(Ty::Float, d), self.i(d)),
            1 => format!("({} {operator} {})", self.i(d), self.expr(Ty::Float, d)),
            2 => format!("to-float({})", self.i(d)),
            _ => format!("({} {operator} {})", self.expr(Ty::Float, d), self.expr(Ty::Float, d)),
        }
    }

    pub(super) fn maybe(&mut self, d: usize) -> String {
        match self.below(9) {
            0 | 1 => format!("({} when {})", self.i(d), self.boolean(d)),
            2 => {
                let options = self.options(Ty::Maybe, d);
                format!("Lookup({}){options}", self.i(d))
            }
            3 => format!("{}({})", self.pick(&["first", "last"]), self.expr(Ty::Ints, d)),
            4 => format!("get({}, {})", self.expr(Ty::Ints, d), self.i(d)),
            5 => format!("get-key({}, {})", self.expr(Ty::Dict, d), self.s(d)),
            6 => format!("({})?.a", self.expr(Ty::MaybePair, d)),
            7 => format!("parse-int({})", self.s(d)),
            _ => format!("({} ?? {})", self.expr(Ty::Maybe, d), self.expr(Ty::Maybe, d)),
        }
    }

    pub(super) fn ints(&mut self, d: usize) -> String {
        match self.below(14) {
            0 | 1 => format!("[{}, {}]", self.i(d), self.i(d)),
            2..=4 => {
                let from = self.pick(&[Ty::Ints, Ty::Strings, Ty::Pairs]);
                self.lambda("map", from, Ty::Int, d)
            }
            5 => self.lambda("filter", Ty::Ints, Ty::Boolean, d),
            6 => self.lambda("flat-map", Ty::Ints, Ty::Ints, d),
            7 => self.lambda("sort-by", Ty::Ints, Ty::Int, d),
            8 => format!("({}).a", self.expr(Ty::Pairs, d)),
            9 => {
                let options = self.options(Ty::Ints, d);
                format!("Items({}){options}", self.i(d))
            }
            10 => format!("values({})", self.expr(Ty::Dict, d)),
            11 => format!("range(0, ({} % 5))", self.i(d)),
            12 => {
                let function = self.pick(&["list-reverse", "sort", "distinct"]);
                format!("{function}({})", self.expr(Ty::Ints, d))
            }
            _ => {
                let function = self.pick(&["take", "drop"]);
                format!("{function}({}, {})", self.expr(Ty::Ints, d), self.i(d))
            }
        }
    }

    pub(super) fn strings(&mut self, d: usize) -> String {
        match self.below(7) {
            0 => format!("[{}, {}]", self.s(d), self.s(d)),
            1 => self.lambda("map", Ty::Ints, Ty::String, d),
            2 => self.lambda("map", Ty::Pairs, Ty::String, d),
            3 => self.lambda("filter", Ty::Strings, Ty::Boolean, d),
            4 => format!("keys({})", self.expr(Ty::Dict, d)),
            5 => format!("split({}, \",\")", self.s(d)),
            _ => {
                format!("list-concat({}, {})", self.expr(Ty::Strings, d), self.expr(Ty::Strings, d))
            }
        }
    }

    pub(super) fn pair(&mut self, d: usize) -> String {
        match self.below(6) {
            0 | 1 => format!("{{ a: {}, b: {} }}", self.i(d), self.small(Ty::String, d)),
            2 => {
                let options = self.options(Ty::Pair, d);
                format!("Fetch({}){options}", self.small(Ty::String, d))
            }
            3 => format!("({} + {{ a: {} }})", self.expr(Ty::Pair, d), self.i(d)),
            4 => format!("list-first({})", self.expr(Ty::Pairs, d)),
            _ => format!("({} ?? {})", self.expr(Ty::MaybePair, d), self.expr(Ty::Pair, d)),
        }
    }

    pub(super) fn pairs(&mut self, d: usize) -> String {
        match self.below(8) {
            0 => format!("[{}]", self.expr(Ty::Pair, d)),
            1 | 2 => {
                let from = self.pick(&[Ty::Ints, Ty::Pairs, Ty::Strings]);
                self.lambda("map", from, Ty::Pair, d)
            }
            3 => self.lambda("filter", Ty::Pairs, Ty::Boolean, d),
            4 => self.lambda("sort-by", Ty::Pairs, Ty::Int, d),
            5 => self.lambda("sort-by", Ty::Pairs, Ty::String, d),
            6 => format!("({} + {{ a: {} }})", self.expr(Ty::Pairs, d), self.i(d)),
            _ => format!("({} + {})", self.expr(Ty::Pairs, d), self.expr(Ty::Pairs, d)),
        }
    }

    pub(super) fn maybe_pair(&mut self, d: usize) -> String {
        match self.below(3) {
            0 => format!("({} when {})", self.expr(Ty::Pair, d), self.boolean(d)),
            1 => format!("first({})", self.expr(Ty::Pairs, d)),
            _ => format!("get({}, {})", self.expr(Ty::Pairs, d), self.i(d)),
        }
    }

    pub(super) fn dict(&mut self, d: usize) -> String {
        match self.below(3) {
            0 => format!("put({{}}, {}, {})", self.small(Ty::String, d), self.i(d)),
            1 => format!(
                "put({}, {}, {})",
                self.expr(Ty::Dict, d),
                self.small(Ty::String, d),
                self.i(d)
            ),
            _ => format!("merge({}, {})", self.expr(Ty::Dict, d), self.expr(Ty::Dict, d)),
        }
    }

    pub(super) fn either(&mut self, d: usize) -> String {
        format!("(if ({}) {} else {})", self.boolean(d), self.i(d), self.small(Ty::String, d))
    }

    pub(super) fn answer(&mut self, d: usize) -> String {
        let (condition, value, error) = (self.boolean(d), self.i(d), self.small(Ty::String, d));
        match self.below(3) {
            0 => format!("(if ({condition}) {{ value: {value} }} else {{ error: {error} }})"),
            1 => format!("(if ({condition}) {{ error: {error} }} else {{ value: {value} }})"),
            _ => format!("Read({value}) with {{ on_error: wrap }}"),
        }
    }
}
