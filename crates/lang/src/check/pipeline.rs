//! Calls of stored pipelines: a record of inputs against those that the pipeline has.

use std::collections::HashSet;
use std::sync::Arc;

use model::limits::{EMBEDDED_EXPRS_MAX, PIPELINE_DEPTH_MAX};
use model::plan::InputId;
use model::text::{did_you_mean, quote};
use model::types::is_subtype;
use model::{Code, Diagnostic, Function, Image, Plan, Span, Type};

use super::Checker;
use super::call::Applied;
use super::expect::show;
use crate::lower;
use crate::program::{Expr, Kind};
use crate::syntax;

impl<'a> Checker<'a> {
    /// A call of the pipeline `function`, which is `image`; `None` after an error.
    pub(super) fn pipeline(
        &mut self,
        call: &'a syntax::Call,
        function: &Function,
        image: &Arc<Image>,
        name_span: Span,
    ) -> Option<Applied> {
        let [argument] = call.arguments.as_slice() else {
            self.check_parts(call);
            let name = quote(&function.name);
            let message = format!("the pipeline `{name}` takes one record with its inputs");
            let help = format!("write `pipeline.{name}({{ .. }})`; it is `{}`", function.signature);
            self.report(Diagnostic::new(Code::E015, name_span, message).help(help));
            return None;
        };
        let argument = self.infer(argument);
        if !self.may_be_built_in(function, &image.plan, name_span) {
            return None;
        }
        let (arguments, inputs) = match argument.kind {
            Kind::Record(fields) => {
                // An unknown name may well be a missing one, misspelt.
                let inputs = self.given(function, &image.plan, &fields)?;
                let given = fields.iter().map(|(name, _)| name.as_str()).collect();
                let is_complete = self.has_inputs(function, &image.plan, &given, argument.span);
                let values = fields.into_iter().zip(&inputs).map(|((_, value), input)| {
                    let ty = image.plan.inputs[*input as usize].ty;
                    self.fit(value, image.plan.ty(ty))
                });
                let values: Vec<Expr> = values.collect();
                (is_complete.then_some(values)?, Some(inputs))
            }
            _ => {
                let argument = self.settle(argument);
                self.check_record(function, &image.plan, &argument).then_some(())?;
                (vec![argument], None)
            }
        };
        let result = function.signature.result.clone();
        Some(Applied { arguments, lambda: None, element: None, inputs, result })
    }

    /// Whether the pipeline can be a part of another one at all.
    fn may_be_built_in(&mut self, function: &Function, plan: &Plan, span: Span) -> bool {
        let name = quote(&function.name);
        let waiting = plan.inputs.iter().find(|it| it.deadline_ms.is_some() || it.event.is_some());
        if let Some(input) = waiting {
            let message = format!(
                "the pipeline `{name}` cannot be called: its input `{}` waits for an event or for a time",
                quote(&input.name)
            );
            let help = "move what waits into this pipeline, and give the other one its value";
            self.report(Diagnostic::new(Code::E015, span, message).help(help));
            return false;
        }
        self.nodes += plan.calls.len() + plan.bindings.len();
        self.embedded += plan.exprs.len();
        // The caller is one more.
        let depth = lower::depth(plan) + 1;
        if depth > PIPELINE_DEPTH_MAX || self.embedded > EMBEDDED_EXPRS_MAX {
            let message = match depth > PIPELINE_DEPTH_MAX {
                true => format!("more than {PIPELINE_DEPTH_MAX} pipelines call each other"),
                false => format!("the called pipelines have more than {EMBEDDED_EXPRS_MAX} parts"),
            };
            let help = "start it as an execution of its own";
            self.report(Diagnostic::new(Code::E040, span, message).help(help));
            return false;
        }
        true
    }

    /// The inputs that the fields of a literal are for.
    fn given(
        &mut self,
        function: &Function,
        plan: &Plan,
        fields: &[(model::Text, Expr)],
    ) -> Option<Vec<InputId>> {
        let mut inputs = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            let Some(input) = plan.input(name) else {
                let message = format!(
                    "the pipeline `{}` has no input `{}`",
                    quote(&function.name),
                    quote(name)
                );
                let known = plan.inputs.iter().map(|input| input.name.as_str());
                let help = did_you_mean(name, known).unwrap_or_else(|| takes(plan));
                self.report(Diagnostic::new(Code::E015, value.span, message).help(help));
                continue;
            };
            inputs.push(input);
        }
        (inputs.len() == fields.len()).then_some(inputs)
    }

    /// Whether every input that must be given is.
    fn has_inputs(
        &mut self,
        function: &Function,
        plan: &Plan,
        given: &HashSet<&str>,
        span: Span,
    ) -> bool {
        let required = (0..).zip(&plan.inputs).filter(|(id, _)| plan.is_required(*id));
        let missing = required.filter(|(_, input)| !given.contains(input.name.as_str()));
        let missing: Vec<String> =
            missing.map(|(_, input)| format!("`{}`", quote(&input.name))).collect();
        if missing.is_empty() {
            return true;
        }
        let inputs = if missing.len() == 1 { "input" } else { "inputs" };
        let message = format!(
            "the pipeline `{}` needs the {inputs} {}",
            quote(&function.name),
            missing.join(" and ")
        );
        self.report(Diagnostic::new(Code::E015, span, message).help(takes(plan)));
        false
    }

    /// Whether a computed record has what the pipeline needs; further fields do no harm.
    fn check_record(&mut self, function: &Function, plan: &Plan, argument: &Expr) -> bool {
        let Type::Record(record) = &argument.ty else {
            if !argument.ty.has_unknown() {
                let message = format!(
                    "the pipeline `{}` takes a record with its inputs, not {}",
                    quote(&function.name),
                    show(&argument.ty)
                );
                let help = takes(plan);
                self.report(Diagnostic::new(Code::E010, argument.span, message).help(help));
            }
            return false;
        };
        let given = record.fields().iter().map(|field| field.name.as_str()).collect();
        let mut is_sound = self.has_inputs(function, plan, &given, argument.span);
        for input in &plan.inputs {
            let wanted = plan.ty(input.ty);
            if let Some(ty) = record.get(&input.name).filter(|ty| !is_subtype(ty, wanted)) {
                is_sound = false;
                let message = format!(
                    "the input `{}` of the pipeline `{}` is {}, but this field is {}",
                    quote(&input.name),
                    quote(&function.name),
                    show(wanted),
                    show(ty)
                );
                self.report(Diagnostic::new(Code::E010, argument.span, message));
            }
        }
        is_sound
    }
}

/// Tells the inputs of a pipeline.
fn takes(plan: &Plan) -> String {
    let inputs: Vec<String> = (0..)
        .zip(&plan.inputs)
        .map(|(id, input)| {
            let (name, ty) = (quote(&input.name), quote(&plan.ty(input.ty).to_string()));
            format!("`{name}{}: {ty}`", if plan.is_required(id) { "" } else { "?" })
        })
        .collect();
    match inputs.as_slice() {
        [] => "it has no inputs: write `{}`".to_owned(),
        [one] => format!("its input is {one}"),
        many => format!("its inputs are {}", many.join(", ")),
    }
}
