//! Syntax to [`Program`]: names, types and conversions, with every mistake reported in one pass.
//!
//! An erroneous expression gets [`Type::Unknown`], which fits everywhere, so one mistake is
//! reported once. Types are inferred upwards ([`expr`], [`access`], [`call`], [`matching`]) and
//! made exact downwards ([`expect`]). Bindings are checked in dependency order, so nothing here
//! recurses from one declaration into another.

mod access;
mod annotations;
mod call;
mod constant;
mod coverage;
mod expect;
mod expr;
mod generic;
mod lambda;
mod matching;
mod options;
mod pattern;
mod pipeline;
mod usage;
mod witness;

pub(crate) use access::field_type;
pub(crate) use pattern::member_test;

use std::collections::HashMap;

use model::limits::{NODES_MAX, STEPS_MAX};
use model::{Catalog, Code, Diagnostic, Span, Text, Type, Value};

use crate::functions::Functions;
use crate::names::{CellForm, Declarations, Output, event_key};
use crate::order::Graph;
use crate::program::{self, Binding, Delivered, Expr, Input, Kind, Program};
use crate::syntax;
use crate::types::{Budget, Types};

/// Suggestions compare a name with all others, so a file full of mistakes gets only so many.
const SUGGESTIONS_MAX: usize = 100;

/// Checks a file. The program has a meaning only if no error was reported.
pub(crate) fn check(
    file: &syntax::File,
    catalog: &Catalog,
    diagnostics: &mut Vec<Diagnostic>,
) -> Program {
    // Where the parser left something out, what is mentioned in it is not known.
    let is_complete = !diagnostics.iter().any(Diagnostic::is_error);
    let declarations = Declarations::collect(file, diagnostics);
    let types = Types::new(&declarations, diagnostics);
    let functions = Functions::new(catalog, &declarations, diagnostics);
    let mut checker = Checker::new(&declarations, &types, &functions, std::mem::take(diagnostics));
    let (program, mentions) = checker.program();
    // Nor is it where a name is misspelt.
    let is_complete =
        is_complete && checker.diagnostics.iter().all(|diagnostic| diagnostic.code != Code::E001);
    if is_complete && !checker.has_method_call {
        checker.report_usage(&mentions, &program);
    }
    *diagnostics = checker.diagnostics;
    if is_complete {
        types.report_unused(diagnostics);
        functions.report_unused(diagnostics);
    }
    program
}

/// What is known while checking.
struct Checker<'a> {
    declarations: &'a Declarations<'a>,
    types: &'a Types<'a>,
    functions: &'a Functions<'a>,
    diagnostics: Vec<Diagnostic>,
    suggestions: usize,
    /// By index of the cell; unknown until the cell is checked.
    cell_types: Vec<Type>,
    /// Variables in scope by name, innermost last.
    scope: HashMap<Text, Vec<u32>>,
    /// The types of the variables of the current expression, by number.
    locals: Vec<Type>,
    called: Vec<program::Function>,
    called_by_name: HashMap<Text, u32>,
    nodes: usize,
    /// Expressions of called pipelines so far.
    embedded: usize,
    budget: Budget,
    limits: options::Limits,
    /// Steps that constants may still take to compute.
    constant_steps: u64,
    recheck: lambda::Recheck,
    /// A value was mentioned as if it had methods.
    has_method_call: bool,
}

