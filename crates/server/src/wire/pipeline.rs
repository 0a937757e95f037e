//! Pipelines and their aliases as JSON.

use engine::ports::{AliasRow, SavedPipeline, StoredImage};
use model::plan::InputId;
use model::{Digest, Plan, json};

use super::object::{Object, list};

/// The answer of `/compile`. `warnings` are documents that [`diagnostic`](super::diagnostic()) wrote.
pub(crate) fn compiled(
    digest: Digest,
    plan: &Plan,
    alias: Option<&str>,
    saved: SavedPipeline,
    warnings: &[Vec<u8>],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    let mut object = Object::begin(&mut out);
    object.id("structuralHash", digest);
    object.maybe_text("alias", alias);
    if let Some(version) = saved.version {
        object.number("version", version);
    }
    object.boolean("created", saved.is_new);
    signature(&mut object, plan);
    list(object.key("warnings"), warnings, |out, warning| out.extend(warning));
    object.end();
    out
}

/// A kept pipeline.
pub(crate) struct Pipeline<'a> {
    pub(crate) plan: &'a Plan,
    /// The alias that named it.
    pub(crate) alias: Option<&'a AliasRow>,
    pub(crate) stored: &'a StoredImage,
    /// The aliases that point to it.
    pub(crate) aliases: &'a [AliasRow],
    /// The newest versions of the alias that named it.
    pub(crate) versions: Option<&'a [AliasRow]>,
}

impl Pipeline<'_> {
    /// Everything about it.
    pub(crate) fn write(&self) -> Vec<u8> {
        let Pipeline { plan, alias, stored, aliases, versions } = self;
        let mut out = Vec::with_capacity(512 + stored.source.len());
        let mut object = Object::begin(&mut out);
        object.id("structuralHash", stored.digest);
        if let Some(row) = alias {
            object.text("alias", &row.name);
            object.number("version", row.version);
            object.time("movedAt", row.moved_at);
        }
        object.time("createdAt", stored.created_at);
        signature(&mut object, plan);
        object.text("source", &stored.source);
        rows(object.key("aliases"), aliases);
        if let Some(versions) = versions {
            rows(object.key("versions"), versions);
        }
        object.end();
        out
    }
}

fn rows(out: &mut Vec<u8>, rows: &[AliasRow]) {
    list(out, rows, |out, row| {
        let mut object = Object::begin(out);
        pipeline_item(&mut object, row);
        object.end();
    });
}

/// A named pipeline in a listing.
pub(crate) fn pipeline_item(object: &mut Object<'_>, row: &AliasRow) {
    object.text("name", &row.name);
    object.number("version", row.version);
    object.id("structuralHash", row.digest);
    object.time("movedAt", row.moved_at);
}

/// What goes in, what comes out, and what is called in between.
fn signature(object: &mut Object<'_>, plan: &Plan) {
    ends(object, plan);
    list(object.key("modules"), &plan.modules, |out, module| {
        let mut object = Object::begin(out);
        object.text("name", &module.name);
        object.shown("signature", &module.signature);
        object.shown("effect", module.effect);
        object.end();
    });
}

/// What goes in and what comes out.
pub(super) fn ends(object: &mut Object<'_>, plan: &Plan) {
    list(object.key("inputs"), 0..plan.inputs.len() as InputId, |out, id| {
        let mut object = Object::begin(out);
        input(&mut object, plan, id, plan.is_required(id));
        object.end();
    });
    list(object.key("outputs"), &plan.outputs, |out, output| {
        let mut object = Object::begin(out);
        object.text("name", &output.name);
        object.shown("type", plan.output_type(output));
        object.maybe_text("description", output.description.as_deref());
        object.end();
    });
}

/// An input with all that a form needs.
pub(super) fn input(object: &mut Object<'_>, plan: &Plan, id: InputId, required: bool) {
    let input = &plan.inputs[id as usize];
    let ty = plan.ty(input.ty);
    object.text("name", &input.name);
    object.shown("type", ty);
    object.json("schema", &json::schema(ty));
    object.maybe_text("title", input.title.as_deref());
    object.maybe_text("description", input.description.as_deref());
    if !input.examples.is_empty() {
        list(object.key("examples"), &input.examples, |out, &example| {
            json::write(ty, plan.constant(example), out);
        });
    }
    if let Some(default) = input.default {
        object.value("default", ty, plan.constant(default));
    }
    object.boolean("required", required);
}
