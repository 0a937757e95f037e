//! The way from source text to an image, and the readers of single types and signatures.

use std::collections::HashSet;

use model::{Catalog, Code, Diagnostic, Image, Parameter, Signature, Span, Type};

use crate::syntax::{Name, TypeExpr};
use crate::types::Types;
use crate::{check, lower, parser, seal};

/// What became of a source.
#[derive(Clone, Debug)]
pub struct Compilation {
    /// The compiled pipeline; `None` exactly if an error is among the diagnostics.
    pub image: Option<Image>,
    /// Errors and warnings in the order of their places.
    pub diagnostics: Vec<Diagnostic>,
}

/// The image of `source`, which may call what is in `catalog`, and all that is to be said about it.
pub fn compile(source: &str, catalog: &Catalog) -> Compilation {
    let (program, mut diagnostics) = checked(source, catalog);
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span, diagnostic.code));
    diagnostics.dedup();
    let is_sound = !diagnostics.iter().any(Diagnostic::is_error);
    let image =
        is_sound.then(|| Image { digest: seal::seal(&program), plan: lower::lower(&program) });
    let calls_pipelines = program.functions.iter().any(|function| function.pipeline.is_some());
    if calls_pipelines && image.as_ref().is_some_and(|image| !image.plan.validate()) {
        // What is built in is sound, so only its depth adds up to too much.
        let message = "expressions and the pipelines that they call are nested too deeply";
        let help = "give the inner ones names";
        diagnostics.push(Diagnostic::new(Code::E040, Span::default(), message).help(help));
        return Compilation { image: None, diagnostics };
    }
    Compilation { image, diagnostics }
}

/// The place of every declared name of `source` with its type, in source order; for tools. Where
/// something is erroneous, the type is unknown.
pub fn declared_types(source: &str, catalog: &Catalog) -> Vec<(Span, Type)> {
    checked(source, catalog).0.declared()
}

/// The type that `source` spells; only builtin names have a meaning.
pub fn ty(source: &str) -> Result<Type, Vec<Diagnostic>> {
    let (written, mut diagnostics) = parser::parse_type(source);
    let ty = written.map(|ty| Types::default().resolve(&ty, &mut diagnostics));
    sound(ty, diagnostics)
}

/// The signature that `source` spells, `(id: String) -> Int`; only builtin names have a meaning.
pub fn signature(source: &str) -> Result<Signature, Vec<Diagnostic>> {
    let (written, mut diagnostics) = parser::parse_signature(source);
    let signature = written.map(|(parameters, result)| {
        let mut names = HashSet::new();
        for (name, _) in parameters.iter().filter(|(name, _)| !names.insert(&name.text)) {
            let message = format!("there are two parameters `{}`", model::text::quote(&name.text));
            diagnostics.push(Diagnostic::new(Code::E030, name.span, message));
        }
        let types = Types::default();
        let parameter = |(name, ty): &(Name, TypeExpr)| Parameter {
            name: name.text.clone(),
            ty: types.resolve(ty, &mut diagnostics),
        };
        let parameters = parameters.iter().map(parameter).collect();
        Signature { parameters, result: types.resolve(&result, &mut diagnostics) }
    });
    sound(signature, diagnostics)
}

fn sound<T>(result: Option<T>, diagnostics: Vec<Diagnostic>) -> Result<T, Vec<Diagnostic>> {
    let is_sound = !diagnostics.iter().any(Diagnostic::is_error);
    result.filter(|_| is_sound).ok_or(diagnostics)
}

fn checked(source: &str, catalog: &Catalog) -> (crate::program::Program, Vec<Diagnostic>) {
    let (file, mut diagnostics) = parser::parse(source);
    let program = check::check(&file, catalog, &mut diagnostics);
    (program, diagnostics)
}
