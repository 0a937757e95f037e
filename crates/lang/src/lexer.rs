//! Source text to tokens, in one pass. Total: what is no token is reported, skipped, and costs
//! nothing more.
//!
//! A string with interpolations becomes several tokens: its quotes, its pieces of text, and the
//! tokens of its expressions between [`Kind::Interpolate`] and [`Kind::EndInterpolate`].

use std::collections::HashMap;

use model::{Code, Diagnostic, Span, Text, text::cut, text::quote};

/// One token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// An identifier or a reserved word; its text is in the source.
    Word,
    /// Digits; the magnitude, since the lowest Int has no positive counterpart.
    Int(u64),
    Float(f64),
    /// Milliseconds.
    Duration(u64),
    /// A sign, as it is written.
    Sign(&'static str),
    /// `"` at the begin of a string.
    Quote,
    /// Text of a string, escapes resolved.
    Text(Text),
    /// `"` at the end of a string.
    EndQuote,
    /// `${`
    Interpolate,
    /// The `}` that ends an interpolation.
    EndInterpolate,
    /// The end of the source.
    End,
}

/// The tokens of a source; the last is [`Kind::End`].
pub(crate) struct Tokens {
    pub(crate) tokens: Vec<Token>,
    /// Doc comments, by the index of the token that they stand before.
    pub(crate) docs: HashMap<usize, Text>,
}

/// What separates tokens and means nothing else.
const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// Longer signs first, so that the first that fits is the longest.
const SIGNS: [&str; 26] = [
    "==", "!=", "<=", ">=", "->", "=>", "??", "?.", "=", "<", ">", "+", "-", "*", "/", "%", "(",
    ")", "[", "]", "{", "}", ",", ":", ".", "@",
];

/// Splits `source` into tokens.
pub(crate) fn lex(source: &str, diagnostics: &mut Vec<Diagnostic>) -> Tokens {
    let mut lexer = Lexer {
        source,
        at: 0,
        tokens: Vec::with_capacity(source.len() / 4 + 1),
        docs: HashMap::new(),
        strings: Vec::new(),
        single_line: false,
        diagnostics,
    };
    lexer.run();
    Tokens { tokens: lexer.tokens, docs: lexer.docs }
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    tokens: Vec<Token>,
    docs: HashMap<usize, Text>,
    /// Strings that are open, outermost first.
    strings: Vec<OpenString>,
    /// A string was not terminated: from there on, strings end with their line. So a file with many
    /// stray quotes is still read in one pass.
    single_line: bool,
    diagnostics: &'a mut Vec<Diagnostic>,
}

struct OpenString {
    start: usize,
    /// How many tokens there were before it.
    tokens: usize,
    /// Braces that are open in its current interpolation.
    braces: usize,
}

impl<'a> Lexer<'a> {
    fn run(&mut self) {
        loop {
            self.skip_blank();
            if self.at < self.source.len() {
                self.token();
            } else if let Some(open) = self.strings.first() {
                let (start, tokens) = (open.start, open.tokens);
                self.give_up_string(start, tokens);
            } else {
                self.push(Kind::End, self.at);
                return;
            }
        }
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn push(&mut self, kind: Kind, start: usize) {
        self.tokens.push(Token { kind, span: Span::new(start, self.at) });
    }

    fn report(&mut self, start: usize, end: usize, message: impl Into<String>, help: Option<&str>) {
        let diagnostic = Diagnostic::new(Code::E020, Span::new(start, end), message);
        self.diagnostics.push(diagnostic.maybe_help(help.map(str::to_owned)));
    }

    /// White space and comments; remembers doc comments for the token that follows.
    fn skip_blank(&mut self) {
        let mut doc: Option<String> = None;
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches(BLANK).len();
            let is_own_line = self.at == 0 || rest[..blank].contains('\n');
            let has_gap = rest[..blank].matches('\n').count() > 1;
            if has_gap {
                doc = None;
            }
            self.at += blank;
            if !self.rest().starts_with('#') {
                break;
            }
            let line = self.rest().lines().next().unwrap_or_default();
            self.at += line.len();
            doc = match line.strip_prefix("##") {
                Some(text) if is_own_line => Some(match doc {
                    Some(before) => format!("{before}\n{}", text.trim()),
                    None => text.trim().to_owned(),
                }),
                _ => None,
            };
        }
        if let Some(doc) = doc {
            self.docs.insert(self.tokens.len(), doc.into());
        }
    }

