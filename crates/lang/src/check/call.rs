//! Calls: which function is meant, and its arguments against its parameters (specification 5.6).

use model::plan::InputId;
use model::types::is_subtype;
use model::{Code, Diagnostic, Effect, Function, Origin, Signature, Span, Type, Value};

use super::Checker;
use super::expect::show;
use super::generic::{Candidates, Solution};
use super::lambda::Wanted;
use crate::join;
use crate::program::{self, Call, Expr, Kind, Lambda};
use crate::syntax::{self, ExprKind};

/// Functions that compare an element with a value: their types must overlap, as for `==`.
const COMPARING: [&str; 2] = ["stdlib.list.list-contains", "stdlib.string.contains"];
/// The function whose second argument is a pattern.
const MATCHES: &str = "stdlib.string.matches";

impl<'a> Checker<'a> {
    pub(super) fn call(&mut self, call: &'a syntax::Call, span: Span) -> Expr {
        let name_span = match (call.path.first(), call.path.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => span,
        };
        let function = match self.functions.resolve(&call.path) {
            Ok(function) => Some(function),
            Err(diagnostic) => {
                let method = self.method_on_value(&call.path, name_span);
                self.has_method_call |= method.is_some();
                let diagnostic = method.or(diagnostic.map(|diagnostic| *diagnostic));
                self.diagnostics.extend(diagnostic);
                None
            }
        };
        let applied = function.and_then(|function| match self.functions.pipeline(function) {
            Some(image) => self.pipeline(call, function, image, name_span),
            None => self.applied(call, function, name_span),
        });
        let Some((function, applied)) = function.zip(applied) else {
            if function.is_none() {
                self.check_parts(call);
            }
            self.options(&call.options, None, &Type::Unknown);
            return Expr::broken(span);
        };
        let (options, ty) = self.options(&call.options, Some(function), &applied.result);
        let id = self.function_id(function);
        if function.origin == Origin::Host {
            self.nodes += 1;
            self.note_limits(id, &call.options, &options);
        }
        let Applied { arguments, lambda, element, inputs, result: _ } = applied;
        let ty = self.bounded(ty, span);
        let call = Call { function: id, arguments, lambda, element, options, inputs };
        let kind = Kind::Call(call.into());
        Expr { kind, ty, span }
    }

    /// E004 for `name.trim()`, where `name` is a value.
    fn method_on_value(&self, path: &[syntax::Name], span: Span) -> Option<Diagnostic> {
        let [value, .., method] = path else { return None };
        if !self.is_bound(&value.text) {
            return None;
        }
        let receiver: Vec<&str> =
            path[..path.len() - 1].iter().map(|name| name.text.as_str()).collect();
        let receiver = model::text::quote(&receiver.join("."));
        let method = model::text::quote(&method.text);
        let message = format!("`{receiver}` is a value, and values have no methods");
        let help = format!("a function takes it as an argument: `{method}({receiver}, ..)`");
        Some(Diagnostic::new(Code::E004, span, message).help(help))
    }

    /// Finds the mistakes inside the arguments of a call that has no meaning itself.
    pub(super) fn check_parts(&mut self, call: &'a syntax::Call) {
        let is_lambda = |argument: &&syntax::Expr| matches!(argument.kind, ExprKind::Lambda(..));
        for argument in call.arguments.iter().filter(|argument| !is_lambda(argument)) {
            self.infer_settled(argument);
        }
    }

