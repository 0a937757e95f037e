//! Calls: arguments against parameters (specification 5.6), and options (section 10).

use model::plan::CallOptions;
use model::{Code, Diagnostic, Effect, Function, Signature, Span, Type};

use super::Checker;
use crate::program::{self, Expr, Kind};
use crate::syntax::{self, CallOption, ExprKind, OptionValue};

/// More attempts than this are probably a mistake.
const RETRY_USUAL_MAX: u32 = 10;

/// Options that this version does not have yet.
const UNAVAILABLE: [&str; 9] = [
    "timeout",
    "backoff",
    "fallback",
    "cache",
    "cache_backend",
    "throttle",
    "concurrency",
    "on_error",
    "priority",
];

impl<'a> Checker<'a> {
    pub(super) fn call(&mut self, call: &'a syntax::Call, span: Span) -> Expr {
        let name_span = match (call.path.first(), call.path.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => span,
        };
        let function = match self.functions.resolve(&call.path) {
            Ok(function) => self.available(function, name_span).then_some(function),
            Err(diagnostic) => {
                self.diagnostics.extend(diagnostic.map(|diagnostic| *diagnostic));
                None
            }
        };
        let Some(function) = function else {
            self.check_parts(call);
            self.options(&call.options, None);
            return Expr::broken(span);
        };
        let options = self.options(&call.options, Some(function));
        let Some(arguments) = self.arguments(call, function, name_span) else {
            return Expr::broken(span);
        };
        if function.eval.is_none() {
            self.nodes += 1;
        }
        let id = self.function_id(function);
        let kind = Kind::Call(id, arguments, options);
        Expr { kind, ty: function.signature.result.clone(), span }
    }

    fn available(&mut self, function: &Function, span: Span) -> bool {
        let name = model::text::quote(&function.name);
        let signature = &function.signature;
        let is_generic = |ty: &Type| has_variable(ty);
        let what =
            if function.namespace == "pipeline" || function.namespace.starts_with("pipeline.") {
                format!("calling the pipeline `{name}` from another one")
            } else if signature
                .parameters
                .iter()
                .map(|p| &p.ty)
                .chain([&signature.result])
                .any(is_generic)
            {
                format!("the generic function `{name}`")
            } else {
                return true;
            };
        let message = format!("{what} is not available in this version");
        self.report(Diagnostic::new(Code::E023, span, message));
        false
    }

    /// Finds the mistakes inside the arguments of a call that has no meaning itself.
    fn check_parts(&mut self, call: &'a syntax::Call) {
        let is_lambda = |argument: &&syntax::Expr| matches!(argument.kind, ExprKind::Lambda(..));
        for argument in call.arguments.iter().filter(|argument| !is_lambda(argument)) {
            self.infer_settled(argument);
        }
    }

