//! The declarations of a file by name: what may be mentioned, and who mentions whom.
//!
//! Inputs and bindings are *cells* and share one namespace. Cells are kept in source order; beside
//! it each knows its place among the inputs or the bindings sorted by name, which is how the
//! checked program refers to it.

use std::collections::HashMap;

use model::{Code, Diagnostic, Span, Text};

use crate::order::Graph;
use crate::syntax::{
    Annotation, Declaration, Expr, ExprKind, File, Name, OptionValue, OutputForm, Pattern,
    PatternKind, Piece, TypeExpr,
};

/// All declarations; of a name that is declared twice the first.
#[derive(Debug, Default)]
pub(crate) struct Declarations<'a> {
    /// In source order.
    pub(crate) cells: Vec<Cell<'a>>,
    /// In source order.
    pub(crate) aliases: Vec<Alias<'a>>,
    /// In source order.
    pub(crate) outputs: Vec<Output<'a>>,
    /// In source order.
    pub(crate) uses: Vec<Use<'a>>,
    cells_by_name: HashMap<&'a str, u32>,
}

/// An input or a binding.
#[derive(Debug)]
pub(crate) struct Cell<'a> {
    pub(crate) name: &'a Name,
    pub(crate) form: CellForm<'a>,
    /// Its place among the inputs, or among the bindings, sorted by name.
    pub(crate) id: u32,
}

/// What kind of cell it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CellForm<'a> {
    Input(&'a TypeExpr, Option<&'a Expr>, &'a [Annotation], Option<&'a Text>),
    Binding(&'a Expr),
}

/// `type name = ty`
#[derive(Debug)]
pub(crate) struct Alias<'a> {
    pub(crate) name: &'a Name,
    pub(crate) ty: &'a TypeExpr,
}

/// `out name`, with its guard if it has one.
#[derive(Debug)]
pub(crate) struct Output<'a> {
    pub(crate) name: &'a Name,
    pub(crate) guard: Option<&'a Expr>,
    pub(crate) annotations: &'a [Annotation],
    pub(crate) doc: Option<&'a Text>,
}

/// `use path as alias`
#[derive(Debug)]
pub(crate) struct Use<'a> {
    pub(crate) path: &'a [Name],
    pub(crate) alias: Option<&'a Name>,
    pub(crate) span: Span,
}

