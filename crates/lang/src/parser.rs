//! Tokens to syntax: predictive, linear, and total. After an error it goes on at the next
//! declaration; what it could not read is left out, and reported once.
//!
//! Every recursion counts toward [`NESTING_MAX`], and so does the depth of operator chains, because
//! the stages that follow recurse over the tree.

mod declaration;
mod expr;
mod options;
mod pattern;
mod types;

use model::limits::{NESTING_MAX, SOURCE_BYTES_MAX};
use model::text::{cut, did_you_mean};
use model::{Code, Diagnostic, Span, Text};

use crate::lexer::{Kind, Token, Tokens, lex};
use crate::syntax::{Expr, File, Name, TypeExpr};

/// Words that cannot name anything (specification 2.3).
const RESERVED: [&str; 19] = [
    "type",
    "in",
    "out",
    "if",
    "else",
    "true",
    "false",
    "use",
    "as",
    "and",
    "or",
    "not",
    "when",
    "branch",
    "otherwise",
    "with",
    "lazy",
    "match",
    "is",
];

/// Reads a whole program.
pub fn parse(source: &str) -> (File, Vec<Diagnostic>) {
    let (mut parser, is_whole) = Parser::new(source);
    let mut file = File::default();
    if is_whole {
        parser.file(&mut file);
    }
    (file, parser.diagnostics)
}

/// Reads a text that is one type.
pub fn parse_type(source: &str) -> (Option<TypeExpr>, Vec<Diagnostic>) {
    parse_all(source, Parser::ty)
}

/// Reads a text that is one expression.
pub fn parse_expression(source: &str) -> (Option<Expr>, Vec<Diagnostic>) {
    parse_all(source, Parser::expr)
}

/// Parameters with their types, and the type of the result.
pub type SignatureSyntax = (Vec<(Name, TypeExpr)>, TypeExpr);

/// Reads a signature, `(orderId: String) -> Optional<{ id: String }>`.
pub fn parse_signature(source: &str) -> (Option<SignatureSyntax>, Vec<Diagnostic>) {
    parse_all(source, Parser::signature)
}

fn parse_all<'a, T>(
    source: &'a str,
    read: impl FnOnce(&mut Parser<'a>) -> Parsed<T>,
) -> (Option<T>, Vec<Diagnostic>) {
    let (mut parser, is_whole) = Parser::new(source);
    if !is_whole {
        return (None, parser.diagnostics);
    }
    let read = read(&mut parser).and_then(|result| {
        if parser.peek().kind == Kind::End { Ok(result) } else { Err(parser.unexpected("the end")) }
    });
    (read.ok(), parser.diagnostics)
}

/// Something could not be read; the error is already reported.
#[derive(Debug)]
struct Broken;

type Parsed<T> = Result<T, Broken>;

