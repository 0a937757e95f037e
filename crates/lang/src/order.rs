//! Who needs whom: strongly connected parts of a graph, in dependency order. Iterative, since a
//! chain of declarations may be as long as a source file.

/// A directed graph with dense nodes, each with the nodes that it needs.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// For each node, one past the end of its edges.
    ends: Vec<u32>,
    edges: Vec<u32>,
}

impl Graph {
    /// Adds the next node.
    pub(crate) fn add(&mut self, needs: impl IntoIterator<Item = u32>) {
        self.edges.extend(needs);
        self.ends.push(self.edges.len() as u32);
    }

    /// What `node` needs.
    pub(crate) fn needs(&self, node: u32) -> &[u32] {
        let node = node as usize;
        let start = if node == 0 { 0 } else { self.ends[node - 1] };
        &self.edges[start as usize..self.ends[node] as usize]
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    /// Calls `visit` with each strongly connected part; what a part needs comes before it. The
    /// flag tells whether the part is a cycle. (Tarjan's algorithm.)
    pub(crate) fn parts(&self, visit: &mut dyn FnMut(&mut [u32], bool)) {
        const NEW: u32 = u32::MAX;
        const DONE: u32 = u32::MAX - 1;
        let mut lowest = vec![NEW; self.len()];
        let mut stack: Vec<u32> = Vec::new();
        // A node being walked, the number it got, and its next edge.
        let mut walk: Vec<(u32, u32, usize)> = Vec::new();
        for start in 0..self.len() as u32 {
            if lowest[start as usize] != NEW {
                continue;
            }
            walk.push((start, enter(start, &mut lowest, &mut stack), 0));
            while let Some((node, number, edge)) = walk.last_mut() {
                if let Some(&next) = self.needs(*node).get(*edge) {
                    *edge += 1;
                    let node = *node as usize;
                    match lowest[next as usize] {
                        NEW => walk.push((next, enter(next, &mut lowest, &mut stack), 0)),
                        DONE => {}
                        seen => lowest[node] = lowest[node].min(seen),
                    }
                    continue;
                }
                let (node, number) = (*node, *number);
                walk.pop();
                let low = lowest[node as usize];
                if low == number {
                    let from = number as usize;
                    let part = &mut stack[from..];
                    part.iter().for_each(|&member| lowest[member as usize] = DONE);
                    let is_cycle = part.len() > 1 || self.needs(node).contains(&node);
                    visit(part, is_cycle);
                    stack.truncate(from);
                }
                if let Some((parent, ..)) = walk.last() {
                    let parent = *parent as usize;
                    if low != number {
                        lowest[parent] = lowest[parent].min(low);
                    }
                }
            }
        }
    }

    /// A shortest cycle through `first`, which begins with it; all of it lies in `part`.
    pub(crate) fn cycle(&self, part: &[u32], first: u32) -> Vec<u32> {
        let mut came_from: std::collections::HashMap<u32, Option<u32>> =
            part.iter().map(|&node| (node, None)).collect();
        let mut queue = std::collections::VecDeque::from([first]);
        while let Some(node) = queue.pop_front() {
            for &next in self.needs(node) {
                if next == first {
                    let mut path = vec![node];
                    while let Some(Some(previous)) = path.last().and_then(|at| came_from.get(at)) {
                        path.push(*previous);
                    }
                    path.reverse();
                    return path;
                }
                if let Some(origin @ None) = came_from.get_mut(&next) {
                    *origin = Some(node);
                    queue.push_back(next);
                }
            }
        }
        vec![first]
    }
}

/// Puts `node` on the stack; its number is its place there, which only grows while it matters.
fn enter(node: u32, lowest: &mut [u32], stack: &mut Vec<u32>) -> u32 {
    let number = stack.len() as u32;
    lowest[node as usize] = number;
    stack.push(node);
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(needs: &[&[u32]]) -> Graph {
        let mut graph = Graph::default();
        needs.iter().for_each(|needs| graph.add(needs.iter().copied()));
        graph
    }

    fn parts(graph: &Graph) -> Vec<(Vec<u32>, bool)> {
        let mut found = Vec::new();
        graph.parts(&mut |part, is_cycle| {
            part.sort_unstable();
            found.push((part.to_vec(), is_cycle));
        });
        found
    }

    #[test]
    fn needs_come_first_and_cycles_are_found() {
        let graph = graph(&[&[1], &[2], &[1, 3], &[], &[4], &[0]]);
        assert_eq!(
            parts(&graph),
            [
                (vec![3], false),
                (vec![1, 2], true),
                (vec![0], false),
                (vec![4], true),
                (vec![5], false)
            ]
        );
        assert_eq!(graph.cycle(&[1, 2], 1), [1, 2]);
        assert_eq!(graph.cycle(&[4], 4), [4]);
    }

    #[test]
    fn a_diamond_inside_a_cycle() {
        let graph = graph(&[&[1, 2], &[3], &[3], &[0]]);
        assert_eq!(parts(&graph), [(vec![0, 1, 2, 3], true)]);
        assert_eq!(graph.cycle(&[0, 1, 2, 3], 0), [0, 1, 3]);
    }

    #[test]
    fn a_long_chain_takes_no_stack() {
        let mut graph = Graph::default();
        (0..200_000).for_each(|node| graph.add((node < 199_999).then_some(node + 1)));
        assert_eq!(parts(&graph).len(), 200_000);
    }
}
