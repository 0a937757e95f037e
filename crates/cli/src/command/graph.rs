//! `tidegate graph`: what a pipeline reads from what, as a picture or as data.

use graph::Graph;
use model::text::quote;
use tidegate::Compilation;

use super::text;
use crate::args::{self, Format};
use crate::exit::{Exit, Refusal, next};
use crate::{hint, render, source, terminal};

pub(crate) fn graph(args: &args::Graph) -> Result<Exit, Refusal> {
    let source = source::read(&args.file)?;
    let tidegate = super::run::local(&args.modules)?;
    let Compilation { image, diagnostics } = super::run::compile(&tidegate, &source)?;
    let drawn = render::diagnostics(&source.name, &source.text, &diagnostics);
    let file = hint::shell(source.argument());
    let Some(image) = image else {
        let again = format!("tidegate check {file}");
        return Err(Refusal::rendered(Exit::DoesNotCompile, drawn).next(again));
    };
    terminal::err(&drawn);
    let graph = Graph::of(&image.plan);
    let document = match args.format {
        Format::Svg => {
            let title = source.stem().unwrap_or("pipeline");
            graph::svg(&graph, title).map_err(|error| {
                Refusal::usage(format!("cannot draw `{}`: {error}", quote(&source.name)))
                    .help("The formats `dot`, `mermaid` and `json` have no such limit")
                    .next(format!("tidegate graph {file} --format dot"))
            })?
        }
        Format::Dot => graph::dot(&graph),
        Format::Mermaid => graph::mermaid(&graph),
        Format::Json => text(graph::json(&graph)) + "\n",
    };
    terminal::out(&document);
    let inputs = super::run::assignments(&image.plan);
    terminal::err(&next(&format!("tidegate run {file}{inputs}")));
    Ok(Exit::Completed)
}
