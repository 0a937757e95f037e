//! The formatter on sources that nobody would write: random ones with comments everywhere, damaged
//! ones, deep ones and long ones.

mod common;
mod formatting;

use formatting::formatted;
use proptest::prelude::*;
use tidegate_lang as lang;

/// Programs to damage.
const CASES: &str = include_str!("cases.md");

/// A source by choices: those that run out are zero, which is always the simplest one.
struct Author<'c> {
    choices: std::slice::Iter<'c, u8>,
    gaps: std::slice::Iter<'c, u8>,
    comments: usize,
    source: String,
}

impl Author<'_> {
    fn choose(&mut self, count: u8) -> u8 {
        self.choices.next().copied().unwrap_or(0) % count
    }

    fn gap(&mut self) {
        self.comments += 1;
        let number = self.comments;
        let gap = match self.gaps.next().copied().unwrap_or(0) {
            0..150 => " ".to_owned(),
            150..170 => "\n".to_owned(),
            170..180 => "\n\n\n".to_owned(),
            180..200 => format!(" # e{number}\n"),
            200..215 => format!("\n # o{number}\n"),
            215..225 => format!("\n\n# o{number}\n\n"),
            225..235 => format!("\n## d{number}\n"),
            235..240 => format!("\n## d{number}\n\n## d{number}b\n"),
            240..250 => format!(" # e{number}\r\n\t# o{number}\n"),
            250.. => format!(" ## e{number}\n\n# o{number}\n# o{number}b\n\n"),
        };
        self.source.push_str(&gap);
    }

    fn put(&mut self, token: &str) {
        self.gap();
        self.source.push_str(token);
    }

    fn name(&mut self) {
        let name = match self.choose(6) {
            0 => "a",
            1 => "b-",
            2 => "some",
            3 => "none",
            4 => "aRatherLongNameThatMakesLinesBreakSoonerThanOthers",
            _ => "x",
        };
        self.put(name);
    }

    fn field(&mut self) {
        match self.choose(4) {
            0 => self.put("type"),
            1 => self.put("in"),
            _ => self.name(),
        }
    }

    /// Up to two more items, and perhaps a comma behind the last.
    fn items(&mut self, open: &str, close: &str, may_be_empty: bool, item: fn(&mut Self)) {
        self.put(open);
        let count = self.choose(4) + u8::from(!may_be_empty);
        for at in 0..count {
            item(self);
            if at + 1 < count || self.choose(2) == 1 {
                self.put(",");
            }
        }
        self.put(close);
    }

    fn program(&mut self) {
        for _ in 0..=self.choose(4) {
            self.declaration();
        }
        self.gap();
    }

    fn declaration(&mut self) {
        match self.choose(8) {
            0 | 1 => {
                self.name();
                self.put("=");
                self.expr();
            }
            2 => {
                self.put("use");
                self.name();
                self.put(".");
                self.field();
                if self.choose(2) == 1 {
                    self.put("as");
                    self.name();
                }
            }
            3 => {
                self.put("type");
                self.name();
                self.put("=");
                self.ty();
            }
            4 => {
                self.annotations();
                self.put("in");
                self.name();
                self.put(":");
                self.ty();
                if self.choose(2) == 1 {
                    self.put("=");
                    self.expr();
                }
            }
            5 => {
                self.put("out");
                self.name();
                self.put("when");
                self.climb(4);
            }
            6 => {
                self.annotations();
                self.put("out");
                self.name();
                self.put("=");
                self.expr();
            }
            _ => {
                self.put("out");
                self.name();
            }
        }
    }

    fn annotations(&mut self) {
        for _ in 0..self.choose(3) {
            self.put("@");
            self.field();
            self.items("(", ")", true, |author| match author.choose(3) {
                0 => author.put("72h"),
                1 => author.expr(),
                _ => {
                    author.put("key");
                    author.put(":");
                    author.expr();
                }
            });
        }
    }

    fn ty(&mut self) {
        match self.choose(8) {
            0 | 1 => self.name(),
            2 => {
                self.name();
                self.put("<");
                self.ty();
                if self.choose(2) == 1 {
                    self.put(",");
                    self.ty();
                }
                self.source.push('>');
            }
            3 => self.put("\"a \\\" # b\""),
            4 => self.items("{", "}", true, |author| {
                author.field();
                author.put(":");
                author.ty();
            }),
            5 => {
                self.put("(");
                self.ty();
                self.put(")");
            }
            6 => {
                self.ty();
                self.put("|");
                self.ty();
            }
            _ => {
                self.ty();
                self.put("+");
                self.ty();
            }
        }
    }

    fn expr(&mut self) {
        self.climb(0);
    }

    /// An expression that binds at least as tightly as `level`, the number in the grammar's table.
    fn climb(&mut self, level: u8) {
        match self.choose(12) {
            0..5 => self.primary(),
            5 => {
                self.climb(11);
                self.postfix();
            }
            _ if level > 10 => self.primary(),
            6 => {
                self.put("-");
                self.climb(10);
            }
            7 if level <= 6 => {
                self.put("not");
                self.climb(6);
            }
            8 if level == 0 => {
                match self.choose(3) {
                    0 => self.name(),
                    _ => self.items("(", ")", true, |author| {
                        author.name();
                        if author.choose(2) == 1 {
                            author.put(":");
                            author.ty();
                        }
                    }),
                }
                self.put("=>");
                self.expr();
            }
            _ => {
                let operators = ["??", "when", "or", "and", "==", "<", "+", "-", "*", "/"];
                let operator = usize::from(self.choose(10));
                let own = [2, 3, 4, 5, 7, 7, 8, 8, 9, 9][operator];
                if own < level {
                    return self.primary();
                }
                self.climb(own);
                self.put(operators[operator]);
                self.climb(own + 1);
            }
        }
    }

    fn postfix(&mut self) {
        match self.choose(4) {
            0 => {
                self.put(".");
                self.field();
            }
            1 => {
                self.put("?.");
                self.field();
            }
            2 => self.items("[", "]", false, Self::field),
            _ => self.items("{", "}", false, Self::field),
        }
    }

    fn primary(&mut self) {
        match self.choose(18) {
            0..3 => self.name(),
            3 => self.put("12"),
            4 => self.put("1.50"),
            5 => self.put("true"),
            6 => self.string(),
            7 => self.items("[", "]", true, Self::expr),
            8 => self.items("{", "}", true, |author| {
                author.field();
                author.put(":");
                author.expr();
            }),
            9 | 10 => {
                self.put("(");
                self.expr();
                self.put(")");
            }
            11..14 => self.call(),
            14 => {
                self.put("if");
                self.put("(");
                self.expr();
                self.put(")");
                self.expr();
                self.put("else");
                self.expr();
            }
            15 => {
                self.put("branch");
                self.put("{");
                for _ in 0..self.choose(3) {
                    self.expr();
                    self.put("->");
                    self.expr();
                    self.put(",");
                }
                self.put("otherwise");
                self.put("->");
                self.expr();
                self.put("}");
            }
            16 => {
                self.put("match");
                self.climb(11);
                self.items("{", "}", false, |author| {
                    author.pattern();
                    if author.choose(3) == 1 {
                        author.put("if");
                        author.expr();
                    }
                    author.put("->");
                    author.expr();
                });
            }
            _ => self.put("-9223372036854775808"),
        }
    }

    fn string(&mut self) {
        match self.choose(4) {
            0 => self.put("\"\""),
            1 => self.put("\"a\\u{e9} \\${ # $5\""),
            2 => self.put("\"two\n  lines\""),
            _ => {
                self.put("\"a ${");
                self.expr();
                self.put("}  b\"");
            }
        }
    }

    fn pattern(&mut self) {
        match self.choose(9) {
            0 | 1 => self.put("_"),
            2 => self.name(),
            3 => {
                self.put("-");
                self.put("1");
            }
            4 => self.put("\"p\""),
            5 => self.put("false"),
            6 => {
                self.put("is");
                self.name();
            }
            7 => {
                self.put("some");
                self.put("(");
                self.pattern();
                self.put(")");
            }
            _ => self.items("{", "}", false, |author| {
                author.name();
                if author.choose(2) == 1 {
                    author.put(":");
                    author.pattern();
                }
            }),
        }
    }

    fn call(&mut self) {
        self.name();
        if self.choose(3) == 1 {
            self.source.push_str(".f");
        }
        self.items("(", ")", true, Self::expr);
        match self.choose(4) {
            0 | 1 => {}
            2 => {
                self.put("with");
                self.items("{", "}", false, Self::option);
            }
            _ => {
                self.put("with");
                self.option();
                for _ in 0..self.choose(3) {
                    self.put(",");
                    self.option();
                }
            }
        }
    }

    fn option(&mut self) {
        match self.choose(8) {
            0 => self.put("lazy"),
            1 => ["lazy", ":", "false"].map(|token| self.put(token)).into_iter().collect(),
            2 => ["retry", ":", "-", "1"].map(|token| self.put(token)).into_iter().collect(),
            3 => {
                ["throttle", ":", "5", "/", "1s"].map(|token| self.put(token)).into_iter().collect()
            }
            4 => ["cache_backend", ":", "\"r\""].map(|token| self.put(token)).into_iter().collect(),
            5 => ["backoff", ":", "fixed", "(", "1s", ",", "2s", ",", ")"]
                .map(|token| self.put(token))
                .into_iter()
                .collect(),
            _ => {
                self.put("fallback");
                self.put(":");
                self.expr();
            }
        }
    }
}