    fn token(&mut self) {
        let start = self.at;
        let rest = self.rest();
        let first = rest.chars().next().unwrap_or_default();
        match first {
            'a'..='z' | 'A'..='Z' | '_' => {
                self.at += word_length(rest);
                self.push(Kind::Word, start);
            }
            '0'..='9' => self.number(),
            '"' => {
                self.at += 1;
                self.push(Kind::Quote, start);
                self.strings.push(OpenString { start, tokens: self.tokens.len() - 1, braces: 0 });
                self.string();
            }
            '}' if self.strings.last().is_some_and(|string| string.braces == 0) => {
                self.at += 1;
                self.push(Kind::EndInterpolate, start);
                self.string();
            }
            _ if rest.starts_with("//") => {
                self.at += rest.lines().next().unwrap_or_default().len();
                self.report(start, start + 2, "unexpected `//`", Some("a comment begins with `#`"));
            }
            _ => match SIGNS.iter().copied().find(|sign| rest.starts_with(sign)) {
                Some(sign) => self.sign(sign),
                None => self.not_a_token(first),
            },
        }
    }

    fn sign(&mut self, sign: &'static str) {
        let start = self.at;
        self.at += sign.len();
        if let Some(string) = self.strings.last_mut() {
            match sign {
                "{" => string.braces += 1,
                "}" => string.braces = string.braces.saturating_sub(1),
                _ => {}
            }
        }
        self.push(Kind::Sign(sign), start);
    }

    /// A run of characters that mean nothing is reported once. `|` is a sign only when it stands
    /// alone.
    fn not_a_token(&mut self, first: char) {
        let start = self.at;
        let rest = self.rest();
        if matches!(first, '\'' | '`')
            && let Some(length) = foreign_string(rest, first)
        {
            return self.foreign_string(length);
        }
        if first == '|' && !rest.starts_with("||") {
            self.at += 1;
            return self.push(Kind::Sign("|"), start);
        }
        let is_token =
            |c: char| c.is_ascii_graphic() && !"&|!;'?^~`\\$".contains(c) || "#\"".contains(c);
        // The first character is none that could begin anything, or this would not be called.
        let ends = |c: char| is_token(c) || BLANK.contains(&c);
        let after = first.len_utf8();
        let length = rest[after..].find(ends).map_or(rest.len(), |found| after + found);
        self.at += length;
        let help = match first {
            '&' => Some("write `and`"),
            '|' => Some("write `or`"),
            '!' => Some("write `not`"),
            ';' => Some("nothing separates declarations; leave it out"),
            '\'' => Some("a string stands in double quotes"),
            '\u{201c}' | '\u{201d}' => Some("a string stands in plain double quotes, `\"`"),
            '?' => Some("absence is handled with `??` and `?.`"),
            _ => None,
        };
        let shown = cut(&rest[..length], 2);
        self.report(start, self.at, format!("unexpected `{shown}`"), help);
        // What was meant stands there from now on, so that nothing else is reported.
        match &rest[..length] {
            "&&" => self.push(Kind::Sign("and"), start),
            "||" => self.push(Kind::Sign("or"), start),
            _ => {}
        }
    }

    /// A string as other languages write it; a string stands there from now on.
    fn foreign_string(&mut self, length: usize) {
        let start = self.at;
        let inside = &self.source[start + 1..start + length - 1];
        self.at += length;
        let help = format!("write `\"{}\"`", cut(inside, 40));
        self.report(start, self.at, "a string stands in double quotes", Some(&help));
        let text = Text::from(inside);
        self.push(Kind::Quote, start);
        if !text.is_empty() {
            self.push(Kind::Text(text), start + 1);
        }
        self.push(Kind::EndQuote, self.at - 1);
    }