    /// The function with its arguments; `None` after an error that leaves the call no type.
    fn applied(
        &mut self,
        call: &'a syntax::Call,
        function: &Function,
        name_span: Span,
    ) -> Option<Applied> {
        if function.signature.parameters.len() != call.arguments.len() {
            self.check_parts(call);
            self.report_arity(function, call.arguments.len(), name_span);
            return None;
        }
        let mut arguments: Vec<Argument<'a>> = Vec::with_capacity(call.arguments.len());
        for (argument, parameter) in call.arguments.iter().zip(&function.signature.parameters) {
            arguments.push(match (&argument.kind, &parameter.ty) {
                (ExprKind::Lambda(parameters, body), Type::Function(..)) => {
                    Argument::Lambda(parameters, body, argument.span)
                }
                _ => Argument::Value(self.infer(argument)),
            });
        }
        let signature = self.signature(function, &arguments)?;
        let mut solution = Solution::default();
        let mut candidates = Candidates::default();
        let mut is_sound = true;
        for (argument, parameter) in arguments.iter().zip(&signature.parameters) {
            if let Argument::Value(value) = argument {
                candidates.collect(&parameter.ty, value);
            }
        }
        for parameter in &signature.parameters {
            if !matches!(parameter.ty, Type::Function(..)) {
                is_sound &= self.solve(&parameter.ty, &candidates, &mut solution, &function.name);
            }
        }
        self.report_never_equal(function, &arguments);
        let mut lambda = None;
        let mut values = Vec::with_capacity(arguments.len());
        for (argument, parameter) in arguments.into_iter().zip(&signature.parameters) {
            match (argument, &parameter.ty) {
                (Argument::Lambda(names, body, span), Type::Function(given, result)) => {
                    let wanted = Wanted { parameters: given, result, name: &function.name };
                    lambda =
                        self.lambda(names, body, &wanted, &mut solution, &mut candidates, span);
                    is_sound &= lambda.is_some();
                }
                (Argument::Value(value), Type::Function(given, _)) => {
                    self.report_no_lambda(&value, function, given.len());
                    is_sound = false;
                }
                (Argument::Value(value), _) => values.push((value, parameter)),
                (Argument::Lambda(..), _) => {}
            }
        }
        // What the lambda gives may have widened a variable, so values are converted last.
        let arguments: Vec<Expr> = values
            .into_iter()
            .map(|(value, parameter)| {
                let ty = solution.apply(&parameter.ty);
                self.argument(value, &ty, parameter, function, name_span)
            })
            .collect();
        self.report_bad_pattern(function, &arguments);
        let parameters = signature.parameters.iter().map(|parameter| &parameter.ty);
        let element = solution.element(parameters);
        let result = solution.apply(&signature.result);
        is_sound.then_some(Applied { arguments, lambda, element, inputs: None, result })
    }

    fn argument(
        &mut self,
        value: Expr,
        ty: &Type,
        parameter: &model::Parameter,
        function: &Function,
        name_span: Span,
    ) -> Expr {
        let (span, before) = (value.span, self.diagnostics.len());
        let fitted = self.fit(value, ty);
        if let Some(diagnostic) = self.diagnostics.get_mut(before)
            && diagnostic.span == span
            && diagnostic.labels.is_empty()
        {
            let parameter = model::text::quote(&parameter.name);
            let name = model::text::quote(&function.name);
            let text = format!("this is the parameter `{parameter}` of `{name}`");
            *diagnostic = diagnostic.clone().label(name_span, text);
        }
        fitted
    }

    fn report_arity(&mut self, function: &Function, given: usize, span: Span) {
        let name = model::text::quote(&function.name);
        let wanted = match function.signature.parameters.len() {
            0 => "no arguments".to_string(),
            1 => "1 argument".to_string(),
            many => format!("{many} arguments"),
        };
        let are = if given == 1 { "is" } else { "are" };
        let message = format!("`{name}` takes {wanted}, but {given} {are} given");
        let help = format!("its signature is `{name}{}`", function.signature);
        self.report(Diagnostic::new(Code::E015, span, message).help(help));
    }

