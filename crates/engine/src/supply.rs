//! What a request supplies: JSON objects of input or node values, read at the types that the
//! image declares.

use std::borrow::Cow;
use std::sync::Arc;

use model::json::{self, Fault};
use model::plan::{BindingId, BindingKind, InputId};
use model::{Code, Plan, Signature, Type, Value};
use serde_json::value::RawValue;

/// Reads the members of a JSON object as inputs. All faults are collected: unknown names (V001),
/// repeated ones and values that do not fit (V002, V003), with pointers below `pointer`.
pub fn inputs(
    plan: &Plan,
    members: &[(Cow<'_, str>, &RawValue)],
    pointer: &str,
) -> Result<Vec<(InputId, Value)>, Vec<Fault>> {
    let names = plan.inputs.iter().map(|input| input.name.as_str()).collect();
    let cells = Cells { kind: "input", names, find: &|name| plan.input(name) };
    cells.read(members, pointer, |id| plan.ty(plan.inputs[id as usize].ty))
}

/// Reads the members of a JSON object as values of bindings, like [`inputs`].
pub fn nodes(
    plan: &Plan,
    members: &[(Cow<'_, str>, &RawValue)],
    pointer: &str,
) -> Result<Vec<(BindingId, Value)>, Vec<Fault>> {
    let named = plan.bindings.iter().filter(|binding| binding.kind == BindingKind::Named);
    let names = named.map(|binding| binding.name.as_str()).collect();
    let cells = Cells { kind: "node", names, find: &|name| plan.binding(name) };
    cells.read(members, pointer, |id| plan.ty(plan.bindings[id as usize].ty))
}

/// Reads the members of a JSON object as the arguments of a module: one value a parameter, read at its
/// type. One that is Optional may be left out. All faults are collected, with pointers below `pointer`.
pub fn arguments(
    signature: &Signature,
    given: &[(Cow<'_, str>, &RawValue)],
    pointer: &str,
) -> Result<Arc<[Value]>, Vec<Fault>> {
    let parameters = &signature.parameters;
    let mut faults = Vec::new();
    for (name, _) in given {
        if !parameters.iter().any(|parameter| *parameter.name == **name) {
            faults.push(unknown_argument(signature, name, pointer));
        }
    }
    let mut values = Vec::with_capacity(parameters.len());
    for parameter in parameters {
        let pointer = format!("{pointer}/{}", json::escape_pointer(&parameter.name));
        match given.iter().find(|(name, _)| **name == *parameter.name) {
            Some((_, raw)) => {
                values.extend(json::read_at(&parameter.ty, raw.get(), &pointer, &mut faults));
            }
            None if matches!(parameter.ty, Type::Optional(_)) => values.push(Value::None),
            None => {
                let message = format!("the module needs `{}`", parameter.name);
                let help = Some(format!("Add a value of the type `{}`.", parameter.ty));
                faults.push(Fault { code: Code::V002, pointer, message, help });
            }
        }
    }
    if faults.is_empty() { Ok(values.into()) } else { Err(faults) }
}

fn unknown_argument(signature: &Signature, name: &str, pointer: &str) -> Fault {
    let names = || signature.parameters.iter().map(|parameter| parameter.name.as_str());
    let help = model::text::did_you_mean(name, names()).or_else(|| {
        let names: Vec<String> = names().map(|name| format!("`{name}`")).collect();
        (!names.is_empty()).then(|| format!("It has the inputs {}.", names.join(", ")))
    });
    let pointer = format!("{pointer}/{}", json::escape_pointer(name));
    let message = format!("the module has no input `{}`", model::text::quote(name));
    Fault { code: Code::V001, pointer, message, help }
}

struct Cells<'a> {
    kind: &'a str,
    names: Vec<&'a str>,
    find: &'a dyn Fn(&str) -> Option<u32>,
}

impl<'a> Cells<'a> {
    fn read(
        &self,
        members: &[(Cow<'_, str>, &RawValue)],
        pointer: &str,
        ty: impl Fn(u32) -> &'a Type,
    ) -> Result<Vec<(u32, Value)>, Vec<Fault>> {
        let mut values: Vec<(u32, Value)> = Vec::with_capacity(members.len());
        let mut faults = Vec::new();
        for (name, raw) in members {
            let pointer = format!("{pointer}/{}", json::escape_pointer(name));
            match (self.find)(name) {
                None => faults.push(self.unknown(name, pointer)),
                Some(id) if values.iter().any(|(known, _)| *known == id) => {
                    faults.push(self.repeated(name, pointer));
                }
                Some(id) => {
                    let value = json::read_at(ty(id), raw.get(), &pointer, &mut faults);
                    values.extend(value.map(|value| (id, value)));
                }
            }
        }
        if faults.is_empty() { Ok(values) } else { Err(faults) }
    }

    fn unknown(&self, name: &str, pointer: String) -> Fault {
        let kind = self.kind;
        let help = model::text::did_you_mean(name, self.names.iter().copied()).or_else(|| {
            let names: Vec<String> = self.names.iter().map(|name| format!("`{name}`")).collect();
            (!names.is_empty())
                .then(|| format!("The pipeline has the {kind}s {}.", names.join(", ")))
        });
        let message = format!("the pipeline has no {kind} `{}`", model::text::quote(name));
        Fault { code: Code::V001, pointer, message, help }
    }

    fn repeated(&self, name: &str, pointer: String) -> Fault {
        let message = format!("`{}` is given twice", model::text::quote(name));
        Fault { code: Code::V002, pointer, message, help: None }
    }
}
