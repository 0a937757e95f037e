//! Expressions, by precedence climbing.

use model::limits::NESTING_MAX;
use model::{Code, Diagnostic, Span};

use super::{Broken, Parsed, Parser};
use crate::lexer::Kind;
use crate::syntax::{BinaryOp, Call, Expr, ExprKind, Name, Param, Piece};

/// Binding powers, loosest first (specification, section 3).
const COALESCE: u8 = 2;
const WHEN: u8 = 3;
const OR: u8 = 4;
const NOT: u8 = 6;
const COMPARE: u8 = 7;
const SUM: u8 = 8;

/// An expression with the height of its tree: chains of operators grow it without recursion.
struct Tree {
    expr: Expr,
    height: usize,
}

/// An operator between two operands.
#[derive(Clone, Copy)]
enum Infix {
    Binary(BinaryOp),
    When,
    Coalesce,
}

impl Parser<'_> {
    /// Any expression.
    pub(super) fn expr(&mut self) -> Parsed<Expr> {
        self.nested(|parser| match parser.lambda_parameters()? {
            Some((start, parameters)) => {
                let (body, height) = parser.measured(Self::expr)?;
                let span = start.to(body.span);
                let lambda = Expr { kind: ExprKind::Lambda(parameters, Box::new(body)), span };
                let tree = parser.grown(lambda, height + 1)?;
                Ok(parser.finished(tree))
            }
            None => {
                let tree = parser.climb(COALESCE)?;
                Ok(parser.finished(tree))
            }
        })
    }

    /// What stands behind `when`.
    pub(super) fn condition(&mut self) -> Parsed<Expr> {
        let tree = self.climb(OR)?;
        Ok(self.finished(tree))
    }

    /// What `read` reads, with the height of the tallest expression in it.
    fn measured<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<(T, usize)> {
        let around = std::mem::take(&mut self.height);
        let result = read(self);
        let height = std::mem::replace(&mut self.height, around);
        Ok((result?, height))
    }

    /// An expression that is a part of something else now.
    fn finished(&mut self, tree: Tree) -> Expr {
        self.height = self.height.max(tree.height);
        tree.expr
    }

    /// `x =>` or `(x, y: Int) =>`, if it is there.
    fn lambda_parameters(&mut self) -> Parsed<Option<(Span, Vec<Param>)>> {
        let start = self.peek().span;
        if self.word_at(0).is_some() && self.is_sign_at(1, "=>") {
            let name = self.name("a parameter")?;
            self.advance();
            return Ok(Some((start, vec![Param { name, ty: None }])));
        }
        let close = self.closing[self.at];
        let is_lambda = self.is_sign("(") && self.is_sign_at(close - self.at.min(close) + 1, "=>");
        if !is_lambda {
            return Ok(None);
        }
        let open = self.advance().span;
        let (parameters, _) = self.list(open, ")", true, |parser| {
            let name = parser.name("a parameter")?;
            let ty = if parser.take_sign(":") { Some(parser.ty()?) } else { None };
            Ok(Param { name, ty })
        })?;
        self.expect_sign("=>")?;
        Ok(Some((start, parameters)))
    }

    /// An expression whose operators bind at least as tightly as `power`.
    fn climb(&mut self, power: u8) -> Parsed<Tree> {
        let mut left = self.prefix(power)?;
        let mut previous = u8::MAX;
        while let Some((infix, level)) = self.infix()
            && level >= power
        {
            if level == previous && matches!(level, COMPARE | WHEN) {
                return Err(self.chained(level));
            }
            let sign = self.advance().span;
            let right = self
                .nested(|parser| parser.climb(if level == COALESCE { level } else { level + 1 }))?;
            left = self.combine(infix, sign, left, right)?;
            previous = level;
        }
        Ok(left)
    }

    fn infix(&self) -> Option<(Infix, u8)> {
        let sign = match self.peek().kind {
            Kind::Sign(sign) => sign,
            Kind::Word => self.word_at(0)?,
            _ => return None,
        };
        Some(match sign {
            "??" => (Infix::Coalesce, COALESCE),
            "when" => (Infix::When, WHEN),
            "or" => (Infix::Binary(BinaryOp::Or), OR),
            "and" => (Infix::Binary(BinaryOp::And), OR + 1),
            "==" => (Infix::Binary(BinaryOp::Equal), COMPARE),
            "!=" => (Infix::Binary(BinaryOp::NotEqual), COMPARE),
            "<" => (Infix::Binary(BinaryOp::Less), COMPARE),
            "<=" => (Infix::Binary(BinaryOp::LessOrEqual), COMPARE),
            ">" => (Infix::Binary(BinaryOp::Greater), COMPARE),
            ">=" => (Infix::Binary(BinaryOp::GreaterOrEqual), COMPARE),
            "+" => (Infix::Binary(BinaryOp::Add), SUM),
            "-" => (Infix::Binary(BinaryOp::Subtract), SUM),
            "*" => (Infix::Binary(BinaryOp::Multiply), SUM + 1),
            "/" => (Infix::Binary(BinaryOp::Divide), SUM + 1),
            "%" => (Infix::Binary(BinaryOp::Remainder), SUM + 1),
            _ => return None,
        })
    }

    fn combine(&mut self, infix: Infix, sign: Span, left: Tree, right: Tree) -> Parsed<Tree> {
        let span = left.expr.span.to(right.expr.span);
        let height = left.height.max(right.height) + 1;
        let (left, right) = (Box::new(left.expr), Box::new(right.expr));
        let kind = match infix {
            Infix::Binary(operator) => ExprKind::Binary(operator, sign, left, right),
            Infix::When => ExprKind::When(left, right),
            Infix::Coalesce => ExprKind::Coalesce(sign, left, right),
        };
        self.grown(Expr { kind, span }, height)
    }

    fn grown(&mut self, expr: Expr, height: usize) -> Parsed<Tree> {
        if height > NESTING_MAX {
            return Err(self.too_deep(self.last_span()));
        }
        Ok(Tree { expr, height })
    }

    fn chained(&mut self, level: u8) -> Broken {
        let span = self.peek().span;
        let (message, help) = if level == COMPARE {
            ("comparisons cannot be chained", "compare twice: `a < b and b < c`")
        } else {
            ("`when` cannot be chained", "combine the conditions with `and`")
        };
        self.report(Diagnostic::new(Code::E021, span, message).help(help));
        Broken
    }

    fn prefix(&mut self, power: u8) -> Parsed<Tree> {
        let start = self.peek().span;
        if self.is_word("not") {
            if power > NOT {
                let message = "`not` cannot stand here";
                let help = "put it in parentheses: `(not ..)`";
                self.report(Diagnostic::new(Code::E021, start, message).help(help));
                return Err(Broken);
            }
            self.advance();
            let operand = self.nested(|parser| parser.climb(NOT))?;
            let span = start.to(operand.expr.span);
            let kind = ExprKind::Not(Box::new(operand.expr));
            return self.grown(Expr { kind, span }, operand.height + 1);
        }
        if !self.is_sign("-") {
            return self.postfix();
        }
        self.advance();
        if let Kind::Int(magnitude) = self.peek().kind
            && magnitude == 1 << 63
        {
            let span = start.to(self.advance().span);
            let int = self.int(magnitude, true, span)?;
            return Ok(Tree { expr: Expr { kind: ExprKind::Int(int), span }, height: 1 });
        }
        let operand = self.nested(|parser| parser.prefix(u8::MAX))?;
        let span = start.to(operand.expr.span);
        let kind = ExprKind::Negate(Box::new(operand.expr));
        self.grown(Expr { kind, span }, operand.height + 1)
    }

    fn postfix(&mut self) -> Parsed<Tree> {
        let (expr, height) = self.measured(Self::primary)?;
        let mut tree = self.grown(expr, height + 1)?;
        loop {
            let start = tree.expr.span;
            let Kind::Sign(sign) = self.peek().kind else { return Ok(tree) };
            let operand = |tree: Tree| Box::new(tree.expr);
            let height = tree.height + 1;
            let kind = match sign {
                "." => {
                    self.advance();
                    let field = self.field_name("the name of a field")?;
                    ExprKind::Field(operand(tree), field)
                }
                "?." => {
                    let sign = self.advance().span;
                    let field = self.field_name("the name of a field")?;
                    ExprKind::OptionalField(operand(tree), sign, field)
                }
                "[" => ExprKind::Project(operand(tree), self.projected("]")?),
                "{" if self.projects => ExprKind::Project(operand(tree), self.projected("}")?),
                "(" => return Err(self.not_callable(&tree.expr)),
                _ => return Ok(tree),
            };
            tree = self.grown(Expr { kind, span: start.to(self.last_span()) }, height)?;
        }
    }

    fn projected(&mut self, close: &'static str) -> Parsed<Vec<Name>> {
        let open = self.advance().span;
        let index = match self.peek().kind {
            Kind::Int(_) => Some("the element at a position is `get(xs, 0)`"),
            Kind::Quote => Some("a field is reached with its name: `r.name`"),
            _ => None,
        };
        if let Some(help) = index {
            let unexpected = self.unexpected("the name of a field");
            self.help(help);
            return Err(unexpected);
        }
        let (fields, _) =
            self.list(open, close, false, |parser| parser.field_name("the name of a field"))?;
        Ok(fields)
    }

    fn not_callable(&mut self, callee: &Expr) -> Broken {
        let message = "only a function or module can be called, by its name";
        let help = match callee.kind {
            ExprKind::Call(_) => "give the inner result a name, and use that",
            _ => "did you forget an operator before `(`?",
        };
        self.report(Diagnostic::new(Code::E021, self.peek().span, message).help(help));
        Broken
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let start = self.peek().span;
        let kind = match self.peek().kind.clone() {
            Kind::Int(magnitude) => {
                self.advance();
                ExprKind::Int(self.int(magnitude, false, start)?)
            }
            Kind::Float(float) => {
                self.advance();
                ExprKind::Float(float)
            }
            Kind::Quote => self.string()?,
            Kind::Sign("(") => return self.parenthesized(start),
            Kind::Sign("[") => {
                self.advance();
                let items =
                    self.inside(false, |parser| parser.list(start, "]", true, Self::expr))?;
                ExprKind::List(items.0)
            }
            Kind::Sign("{") => self.record(start)?,
            Kind::Word => self.word()?,
            _ => return Err(self.unexpected("an expression")),
        };
        Ok(Expr { kind, span: start.to(self.last_span()) })
    }

    /// Parentheses only group; the place of the expression includes them.
    fn parenthesized(&mut self, open: Span) -> Parsed<Expr> {
        self.advance();
        let inner = self.inside(false, Self::expr)?;
        let close = self.expect_closing(")", open)?;
        Ok(Expr { kind: inner.kind, span: open.to(close) })
    }

    fn record(&mut self, open: Span) -> Parsed<ExprKind> {
        self.advance();
        let (fields, _) = self.inside(true, |parser| {
            parser.list(open, "}", true, |parser| {
                let name = parser.field_name("the name of a field")?;
                parser.expect_sign(":")?;
                Ok((name, parser.expr()?))
            })
        })?;
        Ok(ExprKind::Record(fields))
    }

    fn string(&mut self) -> Parsed<ExprKind> {
        self.advance();
        let mut pieces = Vec::new();
        loop {
            match self.peek().kind.clone() {
                Kind::Text(text) => {
                    self.advance();
                    pieces.push(Piece::Text(text));
                }
                Kind::Interpolate => {
                    self.advance();
                    pieces.push(Piece::Expr(self.inside(false, Self::expr)?));
                    if self.peek().kind != Kind::EndInterpolate {
                        return Err(self.unexpected("`}`"));
                    }
                    self.advance();
                }
                _ => {
                    self.advance();
                    return Ok(ExprKind::String(pieces));
                }
            }
        }
    }

    fn word(&mut self) -> Parsed<ExprKind> {
        if !self.in_brackets && self.is_declaration() && self.is_on_new_line() {
            return Err(self.unexpected("an expression"));
        }
        match self.word_at(0) {
            Some(word @ ("true" | "false")) => {
                self.advance();
                Ok(ExprKind::Boolean(word == "true"))
            }
            Some("if") => self.if_else(),
            Some("branch") => self.branch(),
            Some("match") => self.match_arms(),
            Some(word) if super::is_reserved(word) => Err(self.unexpected("an expression")),
            _ => self.name_or_call(),
        }
    }

    /// Whether the next token begins a line: `a =` there is a declaration, within a line `==` was
    /// probably meant.
    fn is_on_new_line(&self) -> bool {
        let between = self.last_span().end as usize..self.peek().span.start as usize;
        self.source[between].contains('\n')
    }

    fn if_else(&mut self) -> Parsed<ExprKind> {
        self.advance();
        let open = match self.expect_sign("(") {
            Ok(open) => open,
            Err(unexpected) => {
                self.help("the condition stands in parentheses: `if (c) a else b`");
                return Err(unexpected);
            }
        };
        let condition = self.inside(false, Self::expr)?;
        self.expect_closing(")", open)?;
        if self.is_word("then") && !self.is_sign_at(1, "=") {
            return Err(self.unexpected("an expression"));
        }
        let then = self.expr()?;
        if !self.is_word("else") {
            let unexpected = self.unexpected("`else`");
            self.help("`if` is an expression: both sides have a value");
            return Err(unexpected);
        }
        self.advance();
        let otherwise = self.expr()?;
        Ok(ExprKind::If(Box::new(condition), Box::new(then), Box::new(otherwise)))
    }

    fn branch(&mut self) -> Parsed<ExprKind> {
        self.advance();
        let open = self.expect_sign("{")?;
        self.inside(false, |parser| {
            let mut rows = Vec::new();
            while !parser.is_word("otherwise") {
                let condition = parser.expr()?;
                parser.expect_sign("->")?;
                let value = parser.expr()?;
                parser.expect_sign(",")?;
                rows.push((condition, value));
            }
            parser.expect_word("otherwise")?;
            parser.expect_sign("->")?;
            let otherwise = parser.expr()?;
            parser.take_sign(",");
            parser.expect_closing("}", open)?;
            Ok(ExprKind::Branch(rows, Box::new(otherwise)))
        })
    }

    fn match_arms(&mut self) -> Parsed<ExprKind> {
        self.advance();
        let around = std::mem::replace(&mut self.projects, false);
        let subject = self.expr();
        self.projects = around;
        let open = self.expect_sign("{")?;
        let (arms, _) = self.inside(false, |parser| parser.list(open, "}", false, Self::arm))?;
        Ok(ExprKind::Match(Box::new(subject?), arms))
    }

    /// `n`, `f(..)` or `a.b.f(..)`. Dots without space around them belong to the name of a call.
    fn name_or_call(&mut self) -> Parsed<ExprKind> {
        let first = self.name("an expression")?;
        let mut segments = 0;
        while self.is_sign_at(2 * segments, ".")
            && self.word_at(2 * segments + 1).is_some()
            && self.touches(2 * segments)
            && self.touches(2 * segments + 1)
        {
            segments += 1;
        }
        if !self.is_sign_at(2 * segments, "(") {
            return Ok(ExprKind::Name(first.text));
        }
        let mut path = vec![first];
        for _ in 0..segments {
            self.advance();
            path.push(self.field_name("the name of a function")?);
        }
        let open = self.advance().span;
        let (arguments, _) =
            self.inside(false, |parser| parser.list(open, ")", true, Self::expr))?;
        Ok(ExprKind::Call(Call { path, arguments, options: self.with()? }))
    }

    /// Whether nothing stands between the token `ahead` and the one before it.
    pub(super) fn touches(&self, ahead: usize) -> bool {
        let before = self.at + ahead - 1;
        self.tokens.tokens[before].span.end == self.peek_at(ahead).span.start
    }
}
