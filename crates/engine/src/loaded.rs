//! An image made ready to run: standard functions resolved, and for every cell the bindings that
//! read it. Made once per image, shared by all its executions.

use model::plan::{BindingId, Expr, InputId, Source};
use model::{Digest, Image, Plan, PureFn, Text};

use crate::stdlib;

/// An image that can be run.
#[derive(Debug)]
pub struct LoadedImage {
    /// The image.
    pub image: Image,
    /// In step with [`Plan::functions`].
    functions: Vec<PureFn>,
    /// For each input, the bindings that read it.
    input_readers: Readers,
    /// For each binding, the later bindings that read it.
    binding_readers: Readers,
}

/// The image uses a standard function that this build does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFunction(pub Text);

impl LoadedImage {
    /// Makes `image` ready to run.
    pub fn new(image: Image) -> Result<LoadedImage, UnknownFunction> {
        let resolve = |name: &Text| stdlib::eval(name).ok_or_else(|| UnknownFunction(name.clone()));
        let functions = image.plan.functions.iter().map(resolve).collect::<Result<_, _>>()?;
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
        Ok(LoadedImage { image, functions, input_readers, binding_readers })
    }

    /// What runs.
    pub fn plan(&self) -> &Plan {
        &self.image.plan
    }

    /// The image's name.
    pub fn digest(&self) -> Digest {
        self.image.digest
    }

    pub(crate) fn function(&self, index: u32) -> PureFn {
        self.functions[index as usize]
    }

    pub(crate) fn readers(&self, source: Source) -> &[BindingId] {
        match source {
            Source::Input(id) => self.input_readers.of(id),
            Source::Binding(id) => self.binding_readers.of(id),
        }
    }
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
