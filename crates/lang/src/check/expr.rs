//! Inference: the type of each expression from those of its parts (specification 5.5). What these
//! functions return may be loose (see [`super::expect`]); operands of operators are settled here.

use model::plan::{Arithmetic, Comparison};
use model::types::is_subtype;
use model::{Code, Diagnostic, Field, Record, Span, Text, Type, Value};

use super::Checker;
use super::expect::{convert, show};
use crate::join;
use crate::program::{Expr, Kind, Piece};
use crate::syntax::{self, BinaryOp, ExprKind};
use crate::types;

impl<'a> Checker<'a> {
    pub(super) fn infer(&mut self, expr: &'a syntax::Expr) -> Expr {
        let span = expr.span;
        if !self.may_recheck(span) {
            return Expr::broken(span);
        }
        match &expr.kind {
            ExprKind::Name(name) => self.name(name, span),
            ExprKind::Int(int) => constant(Value::Int(*int), Type::Int, span),
            ExprKind::Float(float) => constant(Value::Float(*float), Type::Float, span),
            ExprKind::Boolean(value) => constant(Value::Boolean(*value), Type::Boolean, span),
            ExprKind::String(pieces) => self.string(pieces, span),
            ExprKind::List(items) => self.list(items, span),
            ExprKind::Record(fields) => self.record(fields, span),
            ExprKind::Negate(operand) => self.negate(operand, span),
            ExprKind::Not(operand) => {
                let operand = self.boolean(operand, "`not` takes");
                boxed(Kind::Not, operand, Type::Boolean, span)
            }
            ExprKind::Binary(operator, place, a, b) => self.binary(*operator, *place, a, b, span),
            ExprKind::When(value, condition) => {
                let value = self.infer(value);
                let condition = self.condition(condition);
                let ty = Type::optional(value.ty.clone());
                Expr { kind: Kind::When(value.into(), condition.into()), ty, span }
            }
            ExprKind::Coalesce(place, a, b) => self.coalesce(*place, a, b, span),
            ExprKind::Field(base, name) => self.field(base, name, span),
            ExprKind::OptionalField(base, place, name) => {
                self.optional_field(base, *place, name, span)
            }
            ExprKind::Project(base, names) => self.project(base, names, span),
            ExprKind::Call(call) => self.call(call, span),
            ExprKind::If(condition, then, otherwise) => {
                let rows = vec![(self.condition(condition), self.infer(then))];
                let otherwise = self.infer(otherwise);
                self.branch(rows, otherwise, span)
            }
            ExprKind::Branch(rows, otherwise) => {
                let row =
                    |(condition, value): &'a (_, _)| (self.condition(condition), self.infer(value));
                let rows = rows.iter().map(row).collect();
                let otherwise = self.infer(otherwise);
                self.branch(rows, otherwise, span)
            }
            ExprKind::Match(subject, arms) => self.matching(subject, arms, span),
            ExprKind::Lambda(..) => {
                let message = "a lambda can only be an argument of a function that takes one";
                self.report(Diagnostic::new(Code::E019, span, message));
                Expr::broken(span)
            }
            ExprKind::Broken => Expr::broken(span),
        }
    }

    pub(super) fn infer_settled(&mut self, expr: &'a syntax::Expr) -> Expr {
        let expr = self.infer(expr);
        self.settle(expr)
    }

    /// A condition of `when`, `if`, `branch` or a guard.
    pub(super) fn condition(&mut self, expr: &'a syntax::Expr) -> Expr {
        self.boolean(expr, "a condition is")
    }

    fn boolean(&mut self, expr: &'a syntax::Expr, what: &str) -> Expr {
        let value = self.infer_settled(expr);
        if is_subtype(&value.ty, &Type::Boolean) {
            return value;
        }
        let message = format!("{what} a `Boolean`, not {}", show(&value.ty));
        let help = match &value.ty {
            Type::Optional(content) if **content == Type::Boolean => {
                Some("say what holds when it is absent: `?? false`")
            }
            _ => None,
        };
        let diagnostic = Diagnostic::new(Code::E010, value.span, message);
        self.report(diagnostic.maybe_help(help.map(String::from)));
        Expr::broken(value.span)
    }

