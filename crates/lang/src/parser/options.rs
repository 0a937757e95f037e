//! The options of a call: `with retry: 3, delay: 200ms`.

use super::{Parsed, Parser};
use crate::lexer::Kind;
use crate::syntax::{CallOption, Name, OptionValue};

/// Options that the language has.
pub(super) const KNOWN: [&str; 12] = [
    "retry",
    "timeout",
    "delay",
    "backoff",
    "fallback",
    "cache",
    "cache_backend",
    "throttle",
    "concurrency",
    "on_error",
    "priority",
    "lazy",
];

/// Options that are reserved for streaming.
const STREAMING: [&str; 5] = ["batch", "batch_timeout", "window", "checkpoint", "join"];

impl Parser<'_> {
    /// `with ..` behind a call, if it is there.
    pub(super) fn with(&mut self) -> Parsed<Vec<CallOption>> {
        if !self.take_word("with") {
            return Ok(Vec::new());
        }
        if self.is_sign("{") {
            let open = self.advance().span;
            let (options, _) =
                self.inside(false, |parser| parser.list(open, "}", false, Self::option))?;
            return Ok(options.into_iter().flatten().collect());
        }
        let mut options = Vec::new();
        loop {
            options.extend(self.option()?);
            let goes_on = self.is_sign(",") && !self.in_record && self.is_option_at(1);
            if !goes_on {
                self.take_trailing_comma();
                return Ok(options);
            }
            self.advance();
        }
    }

    /// Outside any list, a comma at the end of the declaration is the trailing one of the clause.
    fn take_trailing_comma(&mut self) {
        if !self.in_brackets && self.take_sign(",") {
            let is_end = self.peek().kind == Kind::End || self.is_declaration();
            self.at -= usize::from(!is_end);
        }
    }

    fn is_option_at(&self, ahead: usize) -> bool {
        match self.word_at(ahead) {
            Some("lazy") => true,
            Some(_) => self.is_sign_at(ahead + 1, ":"),
            None => false,
        }
    }

    /// One option; none where its name is unknown, which is reported, and its value is passed over.
    fn option(&mut self) -> Parsed<Option<CallOption>> {
        const OPTION: &str = "an option, such as `retry: 3`";
        if self.is_declaration() && !self.is_word("lazy") {
            return Err(self.unexpected(OPTION));
        }
        let name = self.field_name(OPTION)?;
        if !self.is_sign(":") {
            if name.text == "lazy" {
                return Ok(Some(CallOption { name, value: OptionValue::Flag }));
            }
            return Err(self.unexpected("`:`"));
        }
        let is_known =
            KNOWN.contains(&name.text.as_str()) || STREAMING.contains(&name.text.as_str());
        if !is_known {
            self.unknown_option(&name);
        }
        self.expect_sign(":")?;
        let value = self.option_value(&name)?;
        Ok(is_known.then_some(CallOption { name, value }))
    }

    fn option_value(&mut self, name: &Name) -> Parsed<OptionValue> {
        if name.text == "fallback" {
            return Ok(OptionValue::Expr(Box::new(self.expr()?)));
        }
        let start = self.peek().span;
        match self.peek().kind.clone() {
            Kind::Duration(ms) => Ok(OptionValue::Duration(ms, self.advance().span)),
            Kind::Quote => {
                let (text, span) = self.plain_string("a string")?;
                Ok(OptionValue::String(text, span))
            }
            Kind::Int(magnitude) => self.int_option(magnitude),
            Kind::Sign("-") => {
                self.advance();
                match self.peek().kind {
                    Kind::Int(magnitude) => {
                        let span = start.to(self.advance().span);
                        Ok(OptionValue::Int(self.int(magnitude, true, span)?, span))
                    }
                    Kind::Float(_) | Kind::Duration(_) => {
                        Ok(OptionValue::Other(start.to(self.advance().span)))
                    }
                    _ => Err(self.unexpected("a number")),
                }
            }
            Kind::Float(_) => Ok(OptionValue::Other(self.advance().span)),
            Kind::Word => self.word_option(),
            _ => Err(self.unexpected("the value of an option")),
        }
    }

    /// A number, or a rate: `5/1s`.
    fn int_option(&mut self, magnitude: u64) -> Parsed<OptionValue> {
        let span = self.advance().span;
        if self.is_sign("/")
            && let Kind::Duration(ms) = self.peek_at(1).kind
        {
            self.advance();
            let span = span.to(self.advance().span);
            return Ok(OptionValue::Rate(magnitude, ms, span));
        }
        Ok(OptionValue::Int(self.int(magnitude, false, span)?, span))
    }

    fn word_option(&mut self) -> Parsed<OptionValue> {
        let word = self.field_name("a word")?;
        match word.text.as_str() {
            "true" | "false" => return Ok(OptionValue::Boolean(word.text == "true", word.span)),
            _ if !self.is_sign("(") => return Ok(OptionValue::Word(word)),
            _ => {}
        }
        let open = self.advance().span;
        let (_, end) = self.list(open, ")", false, |parser| match parser.peek().kind {
            Kind::Int(_) | Kind::Duration(_) => Ok(parser.advance()),
            _ => Err(parser.unexpected("a number or a duration")),
        })?;
        Ok(OptionValue::Other(word.span.to(end)))
    }
}
