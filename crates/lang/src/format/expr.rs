//! Expressions. Parentheses are passed over where they stand, and printed where the tree needs
//! them.

use super::writer::{Commas, Place, Writer};
use crate::syntax::{Arm, BinaryOp, Call, Expr, ExprKind, Name, Param, Piece};

/// How tightly an expression binds (specification, section 3).
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Level {
    Lambda,
    Coalesce,
    When,
    Or,
    And,
    Not,
    Compare,
    Sum,
    Product,
    Unary,
    Postfix,
}

/// What stands behind an expression.
#[derive(Clone, Copy, PartialEq)]
enum Behind {
    /// Something that ends it, such as a bracket.
    End,
    /// An operator or a field, which an `else` or an option would take for its own.
    More,
}

impl<'a> Writer<'a> {
    /// Any expression.
    pub(super) fn expr(&mut self, expr: &'a Expr) {
        self.operand(expr, Level::Lambda, Behind::End);
    }

    /// What stands behind `when` in an output.
    pub(super) fn condition(&mut self, expr: &'a Expr) {
        self.operand(expr, Level::Or, Behind::End);
    }

    /// An expression that must bind at least as tightly as `level`.
    fn operand(&mut self, expr: &'a Expr, level: Level, behind: Behind) {
        let count = self.skip_opening(expr.span);
        let own = Level::of(&expr.kind);
        let would_take_more = behind == Behind::More
            && match &expr.kind {
                ExprKind::If(..) => true,
                // Without parentheses it gets braces, which need no further level of nesting.
                ExprKind::Call(call) => !call.options.is_empty() && count > 0,
                _ => false,
            };
        if own < level || would_take_more {
            self.parenthesized(expr, count);
        } else {
            self.kind(expr, behind);
            self.skip_closing(count);
        }
    }

    /// In parentheses, of which `count` were passed over.
    fn parenthesized(&mut self, expr: &'a Expr, count: usize) {
        self.sheet.text("(");
        self.group(|writer| {
            writer.sheet.indent();
            writer.line("");
            writer.inside(Commas::Free, |writer| writer.kind(expr, Behind::End));
            writer.closing_line("");
        });
        self.skip_closing(count);
        self.sheet.text(")");
    }

    fn kind(&mut self, expr: &'a Expr, behind: Behind) {
        match &expr.kind {
            ExprKind::Name(_) | ExprKind::Boolean(_) | ExprKind::Float(_) => self.copy(),
            // The lowest one has its sign with it.
            ExprKind::Int(int) if *int < 0 => {
                self.copy();
                self.copy();
            }
            ExprKind::Int(_) => self.copy(),
            ExprKind::String(pieces) => self.string(pieces),
            ExprKind::List(items) => self.inside(Commas::Free, |writer| {
                writer.list(("[", "]"), "", items, |writer, item, _| writer.expr(item));
            }),
            ExprKind::Record(fields) => self.inside(Commas::Record, |writer| {
                writer.list(("{", "}"), " ", fields, |writer, (_, value), _| {
                    writer.copy();
                    writer.take(":");
                    writer.value(|writer| writer.expr(value));
                });
            }),
            ExprKind::Negate(operand) => {
                self.take("-");
                // `--x` is fine, but whoever wrote `-(-x)` was kind.
                let is_kind = Level::of(&operand.kind) == Level::Unary && self.is_sign("(");
                let level = if is_kind { Level::Postfix } else { Level::Unary };
                self.operand(operand, level, behind);
            }
            ExprKind::Not(operand) => {
                self.take("not");
                self.value(|writer| writer.operand(operand, Level::Not, behind));
            }
            ExprKind::Binary(..) | ExprKind::When(..) | ExprKind::Coalesce(..) => {
                self.chain(expr, behind);
            }
            ExprKind::Field(base, _) | ExprKind::OptionalField(base, ..) => {
                self.operand(base, Level::Postfix, Behind::More);
                self.copy();
                self.copy();
            }
            ExprKind::Project(base, names) => {
                self.operand(base, Level::Postfix, Behind::More);
                self.projection(names);
            }
            ExprKind::Call(call) => self.call(call, behind),
            ExprKind::If(condition, then, otherwise) => {
                self.group(|writer| writer.if_else(condition, then, otherwise));
            }
            ExprKind::Branch(rows, otherwise) => self.branch(rows, otherwise),
            ExprKind::Match(subject, arms) => self.match_arms(subject, arms),
            ExprKind::Lambda(parameters, body) => self.lambda(parameters, body),
            ExprKind::Broken => {}
        }
    }

    fn string(&mut self, pieces: &'a [Piece]) {
        let mut inner = pieces.iter().filter_map(|piece| match piece {
            Piece::Expr(expr) => Some(expr),
            Piece::Text(_) => None,
        });
        self.text_of_string(|writer| {
            if let Some(expr) = inner.next() {
                writer.inside(Commas::Free, |writer| writer.expr(expr));
            }
        });
    }