struct Parser<'a> {
    source: &'a str,
    tokens: Tokens,
    at: usize,
    /// For each opening bracket the index of its closing one.
    closing: Vec<usize>,
    nesting: usize,
    /// The height of the tallest expression in what is being read.
    height: usize,
    /// Whether a `{` after an operand is a projection: not in the subject of a `match`.
    projects: bool,
    /// Directly inside a record literal, where every comma ends a `with` without braces.
    in_record: bool,
    /// Inside any brackets: a comma there belongs to them.
    in_brackets: bool,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Parser<'a> {
    /// A parser, and whether the source is short enough to be read.
    fn new(source: &'a str) -> (Parser<'a>, bool) {
        let mut diagnostics = Vec::new();
        let is_whole = source.len() <= SOURCE_BYTES_MAX;
        if !is_whole {
            let message = format!("the source is longer than {SOURCE_BYTES_MAX} bytes");
            diagnostics.push(Diagnostic::new(Code::E040, Span::default(), message));
        }
        let tokens = lex(if is_whole { source } else { "" }, &mut diagnostics);
        let closing = match_brackets(&tokens.tokens);
        let parser = Parser {
            source,
            tokens,
            at: 0,
            closing,
            nesting: 0,
            height: 0,
            projects: true,
            in_record: false,
            in_brackets: false,
            diagnostics,
        };
        (parser, is_whole)
    }

    // Looking.

    fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    /// The token `ahead` of the next one; beyond the end it is the end.
    fn peek_at(&self, ahead: usize) -> &Token {
        let last = self.tokens.tokens.len() - 1;
        &self.tokens.tokens[(self.at + ahead).min(last)]
    }

    fn is_sign(&self, sign: &str) -> bool {
        self.is_sign_at(0, sign)
    }

    fn is_sign_at(&self, ahead: usize, sign: &str) -> bool {
        matches!(self.peek_at(ahead).kind, Kind::Sign(found) if found == sign)
    }

    /// The next token, if it is a word, reserved or not.
    fn word_at(&self, ahead: usize) -> Option<&'a str> {
        let token = self.peek_at(ahead);
        (token.kind == Kind::Word).then(|| self.text(token.span))
    }

    fn is_word(&self, word: &str) -> bool {
        self.word_at(0) == Some(word)
    }

    fn text(&self, span: Span) -> &'a str {
        &self.source[span.start as usize..span.end as usize]
    }

    /// The place just behind the last token.
    fn last_span(&self) -> Span {
        match self.at.checked_sub(1) {
            Some(last) => self.tokens.tokens[last].span,
            None => Span::default(),
        }
    }

    // Taking.

    fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        if token.kind != Kind::End {
            self.at += 1;
        }
        token
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        if found {
            self.at += 1;
        }
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect_sign(&mut self, sign: &'static str) -> Parsed<Span> {
        if self.is_sign(sign) {
            return Ok(self.advance().span);
        }
        Err(self.unexpected(&format!("`{sign}`")))
    }

    /// The closing bracket of what was opened at `open`.
    fn expect_closing(&mut self, sign: &'static str, open: Span) -> Parsed<Span> {
        if self.is_sign(sign) {
            return Ok(self.advance().span);
        }
        let unexpected = self.unexpected(&format!("`{sign}`"));
        if let Some(diagnostic) = self.diagnostics.last_mut() {
            diagnostic.labels.push(model::Label { span: open, text: "opened here".to_owned() });
        }
        Err(unexpected)
    }

    fn expect_word(&mut self, word: &str) -> Parsed<Span> {
        if self.is_word(word) {
            return Ok(self.advance().span);
        }
        Err(self.unexpected(&format!("`{word}`")))
    }

    /// A name that the program chooses: any word that is not reserved.
    fn name(&mut self, what: &str) -> Parsed<Name> {
        match self.word_at(0) {
            Some(word) if is_reserved(word) && !self.is_declaration() => {
                let span = self.peek().span;
                let message = format!("`{word}` is a reserved word and cannot be {what}");
                let help = format!("choose another name, such as `{word}_`");
                self.report(Diagnostic::new(Code::E021, span, message).help(help));
                Err(Broken)
            }
            Some(word) if !is_reserved(word) => self.field_name(what),
            _ => Err(self.unexpected(what)),
        }
    }

    /// A name where reserved words are allowed: of a field, an option, an annotation.
    fn field_name(&mut self, what: &str) -> Parsed<Name> {
        match self.word_at(0) {
            Some(word) => Ok(Name { text: word.into(), span: self.advance().span }),
            None => Err(self.unexpected(what)),
        }
    }

    /// A string without interpolation, with the place of all of it.
    fn plain_string(&mut self, what: &str) -> Parsed<(Text, Span)> {
        let open = self.peek().span;
        if self.peek().kind != Kind::Quote {
            return Err(self.unexpected(what));
        }
        self.advance();
        let text = match &self.peek().kind {
            Kind::Text(text) => {
                let text = text.clone();
                self.advance();
                text
            }
            _ => Text::default(),
        };
        if self.peek().kind == Kind::Interpolate {
            let message = "this string must be plain text, without `${`";
            self.report(Diagnostic::new(Code::E021, self.peek().span, message));
            return Err(Broken);
        }
        let close = self.advance().span;
        Ok((text, open.to(close)))
    }

    /// `one, two, three,` up to `close`, which is taken too. At least one, unless `may_be_empty`.
    fn list<T>(
        &mut self,
        open: Span,
        close: &'static str,
        may_be_empty: bool,
        mut one: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<(Vec<T>, Span)> {
        let mut items = Vec::new();
        if may_be_empty && self.is_sign(close) {
            return Ok((items, self.advance().span));
        }
        loop {
            items.push(one(self)?);
            if !self.take_sign(",") || self.is_sign(close) {
                return Ok((items, self.expect_closing(close, open)?));
            }
        }
    }

    /// Inside brackets: projections are projections, and the record around is out of sight.
    fn inside<T>(&mut self, in_record: bool, read: impl FnOnce(&mut Self) -> T) -> T {
        let around = (self.projects, self.in_record, self.in_brackets);
        (self.projects, self.in_record, self.in_brackets) = (true, in_record, true);
        let result = read(self);
        (self.projects, self.in_record, self.in_brackets) = around;
        result
    }

    /// One level deeper.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting >= NESTING_MAX {
            return Err(self.too_deep(self.peek().span));
        }
        self.nesting += 1;
        let result = read(self);
        self.nesting -= 1;
        result
    }

    // Reporting.

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn too_deep(&mut self, span: Span) -> Broken {
        let message = format!("this is nested deeper than {NESTING_MAX} levels (`max_nesting`)");
        let help = "give a part of it a name of its own";
        self.report(Diagnostic::new(Code::E040, span, message).help(help));
        Broken
    }

    /// Reports that the next token is not what is expected here.
    fn unexpected(&mut self, expected: &str) -> Broken {
        let token = self.peek().clone();
        // Where the lexer already reported the place, a second message would explain nothing.
        let found = match &token.kind {
            Kind::End => "the end of the file".to_owned(),
            Kind::Word if is_reserved(self.text(token.span)) => {
                format!("the reserved word `{}`", self.text(token.span))
            }
            Kind::Word => format!("`{}`", cut(self.text(token.span), 40)),
            Kind::Quote | Kind::Text(_) | Kind::EndQuote => "a string".to_owned(),
            Kind::Interpolate | Kind::EndInterpolate => "the end of an interpolation".to_owned(),
            Kind::Sign(sign) => format!("`{sign}`"),
            Kind::Int(_) | Kind::Float(_) | Kind::Duration(_) => {
                format!("`{}`", cut(self.text(token.span), 40))
            }
        };
        let message = format!("expected {expected}, found {found}");
        let help = self.help_for(&token);
        self.report(Diagnostic::new(Code::E021, token.span, message).maybe_help(help));
        Broken
    }

    /// What the author probably meant.
    fn help_for(&self, token: &Token) -> Option<String> {
        let before = self.at.checked_sub(1).map(|at| &self.tokens.tokens[at]);
        let word_before = before.filter(|token| token.kind == Kind::Word);
        match token.kind {
            // `x->` is the name `x-` and `>`.
            Kind::Sign(">") => {
                let name = self.text(word_before?.span).strip_suffix('-')?;
                Some(format!("write `{name} ->`, with a space"))
            }
            Kind::Sign("=") => Some("`==` compares, `=` declares".to_owned()),
            Kind::Sign("=>") => {
                Some("a lambda stands alone as an argument: `map(xs, x => ..)`".to_owned())
            }
            Kind::Sign("|") => Some("`or` combines conditions; `|` joins types".to_owned()),
            Kind::Duration(_) => Some("durations are values of options such as `delay`".to_owned()),
            Kind::Word => match self.text(token.span) {
                "let" | "const" | "var" | "val" => Some("write `name = ..` alone".to_owned()),
                "with" => {
                    Some("`with` stands directly behind a call: `f(x) with retry: 3`".to_owned())
                }
                "return" => Some("deliver a value with `out name = ..`".to_owned()),
                "if" => Some("`if` is an expression: `x = if (c) a else b`".to_owned()),
                "for" | "while" => {
                    Some("there are no loops: `map(xs, x => ..)` looks at every element".to_owned())
                }
                "fn" | "fun" | "func" | "function" | "def" => {
                    Some("programs declare no functions; they name values".to_owned())
                }
                "input" => Some("did you mean `in`?".to_owned()),
                "output" => Some("did you mean `out`?".to_owned()),
                "then" => Some("leave `then` out: `if (c) a else b`".to_owned()),
                "import" => Some("modules need no import; `use` shortens namespaces".to_owned()),
                _ => None,
            },
            _ => None,
        }
    }

    /// Changes the help of the error that was reported last.
    fn help(&mut self, help: impl Into<String>) {
        if let Some(diagnostic) = self.diagnostics.last_mut() {
            diagnostic.help = Some(help.into());
        }
    }

    fn unknown_option(&mut self, name: &Name) {
        let message = format!("there is no option `{}`", cut(&name.text, 40));
        let help = did_you_mean(&name.text, options::KNOWN).unwrap_or_else(|| {
            format!(
                "The options are {}.",
                options::KNOWN.map(|name| format!("`{name}`")).join(", ")
            )
        });
        self.report(Diagnostic::new(Code::E022, name.span, message).help(help));
    }
}

/// Whether `word` is reserved by the language, so that it names nothing.
pub fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}

/// For each opening bracket the index of the closing one that fits, else of the end.
pub(crate) fn match_brackets(tokens: &[Token]) -> Vec<usize> {
    let mut closing = vec![tokens.len() - 1; tokens.len()];
    let mut open: Vec<(usize, &str)> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let closes = match token.kind {
            Kind::Sign(sign @ ("(" | "[" | "{")) => {
                open.push((at, sign));
                continue;
            }
            Kind::Interpolate => {
                open.push((at, "${"));
                continue;
            }
            Kind::Sign(")") => "(",
            Kind::Sign("]") => "[",
            Kind::Sign("}") => "{",
            Kind::EndInterpolate => "${",
            _ => continue,
        };
        if let Some((opened, sign)) = open.pop()
            && sign == closes
        {
            closing[opened] = at;
        }
    }
    closing
}