impl<'a> Declarations<'a> {
    /// Collects the declarations of `file`, reporting duplicates.
    pub(crate) fn collect(file: &'a File, diagnostics: &mut Vec<Diagnostic>) -> Declarations<'a> {
        let mut all = Declarations::default();
        let mut seen = Seen::new(diagnostics);
        for declaration in &file.declarations {
            all.add(declaration, &mut seen);
        }
        all.number();
        all
    }

    fn add(&mut self, declaration: &'a Declaration, seen: &mut Seen<'a, '_>) {
        match declaration {
            Declaration::Use { path, alias, span } => {
                if alias.as_ref().is_none_or(|alias| seen.namespace(alias)) {
                    self.uses.push(Use { path, alias: alias.as_ref(), span: *span });
                }
            }
            Declaration::Type { name, ty, .. } => {
                if seen.ty(name) {
                    self.aliases.push(Alias { name, ty });
                }
            }
            Declaration::Input { name, ty, default, annotations, doc } => {
                let form =
                    CellForm::Input(ty, default.as_ref(), annotations.as_slice(), doc.as_ref());
                self.add_cell(name, form, seen);
            }
            Declaration::Binding { name, value, .. } => {
                self.add_cell(name, CellForm::Binding(value), seen);
            }
            Declaration::Output { name, form, annotations, doc } => {
                let guard = match form {
                    OutputForm::Broken => return,
                    OutputForm::Cell => None,
                    OutputForm::When(guard) => Some(guard),
                    OutputForm::Binding(value) => {
                        if !self.add_cell(name, CellForm::Binding(value), seen) {
                            return;
                        }
                        None
                    }
                };
                if seen.output(name) {
                    self.outputs.push(Output { name, guard, annotations, doc: doc.as_ref() });
                }
            }
        }
    }

    fn add_cell(&mut self, name: &'a Name, form: CellForm<'a>, seen: &mut Seen<'a, '_>) -> bool {
        let is_new = seen.cell(name);
        if is_new {
            self.cells_by_name.insert(&name.text, self.cells.len() as u32);
            self.cells.push(Cell { name, form, id: 0 });
            if name.text == "none" {
                seen.diagnostics.push(hides_none(name.span));
            }
        }
        is_new
    }

    fn number(&mut self) {
        let mut by_name: Vec<&mut Cell<'_>> = self.cells.iter_mut().collect();
        by_name.sort_unstable_by(|a, b| a.name.text.cmp(&b.name.text));
        let (mut inputs, mut bindings) = (0, 0);
        for cell in by_name {
            let next = match cell.form {
                CellForm::Input(..) => &mut inputs,
                CellForm::Binding(_) => &mut bindings,
            };
            cell.id = *next;
            *next += 1;
        }
    }

    /// The index of the cell `name`.
    pub(crate) fn cell(&self, name: &str) -> Option<u32> {
        self.cells_by_name.get(name).copied()
    }

    /// Which cells each cell mentions, by index.
    pub(crate) fn mentions(&self) -> Graph {
        let mut graph = Graph::default();
        for cell in &self.cells {
            match cell.form {
                CellForm::Input(.., annotations, _) => match event_key(annotations) {
                    Some(key) => graph.add(self.mentioned(key)),
                    None => graph.add([]),
                },
                CellForm::Binding(value) => graph.add(self.mentioned(value)),
            }
        }
        graph
    }

    /// The cells that `expr` mentions, by index.
    pub(crate) fn mentioned(&self, expr: &'a Expr) -> Vec<u32> {
        let mut mentions =
            Mentions { declarations: self, hidden: HashMap::new(), found: Vec::new() };
        mentions.expr(expr);
        mentions.found
    }
}

/// The key of the events that may fill an input: a part of it, as far as cycles and use go.
pub(crate) fn event_key(annotations: &[Annotation]) -> Option<&Expr> {
    annotations.iter().find(|one| one.name.text == "event")?.argument("key")
}

/// The warning for a declaration called `none`.
pub(crate) fn hides_none(span: Span) -> Diagnostic {
    Diagnostic::new(Code::W011, span, "this `none` hides the literal `none`")
        .help("choose another name")
}

/// Where each name was declared first, to report the second.
struct Seen<'a, 'd> {
    cells: HashMap<&'a str, Span>,
    types: HashMap<&'a str, Span>,
    outputs: HashMap<&'a str, Span>,
    namespaces: HashMap<&'a str, Span>,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl<'a, 'd> Seen<'a, 'd> {
    fn new(diagnostics: &'d mut Vec<Diagnostic>) -> Seen<'a, 'd> {
        let (cells, types) = (HashMap::new(), HashMap::new());
        let (outputs, namespaces) = (HashMap::new(), HashMap::new());
        Seen { cells, types, outputs, namespaces, diagnostics }
    }

    fn cell(&mut self, name: &'a Name) -> bool {
        is_new(&mut self.cells, name, "an input or binding", self.diagnostics)
    }

    fn ty(&mut self, name: &'a Name) -> bool {
        is_new(&mut self.types, name, "a type", self.diagnostics)
    }

    fn output(&mut self, name: &'a Name) -> bool {
        is_new(&mut self.outputs, name, "an output", self.diagnostics)
    }