fn written(choices: &[u8], gaps: &[u8]) -> String {
    let (choices, gaps) = (choices.iter(), gaps.iter());
    let mut author = Author { choices, gaps, comments: 0, source: String::new() };
    author.program();
    author.source
}

/// Words, signs and spaces, each a piece of its own.
fn pieces(source: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 128;
    let bytes = source.as_bytes();
    for at in 1..=bytes.len() {
        if at == bytes.len() || !is_word(bytes[at]) || !is_word(bytes[at - 1]) {
            pieces.push(&source[start..at]);
            start = at;
        }
    }
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_programs(
        choices in prop::collection::vec(any::<u8>(), 0..300),
        gaps in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let source = written(&choices, &gaps);
        prop_assume!(lang::format(&source).is_ok());
        formatted(&source);
    }

    #[test]
    fn damaged_programs(
        program in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..4_u8), 1..5),
    ) {
        let examples = common::examples(CASES);
        let source = &program.get(&examples).source;
        let mut pieces = pieces(source);
        for (at, from, kind) in damage {
            let (at, from) = (at.index(pieces.len()), from.index(pieces.len()));
            match kind {
                0 => drop(pieces.remove(at)),
                1 => pieces.insert(at, pieces[from]),
                2 => pieces.insert(at, "\n# c\n"),
                _ => pieces.swap(at, from),
            }
            if pieces.is_empty() {
                break;
            }
        }
        let source = pieces.concat();
        if lang::format(&source).is_ok() {
            formatted(&source);
        }
    }
}