    /// Operators of one level, broken before each of them.
    fn chain(&mut self, expr: &'a Expr, behind: Behind) {
        self.group(|writer| {
            writer.sheet.indent();
            writer.links(expr, behind, true);
            writer.sheet.dedent();
        });
    }

    /// The operands of `expr` and of those that are one chain with it.
    fn links(&mut self, expr: &'a Expr, behind: Behind, is_last: bool) {
        let Some((left, right)) = sides(&expr.kind) else { return };
        let level = Level::of(&expr.kind);
        let (least_left, least_right) = level.sides();
        if Level::of(&left.kind) == level && least_left == level {
            let count = self.skip_opening(left.span);
            self.links(left, Behind::More, false);
            self.skip_closing(count);
        } else {
            self.operand(left, least_left, Behind::More);
        }
        self.line(" ");
        self.copy();
        if Level::of(&right.kind) == level && least_right == level {
            self.sheet.text(" ");
            let count = self.skip_opening(right.span);
            self.links(right, behind, is_last);
            return self.skip_closing(count);
        }
        if is_last {
            self.tail_if_block(right);
        }
        self.value(|writer| writer.operand(right, least_right, behind));
    }

    fn projection(&mut self, names: &'a [Name]) {
        self.skip();
        self.sheet.text("[");
        self.group(|writer| {
            writer.items("", names, |writer, _, _| writer.copy());
            writer.skip();
            writer.sheet.text("]");
        });
    }

    fn call(&mut self, call: &'a Call, behind: Behind) {
        // The name, with a dot before each segment but the first.
        for _ in 1..call.path.len() * 2 {
            self.copy();
        }
        self.inside(Commas::Free, |writer| writer.arguments(&call.arguments));
        if !call.options.is_empty() {
            self.options(&call.options, behind == Behind::More);
        }
    }

    fn arguments(&mut self, arguments: &'a [Expr]) {
        self.list(("(", ")"), "", arguments, |writer, argument, place| {
            if place == Place::Last {
                writer.tail_if_block(argument);
            }
            writer.expr(argument);
        });
    }

    /// Lets the group end with `expr`, which comes next, if that is a block.
    pub(super) fn tail_if_block(&mut self, expr: &Expr) {
        if is_block(expr) {
            self.sheet.tail();
        }
    }

    /// `if (c) a else b`, inside a group.
    fn if_else(&mut self, condition: &'a Expr, then: &'a Expr, otherwise: &'a Expr) {
        self.take("if");
        self.sheet.text(" ");
        self.take("(");
        self.inside(Commas::Free, |writer| {
            writer.group(|writer| {
                writer.sheet.indent();
                writer.line("");
                writer.expr(condition);
                writer.closing_line("");
                writer.take(")");
            });
        });
        if is_block(then) {
            self.joined(then);
            self.sheet.text(" ");
        } else {
            self.indented(then);
            self.line(" ");
        }
        self.take("else");
        if let ExprKind::If(condition, then, last) = &otherwise.kind {
            self.sheet.text(" ");
            let count = self.skip_opening(otherwise.span);
            self.if_else(condition, then, last);
            self.skip_closing(count);
        } else if is_block(then) && is_block(otherwise) {
            self.joined(otherwise);
        } else if is_block(otherwise) {
            self.sheet.tail();
            self.value(|writer| writer.expr(otherwise));
        } else if is_block(then) {
            self.group(|writer| writer.indented(otherwise));
        } else {
            self.indented(otherwise);
        }
    }

    /// A block; a record or list breaks exactly if the group does.
    fn joined(&mut self, block: &'a Expr) {
        self.value(|writer| {
            writer.is_joined = matches!(block.kind, ExprKind::Record(_) | ExprKind::List(_));
            writer.expr(block);
        });
    }

    /// On a line of its own where the group is broken.
    fn indented(&mut self, expr: &'a Expr) {
        self.sheet.indent();
        self.line(" ");
        self.expr(expr);
        self.sheet.dedent();
    }

    fn branch(&mut self, rows: &'a [(Expr, Expr)], otherwise: &'a Expr) {
        self.take("branch");
        self.sheet.text(" ");
        self.take("{");
        self.inside(Commas::Free, |writer| {
            writer.broken(|writer| {
                writer.sheet.indent();
                writer.block_line(" ");
                for (condition, value) in rows {
                    writer.expr(condition);
                    writer.sheet.text(" ");
                    writer.take("->");
                    writer.value(|writer| writer.expr(value));
                    writer.take(",");
                    writer.line(" ");
                }
                writer.take("otherwise");
                writer.sheet.text(" ");
                writer.take("->");
                writer.value(|writer| writer.expr(otherwise));
                writer.skip_sign(",");
                writer.trailing_comma();
                writer.closing_line(" ");
                writer.take("}");
            });
        });
    }