    fn namespace(&mut self, name: &'a Name) -> bool {
        is_new(&mut self.namespaces, name, "a namespace", self.diagnostics)
    }
}

fn is_new<'a>(
    names: &mut HashMap<&'a str, Span>,
    name: &'a Name,
    what: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> bool {
    let Some(first) = names.get(name.text.as_str()) else {
        names.insert(&name.text, name.span);
        return true;
    };
    let quoted = model::text::quote(&name.text);
    diagnostics.push(
        Diagnostic::new(Code::E030, name.span, format!("there is already {what} `{quoted}`"))
            .label(*first, "first declared here")
            .help("choose another name, or remove one of the two"),
    );
    false
}

/// A walk that collects mentioned cells; names bound by patterns and lambdas are none.
struct Mentions<'a, 'd> {
    declarations: &'d Declarations<'a>,
    hidden: HashMap<&'a str, u32>,
    found: Vec<u32>,
}

impl<'a> Mentions<'a, '_> {
    fn expr(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Name(name) => {
                if self.hidden.get(name.as_str()).is_none_or(|&times| times == 0) {
                    self.found.extend(self.declarations.cell(name));
                }
            }
            ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Boolean(_) | ExprKind::Broken => {}
            ExprKind::String(pieces) => pieces.iter().for_each(|piece| match piece {
                Piece::Text(_) => {}
                Piece::Expr(expr) => self.expr(expr),
            }),
            ExprKind::List(items) => items.iter().for_each(|item| self.expr(item)),
            ExprKind::Record(fields) => fields.iter().for_each(|(_, value)| self.expr(value)),
            ExprKind::Negate(a) | ExprKind::Not(a) => self.expr(a),
            ExprKind::Field(a, _) | ExprKind::OptionalField(a, ..) | ExprKind::Project(a, _) => {
                self.expr(a);
            }
            ExprKind::Binary(_, _, a, b) | ExprKind::When(a, b) | ExprKind::Coalesce(_, a, b) => {
                self.expr(a);
                self.expr(b);
            }
            ExprKind::Call(call) => {
                call.arguments.iter().for_each(|argument| self.expr(argument));
                for option in &call.options {
                    if let OptionValue::Expr(value) = &option.value {
                        self.expr(value);
                    }
                }
            }
            ExprKind::If(condition, then, otherwise) => {
                self.expr(condition);
                self.expr(then);
                self.expr(otherwise);
            }
            ExprKind::Branch(rows, otherwise) => {
                for (condition, value) in rows {
                    self.expr(condition);
                    self.expr(value);
                }
                self.expr(otherwise);
            }
            ExprKind::Match(subject, arms) => {
                self.expr(subject);
                for arm in arms {
                    let mut names = Vec::new();
                    bound_names(&arm.pattern, &mut names);
                    let inside = arm.guard.iter().chain([&arm.body]);
                    self.hiding(names.iter().map(|(name, _)| *name), inside);
                }
            }
            ExprKind::Lambda(parameters, body) => {
                let names = parameters.iter().map(|parameter| &parameter.name.text);
                self.hiding(names, std::iter::once(&**body));
            }
        }
    }

    fn hiding(
        &mut self,
        names: impl Iterator<Item = &'a Text> + Clone,
        inside: impl Iterator<Item = &'a Expr>,
    ) {
        names.clone().for_each(|name| *self.hidden.entry(name).or_default() += 1);
        inside.for_each(|expr| self.expr(expr));
        for name in names {
            if let Some(times) = self.hidden.get_mut(name.as_str()) {
                *times -= 1;
            }
        }
    }
}

/// The variables of a pattern with their places.
pub(crate) fn bound_names<'a>(pattern: &'a Pattern, names: &mut Vec<(&'a Text, Span)>) {
    match &pattern.kind {
        PatternKind::Name(name) => names.push((name, pattern.span)),
        PatternKind::Some(inner) => bound_names(inner, names),
        PatternKind::Record(fields) => fields.iter().for_each(|(name, inner)| match inner {
            Some(inner) => bound_names(inner, names),
            None => names.push((&name.text, name.span)),
        }),
        PatternKind::Any | PatternKind::Int(_) | PatternKind::Float(_) => {}
        PatternKind::String(_) | PatternKind::Boolean(_) | PatternKind::Is(_) => {}
        PatternKind::None | PatternKind::Broken => {}
    }
}
