//! A program as the reference reads it: the syntax tree, sorted into inputs, bindings and outputs.

use std::collections::BTreeMap;

use lang::syntax::{Declaration, Expr, ExprKind, File, OutputForm, TypeExpr, TypeKind};

/// The declarations of a program by name.
pub(crate) struct Program {
    pub(crate) inputs: BTreeMap<String, Input>,
    /// Named ones, and `n.when` for the value of `out n when c`.
    pub(crate) bindings: BTreeMap<String, Expr>,
    /// For each output the input or binding that it delivers.
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) types: BTreeMap<String, TypeExpr>,
}

/// A declared input.
pub(crate) struct Input {
    pub(crate) is_optional: bool,
    pub(crate) default: Option<Expr>,
}

impl Input {
    /// Whether the execution waits for it.
    pub(crate) fn is_required(&self) -> bool {
        !self.is_optional && self.default.is_none()
    }

    /// Whether it may be left out, and is `none` then.
    pub(crate) fn closes(&self) -> bool {
        self.is_optional && self.default.is_none()
    }
}

impl Program {
    pub(crate) fn of(file: File) -> Program {
        let mut program = Program {
            inputs: BTreeMap::new(),
            bindings: BTreeMap::new(),
            outputs: BTreeMap::new(),
            types: BTreeMap::new(),
        };
        for declaration in file.declarations {
            match declaration {
                Declaration::Use { .. } => panic!("the reference knows no namespaces"),
                Declaration::Type { name, ty, .. } => {
                    program.types.insert(name.text.to_string(), ty);
                }
                Declaration::Input { name, ty, default, .. } => {
                    let is_optional =
                        matches!(&ty.kind, TypeKind::Named(name, _) if name.text == "Optional");
                    program.inputs.insert(name.text.to_string(), Input { is_optional, default });
                }
                Declaration::Binding { name, value, .. } => {
                    program.bindings.insert(name.text.to_string(), value);
                }
                Declaration::Output { name, form, .. } => program.output(&name.text, form),
            }
        }
        program
    }

    fn output(&mut self, name: &str, form: OutputForm) {
        let delivered = match form {
            OutputForm::Cell => name.to_owned(),
            OutputForm::Binding(value) => {
                self.bindings.insert(name.to_owned(), value);
                name.to_owned()
            }
            OutputForm::When(condition) => {
                let span = condition.span;
                let value = Expr { kind: ExprKind::Name(name.into()), span };
                let guarded = ExprKind::When(value.into(), condition.into());
                self.bindings.insert(format!("{name}.when"), Expr { kind: guarded, span });
                format!("{name}.when")
            }
            OutputForm::Broken => panic!("the program is broken"),
        };
        self.outputs.insert(name.to_owned(), delivered);
    }
}
