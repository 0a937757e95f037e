//! Nodes and edges.
//!
//! Nodes stand in dependency order, so every edge goes from a node to a later one; the layout
//! relies on it. Pure expressions inside a binding are no nodes: what they read, the binding or the
//! call around them reads. The guard of `out n when c` is no node either: the output reads `n` and
//! `c` itself.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use model::plan::{
    Backoff, BindingKind, Cache, CallId, CallOptions, Expr, ExprId, Input, InputId, Output,
    PRIORITY_NORMAL, Source, TypeId,
};
use model::text::cut;
use model::{Effect, Plan, Span, Text, Type};

use crate::limits::TYPE_SHOWN_MAX;
use crate::uses::{Reader, Use, elements, readers};

/// The dataflow graph of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// Inputs by name; then each binding behind its calls, in dependency order; then outputs by
    /// name.
    pub nodes: Vec<Node>,
    /// Sorted by `from`, then `to`; one for two nodes at most.
    pub edges: Vec<Edge>,
}

/// An input, a binding, an occurrence of a module call, or an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The same for every compilation of the same source: `in:order`, `n:total`,
    /// `call:receipt.1`, `out:total`.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// Its name; a call is named by its binding and its place there, from 1: `receipt.1`.
    pub name: Text,
    /// The printed type of its value, cut at a bound.
    pub ty: Text,
    /// Its place in the source. The plan does not tell the place of an output without a guard.
    pub span: Option<Span>,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A declared input.
    Input {
        /// It must be supplied.
        required: bool,
    },
    /// A named expression.
    Binding,
    /// An occurrence of a module call.
    Call(Call),
    /// A delivered value.
    Output,
}

/// What is called, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Qualified name of the module.
    pub module: Text,
    /// What calling it may do to the world.
    pub effect: Effect,
    /// As it can be written behind `with`; empty if there is nothing to say.
    pub options: String,
    /// How many lambdas enclose it: such a call is made for each element.
    pub depth: u32,
}

/// A value that one node makes and another reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// Index of the node that makes the value.
    pub from: u32,
    /// Index of the node that reads it.
    pub to: u32,
    /// The least conditional way in which it is read.
    pub uses: Use,
}

impl Graph {
    /// The graph of a plan.
    pub fn of(plan: &Plan) -> Graph {
        Builder::new(plan).build()
    }
}

struct Builder<'p> {
    plan: &'p Plan,
    nodes: Vec<Node>,
    edges: BTreeMap<(u32, u32), Use>,
    /// In step with the types of the plan.
    types: Vec<Text>,
    /// In step with the inputs of the plan.
    inputs: Vec<u32>,
    /// In step with the bindings of the plan; a guard is the node of its output, a key that of its
    /// input.
    bindings: Vec<u32>,
    /// In step with the calls of the plan.
    calls: Vec<u32>,
}

