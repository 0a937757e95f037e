//! What the outputs never need (W001, W002), and defaults that decide too much (W012).

use model::{Code, Diagnostic, Type};

use super::{Checker, call};
use crate::names::CellForm;
use crate::order::Graph;
use crate::program::{Delivered, Expr, Input, Kind, Program};

impl Checker<'_> {
    pub(super) fn report_usage(&mut self, mentions: &Graph, program: &Program) {
        self.report_unreached(mentions);
        if program.inputs.iter().any(is_decided) {
            self.report_never_asked(mentions, program);
        }
    }

    fn report_unreached(&mut self, mentions: &Graph) {
        let declarations = self.declarations;
        let mut reached = vec![false; declarations.cells.len()];
        let mut open: Vec<u32> = Vec::new();
        for output in &declarations.outputs {
            open.extend(declarations.cell(&output.name.text));
            open.extend(output.guard.iter().flat_map(|guard| declarations.mentioned(guard)));
        }
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut reached[at as usize], true) {
                open.extend(mentions.needs(at));
            }
        }
        for (cell, _) in declarations.cells.iter().zip(reached).filter(|(_, reached)| !reached) {
            let name = model::text::quote(&cell.name.text);
            if name.starts_with('_') {
                continue;
            }
            let (code, message) = match cell.form {
                CellForm::Input(..) => {
                    (Code::W001, format!("no output depends on the input `{name}`"))
                }
                CellForm::Binding(_) => {
                    (Code::W002, format!("no output reaches `{name}`, so it never runs"))
                }
            };
            let help = format!("remove it, deliver it with `out {name}`, or call it `_{name}`");
            let help = match cell.form {
                CellForm::Input(..) => format!("remove it, or call it `_{name}`"),
                CellForm::Binding(_) => help,
            };
            self.report(Diagnostic::new(code, cell.name.span, message).help(help));
        }
    }

    /// A Boolean input that guards a write is an approval; with a default nobody is ever asked.
    fn report_never_asked(&mut self, mentions: &Graph, program: &Program) {
        let mut writes = Writes { program, bindings: vec![false; program.bindings.len()] };
        let cells = &self.declarations.cells;
        mentions.parts(&mut |part, _| {
            for at in &*part {
                let cell = &cells[*at as usize];
                if matches!(cell.form, CellForm::Binding(_)) {
                    let value = &program.bindings[cell.id as usize].value;
                    writes.bindings[cell.id as usize] = writes.reaches(value);
                }
            }
        });
        let mut guards = vec![false; program.inputs.len()];
        let guarded = program.outputs.iter().filter_map(|output| match &output.source {
            Delivered::Guard(binding) => Some(&binding.value),
            Delivered::Input(_) | Delivered::Binding(_) => None,
        });
        for value in program.bindings.iter().map(|binding| &binding.value).chain(guarded) {
            value.walk(&mut |expr| writes.guards(expr, &mut guards));
        }
        for (input, _) in program.inputs.iter().zip(guards).filter(|(_, guards)| *guards) {
            if is_decided(input) {
                let name = model::text::quote(&input.name);
                let message = format!(
                    "`{name}` decides about a write, but its default keeps it from being asked for"
                );
                let help = "remove the default: without it the execution waits for an answer";
                self.report(Diagnostic::new(Code::W012, input.span, message).help(help));
            }
        }
    }
}

/// Whether the default of an approval is taken before anybody is asked.
fn is_decided(input: &Input) -> bool {
    input.default.is_some() && input.deadline_ms.is_none() && input.ty == Type::Boolean
}

struct Writes<'p> {
    program: &'p Program,
    /// Which bindings lead to a write.
    bindings: Vec<bool>,
}

impl Writes<'_> {
    fn reaches(&self, expr: &Expr) -> bool {
        let mut found = false;
        expr.walk(&mut |part| {
            found |= match &part.kind {
                Kind::Binding(id) => self.bindings[*id as usize],
                Kind::Call(call) => call::is_write(&self.program.functions[call.function as usize]),
                _ => false,
            };
        });
        found
    }

    /// Marks the inputs that `expr` itself makes decide about a write.
    fn guards(&self, expr: &Expr, inputs: &mut [bool]) {
        let mut decides = |condition: &Expr| {
            condition.walk(&mut |part| {
                if let Kind::Input(id) = part.kind {
                    inputs[id as usize] = true;
                }
            });
        };
        match &expr.kind {
            Kind::When(value, condition) if self.reaches(value) => decides(condition),
            Kind::And(a, b) | Kind::Or(a, b) if self.reaches(b) => decides(a),
            Kind::Branch(rows, otherwise)
                if self.reaches(otherwise) || rows.iter().any(|(_, value)| self.reaches(value)) =>
            {
                rows.iter().for_each(|(condition, _)| decides(condition));
            }
            Kind::Match(subject, arms) if arms.iter().any(|arm| self.reaches(&arm.body)) => {
                decides(subject);
            }
            _ => {}
        }
    }
}