    fn number(&mut self) {
        let start = self.at;
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let whole = digits(self.rest());
        self.at += whole;
        let fraction = self.rest().strip_prefix('.').map_or(0, digits);
        if fraction > 0 {
            self.at += 1 + fraction;
        }
        let number = &self.source[start..self.at];
        let unit = match self.rest().chars().next() {
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let unit = &self.rest()[..word_length(self.rest())];
                // `3-2` is a subtraction, `3s-x` is none of ours.
                unit.split('-').next().unwrap_or_default()
            }
            _ => "",
        };
        self.at += unit.len();
        let kind = match (fraction > 0, unit) {
            (true, "") => {
                number.parse().ok().filter(|float: &f64| float.is_finite()).map(Kind::Float)
            }
            (true, _) => None,
            (false, "") => whole_number(number).map(Kind::Int),
            (false, unit) => duration(number, unit).map(Kind::Duration),
        };
        match kind {
            Some(kind) => self.push(kind, start),
            None => {
                let help = number_help(number, unit);
                let shown = quote(&self.source[start..self.at]);
                self.report(start, self.at, format!("`{shown}` is no number"), Some(help));
                // Something stands for it, so that nothing else is reported.
                self.push(if fraction > 0 { Kind::Float(0.0) } else { Kind::Int(0) }, start);
            }
        }
    }

    /// The text of the innermost string, up to its end or its next interpolation.
    fn string(&mut self) {
        let mut text = String::new();
        let mut start = self.at;
        loop {
            let rest = self.rest();
            let plain = rest.find(['"', '\\', '$', '\n']).unwrap_or(rest.len());
            text.push_str(&rest[..plain]);
            self.at += plain;
            let rest = self.rest();
            let ends_here = rest.is_empty() || self.single_line && rest.starts_with('\n');
            if ends_here || rest.starts_with('"') || rest.starts_with("${") {
                if !text.is_empty() {
                    self.push(Kind::Text(text.into()), start);
                }
                return self.end_piece(ends_here);
            }
            if rest.starts_with('\\') {
                text.extend(self.escape());
            } else {
                // A line break, or a `$` that begins nothing.
                text.push_str(&rest[..1]);
                self.at += 1;
            }
            start = start.min(self.at);
        }
    }

    /// At a quote, an interpolation, or where an unterminated string ends.
    fn end_piece(&mut self, is_unterminated: bool) {
        let start = self.at;
        if is_unterminated {
            let Some(open) = self.strings.last() else { return };
            let (open, tokens) = (open.start, open.tokens);
            if self.single_line {
                self.report(open, open + 1, UNTERMINATED, Some(UNTERMINATED_HELP));
                self.strings.pop();
                self.push(Kind::EndQuote, start);
            } else {
                let outermost =
                    self.strings.first().map_or((open, tokens), |s| (s.start, s.tokens));
                self.give_up_string(outermost.0, outermost.1);
            }
        } else if self.rest().starts_with('"') {
            self.at += 1;
            self.strings.pop();
            self.push(Kind::EndQuote, start);
        } else {
            self.at += 2;
            self.push(Kind::Interpolate, start);
        }
    }

    /// The string that began at `start` never ends: it is taken to end with its line, and lexing
    /// goes on there. Happens once; see `single_line`.
    fn give_up_string(&mut self, start: usize, tokens: usize) {
        self.report(start, start + 1, UNTERMINATED, Some(UNTERMINATED_HELP));
        self.strings.clear();
        if self.single_line {
            return;
        }
        self.single_line = true;
        self.tokens.truncate(tokens);
        self.docs.retain(|at, _| *at <= tokens);
        let line = self.source[start..].find('\n').map_or(self.source.len(), |at| start + at);
        self.at = start + 1;
        self.push(Kind::Quote, start);
        self.at = line;
        self.push(Kind::EndQuote, line);
    }

    fn escape(&mut self) -> Option<char> {
        let start = self.at;
        let mut chars = self.rest().chars();
        chars.next();
        let letter = chars.next();
        self.at += 1 + letter.map_or(0, char::len_utf8);
        let simple = match letter? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            '\\' => '\\',
            '"' => '"',
            '$' => '$',
            'u' => return self.unicode_escape(start),
            _ => {
                let shown = quote(&self.source[start..self.at]);
                let help = "escapes are `\\n \\t \\r \\\\ \\\" \\$ \\u{…}`";
                self.report(start, self.at, format!("`{shown}` is no escape"), Some(help));
                return None;
            }
        };
        Some(simple)
    }

    fn unicode_escape(&mut self, start: usize) -> Option<char> {
        let inside = self.rest().strip_prefix('{');
        let digits =
            inside.map_or(0, |text| text.bytes().take_while(u8::is_ascii_hexdigit).count());
        let is_closed = inside.is_some_and(|text| text[digits..].starts_with('}'));
        let scalar = inside
            .filter(|_| is_closed && (1..=6).contains(&digits))
            .and_then(|text| u32::from_str_radix(&text[..digits], 16).ok())
            .and_then(char::from_u32);
        if is_closed {
            self.at += digits + 2;
        }
        if scalar.is_none() {
            let help = "write `\\u{…}` with 1 to 6 hexadecimal digits of a Unicode scalar value";
            self.report(start, self.at, "this is no Unicode escape", Some(help));
        }
        scalar
    }
}

