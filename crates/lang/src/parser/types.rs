//! Types.

use super::{Parsed, Parser};
use crate::lexer::Kind;
use crate::syntax::{TypeExpr, TypeKind};

impl Parser<'_> {
    pub(super) fn ty(&mut self) -> Parsed<TypeExpr> {
        self.nested(|parser| {
            parser.chain("|", TypeKind::Union, |parser| {
                parser.chain("+", TypeKind::Merged, Self::type_atom)
            })
        })
    }

    /// `a | b | c`; one alone is itself.
    fn chain(
        &mut self,
        sign: &str,
        join: fn(Vec<TypeExpr>) -> TypeKind,
        mut one: impl FnMut(&mut Self) -> Parsed<TypeExpr>,
    ) -> Parsed<TypeExpr> {
        let first = one(self)?;
        if !self.is_sign(sign) {
            return Ok(first);
        }
        let mut span = first.span;
        let mut members = vec![first];
        while self.take_sign(sign) {
            let next = one(self)?;
            span = span.to(next.span);
            members.push(next);
        }
        Ok(TypeExpr { kind: join(members), span })
    }

    fn type_atom(&mut self) -> Parsed<TypeExpr> {
        let start = self.peek().span;
        match self.peek().kind {
            Kind::Quote => {
                let (text, span) = self.plain_string("a literal type")?;
                Ok(TypeExpr { kind: TypeKind::Literal(text), span })
            }
            Kind::Sign("(") => {
                self.advance();
                let inner = self.ty()?;
                let end = self.expect_closing(")", start)?;
                Ok(TypeExpr { kind: inner.kind, span: start.to(end) })
            }
            Kind::Sign("{") => {
                self.advance();
                let (fields, end) = self.list(start, "}", true, |parser| {
                    let name = parser.field_name("the name of a field")?;
                    parser.expect_sign(":")?;
                    Ok((name, parser.ty()?))
                })?;
                Ok(TypeExpr { kind: TypeKind::Record(fields), span: start.to(end) })
            }
            Kind::Word => self.named_type(),
            _ => Err(self.unexpected("a type")),
        }
    }

    pub(super) fn named_type(&mut self) -> Parsed<TypeExpr> {
        let name = self.name("a type")?;
        let start = name.span;
        if !self.is_sign("<") {
            return Ok(TypeExpr { span: start, kind: TypeKind::Named(name, Vec::new()) });
        }
        let open = self.advance().span;
        // In `in x: List<Int>= 1` the lexer sees `>=`.
        let mut arguments = vec![self.ty()?];
        while self.take_sign(",") && !self.is_sign(">") {
            arguments.push(self.ty()?);
        }
        if self.is_sign(">=") {
            self.split_greater_or_equal();
        }
        let end = self.expect_closing(">", open)?;
        Ok(TypeExpr { span: start.to(end), kind: TypeKind::Named(name, arguments) })
    }

    /// Makes two tokens of `>=`.
    fn split_greater_or_equal(&mut self) {
        let token = &mut self.tokens.tokens[self.at];
        let (mut first, mut second) = (token.span, token.span);
        first.end -= 1;
        second.start += 1;
        token.kind = Kind::Sign("=");
        token.span = second;
        // The first half takes the place of a token that was already read.
        self.at -= 1;
        let token = &mut self.tokens.tokens[self.at];
        token.kind = Kind::Sign(">");
        token.span = first;
    }
}
