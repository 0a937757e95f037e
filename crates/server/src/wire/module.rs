//! Modules, and what became of one that was called by itself, as JSON.

use engine::{MissingModule, RegisteredModule};
use model::{Failure, Text, Type, Value};

use super::execution::{failure, failure_detail};
use super::object::{Object, list};
use super::{Document, Problem, ProblemKind, page, whole};

/// A page of modules: the answer of `GET /modules`, and of `tidegate module list --json`.
pub fn modules(modules: &[(&Text, &RegisteredModule)], next_cursor: Option<&str>) -> Vec<u8> {
    page(modules, next_cursor, |object, (name, module)| self::module(object, name, module))
}

/// One module: the answer of `GET /modules/{name}`.
pub fn module_document(name: &str, module: &RegisteredModule) -> Vec<u8> {
    whole(|object| self::module(object, name, module))
}

fn module(object: &mut Object<'_>, name: &str, module: &RegisteredModule) {
    object.text("name", name);
    object.shown("signature", &module.signature);
    object.shown("effect", module.effect);
    object.text("description", &module.doc);
    object.text("origin", &module.origin);
}

/// That the server is ready, with the modules that stored pipelines miss.
pub(crate) fn ready(missing: &[MissingModule]) -> Vec<u8> {
    whole(|object| {
        object.text("status", "ready");
        if !missing.is_empty() {
            list(object.key("missingModules"), missing, |out, module| {
                let mut object = Object::begin(out);
                object.text("name", &module.name);
                object.text("message", &module.reason);
                object.end();
            });
        }
    })
}

/// What a module gave.
pub fn invoked(ty: &Type, output: &Value) -> Vec<u8> {
    whole(|object| object.value("output", ty, output))
}

/// That a module gave nothing, and why.
pub fn not_invoked(name: &str, failed: &Failure) -> Document {
    let kind = ProblemKind::ModuleFailed;
    let problem = Problem::new(kind, failure_detail(name, failed));
    let body = whole(|object| {
        problem.head(object);
        failure(object, failed);
    });
    Document { status: kind.status(), is_problem: true, body }
}