    /// The signature that the form of the first argument chooses; `None` after an error.
    fn signature(&mut self, function: &Function, arguments: &[Argument<'_>]) -> Option<Signature> {
        if function.overloads.is_empty() {
            return Some(function.signature.clone());
        }
        let Some(Argument::Value(first)) = arguments.first() else { return None };
        let has_form = |signature: &&Signature| {
            let parameter = signature.parameters.first().map(|parameter| &parameter.ty);
            match (parameter, &first.ty) {
                (Some(Type::String), ty) => is_subtype(ty, &Type::String) && !ty.has_unknown(),
                (Some(Type::List(_)), Type::List(_)) => true,
                (Some(Type::Map(..)), Type::Map(..)) => true,
                _ => false,
            }
        };
        let mut all = std::iter::once(&function.signature).chain(&function.overloads);
        let found = all.find(has_form);
        if found.is_none() && first.ty != Type::Unknown {
            let name = model::text::quote(&function.name);
            let message =
                format!("`{name}` takes a `String`, a `List` or a `Map`, not {}", show(&first.ty));
            let help = super::expr::absence_help(&first.ty);
            self.report(Diagnostic::new(Code::E010, first.span, message).maybe_help(help));
        }
        found.cloned()
    }

    fn report_no_lambda(&mut self, value: &Expr, function: &Function, parameters: usize) {
        if value.ty.has_unknown() {
            return;
        }
        let name = model::text::quote(&function.name);
        let form = if parameters == 1 { "x => .." } else { "(a, x) => .." };
        let message = format!("`{name}` takes a lambda here, not {}", show(&value.ty));
        let help = format!("write `{form}`");
        self.report(Diagnostic::new(Code::E010, value.span, message).help(help));
    }

    /// E011 where an element can never be equal to the value that is looked for.
    fn report_never_equal(&mut self, function: &Function, arguments: &[Argument<'_>]) {
        let [Argument::Value(list), Argument::Value(value)] = arguments else { return };
        let Type::List(element) = &list.ty else { return };
        let is_comparing = COMPARING.contains(&function.qualified().as_str());
        if is_comparing && **element != Type::Nothing && !join::overlap(element, &value.ty) {
            let message = format!(
                "an element of type {} is never equal to a value of type {}",
                show(element),
                show(&value.ty)
            );
            self.report(
                Diagnostic::new(Code::E011, value.span, message)
                    .label(list.span, format!("of type {}", show(&list.ty))),
            );
        }
    }

    /// E034 where a pattern that is written out cannot be used.
    fn report_bad_pattern(&mut self, function: &Function, arguments: &[Expr]) {
        if function.origin != Origin::Standard || function.name != "matches" {
            return;
        }
        if let [_, Expr { kind: Kind::Constant(Value::String(pattern)), span, .. }] = arguments
            && function.qualified() == MATCHES
            && let Some(fault) = self.pattern_fault(pattern)
        {
            self.report(Diagnostic::new(Code::E034, *span, fault.message));
        }
    }

    fn function_id(&mut self, function: &Function) -> u32 {
        let name = function.qualified();
        if let Some(&id) = self.called_by_name.get(&name) {
            return id;
        }
        let id = self.called.len() as u32;
        self.called_by_name.insert(name.clone(), id);
        self.called.push(program::Function {
            name,
            signature: function.signature.clone(),
            effect: function.effect,
            is_module: function.origin != Origin::Standard,
            pipeline: self.functions.pipeline(function).cloned(),
            limits: program::Limits::default(),
        });
        id
    }
}

/// An argument before its parameter's type is known.
enum Argument<'a> {
    Value(Expr),
    Lambda(&'a [syntax::Param], &'a syntax::Expr, Span),
}

/// A function with its arguments.
pub(super) struct Applied {
    pub(super) arguments: Vec<Expr>,
    pub(super) lambda: Option<Lambda>,
    pub(super) element: Option<Type>,
    pub(super) inputs: Option<Vec<InputId>>,
    pub(super) result: Type,
}

/// Whether calling it may change the world.
pub(super) fn is_write(function: &program::Function) -> bool {
    function.is_module && function.effect == Effect::Write
}
