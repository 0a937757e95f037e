//! Expressions of the language in a manifest: the body of a request, and the result made of an answer.
//! They are compiled as a small pipeline when the manifest loads, whose inputs are what they may use,
//! and evaluated for each call.

use std::sync::Arc;

use eval::{Builtins, Cell, Cells, Evaluator, NoCells, Stop};
use lang::parser::parse_expression;
use model::plan::{BindingId, CallId, Expr, ExprId, InputId};
use model::{
    Code, Diagnostic, Effect, Failure, Function, Image, Origin, Parameter, Signature, Span, Text,
    Type, Value,
};

/// The name of the answer in an expression.
pub(crate) const RESPONSE: &str = "response";
/// Stands around an expression that must be of a type, as a function that takes it.
const RESULT: &str = "Result";

/// A checked expression.
pub(crate) struct Formula {
    image: Image,
    builtins: Builtins,
    root: ExprId,
    /// What each input of the image is.
    inputs: Vec<Operand>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operand {
    Response,
    Argument(usize),
}

impl Formula {
    /// Compiles `source` over the parameters and, if there is one, the response. With `wanted`, its
    /// value is converted to that type. Diagnostics have their places in `source`.
    pub(crate) fn compile(
        source: &str,
        signature: &Signature,
        response: Option<&Type>,
        wanted: Option<&Type>,
    ) -> Result<Formula, Vec<Diagnostic>> {
        // What stands around it below must not make an expression of what is none.
        let (_, found) = parse_expression(source);
        if found.iter().any(Diagnostic::is_error) {
            return Err(found);
        }
        let parameters = signature.parameters.iter().map(|it| (it.name.as_str(), &it.ty));
        let named = parameters.chain(response.map(|ty| (RESPONSE, ty)));
        let mut program: String = named
            .filter(|(name, _)| !lang::is_reserved(name))
            .map(|(name, ty)| format!("in {name}: {ty}\n"))
            .collect();
        let mut catalog = eval::stdlib::catalog();
        // Something stands around it, so that it is always a part of a binding's expression.
        program.push_str("out value = ");
        let (before, behind) = match wanted {
            Some(ty) => {
                catalog.insert(identity(ty));
                ("Result(", "\n)")
            }
            None => ("[", "\n]"),
        };
        program.push_str(before);
        let start = program.len();
        program.push_str(source);
        program.push_str(behind);
        let compiled = lang::compile(&program, &catalog);
        let wrong = |diagnostics| Err::<Formula, _>(diagnostics);
        let Some(image) = compiled.image else {
            let errors = compiled.diagnostics.into_iter().filter(Diagnostic::is_error);
            return wrong(errors.map(|it| inside(it, start, source.len())).collect());
        };
        let plan = &image.plan;
        let root = match plan.bindings.as_slice() {
            [binding] => match &plan.exprs[binding.root as usize] {
                Expr::List(items) if wanted.is_none() => items.first().copied(),
                Expr::Call(call) if wanted.is_some() => {
                    plan.calls[*call as usize].arguments.first().copied()
                }
                _ => None,
            },
            _ => None,
        };
        let Some(root) = root.filter(|_| plan.calls.len() <= 1) else {
            let message = "expected one expression";
            return wrong(vec![Diagnostic::new(Code::E021, Span::new(0, source.len()), message)]);
        };
        let operand = |name: &str| {
            let argument = signature.parameters.iter().position(|it| it.name == name);
            argument.map_or(Operand::Response, Operand::Argument)
        };
        let inputs = plan.inputs.iter().map(|input| operand(&input.name)).collect();
        let builtins = Builtins::of(plan).map_err(|_| Vec::new())?;
        Ok(Formula { image, builtins, root, inputs })
    }

    /// The type of its value.
    pub(crate) fn ty(&self) -> Type {
        let plan = &self.image.plan;
        match plan.outputs.first().map(|output| plan.output_type(output)) {
            Some(Type::List(ty)) if plan.calls.is_empty() => (**ty).clone(),
            Some(ty) => ty.clone(),
            None => Type::Nothing,
        }
    }

    /// The parameters that it uses.
    pub(crate) fn uses(&self) -> impl Iterator<Item = usize> {
        self.image.plan.exprs.iter().filter_map(|expr| match expr {
            Expr::Input(id) => match self.inputs[*id as usize] {
                Operand::Argument(at) => Some(at),
                Operand::Response => None,
            },
            _ => None,
        })
    }

    /// Its value for these arguments and this response.
    pub(crate) fn value(
        &self,
        arguments: &[Value],
        response: Option<&Value>,
    ) -> Result<Value, Arc<Failure>> {
        let plan = &self.image.plan;
        let known = Known { formula: self, arguments, response };
        let mut evaluator = Evaluator::new(plan, &self.builtins, &known);
        evaluator.enter(plan.bindings[0].locals);
        evaluator.eval(self.root).map_err(|stop| match stop {
            Stop::Failed(failure) => failure,
            Stop::Open => Failure::new(Code::R900, "an expression is not complete").into(),
        })
    }
}

fn identity(ty: &Type) -> Function {
    let parameters = vec![Parameter { name: Text::new_static("value"), ty: ty.clone() }];
    Function {
        namespace: Text::default(),
        name: Text::new_static(RESULT),
        signature: Signature { parameters, result: ty.clone() },
        overloads: Vec::new(),
        effect: Effect::Pure,
        origin: Origin::Host,
        doc: Text::default(),
    }
}

/// A diagnostic of the program, with its place in the expression.
fn inside(diagnostic: Diagnostic, start: usize, length: usize) -> Diagnostic {
    let clamp = |at: u32| (at as usize).saturating_sub(start).min(length);
    let span = Span::new(clamp(diagnostic.span.start), clamp(diagnostic.span.end));
    Diagnostic { span, ..diagnostic }
}

struct Known<'a> {
    formula: &'a Formula,
    arguments: &'a [Value],
    response: Option<&'a Value>,
}

impl Cells for Known<'_> {
    fn input(&self, id: InputId) -> Cell<'_> {
        match self.formula.inputs[id as usize] {
            Operand::Argument(at) => Cell::Done(&self.arguments[at]),
            Operand::Response => self.response.map_or(Cell::Open, Cell::Done),
        }
    }

    fn binding(&self, id: BindingId) -> Cell<'_> {
        NoCells.binding(id)
    }

    fn call(&self, id: CallId, path: &[u32]) -> Cell<'_> {
        NoCells.call(id, path)
    }
}