    fn string(&mut self, pieces: &'a [syntax::Piece], span: Span) -> Expr {
        let mut checked: Vec<Piece> = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match piece {
                syntax::Piece::Text(text) if text.is_empty() => {}
                syntax::Piece::Text(text) => checked.push(Piece::Literal(text.clone())),
                syntax::Piece::Expr(expr) => checked.push(Piece::Value(self.infer_settled(expr))),
            }
        }
        let kind = match checked.as_slice() {
            [] => Kind::Constant(Value::String(Text::default())),
            [Piece::Literal(text)] => Kind::Constant(Value::String(text.clone())),
            _ => Kind::Text(checked),
        };
        Expr { kind, ty: Type::String, span }
    }

    fn list(&mut self, items: &'a [syntax::Expr], span: Span) -> Expr {
        let items: Vec<Expr> = items.iter().map(|item| self.infer(item)).collect();
        let element = join_of(&mut items.iter());
        let ty = self.bounded(Type::list(element), span);
        Expr { kind: Kind::List(items), ty, span }
    }

    fn record(&mut self, fields: &'a [(syntax::Name, syntax::Expr)], span: Span) -> Expr {
        types::report_repeated(fields.iter().map(|(name, _)| name), &mut self.diagnostics);
        let mut checked = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            checked.push((name.text.clone(), self.infer(value)));
        }
        let field =
            |(name, value): &(Text, Expr)| Field { name: name.clone(), ty: value.ty.clone() };
        let ty = Type::Record(Record::new(checked.iter().map(field)));
        let ty = self.bounded(ty, span);
        Expr { kind: Kind::Record(checked), ty, span }
    }

    fn negate(&mut self, operand: &'a syntax::Expr, span: Span) -> Expr {
        match &operand.kind {
            ExprKind::Int(int) if *int != i64::MIN => {
                return constant(Value::Int(-int), Type::Int, span);
            }
            ExprKind::Float(float) => return constant(Value::Float(-float), Type::Float, span),
            _ => {}
        }
        let operand = self.infer_settled(operand);
        match operand.ty {
            Type::Int | Type::Float => {
                let ty = operand.ty.clone();
                boxed(Kind::Negate, operand, ty, span)
            }
            Type::Unknown => Expr::broken(span),
            _ => {
                let message = format!("`-` takes an `Int` or a `Float`, not {}", show(&operand.ty));
                let diagnostic = Diagnostic::new(Code::E014, operand.span, message);
                self.report(diagnostic.maybe_help(absence_help(&operand.ty)));
                Expr::broken(span)
            }
        }
    }

    fn binary(
        &mut self,
        operator: BinaryOp,
        place: Span,
        a: &'a syntax::Expr,
        b: &'a syntax::Expr,
        span: Span,
    ) -> Expr {
        let logic = |what: &str, this: &mut Self| (this.boolean(a, what), this.boolean(b, what));
        match operator {
            BinaryOp::And => {
                let (a, b) = logic("`and` takes", self);
                pair(Kind::And, a, b, Type::Boolean, span)
            }
            BinaryOp::Or => {
                let (a, b) = logic("`or` takes", self);
                pair(Kind::Or, a, b, Type::Boolean, span)
            }
            _ => {
                let (a, b) = (self.infer_settled(a), self.infer_settled(b));
                match strict(operator) {
                    Strict::Arithmetic(operator) => self.arithmetic(operator, place, a, b, span),
                    Strict::Compare(operator) => self.compare(operator, place, a, b, span),
                }
            }
        }
    }

    fn arithmetic(&mut self, op: Arithmetic, place: Span, a: Expr, b: Expr, span: Span) -> Expr {
        let floats = op != Arithmetic::Remainder;
        let ty = match (&a.ty, &b.ty) {
            (Type::Unknown, _) | (_, Type::Unknown) => return Expr::broken(span),
            (Type::Int, Type::Int) => Type::Int,
            (Type::Int | Type::Float, Type::Int | Type::Float) if floats => Type::Float,
            _ if op == Arithmetic::Add && (is_mergeable(&a.ty) || is_mergeable(&b.ty)) => {
                return self.merge(place, a, b, span);
            }
            _ => {
                self.report(no_arithmetic(op, place, &a, &b));
                return Expr::broken(span);
            }
        };
        if ty == Type::Float {
            let (a, b) = (as_float(a), as_float(b));
            return pair(|a, b| Kind::Arithmetic(op, a, b), a, b, ty, span);
        }
        pair(|a, b| Kind::Arithmetic(op, a, b), a, b, ty, span)
    }

    fn compare(&mut self, op: Comparison, place: Span, a: Expr, b: Expr, span: Span) -> Expr {
        let is_number = |ty: &Type| matches!(ty, Type::Int | Type::Float | Type::Unknown);
        let is_text = |ty: &Type| is_subtype(ty, &Type::String);
        let both = |test: &dyn Fn(&Type) -> bool| test(&a.ty) && test(&b.ty);
        if matches!(op, Comparison::Equal | Comparison::NotEqual) {
            if !join::overlap(&a.ty, &b.ty) {
                let message = format!(
                    "a value of type {} never equals one of type {}",
                    show(&a.ty),
                    show(&b.ty)
                );
                let diagnostic = Diagnostic::new(Code::E011, place, message);
                self.report(diagnostic);
            }
        } else if !both(&is_number) && !both(&is_text) {
            let message = format!("{} and {} have no order", show(&a.ty), show(&b.ty));
            let absence = absence_help(&a.ty).or_else(|| absence_help(&b.ty));
            self.report(
                Diagnostic::new(Code::E013, place, message)
                    .help("compare two numbers or two Strings")
                    .maybe_help(absence),
            );
        }
        pair(|a, b| Kind::Compare(op, a, b), a, b, Type::Boolean, span)
    }

    fn coalesce(
        &mut self,
        place: Span,
        a: &'a syntax::Expr,
        b: &'a syntax::Expr,
        span: Span,
    ) -> Expr {
        let (a, b) = (self.infer(a), self.infer(b));
        match &a.ty {
            Type::Optional(content) => {
                let content = Expr { kind: Kind::Broken, ty: (**content).clone(), span: a.span };
                let ty = join_of(&mut [&content, &b].into_iter());
                let ty = self.bounded(ty, span);
                pair(Kind::Coalesce, a, b, ty, span)
            }
            Type::Unknown => Expr::broken(span),
            ty => {
                let message = format!("this is never absent: it is of type {}", show(ty));
                self.report(
                    Diagnostic::new(Code::W009, place, message)
                        .label(a.span, "always there")
                        .help("remove `??` and what follows it"),
                );
                // What follows is never evaluated; it has been checked for mistakes.
                self.settle(b);
                a
            }
        }
    }

    fn branch(&mut self, rows: Vec<(Expr, Expr)>, otherwise: Expr, span: Span) -> Expr {
        let ty = join_of(&mut rows.iter().map(|(_, value)| value).chain([&otherwise]));
        let ty = self.bounded(ty, span);
        Expr { kind: Kind::Branch(rows, otherwise.into()), ty, span }
    }
}

