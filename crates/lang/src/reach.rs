//! What the outputs of a program reach, in dependency order: the rest is never run.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use model::plan::BindingKind;

use crate::program::{self, Delivered, Expr, Kind, Program};

/// A binding that some output reaches.
pub(crate) struct Reached<'p> {
    pub(crate) binding: &'p program::Binding,
    pub(crate) kind: BindingKind,
    /// Its place in [`Program::bindings`], unless it is a guard or a key.
    pub(crate) id: Option<u32>,
    /// The input to whose events it is the key.
    pub(crate) key_of: Option<u32>,
}

/// The reached bindings in dependency order, ties broken by name. The key of an input's events comes
/// before all that read the input.
pub(crate) fn in_order(program: &Program) -> Vec<Reached<'_>> {
    let mut reached = reached(program);
    reached.sort_by(|a, b| a.binding.name.cmp(&b.binding.name));
    let mut rank_of = vec![u32::MAX; program.bindings.len()];
    let mut rank_of_key = vec![u32::MAX; program.inputs.len()];
    for (rank, cell) in (0..).zip(&reached) {
        if let Some(id) = cell.id {
            rank_of[id as usize] = rank;
        }
        if let Some(input) = cell.key_of {
            rank_of_key[input as usize] = rank;
        }
    }
    let mut waiting = vec![0; reached.len()];
    let mut readers: Vec<(u32, u32)> = Vec::new();
    for (rank, cell) in (0..).zip(&reached) {
        let reads = mentioned(&cell.binding.value).into_iter().map(|read| match read {
            Read::Binding(id) => rank_of[id as usize],
            Read::Input(id) => rank_of_key[id as usize],
        });
        let mut reads: Vec<u32> = reads.filter(|rank| *rank != u32::MAX).collect();
        reads.sort_unstable();
        reads.dedup();
        waiting[rank as usize] = reads.len();
        readers.extend(reads.into_iter().map(|read| (read, rank)));
    }
    readers.sort_unstable();
    let ready = (0..reached.len() as u32).filter(|rank| waiting[*rank as usize] == 0);
    let mut ready: BinaryHeap<Reverse<u32>> = ready.map(Reverse).collect();
    let mut order = Vec::with_capacity(reached.len());
    while let Some(Reverse(rank)) = ready.pop() {
        order.push(rank);
        let from = readers.partition_point(|(read, _)| *read < rank);
        for (_, reader) in readers[from..].iter().take_while(|(read, _)| *read == rank) {
            let left = &mut waiting[*reader as usize];
            *left -= 1;
            if *left == 0 {
                ready.push(Reverse(*reader));
            }
        }
    }
    let mut reached: Vec<Option<Reached<'_>>> = reached.into_iter().map(Some).collect();
    order.into_iter().filter_map(|rank| reached[rank as usize].take()).collect()
}

/// What an expression reads.
#[derive(Clone, Copy)]
enum Read {
    Input(u32),
    Binding(u32),
}

fn reached(program: &Program) -> Vec<Reached<'_>> {
    let mut found = Vec::new();
    let mut is_found = vec![false; program.bindings.len()];
    let mut is_input_found = vec![false; program.inputs.len()];
    let mut open: Vec<Read> = Vec::new();
    for output in &program.outputs {
        match &output.source {
            Delivered::Input(id) => open.push(Read::Input(*id)),
            Delivered::Binding(id) => open.push(Read::Binding(*id)),
            Delivered::Guard(binding) => {
                open.extend(mentioned(&binding.value));
                let kind = BindingKind::Guard;
                found.push(Reached { binding, kind, id: None, key_of: None });
            }
        }
    }
    while let Some(read) = open.pop() {
        let (binding, kind, id, key_of) = match read {
            Read::Binding(id) if !std::mem::replace(&mut is_found[id as usize], true) => {
                (&program.bindings[id as usize], BindingKind::Named, Some(id), None)
            }
            Read::Input(id) if !std::mem::replace(&mut is_input_found[id as usize], true) => {
                let Some(event) = &program.inputs[id as usize].event else { continue };
                (&event.key, BindingKind::Key, None, Some(id))
            }
            Read::Binding(_) | Read::Input(_) => continue,
        };
        open.extend(mentioned(&binding.value));
        found.push(Reached { binding, kind, id, key_of });
    }
    found
}

fn mentioned(expr: &Expr) -> Vec<Read> {
    let mut found = Vec::new();
    expr.walk(&mut |part| match part.kind {
        Kind::Binding(id) => found.push(Read::Binding(id)),
        Kind::Input(id) => found.push(Read::Input(id)),
        _ => {}
    });
    found
}