    fn match_arms(&mut self, subject: &'a Expr, arms: &'a [Arm]) {
        self.take("match");
        self.sheet.text(" ");
        self.expr(subject);
        self.sheet.text(" ");
        self.inside(Commas::Free, |writer| match arms {
            [_] => writer.list(("{", "}"), " ", arms, |writer, arm, _| writer.arm(arm)),
            _ => {
                writer.take("{");
                writer.broken(|writer| {
                    writer.items(" ", arms, |writer, arm, _| writer.arm(arm));
                    writer.take("}");
                });
            }
        });
    }

    fn arm(&mut self, arm: &'a Arm) {
        self.pattern(&arm.pattern);
        if let Some(guard) = &arm.guard {
            self.sheet.text(" ");
            self.take("if");
            self.value(|writer| writer.expr(guard));
        }
        self.sheet.text(" ");
        self.take("->");
        self.value(|writer| writer.expr(&arm.body));
    }

    fn lambda(&mut self, parameters: &'a [Param], body: &'a Expr) {
        match parameters {
            [Param { ty: None, .. }] => {
                let has_parentheses = self.skip_sign("(");
                self.copy();
                if has_parentheses {
                    self.skip_sign(",");
                    self.skip_sign(")");
                }
            }
            _ => self.list(("(", ")"), "", parameters, |writer, parameter, _| {
                writer.copy();
                if let Some(ty) = &parameter.ty {
                    writer.take(":");
                    writer.value(|writer| writer.ty(ty));
                }
            }),
        }
        self.sheet.text(" ");
        self.take("=>");
        self.value(|writer| writer.expr(body));
    }
}

impl Level {
    fn of(kind: &ExprKind) -> Level {
        match kind {
            ExprKind::Lambda(..) => Level::Lambda,
            ExprKind::Coalesce(..) => Level::Coalesce,
            ExprKind::When(..) => Level::When,
            ExprKind::Binary(operator, ..) => match operator {
                BinaryOp::Or => Level::Or,
                BinaryOp::And => Level::And,
                BinaryOp::Equal
                | BinaryOp::NotEqual
                | BinaryOp::Less
                | BinaryOp::LessOrEqual
                | BinaryOp::Greater
                | BinaryOp::GreaterOrEqual => Level::Compare,
                BinaryOp::Add | BinaryOp::Subtract => Level::Sum,
                BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder => Level::Product,
            },
            ExprKind::Not(_) => Level::Not,
            ExprKind::Negate(_) => Level::Unary,
            ExprKind::Int(int) if *int < 0 => Level::Unary,
            ExprKind::Name(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Boolean(_)
            | ExprKind::String(_)
            | ExprKind::List(_)
            | ExprKind::Record(_)
            | ExprKind::Field(..)
            | ExprKind::OptionalField(..)
            | ExprKind::Project(..)
            | ExprKind::Call(_)
            | ExprKind::If(..)
            | ExprKind::Branch(..)
            | ExprKind::Match(..)
            | ExprKind::Broken => Level::Postfix,
        }
    }

    /// How tightly the operands of an operator of this level must bind, left and right. On the
    /// side where that is the level itself, operators of one level are a chain.
    fn sides(self) -> (Level, Level) {
        match self {
            Level::Lambda | Level::Coalesce => (Level::When, Level::Coalesce),
            Level::When => (Level::Or, Level::Or),
            Level::Or => (Level::Or, Level::And),
            Level::And => (Level::And, Level::Not),
            Level::Not | Level::Compare => (Level::Sum, Level::Sum),
            Level::Sum => (Level::Sum, Level::Product),
            Level::Product => (Level::Product, Level::Unary),
            Level::Unary | Level::Postfix => (Level::Postfix, Level::Postfix),
        }
    }
}

/// The operands of an operator between two.
fn sides(kind: &ExprKind) -> Option<(&Expr, &Expr)> {
    match kind {
        ExprKind::Binary(_, _, left, right)
        | ExprKind::When(left, right)
        | ExprKind::Coalesce(_, left, right) => Some((left, right)),
        _ => None,
    }
}

/// Whether it ends with brackets over several lines, if it does not fit, so that it may begin on
/// the line of what is before it.
fn is_block(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::List(items) => !items.is_empty(),
        ExprKind::Record(fields) => !fields.is_empty(),
        ExprKind::Branch(..) | ExprKind::Match(..) => true,
        ExprKind::Lambda(_, body) => is_block(body),
        kind => sides(kind).is_some_and(|(_, right)| is_block(right)),
    }
}