/// The join of these alternatives; beside a Float an Int literal counts as one.
pub(super) fn join_of(exprs: &mut dyn Iterator<Item = &Expr>) -> Type {
    let exprs: Vec<&Expr> = exprs.collect();
    let is_float = |expr: &&Expr| *expr.ty.content() == Type::Float;
    let has_float = exprs.iter().any(is_float);
    let counted = |expr: &&Expr| match expr.kind {
        Kind::Constant(Value::Int(_)) if has_float => Type::Float,
        _ => expr.ty.clone(),
    };
    join::join(exprs.iter().map(counted))
}

fn is_mergeable(ty: &Type) -> bool {
    match ty {
        Type::Union(union) => union.members().iter().any(|member| is_mergeable(&member.ty)),
        _ => matches!(ty, Type::Record(_) | Type::List(_) | Type::Map(..)),
    }
}

fn as_float(expr: Expr) -> Expr {
    let span = expr.span;
    match expr.kind {
        Kind::Constant(Value::Int(int)) => constant(Value::Float(int as f64), Type::Float, span),
        _ => convert(expr, &Type::Float),
    }
}

fn no_arithmetic(op: Arithmetic, place: Span, a: &Expr, b: &Expr) -> Diagnostic {
    let sign = match op {
        Arithmetic::Add => "+",
        Arithmetic::Subtract => "-",
        Arithmetic::Multiply => "*",
        Arithmetic::Divide => "/",
        Arithmetic::Remainder => "%",
    };
    let message = format!("`{sign}` cannot be applied to {} and {}", show(&a.ty), show(&b.ty));
    let is_text = |ty: &Type| is_subtype(ty, &Type::String);
    let help = if op == Arithmetic::Add && (is_text(&a.ty) || is_text(&b.ty)) {
        Some("put texts together with `\"${a}${b}\"`".to_string())
    } else {
        absence_help(&a.ty).or_else(|| absence_help(&b.ty))
    };
    Diagnostic::new(Code::E014, place, message)
        .label(a.span, format!("of type {}", show(&a.ty)))
        .label(b.span, format!("of type {}", show(&b.ty)))
        .maybe_help(help)
}

