//! What checking a source says, as JSON: the answer of `POST /check`, and of `tidegate check --json`
//! for each file.

use graph::Graph;
use lang::Compilation;
use model::Plan;
use model::limits::FAULTS_MAX;

use super::diagnostic::diagnostic;
use super::object::{Object, list};
use super::pipeline::ends;

/// `{ file?, ok, structuralHash?, diagnostics, inputs, outputs, graph }`. Of a source that does not
/// compile, nothing is known but its diagnostics, so the rest is empty. Diagnostics are cut at a
/// bound; errors come before warnings, so that a cut never hides why a source is not `ok`.
pub fn checked(file: Option<&str>, source: &str, compilation: &Compilation) -> Vec<u8> {
    let Compilation { image, diagnostics } = compilation;
    let mut out = Vec::with_capacity(1_024);
    let mut object = Object::begin(&mut out);
    object.maybe_text("file", file);
    object.boolean("ok", image.is_some());
    if let Some(image) = image {
        object.id("structuralHash", image.digest);
    }
    let errors = diagnostics.iter().filter(|one| one.is_error());
    let warnings = diagnostics.iter().filter(|one| !one.is_error());
    list(object.key("diagnostics"), errors.chain(warnings).take(FAULTS_MAX), |out, one| {
        out.extend(diagnostic(one, source));
    });
    let nothing = Plan::default();
    let plan = image.as_ref().map_or(&nothing, |image| &image.plan);
    ends(&mut object, plan);
    object.key("graph").extend(graph::json(&Graph::of(plan)));
    object.end();
    out
}