impl<'a> Checker<'a> {
    fn new(
        declarations: &'a Declarations<'a>,
        types: &'a Types<'a>,
        functions: &'a Functions<'a>,
        diagnostics: Vec<Diagnostic>,
    ) -> Checker<'a> {
        Checker {
            declarations,
            types,
            functions,
            diagnostics,
            suggestions: 0,
            cell_types: vec![Type::Unknown; declarations.cells.len()],
            scope: HashMap::new(),
            locals: Vec::new(),
            called: Vec::new(),
            called_by_name: HashMap::new(),
            nodes: declarations.cells.len(),
            embedded: 0,
            budget: Budget::new(),
            limits: options::Limits::default(),
            constant_steps: STEPS_MAX,
            recheck: lambda::Recheck::default(),
            has_method_call: false,
        }
    }

    fn program(&mut self) -> (Program, Graph) {
        let declarations = self.declarations;
        let mentions = declarations.mentions();
        let mut inputs = self.inputs();
        let bindings = self.bindings(&mentions, &mut inputs);
        let outputs: Vec<program::Output> =
            declarations.outputs.iter().filter_map(|output| self.output(output)).collect();
        let mut program = Program { inputs, bindings, outputs, functions: Vec::new() };
        program.outputs.sort_by(|a, b| a.name.cmp(&b.name));
        self.settle_limits();
        self.report_rechecks();
        program.functions = std::mem::take(&mut self.called);
        if self.nodes > NODES_MAX {
            let message = format!(
                "the program has {} nodes, more than {NODES_MAX} (`max_nodes`)",
                self.nodes
            );
            let help = "split it into several pipelines";
            self.report(Diagnostic::new(Code::E040, Span::default(), message).help(help));
        }
        (program, mentions)
    }

    fn inputs(&mut self) -> Vec<Input> {
        let mut inputs = Vec::new();
        for (at, cell) in self.declarations.cells.iter().enumerate() {
            let CellForm::Input(ty, default, annotations, doc) = cell.form else { continue };
            let ty = self.types.resolve(ty, &mut self.diagnostics);
            let ty = self.bounded(ty, cell.name.span);
            self.cell_types[at] = ty.clone();
            inputs.push((ty, cell, default, annotations, doc));
        }
        let mut checked: Vec<Input> = Vec::with_capacity(inputs.len());
        for (ty, cell, default, annotations, doc) in inputs {
            let notes = self.input_annotations(annotations, &ty);
            self.refuse_idle_default(&notes, default);
            let default = default.and_then(|default| self.default(default, &ty));
            checked.push(Input {
                name: cell.name.text.clone(),
                ty,
                default,
                title: notes.title,
                description: notes.description.or_else(|| doc.cloned()),
                examples: notes.examples,
                deadline_ms: notes.deadline_ms,
                event: notes.event_type.map(|event_type| {
                    // Its key is checked with the bindings.
                    let unknown = Expr::broken(cell.name.span);
                    let key = binding(Text::default(), cell.name.span, unknown, Vec::new());
                    program::Event { event_type, key }
                }),
                span: cell.name.span,
            });
        }
        checked.sort_by(|a, b| a.name.cmp(&b.name));
        checked
    }

    fn default(&mut self, default: &'a syntax::Expr, ty: &Type) -> Option<Value> {
        self.enter();
        let inferred = self.infer(default);
        if !self.is_constant(&inferred) {
            return None;
        }
        let value = self.fit(inferred, ty);
        match self.constant(&value)? {
            Ok(value) => Some(value),
            Err(failure) => {
                let message = format!("this default fails: {}", failure.message);
                self.report(Diagnostic::new(Code::E034, failure.span, message));
                None
            }
        }
    }

    /// Whether the value of a default depends on nothing; what it depends on is reported.
    fn is_constant(&mut self, value: &Expr) -> bool {
        let mut found = None;
        value.walk(&mut |part| {
            let what = match &part.kind {
                Kind::Input(_) => "an input",
                Kind::Binding(_) => "a binding",
                Kind::Call(call) if self.called[call.function as usize].is_module => "a module",
                _ => return,
            };
            found = found.or(Some((part.span, what)));
        });
        if let Some((span, what)) = found {
            let message = format!("a default must be constant, but this is {what}");
            let help = "write a constant, or give the input no default and use `??`";
            self.report(Diagnostic::new(Code::E033, span, message).help(help));
        }
        found.is_none()
    }

    /// The bindings; those that are keys of the events of inputs go to `inputs`.
    fn bindings(&mut self, mentions: &Graph, inputs: &mut [Input]) -> Vec<Binding> {
        let declarations = self.declarations;
        let mut bindings: Vec<(u32, Binding)> = Vec::new();
        mentions.parts(&mut |part, is_cycle| {
            part.sort_unstable();
            if is_cycle {
                self.report_cycle(&mentions.cycle(part, part[0]));
            }
            for &at in &*part {
                let cell = &declarations.cells[at as usize];
                match cell.form {
                    CellForm::Binding(value) => {
                        let (value, locals) = self.root(value, None);
                        if !is_cycle {
                            self.cell_types[at as usize] = value.ty.clone();
                        }
                        bindings.push((
                            cell.id,
                            binding(cell.name.text.clone(), cell.name.span, value, locals),
                        ));
                    }
                    CellForm::Input(.., annotations, _) => {
                        let key =
                            event_key(annotations).and_then(|key| self.event_key(cell.name, key));
                        if let (Some(event), Some(key)) = (&mut inputs[cell.id as usize].event, key)
                        {
                            event.key = key;
                        }
                    }
                }
            }
        });
        bindings.sort_unstable_by_key(|(id, _)| *id);
        bindings.into_iter().map(|(_, binding)| binding).collect()
    }

    fn report_cycle(&mut self, cycle: &[u32]) {
        let cell = |at: &u32| &self.declarations.cells[*at as usize];
        // A very long way round is cut in the middle.
        const SHOWN: usize = 12;
        let name = |at: &u32| model::text::quote(&cell(at).name.text);
        let mut path: Vec<String> = cycle.iter().take(SHOWN).map(name).collect();
        if cycle.len() > SHOWN {
            path.push("…".to_string());
        }
        path.push(name(&cycle[0]));
        let message = match cycle {
            [_] => format!("`{}` is defined by itself", path[0]),
            _ => format!("these are defined by each other: {}", path.join(" -> ")),
        };
        let mut diagnostic = Diagnostic::new(Code::E031, cell(&cycle[0]).name.span, message)
            .help("break the circle: a value can only be made from others");
        for at in cycle.iter().skip(1).take(SHOWN) {
            diagnostic = diagnostic.label(cell(at).name.span, "part of the circle");
        }
        self.report(diagnostic);
    }

    fn output(&mut self, output: &Output<'a>) -> Option<program::Output> {
        let name = output.name;
        let description =
            self.output_annotations(output.annotations).or_else(|| output.doc.cloned());
        let guard = output.guard.map(|guard| {
            self.enter();
            self.condition(guard)
        });
        let Some(at) = self.declarations.cell(&name.text) else {
            let unknown = self.unknown_name(&name.text, name.span);
            self.report(unknown);
            return None;
        };
        let cell = &self.declarations.cells[at as usize];
        let (kind, source) = match cell.form {
            CellForm::Input(..) => (Kind::Input(cell.id), Delivered::Input(cell.id)),
            CellForm::Binding(_) => (Kind::Binding(cell.id), Delivered::Binding(cell.id)),
        };
        let source = match guard {
            None => source,
            Some(condition) => {
                self.nodes += 1;
                let ty = self.cell_types[at as usize].clone();
                let span = name.span.to(condition.span);
                let value = Expr { kind, ty: ty.clone(), span: name.span };
                let ty = Type::optional(ty);
                let kind = Kind::When(value.into(), condition.into());
                let value = self.settle(Expr { kind, ty, span });
                let locals = std::mem::take(&mut self.locals);
                let guard = format!("{}.when", name.text).into();
                Delivered::Guard(binding(guard, name.span, value, locals).into())
            }
        };
        Some(program::Output { name: name.text.clone(), source, description, span: name.span })
    }

    /// An expression that nothing encloses, with the types of its variables.
    fn root(&mut self, expr: &'a syntax::Expr, want: Option<&Type>) -> (Expr, Vec<Type>) {
        self.enter();
        let inferred = self.infer(expr);
        let value = match want {
            Some(want) => self.fit(inferred, want),
            None => self.settle(inferred),
        };
        (value, std::mem::take(&mut self.locals))
    }

    fn enter(&mut self) {
        self.scope.clear();
        self.locals.clear();
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// `ty`, or unknown where types grew beyond the limits.
    fn bounded(&mut self, ty: Type, span: Span) -> Type {
        self.budget.bounded(ty, span, &mut self.diagnostics)
    }

    /// Whether there is time for one more suggestion.
    fn may_suggest(&mut self) -> bool {
        self.suggestions += 1;
        self.suggestions <= SUGGESTIONS_MAX
    }
}

fn binding(name: Text, span: Span, value: Expr, locals: Vec<Type>) -> Binding {
    Binding { name, ty: value.ty.clone(), value, locals, span }
}