/// The way out where a value may be absent.
pub(super) fn absence_help(ty: &Type) -> Option<String> {
    let help = "it may be `none`: reach into it with `?.`, or give a replacement with `?? ..`";
    ty.is_optional().then(|| help.to_string())
}

pub(super) fn constant(value: Value, ty: Type, span: Span) -> Expr {
    Expr { kind: Kind::Constant(value), ty, span }
}

pub(super) fn boxed(form: fn(Box<Expr>) -> Kind, operand: Expr, ty: Type, span: Span) -> Expr {
    Expr { kind: form(operand.into()), ty, span }
}

pub(super) fn pair(
    form: impl FnOnce(Box<Expr>, Box<Expr>) -> Kind,
    a: Expr,
    b: Expr,
    ty: Type,
    span: Span,
) -> Expr {
    Expr { kind: form(a.into(), b.into()), ty, span }
}

enum Strict {
    Arithmetic(Arithmetic),
    Compare(Comparison),
}

fn strict(operator: BinaryOp) -> Strict {
    match operator {
        BinaryOp::Add => Strict::Arithmetic(Arithmetic::Add),
        BinaryOp::Subtract => Strict::Arithmetic(Arithmetic::Subtract),
        BinaryOp::Multiply => Strict::Arithmetic(Arithmetic::Multiply),
        BinaryOp::Divide => Strict::Arithmetic(Arithmetic::Divide),
        BinaryOp::Remainder => Strict::Arithmetic(Arithmetic::Remainder),
        BinaryOp::Equal | BinaryOp::And | BinaryOp::Or => Strict::Compare(Comparison::Equal),
        BinaryOp::NotEqual => Strict::Compare(Comparison::NotEqual),
        BinaryOp::Less => Strict::Compare(Comparison::Less),
        BinaryOp::LessOrEqual => Strict::Compare(Comparison::LessOrEqual),
        BinaryOp::Greater => Strict::Compare(Comparison::Greater),
        BinaryOp::GreaterOrEqual => Strict::Compare(Comparison::GreaterOrEqual),
    }
}
