//! Modules, and what became of one that was called by itself, as JSON.

use engine::RegisteredModule;
use model::{Failure, Type, Value};

use super::execution::{failure, failure_detail};
use super::object::Object;
use super::{Document, Problem, ProblemKind, whole};

/// A module of this host.
pub(crate) fn module(object: &mut Object<'_>, name: &str, module: &RegisteredModule) {
    object.text("name", name);
    object.shown("signature", &module.signature);
    object.shown("effect", module.effect);
    object.text("description", &module.doc);
    object.text("origin", &module.origin);
}

/// What a module gave.
pub(crate) fn invoked(ty: &Type, output: &Value) -> Vec<u8> {
    whole(|object| object.value("output", ty, output))
}

/// That a module gave nothing, and why.
pub(crate) fn not_invoked(name: &str, failed: &Failure) -> Document {
    let kind = ProblemKind::ModuleFailed;
    let problem = Problem::new(kind, failure_detail(name, failed));
    let body = whole(|object| {
        problem.head(object);
        failure(object, failed);
    });
    Document { status: kind.status(), is_problem: true, body }
}