impl<'p> Builder<'p> {
    fn new(plan: &'p Plan) -> Builder<'p> {
        Builder {
            plan,
            nodes: Vec::new(),
            edges: BTreeMap::new(),
            types: plan.types.iter().map(printed).collect(),
            inputs: vec![0; plan.inputs.len()],
            bindings: vec![0; plan.bindings.len()],
            calls: vec![0; plan.calls.len()],
        }
    }

    fn build(mut self) -> Graph {
        self.inputs();
        self.bindings();
        self.outputs();
        self.edges();
        let edges = self.edges.into_iter().map(|((from, to), uses)| Edge { from, to, uses });
        Graph { nodes: self.nodes, edges: edges.collect() }
    }

    /// An input that events may fill stands behind what their key reads.
    fn inputs(&mut self) {
        for (id, input) in (0..).zip(&self.plan.inputs) {
            if input.event.is_none() {
                self.input(id);
            }
        }
    }

    fn input(&mut self, id: InputId) {
        let input = &self.plan.inputs[id as usize];
        let kind = Kind::Input { required: self.plan.is_required(id) };
        let (name, span) = (input.name.clone(), Some(input.span));
        let node = self.push("in", kind, name, self.ty(input.ty), span);
        self.inputs[id as usize] = node;
        if let Some(event) = &input.event {
            self.bindings[event.key as usize] = node;
        }
    }

    /// Bindings own consecutive expressions, and operands stand first: so does what is called.
    fn bindings(&mut self) {
        let mut start = 0;
        for (id, binding) in self.plan.bindings.iter().enumerate() {
            let end = binding.root as usize + 1;
            for expr in &self.plan.exprs[start..end] {
                if let Expr::Call(call) = expr {
                    self.calls[*call as usize] = self.call(*call);
                }
            }
            start = end;
            match binding.kind {
                BindingKind::Named => {
                    let (name, span) = (binding.name.clone(), Some(binding.span));
                    let ty = self.ty(binding.ty);
                    self.bindings[id] = self.push("n", Kind::Binding, name, ty, span);
                }
                BindingKind::Guard => {}
                BindingKind::Key => {
                    let has_key = |input: &Input| {
                        input.event.as_ref().is_some_and(|event| event.key as usize == id)
                    };
                    let input = self.plan.inputs.iter().position(has_key);
                    input.into_iter().for_each(|input| self.input(input as InputId));
                }
            }
        }
    }

    fn call(&mut self, id: CallId) -> u32 {
        let call = &self.plan.calls[id as usize];
        let module = &self.plan.modules[call.module as usize];
        let kind = Kind::Call(Call {
            module: module.name.clone(),
            effect: module.effect,
            options: options(&call.options),
            depth: call.depth,
        });
        let binding = &self.plan.bindings[call.binding as usize];
        let name = format!("{}.{}", binding.name, call.place).into();
        self.push("call", kind, name, printed(&module.signature.result), Some(call.span))
    }

    fn outputs(&mut self) {
        for output in &self.plan.outputs {
            let guard = self.guard(output);
            let span = guard.map(|id| self.plan.bindings[id].span);
            let ty = match output.source {
                Source::Input(id) => self.plan.inputs[id as usize].ty,
                Source::Binding(id) => self.plan.bindings[id as usize].ty,
            };
            let node = self.push("out", Kind::Output, output.name.clone(), self.ty(ty), span);
            match (guard, output.source) {
                (Some(id), _) => self.bindings[id] = node,
                (None, Source::Input(id)) => {
                    self.edge(self.inputs[id as usize], node, Use::Always);
                }
                (None, Source::Binding(id)) => {
                    self.edge(self.bindings[id as usize], node, Use::Always);
                }
            }
        }
    }

    /// The guard that the output delivers. It belongs to this output alone.
    fn guard(&self, output: &Output) -> Option<usize> {
        let Source::Binding(id) = output.source else { return None };
        let id = id as usize;
        (self.plan.bindings[id].kind == BindingKind::Guard).then_some(id)
    }

    fn edges(&mut self) {
        let elements = elements(self.plan);
        for (expr, reader) in self.plan.exprs.iter().zip(readers(self.plan)) {
            let Some((reader, uses)) = reader else { continue };
            let to = match reader {
                Reader::Binding(id) => self.bindings[id as usize],
                Reader::Call(id) => self.calls[id as usize],
            };
            match expr {
                Expr::Input(id) => self.edge(self.inputs[*id as usize], to, uses),
                Expr::Binding(id) => self.edge(self.bindings[*id as usize], to, uses),
                Expr::Call(id) => self.edge(self.calls[*id as usize], to, uses),
                // A call for each element reads what the elements come from.
                Expr::Local(local) => {
                    let Reader::Call(call) = reader else { continue };
                    let binding = self.plan.calls[call as usize].binding;
                    let lists = elements.get(&(binding, *local)).copied().unwrap_or_default();
                    lists.iter().for_each(|list| self.element_edge(*list, to, uses));
                }
                _ => {}
            }
        }
    }

    /// An edge from a list to a call for its elements, where the list is a node.
    fn element_edge(&mut self, list: ExprId, to: u32, uses: Use) {
        let mut list = &self.plan.exprs[list as usize];
        while let Expr::Reshape(inner, _) = list {
            list = &self.plan.exprs[*inner as usize];
        }
        match list {
            Expr::Input(id) => self.edge(self.inputs[*id as usize], to, uses),
            Expr::Binding(id) => self.edge(self.bindings[*id as usize], to, uses),
            Expr::Call(id) => self.edge(self.calls[*id as usize], to, uses),
            _ => {}
        }
    }

    fn edge(&mut self, from: u32, to: u32, uses: Use) {
        // Stored bytes could hold a guard that no output delivers; it is left out.
        if from >= to {
            return;
        }
        let known = self.edges.entry((from, to)).or_insert(uses);
        *known = uses.min(*known);
    }

    fn push(&mut self, prefix: &str, kind: Kind, name: Text, ty: Text, span: Option<Span>) -> u32 {
        let id = format!("{prefix}:{name}");
        self.nodes.push(Node { id, kind, name, ty, span });
        self.nodes.len() as u32 - 1
    }

    fn ty(&self, id: TypeId) -> Text {
        self.types[id as usize].clone()
    }
}

/// The options as they can be written behind `with`.
fn options(options: &CallOptions) -> String {
    let CallOptions {
        retry,
        delay_ms,
        backoff,
        timeout_ms,
        cache,
        throttle,
        concurrency,
        priority,
        lazy,
        log_failure: _,
    } = options;
    let backoff = match backoff {
        Backoff::Fixed => None,
        Backoff::Linear => Some("backoff: linear".to_owned()),
        Backoff::Exponential => Some("backoff: exponential".to_owned()),
    };
    let backend = |cache: &Cache| match &cache.backend {
        Some(backend) => format!(", cache_backend: {}", Type::Literal(backend.clone())),
        None => String::new(),
    };
    let given = [
        (*retry > 0).then(|| format!("retry: {retry}")),
        (*delay_ms > 0).then(|| format!("delay: {}", duration(*delay_ms))),
        backoff,
        timeout_ms.map(|ms| format!("timeout: {}", duration(ms))),
        cache.as_ref().map(|cache| format!("cache: {}{}", duration(cache.ttl_ms), backend(cache))),
        throttle.map(|rate| format!("throttle: {}/{}", rate.count, duration(rate.per_ms))),
        concurrency.map(|count| format!("concurrency: {count}")),
        (*priority != PRIORITY_NORMAL).then(|| format!("priority: {priority}")),
        lazy.then(|| "lazy".to_owned()),
    ];
    given.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A duration in its largest whole unit.
fn duration(ms: u64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    let whole = units.iter().find(|(unit, _)| ms > 0 && ms.is_multiple_of(*unit));
    whole.map_or_else(|| format!("{ms}ms"), |(unit, name)| format!("{}{name}", ms / unit))
}

/// A type for people. A huge one is not even printed to its end.
fn printed(ty: &Type) -> Text {
    let mut shown = Shown { text: String::new(), left: TYPE_SHOWN_MAX + 1 };
    // It fails exactly when enough is there.
    write!(shown, "{ty}").unwrap_or_default();
    cut(&shown.text, TYPE_SHOWN_MAX).into()
}

struct Shown {
    text: String,
    left: usize,
}

impl Write for Shown {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(character);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use model::plan::Rate;

    use super::*;

    #[test]
    fn options_are_written_as_in_a_source() {
        let plain = CallOptions::default();
        assert_eq!(options(&plain), "");
        let of = |retry, delay_ms, lazy| {
            options(&CallOptions { retry, delay_ms, lazy, ..plain.clone() })
        };
        assert_eq!(of(3, 200, true), "retry: 3, delay: 200ms, lazy");
        assert_eq!(of(0, 120_000, false), "delay: 2min");
        let all = CallOptions {
            backoff: Backoff::Linear,
            timeout_ms: Some(1_500),
            cache: Some(Cache { ttl_ms: 1_000, backend: Some("redis".into()) }),
            throttle: Some(Rate { count: 5, per_ms: 1_000 }),
            concurrency: Some(4),
            priority: 80,
            ..plain.clone()
        };
        let written = "backoff: linear, timeout: 1500ms, cache: 1s, cache_backend: \"redis\", \
                       throttle: 5/1s, concurrency: 4, priority: 80";
        assert_eq!(options(&all), written);
    }

    #[test]
    fn long_types_are_cut() {
        let ty = Type::Literal("é".repeat(1_000).into());
        assert_eq!(printed(&ty).chars().count(), TYPE_SHOWN_MAX + 1);
        assert!(printed(&ty).ends_with("é…"));
        assert_eq!(printed(&Type::list(Type::Int)), "List<Int>");
    }
}