const UNTERMINATED: &str = "this string never ends";
const UNTERMINATED_HELP: &str = "close it with `\"`";

/// The length of what stands in these quotes on one line, with them.
fn foreign_string(rest: &str, quote: char) -> Option<usize> {
    let line = rest.lines().next().unwrap_or_default();
    line[1..].find(quote).map(|at| at + 2)
}

fn word_length(text: &str) -> usize {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.find(|c| !is_part(c)).unwrap_or(text.len())
}

/// Digits without a leading zero, up to 2^63: the lowest Int is that with a minus sign.
fn whole_number(digits: &str) -> Option<u64> {
    let has_leading_zero = digits.len() > 1 && digits.starts_with('0');
    let number: u64 = digits.parse().ok()?;
    (!has_leading_zero && number <= 1 << 63).then_some(number)
}

/// The milliseconds of a duration as the language writes it, `200ms`: a whole number and `ms`, `s`,
/// `min`, `h` or `d`.
pub fn duration_ms(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    duration(&text[..digits], &text[digits..])
}

/// Milliseconds.
fn duration(digits: &str, unit: &str) -> Option<u64> {
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    whole_number(digits)?.checked_mul(factor)
}

fn number_help(number: &str, unit: &str) -> &'static str {
    if !unit.is_empty() {
        "a duration is a whole number and `ms`, `s`, `min`, `h` or `d`; a name does not begin with a digit"
    } else if number.len() > 1 && number.starts_with('0') && !number.contains('.') {
        "a number has no leading zero"
    } else {
        "an Int has 64 bits, a Float is finite"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration_ms("30s"), Some(30_000));
        assert_eq!(duration_ms("2min"), Some(120_000));
        for wrong in
            ["", "s", "030s", "3 s", "1.5s", "99999999999999999999s", "9223372036854775807d"]
        {
            assert_eq!(duration_ms(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn no_character_stops_the_lexer() {
        for character in (0..=0xffff).filter_map(char::from_u32) {
            let source = format!("a = 1{character}b = 2\n{character}");
            let mut diagnostics = Vec::new();
            let tokens = lex(&source, &mut diagnostics);
            assert_eq!(
                tokens.tokens.last().map(|token| token.span.end as usize),
                Some(source.len())
            );
        }
    }

    #[test]
    fn doc_comments_stand_before_what_follows_at_once() {
        let mut diagnostics = Vec::new();
        let tokens = lex("## one\n## two\na = 1 ## no\n\n## lost\n\nb = 2", &mut diagnostics);
        let docs: Vec<_> = tokens.docs.into_iter().collect();
        assert_eq!(docs, [(0, Text::from("one\ntwo"))]);
    }
}