#[test]
fn deep_programs() {
    for depth in [10, 40, 60, 100, 120, 124, 126, 127, 128, 129, 5_000] {
        let nested = |open: &str, inner: &str, close: &str| {
            format!("x = {}{inner}{}", open.repeat(depth), close.repeat(depth))
        };
        let sources = [
            nested("[", "1", "]"),
            nested("[[], ", "1", ",]"),
            nested("(", "x", ")"),
            nested("-(", "x", ")"),
            nested("-", "x", ""),
            nested("not (", "x", ")"),
            nested("(x => ", "x", ") + 1"),
            nested("{ a: ", "x", " }"),
            nested("if (c) x else ", "x", ""),
            nested("if (", "c", ") x else y"),
            nested("f(", "1", ") with { retry: 1 } + 1"),
            nested("f(", "1", ", 2) with retry: 1"),
            nested("f(1) with fallback: ", "1", ""),
            nested("f(1) with { fallback: ", "1", " } ?? 1"),
            nested("match x { 1 -> ", "x", ", _ -> 2 }"),
            nested("branch { c -> 1, otherwise -> ", "x", "}"),
            nested("\"${", "x", "}\""),
            nested("\"${match x { 1 -> 2, _ -> ", "x", "}}\""),
            nested("x ?? ", "x", ""),
            nested("(x ?? ", "x", ") ?? x"),
            format!("x = y{}", " + 1".repeat(depth)),
            format!("x = y{}", ".f".repeat(depth)),
            format!("in x: {}Int{}", "List<{ a: ".repeat(depth), " }>".repeat(depth)),
            format!("in x: {}Int{}", "(A | ".repeat(depth), ")".repeat(depth)),
            format!("x = match y {{ {}v{} -> v }}", "{a: ".repeat(depth), "}".repeat(depth)),
        ];
        let mut fine = 0;
        for source in sources.iter().filter(|source| lang::format(source).is_ok()) {
            formatted(source);
            fine += 1;
        }
        assert!(fine == sources.len() || depth > 30, "{fine} at {depth}");
    }
}

#[test]
fn long_programs() {
    let length = model::limits::SOURCE_BYTES_MAX;
    let filled = |start: &str, part: &str, end: &str| {
        let count = (length - start.len() - end.len()) / part.len();
        format!("{start}{}{end}", part.repeat(count))
    };
    for source in [
        filled("x = [", "1,", "]"),
        filled("x = [", "[1],", "]"),
        filled("x = [1", "# c\n", "]"),
        filled("x = [", "1 # c\n,", "]"),
        filled("x = f(\"", "text\n", "\")"),
        filled("x = \"", "${f(a, b)}", "\""),
        filled("x = [", "map(a, x => { a: x, b: x }),", "]"),
        filled("", "# c\n", ""),
        filled("", "\n", ""),
        filled("", "in x: List<Int>= 1\n", ""),
        filled("", "@title(\"a\") in x: A | B | C = f(x) with lazy ## d\n", "out x"),
        filled("type T = A", " | A", ""),
        filled("x = match y {", "{a, b: some(1)} -> (1 + 2),", "}"),
        filled("x = f(a) with { retry: 1,", "lazy,", "}"),
    ] {
        let text = lang::format(&source).unwrap_or_default();
        assert!(text.len() > 2 || source.trim().is_empty(), "{}", &source[..40]);
        assert!(lang::format(&text).is_err() || lang::format(&text) == Ok(text));
    }
}
