//! A layer for each node, from the top: readers below what they read.
//!
//! Layers are filled from the bottom: a node stands as low as its readers allow, so an input stands
//! near its first use and not in a crowd at the top. Then nodes rise towards what they read where
//! that makes lines shorter. A layer takes only so many nodes that the picture becomes about as wide
//! as it is high.

use std::collections::BTreeMap;

use crate::Graph;

/// Nodes that a layer takes in any case.
const LAYER_NODES_MIN: usize = 6;

/// The layer of each node; 0 is the top.
pub(super) fn layers(graph: &Graph) -> Vec<u32> {
    let count = graph.nodes.len();
    let neighbours = Neighbours::of(graph);
    let mut layers = Layers::new(count);
    let mut unread: Vec<usize> = neighbours.readers.iter().map(Vec::len).collect();
    let is_alone = |at: usize| neighbours.readers[at].is_empty() && neighbours.read[at].is_empty();
    // The node that became ready last is next, so that what belongs together is placed together.
    // The last output is placed first: it comes to stand at the bottom.
    let mut ready: Vec<usize> = (0..count).filter(|&at| unread[at] == 0 && !is_alone(at)).collect();
    while let Some(at) = ready.pop() {
        let readers = neighbours.readers[at].iter();
        let lowest = readers.map(|&reader| layers.of[reader] + 1).max().unwrap_or(0);
        layers.put(at, lowest);
        for &read in &neighbours.read[at] {
            unread[read] -= 1;
            if unread[read] == 0 {
                ready.push(read);
            }
        }
    }
    // The second time there is room where others rose from.
    for _ in 0..2 {
        rise(&neighbours, &mut layers);
    }
    let top = layers.filled.len().saturating_sub(1);
    (0..count).filter(|&at| is_alone(at)).for_each(|at| layers.put(at, top));
    layers.counted_from_the_top()
}

/// Moves nodes up, from the first to the last. A line ends at its lowest reader: only if that one
/// rises, the line becomes shorter, and the line of what rises becomes longer.
fn rise(neighbours: &Neighbours, layers: &mut Layers) {
    let by_layer = |readers: &Vec<usize>| {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        readers.iter().for_each(|&reader| *counts.entry(layers.of[reader]).or_default() += 1);
        counts
    };
    let mut reader_counts: Vec<_> = neighbours.readers.iter().map(by_layer).collect();
    for (at, read) in neighbours.read.iter().enumerate() {
        let old = layers.of[at];
        let is_lowest = |&&other: &&usize| {
            reader_counts[other]
                .first_key_value()
                .is_some_and(|(&layer, &one)| (layer, one) == (old, 1))
        };
        let shorter = read.iter().filter(is_lowest).count();
        let longer = usize::from(!neighbours.readers[at].is_empty());
        let Some(ceiling) = read.iter().map(|&other| layers.of[other]).min() else { continue };
        if shorter < longer || !layers.raise(at, ceiling) {
            continue;
        }
        for &other in read {
            let counts = &mut reader_counts[other];
            *counts.entry(layers.of[at]).or_default() += 1;
            let left = counts.remove(&old).unwrap_or(0);
            if left > 1 {
                counts.insert(old, left - 1);
            }
        }
    }
}

struct Neighbours {
    /// For each node, the nodes that read it.
    readers: Vec<Vec<usize>>,
    /// For each node, the nodes that it reads.
    read: Vec<Vec<usize>>,
}

impl Neighbours {
    fn of(graph: &Graph) -> Neighbours {
        let none = vec![Vec::new(); graph.nodes.len()];
        let mut neighbours = Neighbours { readers: none.clone(), read: none };
        for edge in &graph.edges {
            neighbours.readers[edge.from as usize].push(edge.to as usize);
            neighbours.read[edge.to as usize].push(edge.from as usize);
        }
        neighbours
    }
}

/// Layers from the bottom.
struct Layers {
    /// The layer of each node that was put.
    of: Vec<usize>,
    /// How many nodes each layer has.
    filled: Vec<usize>,
    room: usize,
}

impl Layers {
    fn new(count: usize) -> Layers {
        let room = (count as f64 / 2.0).sqrt().ceil() as usize;
        Layers { of: vec![0; count], filled: Vec::new(), room: room.max(LAYER_NODES_MIN) }
    }

    /// Into the lowest layer that has room, from `lowest` upwards.
    fn put(&mut self, at: usize, lowest: usize) {
        let mut layer = lowest;
        while self.filled.get(layer).is_some_and(|&filled| filled >= self.room) {
            layer += 1;
        }
        if layer >= self.filled.len() {
            self.filled.resize(layer + 1, 0);
        }
        self.filled[layer] += 1;
        self.of[at] = layer;
    }

    /// Into the highest layer below `ceiling` that has room, and whether that is higher than before.
    fn raise(&mut self, at: usize, ceiling: usize) -> bool {
        let old = self.of[at];
        let free = (old + 1..ceiling).rev().find(|&layer| self.filled[layer] < self.room);
        if let Some(layer) = free {
            self.filled[old] -= 1;
            self.filled[layer] += 1;
            self.of[at] = layer;
        }
        free.is_some()
    }

    /// The layer of each node, counted from the top. Layers that all nodes left are left out.
    fn counted_from_the_top(self) -> Vec<u32> {
        let mut next = 0;
        let ranks = self.filled.iter().rev().map(|&filled| {
            let rank = next;
            next += u32::from(filled > 0);
            rank
        });
        let mut ranks: Vec<u32> = ranks.collect();
        ranks.reverse();
        self.of.into_iter().map(|layer| ranks[layer]).collect()
    }
}