    fn arguments(
        &mut self,
        call: &'a syntax::Call,
        function: &Function,
        name_span: Span,
    ) -> Option<Vec<Expr>> {
        let Signature { parameters, .. } = &function.signature;
        let name = model::text::quote(&function.name);
        if parameters.len() != call.arguments.len() {
            self.check_parts(call);
            let wanted = match parameters.len() {
                0 => "no arguments".to_string(),
                1 => "1 argument".to_string(),
                many => format!("{many} arguments"),
            };
            let given = call.arguments.len();
            let message = format!("`{name}` takes {wanted}, but {given} {} given", were(given));
            let help = format!("its signature is `{name}{}`", function.signature);
            self.report(Diagnostic::new(Code::E015, name_span, message).help(help));
            return None;
        }
        let mut arguments = Vec::with_capacity(parameters.len());
        for (argument, parameter) in call.arguments.iter().zip(parameters) {
            let inferred = self.infer(argument);
            let before = self.diagnostics.len();
            arguments.push(self.fit(inferred, &parameter.ty));
            if let Some(diagnostic) = self.diagnostics.get_mut(before) {
                let parameter = model::text::quote(&parameter.name);
                let text = format!("this is the parameter `{parameter}` of `{name}`");
                if diagnostic.span == argument.span && diagnostic.labels.is_empty() {
                    *diagnostic = diagnostic.clone().label(name_span, text);
                }
            }
        }
        Some(arguments)
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
            eval: function.eval,
        });
        id
    }

    fn options(&mut self, options: &'a [CallOption], function: Option<&Function>) -> CallOptions {
        let mut result = CallOptions::default();
        for (at, option) in options.iter().enumerate() {
            if let OptionValue::Expr(value) = &option.value {
                self.infer_settled(value);
            }
            let name = &option.name;
            let earlier = options[..at].iter().find(|earlier| earlier.name.text == name.text);
            if let Some(earlier) = earlier {
                let message = format!("the option `{}` is given twice", name.text);
                self.report(
                    Diagnostic::new(Code::E032, name.span, message)
                        .label(earlier.name.span, "first given here")
                        .help("remove one of the two"),
                );
                continue;
            }
            self.option(option, &mut result);
        }
        self.warn_of_idle_options(options, function);
        result
    }

    fn option(&mut self, option: &CallOption, result: &mut CallOptions) {
        let span = option.name.span;
        match (option.name.text.as_str(), &option.value) {
            ("retry", OptionValue::Int(count, at)) => match u32::try_from(*count) {
                Ok(count) => {
                    result.retry = count;
                    if count > RETRY_USUAL_MAX {
                        let message = format!("{count} further attempts are a lot");
                        let help = format!("{RETRY_USUAL_MAX} or fewer are usual, with a `delay`");
                        self.report(Diagnostic::new(Code::W004, *at, message).help(help));
                    }
                }
                Err(_) => self.invalid("retry", "a whole number from 0 up", *at),
            },
            ("delay", OptionValue::Duration(ms, at)) => {
                result.delay_ms = *ms;
                if *ms == 0 {
                    self.invalid("delay", "a duration above zero, such as `200ms`", *at);
                }
            }
            ("lazy", OptionValue::Flag) => result.lazy = true,
            ("lazy", OptionValue::Boolean(value, _)) => result.lazy = *value,
            ("retry", value) => {
                self.invalid("retry", "a whole number, such as `3`", place(value, span))
            }
            ("delay", value) => {
                self.invalid("delay", "a duration above zero, such as `200ms`", place(value, span));
            }
            ("lazy", value) => self.invalid("lazy", "`true` or `false`", place(value, span)),
            (name, _) if UNAVAILABLE.contains(&name) => {
                let message = format!("the option `{name}` is not available in this version");
                self.report(Diagnostic::new(Code::E023, span, message).help("remove it"));
            }
            (name, _) => {
                let name = model::text::quote(name);
                let message = format!("the option `{name}` is reserved for streaming");
                self.report(Diagnostic::new(Code::E023, span, message).help("remove it"));
            }
        }
    }

    fn invalid(&mut self, option: &str, form: &str, span: Span) {
        let message = format!("`{option}` takes {form}");
        self.report(Diagnostic::new(Code::E016, span, message));
    }

    fn warn_of_idle_options(&mut self, options: &[CallOption], function: Option<&Function>) {
        let Some(function) = function else { return };
        let find = |name: &str| options.iter().find(|option| option.name.text == name);
        if function.eval.is_some() {
            let name = model::text::quote(&function.name);
            for option in ["retry", "delay", "lazy"].into_iter().filter_map(find) {
                let message = format!("`{}` has no effect: `{name}` is computed", option.name.text);
                let diagnostic = Diagnostic::new(Code::W003, option.name.span, message);
                self.report(diagnostic.help("remove it; only modules are called"));
            }
            return;
        }
        if let (Some(delay), None) = (find("delay"), find("retry")) {
            let message = "`delay` has no effect without `retry`";
            let diagnostic = Diagnostic::new(Code::W003, delay.name.span, message);
            self.report(diagnostic.help("add `retry: 3`, or remove `delay`"));
        }
    }
}

/// Whether calling it may change the world.
pub(super) fn is_write(function: &program::Function) -> bool {
    function.eval.is_none() && function.effect == Effect::Write
}

fn place(value: &OptionValue, name: Span) -> Span {
    match value {
        OptionValue::Flag => name,
        OptionValue::Boolean(_, span) | OptionValue::Int(_, span) => *span,
        OptionValue::Duration(_, span) | OptionValue::Rate(_, _, span) => *span,
        OptionValue::String(_, span) | OptionValue::Other(span) => *span,
        OptionValue::Word(name) => name.span,
        OptionValue::Expr(expr) => expr.span,
    }
}

fn were(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// Whether the type has type variables or functions in it: only of generic functions.
fn has_variable(ty: &Type) -> bool {
    match ty {
        Type::Variable(_) | Type::Function(..) => true,
        Type::Record(record) => record.fields().iter().any(|field| has_variable(&field.ty)),
        Type::Union(union) => union.members().iter().any(|member| has_variable(&member.ty)),
        Type::List(inner) | Type::Map(_, inner) | Type::Optional(inner) => has_variable(inner),
        Type::String | Type::Int | Type::Float | Type::Boolean | Type::Literal(_) => false,
        Type::Nothing | Type::Unknown => false,
    }
}
