//! `tidegate module`: what can be called here, and one of it called by itself.

use std::collections::BTreeMap;

use engine::ports::{ModuleCall, RegisteredModule};
use engine::{EngineError, supply};
use model::json;
use model::text::{cut, did_you_mean, quote};
use model::{Text, Type};
use server::wire::{self, Problem};
use tidegate::{BuildError, Tested, Tidegate};
use uuid::Uuid;

use super::run::{build_refusal, input_invalid, local};
use super::text;
use crate::args::{ModuleCommand, ModuleImport, ModuleInvoke, ModuleList, ModuleShow, ModuleTest};
use crate::exit::{Exit, Refusal, next};
use crate::limits::MESSAGE_SHOWN_MAX;
use crate::terminal::{ERROR, GOOD, NAME, QUIET};
use crate::{hint, problem, show, terminal, values};

pub(crate) fn module(command: &ModuleCommand) -> Result<Exit, Refusal> {
    match command {
        ModuleCommand::List(args) => list(args),
        ModuleCommand::Show(args) => one(args),
        ModuleCommand::Invoke(args) => invoke(args),
        ModuleCommand::Test(args) => test(args),
        ModuleCommand::Import(ModuleImport::Openapi(args)) => super::import::openapi(args),
    }
}

fn list(args: &ModuleList) -> Result<Exit, Refusal> {
    let tidegate = local(&args.modules)?;
    let registry = tidegate.engine().registry();
    if args.json.json {
        let all: Vec<_> = registry.iter().collect();
        terminal::out(&format!("{}\n", text(wire::modules(&all, None))));
        return Ok(Exit::Completed);
    }
    let rows = registry.iter().map(|(name, module)| {
        let signature = cut(&module.signature.to_string(), MESSAGE_SHOWN_MAX);
        [format!("{NAME}{name}{NAME:#}"), module.effect.to_string(), signature]
    });
    terminal::out(&show::rows(rows.collect(), ""));
    match registry.iter().next() {
        Some((name, _)) => terminal::err(&next(&format!("tidegate module show {name}"))),
        None => terminal::err("There are no modules. They are declared in `modules/*.toml`.\n"),
    }
    Ok(Exit::Completed)
}

fn one(args: &ModuleShow) -> Result<Exit, Refusal> {
    let tidegate = local(&args.modules)?;
    let (name, module) = find(&tidegate, &args.name)?;
    if args.json.json {
        terminal::out(&format!("{}\n", text(wire::module_document(&name, &module))));
        return Ok(Exit::Completed);
    }
    terminal::out(&format!("{NAME}{name}{NAME:#}{}\n", module.signature));
    if !module.doc.is_empty() {
        terminal::out(&format!("{}\n", cut(&module.doc, MESSAGE_SHOWN_MAX)));
    }
    let rows = [("effect", module.effect.to_string()), ("declared in", module.origin.to_string())];
    terminal::out(&show::rows(rows.map(|(key, value)| [key.to_owned(), value]).to_vec(), "  "));
    terminal::err(&next(&example(&name, &module)));
    Ok(Exit::Completed)
}

fn invoke(args: &ModuleInvoke) -> Result<Exit, Refusal> {
    let tidegate = local(&args.modules)?;
    let (name, module) = find(&tidegate, &args.name)?;
    let parameters = module.signature.parameters.iter();
    let types: BTreeMap<String, Type> =
        parameters.map(|it| (it.name.to_string(), it.ty.clone())).collect();
    let inputs = values::object(&args.values, &types)?;
    let members =
        json::entries(&inputs).map_err(|fault| Refusal::usage(format!("the inputs: {fault}")))?;
    let arguments =
        supply::arguments(&module.signature, &members, "/inputs").map_err(|faults| {
            let lines = faults.iter().map(|fault| {
                problem::fault(
                    fault.code.as_str(),
                    &fault.pointer,
                    &fault.message,
                    fault.help.as_deref(),
                )
            });
            let again = example(&name, &module);
            let refusal = Refusal::rendered(Exit::Usage, lines.collect()).next(again);
            refusal.document(input_invalid(faults))
        })?;
    let key = format!("invoke/{}", Uuid::now_v7()).into();
    let call = ModuleCall { arguments, key, attempt: 1, trace: None };
    let ty = module.signature.result.clone();
    let runtime = super::runtime()?;
    let invoked = runtime.block_on(tidegate.engine().invoke(&name, module, call));
    // A call that took too long may still be at work.
    runtime.shutdown_background();
    let unavailable =
        |error: EngineError| Refusal::new(Exit::Unavailable, quote(&error.to_string()));
    match invoked.map_err(unavailable)? {
        Ok(output) => {
            let shown = match args.json.json {
                true => text(wire::invoked(&ty, &output)),
                false => show::value(&json::to_string(&ty, &output)),
            };
            terminal::out(&format!("{shown}\n"));
            Ok(Exit::Completed)
        }
        Err(failure) => {
            let document = wire::not_invoked(&name, &failure);
            let message = format!("`{name}` failed with {}: {}", failure.code, failure.message);
            Err(Refusal::new(Exit::Failed, message).document(text(document.body)))
        }
    }
}

