//! An image made ready to run: standard functions resolved, and for every cell the bindings that
//! read it. Made once per image, shared by all its executions.

use std::sync::Arc;

use eval::Builtins;
pub use eval::UnknownFunction;
use model::plan::{BindingId, CallId, Expr, ExprId, InputId, Source};
use model::{Digest, Image, Plan};
use rustc_hash::FxHashMap;

/// An image that can be run.
#[derive(Debug)]
pub struct LoadedImage {
    /// The image.
    pub image: Arc<Image>,
    pub(crate) builtins: Builtins,
    /// For each expression, whether it or a part of it reads a cell.
    reads: Vec<bool>,
    /// For each expression, the first one of its parts.
    starts: Vec<ExprId>,
    /// For each call, whether its binding has no value as long as it runs, and nothing else can run
    /// because of its result before the binding has one.
    is_plain: Vec<bool>,
    /// The inputs to whose events these bindings are the keys.
    key_owners: FxHashMap<BindingId, InputId>,
    /// For each input, the bindings that read it.
    input_readers: Readers,
    /// For each binding, the later bindings that read it.
    binding_readers: Readers,
}

impl LoadedImage {
    /// Makes `image` ready to run.
    pub fn new(image: Image) -> Result<LoadedImage, UnknownFunction> {
        let builtins = Builtins::of(&image.plan)?;
        let (mut of_inputs, mut of_bindings) = (Vec::new(), Vec::new());
        let mut start = 0;
        for (reader, binding) in image.plan.bindings.iter().enumerate() {
            let end = binding.root as usize + 1;
            for expr in &image.plan.exprs[start..end] {
                match expr {
                    Expr::Input(id) => of_inputs.push((*id, reader as BindingId)),
                    Expr::Binding(id) => of_bindings.push((*id, reader as BindingId)),
                    _ => {}
                }
            }
            start = end;
        }
        let input_readers = Readers::new(image.plan.inputs.len(), of_inputs);
        let binding_readers = Readers::new(image.plan.bindings.len(), of_bindings);
        let reads = reads(&image.plan);
        let starts = starts(&image.plan);
        let is_plain = plain_calls(&image.plan, &builtins, &reads);
        let events = (0..).zip(&image.plan.inputs);
        let key_owners =
            events.filter_map(|(id, input)| Some((input.event.as_ref()?.key, id))).collect();
        Ok(LoadedImage {
            image: image.into(),
            builtins,
            reads,
            starts,
            is_plain,
            key_owners,
            input_readers,
            binding_readers,
        })
    }

    /// What runs.
    pub fn plan(&self) -> &Plan {
        &self.image.plan
    }

    /// The image's name.
    pub fn digest(&self) -> Digest {
        self.image.digest
    }

    /// Whether the expression or a part of it reads an input, a binding or a call.
    pub(crate) fn reads(&self, id: ExprId) -> bool {
        self.reads[id as usize]
    }

    /// The expression with all its parts, and perhaps a few more of its binding.
    pub(crate) fn parts(&self, id: ExprId) -> &[Expr] {
        &self.plan().exprs[self.starts[id as usize] as usize..=id as usize]
    }

    /// Whether the binding of the call has no value as long as it runs, and nothing else can run
    /// because of its result before the binding has one.
    pub(crate) fn is_plain(&self, call: CallId) -> bool {
        self.is_plain[call as usize]
    }

    /// The input to whose events this binding is the key.
    pub(crate) fn key_owner(&self, key: BindingId) -> Option<InputId> {
        self.key_owners.get(&key).copied()
    }

    /// Whether an event may fill any input.
    pub(crate) fn has_events(&self) -> bool {
        !self.key_owners.is_empty()
    }

    pub(crate) fn readers(&self, source: Source) -> &[BindingId] {
        match source {
            Source::Input(id) => self.input_readers.of(id),
            Source::Binding(id) => self.binding_readers.of(id),
        }
    }
}

/// A call is plain if only strict expressions and lambdas of parallel functions are around it.
fn plain_calls(plan: &Plan, builtins: &Builtins, reads: &[bool]) -> Vec<bool> {
    let mut is_plain = vec![false; plan.exprs.len()];
    plan.bindings.iter().for_each(|binding| is_plain[binding.root as usize] = true);
    let mut calls = vec![false; plan.calls.len()];
    // What uses an expression stands behind it.
    for at in (0..plan.exprs.len()).rev() {
        if !is_plain[at] {
            continue;
        }
        match &plan.exprs[at] {
            Expr::Call(call) => calls[*call as usize] = true,
            Expr::Each(each) => {
                let is_parallel = builtins.each(each).is_some_and(|kind| !kind.is_sequential());
                is_plain[each.body as usize] = is_parallel;
                if !reads[each.body as usize] {
                    each.arguments.iter().for_each(|&id| is_plain[id as usize] = true);
                }
            }
            Expr::Rescue(rescue) => is_plain[rescue.of as usize] = true,
            Expr::If { .. } | Expr::And(..) | Expr::Or(..) | Expr::When { .. } => {}
            Expr::Coalesce(..) | Expr::Match { .. } | Expr::Scope(_) => {}
            strict => strict.operands(&mut |id| is_plain[id as usize] = true),
        }
    }
    calls
}

fn starts(plan: &Plan) -> Vec<ExprId> {
    let mut starts: Vec<ExprId> = Vec::with_capacity(plan.exprs.len());
    for (at, expr) in (0..).zip(&plan.exprs) {
        let mut start = at;
        let mut visit = |part: ExprId| start = start.min(starts[part as usize]);
        expr.operands(&mut visit);
        if let Expr::Call(call) = expr {
            plan.calls[*call as usize].arguments.iter().for_each(|part| visit(*part));
        }
        starts.push(start);
    }
    starts
}

fn reads(plan: &Plan) -> Vec<bool> {
    let mut reads: Vec<bool> = Vec::with_capacity(plan.exprs.len());
    for expr in &plan.exprs {
        let mut any =
            matches!(expr, Expr::Input(_) | Expr::Binding(_) | Expr::Call(_) | Expr::Cell(_));
        expr.operands(&mut |part| any |= reads[part as usize]);
        reads.push(any);
    }
    reads
}

/// A list of readers for each of many cells, in two flat arrays.
#[derive(Debug)]
struct Readers {
    starts: Vec<u32>,
    readers: Vec<BindingId>,
}

impl Readers {
    fn new(cells: usize, mut pairs: Vec<(InputId, BindingId)>) -> Readers {
        pairs.sort_unstable();
        pairs.dedup();
        let mut starts = vec![0; cells + 1];
        for (cell, _) in &pairs {
            starts[*cell as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        Readers { starts, readers: pairs.into_iter().map(|(_, reader)| reader).collect() }
    }

    fn of(&self, cell: u32) -> &[BindingId] {
        let cell = cell as usize;
        &self.readers[self.starts[cell] as usize..self.starts[cell + 1] as usize]
    }
}
