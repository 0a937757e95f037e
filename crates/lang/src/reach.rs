//! What the outputs of a program reach, in dependency order: the rest is never run.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use model::plan::BindingKind;

use crate::program::{self, Delivered, Expr, Kind, Program};

/// A binding that some output reaches.
pub(crate) struct Reached<'p> {
    pub(crate) binding: &'p program::Binding,
    pub(crate) kind: BindingKind,
    /// Its place in [`Program::bindings`], unless it is a guard.
    pub(crate) id: Option<u32>,
}

/// The reached bindings in dependency order, ties broken by name.
pub(crate) fn in_order(program: &Program) -> Vec<Reached<'_>> {
    let mut reached = reached(program);
    reached.sort_by(|a, b| a.binding.name.cmp(&b.binding.name));
    let mut rank_of = vec![u32::MAX; program.bindings.len()];
    for (rank, cell) in (0..).zip(&reached) {
        if let Some(id) = cell.id {
            rank_of[id as usize] = rank;
        }
    }
    let mut waiting = vec![0; reached.len()];
    let mut readers: Vec<(u32, u32)> = Vec::new();
    for (rank, cell) in (0..).zip(&reached) {
        let mut reads: Vec<u32> = mentioned(&cell.binding.value);
        reads.sort_unstable();
        reads.dedup();
        waiting[rank as usize] = reads.len();
        readers.extend(reads.into_iter().map(|id| (rank_of[id as usize], rank)));
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

fn reached(program: &Program) -> Vec<Reached<'_>> {
    let mut found = Vec::new();
    let mut is_found = vec![false; program.bindings.len()];
    let mut open: Vec<u32> = Vec::new();
    for output in &program.outputs {
        match &output.source {
            Delivered::Input(_) => {}
            Delivered::Binding(id) => open.push(*id),
            Delivered::Guard(binding) => {
                open.extend(mentioned(&binding.value));
                found.push(Reached { binding, kind: BindingKind::Guard, id: None });
            }
        }
    }
    while let Some(id) = open.pop() {
        if !std::mem::replace(&mut is_found[id as usize], true) {
            let binding = &program.bindings[id as usize];
            open.extend(mentioned(&binding.value));
            found.push(Reached { binding, kind: BindingKind::Named, id: Some(id) });
        }
    }
    found
}

fn mentioned(expr: &Expr) -> Vec<u32> {
    let mut found = Vec::new();
    expr.walk(&mut |part| {
        if let Kind::Binding(id) = part.kind {
            found.push(id);
        }
    });
    found
}