fn test(args: &ModuleTest) -> Result<Exit, Refusal> {
    let Some(folder) = args.modules.folder() else {
        return Err(Refusal::usage("there is no folder `modules`").help("Name it: `--modules DIR`"));
    };
    let tested = tidegate::test_modules(&folder, args.name.as_deref())
        .map_err(|faults| build_refusal(&BuildError::Modules(faults)))?;
    if args.json.json {
        let items: Vec<_> = tested.iter().map(test_document).collect();
        terminal::out(&format!("{}\n", serde_json::json!({ "items": items })));
    } else {
        tested.iter().for_each(|test| terminal::out(&shown_test(test)));
    }
    let failed = tested.iter().filter(|test| !test.differences.is_empty()).count();
    let passed = tested.len() - failed;
    match tested.len() {
        0 => terminal::err("There are no tests. They are written `[[module.NAME.test]]`.\n"),
        _ => terminal::err(&format!("\n{passed} passed, {failed} failed\n")),
    }
    Ok(if failed == 0 { Exit::Completed } else { Exit::Failed })
}

fn shown_test(test: &Tested) -> String {
    let name = match &test.name {
        Some(name) => format!("{}: {}", test.module, quote(name)),
        None => format!("{}: test {}", test.module, test.number),
    };
    if test.differences.is_empty() {
        return format!("{GOOD}ok{GOOD:#}     {name}\n");
    }
    let place = format!("{}:{}", quote(&test.file.to_string_lossy()), test.line);
    let differences = test.differences.iter();
    let lines = differences.map(|it| format!("       {}\n", cut(it, MESSAGE_SHOWN_MAX)));
    let lines: String = lines.collect();
    format!("{ERROR}failed{ERROR:#} {name} {QUIET}({place}){QUIET:#}\n{lines}")
}

fn test_document(test: &Tested) -> serde_json::Value {
    serde_json::json!({
        "module": test.module.as_str(),
        "number": test.number,
        "name": test.name,
        "file": test.file.to_string_lossy(),
        "line": test.line,
        "passed": test.differences.is_empty(),
        "differences": test.differences,
    })
}

fn find(tidegate: &Tidegate, wanted: &str) -> Result<(Text, RegisteredModule), Refusal> {
    let registry = tidegate.engine().registry();
    if let Some((name, module)) = registry.get(wanted) {
        return Ok((name.clone(), module.clone()));
    }
    let names = registry.iter().map(|(name, _)| name.as_str());
    let help = did_you_mean(wanted, names).unwrap_or_else(|| "They are in `modules/*.toml`".into());
    let message = format!("there is no module `{}`", quote(wanted));
    let document = Problem::new(wire::ProblemKind::NotFound, message.clone()).document();
    Err(Refusal::new(Exit::NotFound, message)
        .help(help)
        .next("tidegate module list")
        .document(text(document.body)))
}

/// The command that calls it, with values of its parameters' types.
fn example(name: &str, module: &RegisteredModule) -> String {
    let parameters = module.signature.parameters.iter();
    let needed = parameters.filter(|parameter| !parameter.ty.is_optional());
    let values: String = needed
        .map(|parameter| format!(" {}", hint::assignment(&parameter.name, &parameter.ty, None)))
        .collect();
    format!("tidegate module invoke {name}{values}")
}
