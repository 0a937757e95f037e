//! `tidegate run`: a source, compiled and run in this process. Nothing is kept.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use model::json::{self, Fault};
use model::text::{cut, quote};
use model::{Diagnostic, Image, Plan, Type};
use server::wire::{self, Entry, Problem, ProblemKind, Timings};
use tidegate::{BuildError, Builder, Compilation, Error, ExecutionView, Tidegate};

use super::text;
use crate::answer::Answer;
use crate::args::{Modules, Run};
use crate::exit::{Exit, Refusal};
use crate::limits::MESSAGE_SHOWN_MAX;
use crate::source::Source;
use crate::{hint, problem, render, source, terminal, values};

pub(crate) fn run(args: &Run) -> Result<Exit, Refusal> {
    if source::is_stdin(&args.file) && args.values.inputs.as_deref().is_some_and(source::is_stdin) {
        let refusal = Refusal::usage("standard input cannot hold both the source and the inputs");
        return Err(refusal.help("Name a file for one of them"));
    }
    let source = source::read(&args.file)?;
    let tidegate = local(&args.modules)?;
    let started = Instant::now();
    let Compilation { image, diagnostics } = compile(&tidegate, &source)?;
    let compile_time = started.elapsed();
    let drawn = render::diagnostics(&source.name, &source.text, &diagnostics);
    let Some(image) = image else {
        let again = format!("tidegate check {}", hint::shell(source.argument()));
        let document = compile_failed(&diagnostics, &source.text);
        let text = drawn + &render::more(&diagnostics);
        return Err(Refusal::rendered(Exit::DoesNotCompile, text).document(document).next(again));
    };
    terminal::err(&drawn);
    let inputs = values::object(&args.values, &types(&image.plan))?;
    let started = Instant::now();
    let view = execute(&tidegate, image, &source.text, &inputs)?;
    let timings = Timings { compile: Some(compile_time), execute: Some(started.elapsed()) };
    report(args, &source, &text(wire::answer(&view, &timings).body))
}

/// An engine for this command alone, in memory.
pub(crate) fn local(modules: &Modules) -> Result<Tidegate, Refusal> {
    let builder = Tidegate::builder().wait(Duration::MAX);
    build(builder, modules)
}

/// Compiles a source here and now. Pipelines that it calls are files beside it.
pub(super) fn compile(tidegate: &Tidegate, source: &Source) -> Result<Compilation, Refusal> {
    let path = Path::new(source.argument());
    let compilation = super::runtime()?.block_on(tidegate.check_file(path, &source.text));
    compilation.map_err(|error| Refusal::new(Exit::Unavailable, error.to_string()))
}

/// The engine with these modules and caches.
pub(super) fn build(builder: Builder, modules: &Modules) -> Result<Tidegate, Refusal> {
    let mut builder = builder.caches(&modules.caches);
    if let Some(folder) = modules.folder() {
        builder = builder.modules(folder);
    }
    builder.build().map_err(|error| build_refusal(&error))
}

/// Why there is no engine: every fault of the manifests, or what is wrong with the data folder.
pub(super) fn build_refusal(error: &BuildError) -> Refusal {
    match error {
        BuildError::Modules(faults) => {
            let lines = faults.iter().map(|fault| Refusal::usage(fault.to_string()).text);
            Refusal::rendered(Exit::Usage, lines.collect())
        }
        BuildError::Name(message) => Refusal::usage(message),
        BuildError::Store(error) => {
            Refusal::new(Exit::Unavailable, cut(&error.to_string(), MESSAGE_SHOWN_MAX))
        }
    }
}

/// The inputs of a plan with their types.
fn types(plan: &Plan) -> BTreeMap<String, Type> {
    let inputs = plan.inputs.iter();
    inputs.map(|input| (input.name.to_string(), plan.ty(input.ty).clone())).collect()
}

/// ` name=value` for each required input.
pub(super) fn assignments(plan: &Plan) -> String {
    let mut text = String::new();
    for (id, input) in plan.inputs.iter().enumerate() {
        let ty = plan.ty(input.ty);
        if plan.is_required(id as u32) {
            let example = input.examples.first();
            let example = example.map(|id| json::to_string(ty, plan.constant(*id)));
            text.push_str(&format!(" {}", hint::assignment(&input.name, ty, example.as_deref())));
        }
    }
    text
}

fn execute(
    tidegate: &Tidegate,
    image: Image,
    source: &str,
    inputs: &str,
) -> Result<ExecutionView, Refusal> {
    let runtime = super::runtime()?;
    let result = runtime.block_on(tidegate.run_image(image, source, inputs));
    // A module may still be at work on what nobody needs any more.
    runtime.shutdown_background();
    result.map_err(|error| match error {
        Error::Inputs(faults) => {
            let lines = faults.iter().map(|fault| {
                let code = fault.code.as_str();
                problem::fault(code, &fault.pointer, &fault.message, fault.help.as_deref())
            });
            let refusal = Refusal::rendered(Exit::Usage, lines.collect());
            refusal.document(input_invalid(faults))
        }
        other => Refusal::new(Exit::Unavailable, quote(&other.to_string())),
    })
}

/// The problem documents that a server would answer with.
fn compile_failed(diagnostics: &[Diagnostic], source: &str) -> String {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let mut problem = Problem::new(ProblemKind::CompileFailed, format!("{errors} error(s)"));
    let entries = diagnostics.iter().map(|it| wire::diagnostic(it, source));
    problem.errors = entries.map(Entry::Diagnostic).collect();
    text(problem.document().body)
}

pub(super) fn input_invalid(faults: Vec<Fault>) -> String {
    let detail = format!("{} fault(s)", faults.len());
    let mut problem = Problem::new(ProblemKind::InputInvalid, detail);
    problem.errors = faults.into_iter().map(Entry::from).collect();
    text(problem.document().body)
}

fn report(args: &Run, source: &Source, document: &str) -> Result<Exit, Refusal> {
    let answer = Answer::read(document)
        .map_err(|error| Refusal::new(Exit::Unavailable, format!("broken answer: {error}")))?;
    if args.json.json {
        terminal::out(&format!("{document}\n"));
        return Ok(answer.exit());
    }
    super::say(&answer, true, &next_command(args, source, &answer));
    Ok(answer.exit())
}

/// Suspended: the same with what is missing; nothing of a local run is kept to be resumed.
/// Completed: the way to a pipeline with a name. Failed: other values.
fn next_command(args: &Run, source: &Source, answer: &Answer) -> String {
    let file = hint::shell(source.argument());
    if answer.exit() == Exit::Completed {
        return match source.stem() {
            Some(stem) if stem.parse::<tidegate::PipelineName>().is_ok() => {
                format!("tidegate compile {file} --name {stem}")
            }
            _ => "tidegate serve".to_owned(),
        };
    }
    let given = args.values.assignments.iter();
    // Values with which it failed are not worth another try, unless a module is to blame.
    let is_worth_a_try = answer.exit() != Exit::Failed || answer.is_failed_by_module();
    let given: String = given
        .map(|it| match is_worth_a_try {
            true => format!(" {}", hint::shell(&it.to_string())),
            false => format!(" {}=…", it.name()),
        })
        .collect();
    let flag = |name: &str, path: &Option<std::path::PathBuf>| match path {
        Some(path) => format!(" --{name} {}", hint::shell(&path.to_string_lossy())),
        None => String::new(),
    };
    let inputs = flag("inputs", &args.values.inputs);
    let modules = flag("modules", &args.modules.modules);
    format!("tidegate run {file}{given}{}{inputs}{modules}", answer.assignments())
}
