//! Images that no compiler made: they are refused in bounded time, since whoever runs a plan relies
//! on its form.

extern crate tidegate_model as model;

use model::plan::{
    Arm, Binding, BindingKind, Call, CallOptions, Each, Expr, ModuleUse, Otherwise, Output,
    Pattern, Rescue, Reshape, Source,
};
use model::{Digest, Effect, Image, ImageFault, Plan, Signature, Span, Type, Value};

/// A plan of one binding whose root is the last expression.
fn plan(exprs: Vec<Expr>) -> Plan {
    let binding = Binding {
        name: "r".into(),
        kind: BindingKind::Named,
        ty: 0,
        root: exprs.len() as u32 - 1,
        locals: 0,
        span: Span::default(),
    };
    let output = Output { name: "r".into(), source: Source::Binding(0), description: None };
    Plan {
        bindings: vec![binding],
        outputs: vec![output],
        spans: vec![Span::default(); exprs.len()],
        exprs,
        constants: vec![Value::Int(0)],
        types: vec![Type::Int],
        functions: vec!["stdlib.collection.map".into()],
        ..Plan::default()
    }
}

fn decoded(plan: Plan) -> Result<Image, ImageFault> {
    Image::decode(&Image { digest: Digest([0; 32]), plan }.encode())
}

fn assert_refused(plan: Plan) {
    assert_eq!(decoded(plan).map(|_| ()), Err(ImageFault::Malformed));
}

fn constant() -> Expr {
    Expr::Constant(0)
}

#[test]
fn a_sound_plan_is_read() {
    assert!(decoded(plan(vec![constant(), Expr::List(vec![0])])).is_ok());
}

#[test]
fn no_expression_has_two_users() {
    assert_refused(plan(vec![constant(), Expr::List(vec![0, 0])]));
    // Walked as a tree, this would have 2^60 leaves.
    let mut exprs = vec![constant()];
    exprs.extend((0..60).map(|at| Expr::List(vec![at, at])));
    assert_refused(plan(exprs));
}

#[test]
fn no_pattern_has_two_users() {
    let matching = |patterns: Vec<Pattern>| {
        let arms = vec![Arm { pattern: patterns.len() as u32 - 1, guard: None, body: 1 }];
        let exprs = vec![constant(), constant(), Expr::Match { subject: 0, arms }];
        Plan { patterns, ..plan(exprs) }
    };
    assert!(decoded(matching(vec![Pattern::Any, Pattern::Some(0)])).is_ok());
    let mut patterns = vec![Pattern::Any];
    patterns.extend((0..60).map(|at| Pattern::Record(vec![(0, at), (0, at)])));
    assert_refused(matching(patterns));
}

#[test]
fn no_reshape_makes_more_than_a_conversion_can() {
    let shaping = |reshapes: Vec<Reshape>| {
        let exprs = vec![constant(), Expr::Reshape(0, reshapes.len() as u32 - 1)];
        Plan { reshapes, ..plan(exprs) }
    };
    let pair = |at| Reshape::Record(vec![Some((0, at)), Some((0, at))]);
    // Parts may be shared: equal conversions are made once.
    assert!(decoded(shaping(vec![Reshape::Keep, pair(0)])).is_ok());
    let doubling = std::iter::once(Reshape::Keep).chain((0..60).map(pair));
    assert_refused(shaping(doubling.collect()));
}

#[test]
fn locals_are_as_many_as_can_be_bound() {
    let mut many = plan(vec![constant()]);
    many.bindings[0].locals = u32::MAX;
    assert_refused(many);
}

#[test]
fn nothing_is_nested_too_deep() {
    let chain = |depth| {
        let exprs: Vec<Expr> =
            std::iter::once(constant()).chain((0..depth).map(Expr::Not)).collect();
        plan(exprs)
    };
    assert!(decoded(chain(100)).is_ok());
    assert_refused(chain(100_000));
}

#[test]
fn a_call_knows_the_lambdas_around_it() {
    let calling = |depth: u32| {
        let each = Each { function: 0, arguments: vec![0], parameters: vec![], body: 1 };
        let signature = Signature { parameters: vec![], result: Type::Int };
        let options = CallOptions::default();
        Plan {
            modules: vec![ModuleUse { name: "M".into(), signature, effect: Effect::Read }],
            calls: vec![Call {
                module: 0,
                arguments: vec![],
                binding: 0,
                place: 1,
                depth,
                options,
                span: Span::default(),
            }],
            ..plan(vec![constant(), Expr::Call(0), Expr::Each(each.into())])
        }
    };
    assert!(decoded(calling(1)).is_ok());
    assert_refused(calling(0));
    assert_refused(calling(2));
}

#[test]
fn only_calls_are_rescued() {
    let rescue = |otherwise| Rescue { of: 0, fallback: None, otherwise };
    assert_refused(plan(vec![constant(), Expr::Rescue(rescue(Otherwise::Wrap))]));
}
