//! `tidegate check`: what is wrong with sources.

use model::text::quote;
use tidegate::Compilation;

use super::{body, text};
use crate::args::Check;
use crate::exit::{Exit, Refusal, next};
use crate::source::{self, Source};
use crate::terminal::{ERROR, GOOD};
use crate::{hint, render, terminal};

pub(crate) fn check(args: &Check) -> Result<Exit, Refusal> {
    let sources = args.files.iter().map(|path| source::read(path));
    let sources = sources.collect::<Result<Vec<_>, _>>()?;
    let tidegate = super::run::local(&args.modules)?;
    let compilations = sources.iter().map(|source| super::run::compile(&tidegate, source));
    let compilations = compilations.collect::<Result<Vec<Compilation>, _>>()?;
    let checked: Vec<(&Source, &Compilation)> = sources.iter().zip(&compilations).collect();
    if args.json.json {
        terminal::out(&format!("{}\n", document(&checked)));
    } else {
        say(&checked);
    }
    let is_ok = compilations.iter().all(|compilation| compilation.image.is_some());
    Ok(if is_ok { Exit::Completed } else { Exit::DoesNotCompile })
}

fn say(checked: &[(&Source, &Compilation)]) {
    for (source, compilation) in checked {
        terminal::err(&render::diagnostics(&source.name, &source.text, &compilation.diagnostics));
    }
    for (source, compilation) in checked {
        let name = quote(&source.name);
        match &compilation.image {
            Some(image) => {
                terminal::out(&format!("{GOOD}ok{GOOD:#}     {name}  {}\n", image.digest))
            }
            None => terminal::out(&format!("{ERROR}error{ERROR:#}  {name}\n")),
        }
    }
    let diagnostics = checked.iter().flat_map(|(_, compilation)| &compilation.diagnostics);
    terminal::err(&render::more(diagnostics));
    terminal::err(&next(&next_command(checked)));
}

/// To run the first one if all is well, else to check the wrong ones again.
fn next_command(checked: &[(&Source, &Compilation)]) -> String {
    let wrong = checked.iter().filter(|(_, compilation)| compilation.image.is_none());
    let wrong: String =
        wrong.map(|(source, _)| format!(" {}", hint::shell(source.argument()))).collect();
    match checked {
        [(source, Compilation { image: Some(image), .. }), ..] if wrong.is_empty() => {
            let file = hint::shell(source.argument());
            format!("tidegate run {file}{}", super::run::assignments(&image.plan))
        }
        _ => format!("tidegate check{wrong}"),
    }
}

/// `ok` is about all files; of each it says what a server says of a source.
fn document(checked: &[(&Source, &Compilation)]) -> String {
    let file = |(source, compilation): &(&Source, &Compilation)| {
        text(server::wire::checked(Some(&source.name), &source.text, compilation))
    };
    let files: Vec<String> = checked.iter().map(file).collect();
    let is_ok = checked.iter().all(|(_, compilation)| compilation.image.is_some());
    body(&[("ok", is_ok.to_string()), ("files", format!("[{}]", files.join(",")))])
}
