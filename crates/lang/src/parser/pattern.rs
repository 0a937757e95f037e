//! The arms of a `match` and their patterns.

use model::{Code, Diagnostic, Span};

use super::{Broken, Parsed, Parser};
use crate::lexer::Kind;
use crate::syntax::{Arm, Pattern, PatternKind};

impl Parser<'_> {
    pub(super) fn arm(&mut self) -> Parsed<Arm> {
        let pattern = self.pattern()?;
        let guard = if self.take_word("if") { Some(self.expr()?) } else { None };
        self.expect_sign("->")?;
        Ok(Arm { pattern, guard, body: self.expr()? })
    }

    fn pattern(&mut self) -> Parsed<Pattern> {
        self.nested(Self::pattern_here)
    }

    fn pattern_here(&mut self) -> Parsed<Pattern> {
        let start = self.peek().span;
        let kind = match self.peek().kind.clone() {
            Kind::Quote => PatternKind::String(self.plain_string("a pattern")?.0),
            Kind::Sign("-") if matches!(self.peek_at(1).kind, Kind::Int(_) | Kind::Float(_)) => {
                self.advance();
                self.number_pattern(true)?
            }
            Kind::Int(_) | Kind::Float(_) => self.number_pattern(false)?,
            Kind::Sign("{") => self.record_pattern(start)?,
            Kind::Word => self.word_pattern()?,
            _ => return Err(self.unexpected("a pattern")),
        };
        Ok(Pattern { kind, span: start.to(self.last_span()) })
    }

    fn number_pattern(&mut self, is_negative: bool) -> Parsed<PatternKind> {
        let token = self.advance();
        match token.kind {
            Kind::Float(float) => Ok(PatternKind::Float(if is_negative { -float } else { float })),
            Kind::Int(magnitude) => {
                self.int(magnitude, is_negative, token.span).map(PatternKind::Int)
            }
            _ => Err(Broken),
        }
    }

    /// An Int literal with its sign.
    pub(super) fn int(&mut self, magnitude: u64, is_negative: bool, span: Span) -> Parsed<i64> {
        let int = if is_negative {
            0i64.checked_sub_unsigned(magnitude)
        } else {
            i64::try_from(magnitude).ok()
        };
        int.ok_or_else(|| {
            let message = format!("`{magnitude}` does not fit into 64 bits");
            let help = "the highest Int is 9223372036854775807";
            self.report(Diagnostic::new(Code::E020, span, message).help(help));
            Broken
        })
    }

    fn word_pattern(&mut self) -> Parsed<PatternKind> {
        match self.word_at(0) {
            Some("_") => {
                self.advance();
                Ok(PatternKind::Any)
            }
            Some(word @ ("true" | "false")) => {
                self.advance();
                Ok(PatternKind::Boolean(word == "true"))
            }
            Some("is") => {
                self.advance();
                Ok(PatternKind::Is(self.named_type()?))
            }
            Some("none") => {
                self.advance();
                Ok(PatternKind::None)
            }
            Some("some") if self.is_sign_at(1, "(") => {
                self.advance();
                let open = self.advance().span;
                let inner = self.pattern()?;
                self.expect_closing(")", open)?;
                Ok(PatternKind::Some(Box::new(inner)))
            }
            _ => Ok(PatternKind::Name(self.name("a pattern")?.text)),
        }
    }

    fn record_pattern(&mut self, open: Span) -> Parsed<PatternKind> {
        self.advance();
        let (fields, _) = self.list(open, "}", false, |parser| {
            if parser.is_sign_at(1, ":") {
                let name = parser.field_name("the name of a field")?;
                parser.advance();
                return Ok((name, Some(parser.pattern()?)));
            }
            // Alone it becomes a variable, which a reserved word cannot be.
            Ok((parser.name("a pattern variable")?, None))
        })?;
        Ok(PatternKind::Record(fields))
    }
}
