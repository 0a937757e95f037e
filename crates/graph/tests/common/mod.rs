//! What the tests of this room share: modules to call, small pipelines, and random graphs.

#![allow(dead_code, reason = "each test file uses its own part of this")]

use model::{Catalog, Effect, Function, Origin, Signature};
use tidegate_graph::{Call, Edge, Graph, Kind, Node, Use};

/// A small pipeline that has a bit of everything.
pub(crate) const RECEIPT: &str = r#"
in order: { id: String, amount: Float, tier: "gold" | "silver" }
in rate: Float = 0.1
in approval: Boolean
discount = match order.tier { "gold" -> rate * 2, "silver" -> rate }
total    = order.amount - order.amount * discount
receipt  = Send("${order.id}: ${total}") with retry: 3, delay: 200ms
out total
out receipt when approval
"#;

/// The graph of a source that compiles.
pub(crate) fn graph_of(source: &str) -> Graph {
    let compilation = lang::compile(source, &catalog());
    let image = compilation.image.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics));
    Graph::of(&image.plan)
}

fn catalog() -> Catalog {
    let mut catalog = eval::stdlib::catalog();
    for (name, signature, effect) in [
        ("Find", "(id: String) -> Optional<{ id: String, score: Int }>", Effect::Read),
        ("Slow", "(text: String) -> String", Effect::Read),
        ("Join", "(a: String, b: String) -> String", Effect::Pure),
        ("Send", "(message: String) -> String", Effect::Write),
    ] {
        let signature: Signature = lang::signature(signature).expect("a signature of a test");
        let (namespace, doc) = ("".into(), "".into());
        let (name, origin) = (name.into(), Origin::Host);
        let overloads = Vec::new();
        catalog.insert(Function { namespace, name, signature, effect, origin, doc, overloads });
    }
    catalog
}

/// Edges as `from -> to`, `from -when-> to` and `from -?-> to`, one a line.
pub(crate) fn edges(graph: &Graph) -> String {
    let shown = graph.edges.iter().map(|edge| {
        let arrow = match edge.uses {
            Use::Always => "->",
            Use::Guard => "-when->",
            Use::Conditional => "-?->",
        };
        let [from, to] = [edge.from, edge.to].map(|at| &graph.nodes[at as usize].id);
        format!("{from} {arrow} {to}\n")
    });
    shown.collect()
}

/// Numbers that a seed decides.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound.max(1)
    }
}

/// A graph of `count` nodes, each of which reads up to `reads` earlier ones, mostly near ones.
pub(crate) fn random(seed: u64, count: usize, reads: usize) -> Graph {
    let mut random = Random::new(seed);
    let mut graph = Graph::default();
    for at in 0..count {
        let mut from: Vec<usize> = (0..random.below(reads + 1))
            .filter(|_| at > 0)
            .map(|_| {
                let back = if random.below(4) == 0 { at } else { at.min(12) };
                at - 1 - random.below(back)
            })
            .collect();
        from.sort_unstable();
        from.dedup();
        let uses = [Use::Always, Use::Always, Use::Guard, Use::Conditional];
        let edges = from.iter().map(|&from| Edge {
            from: from as u32,
            to: at as u32,
            uses: uses[random.below(4)],
        });
        graph.edges.extend(edges.collect::<Vec<_>>());
        graph.nodes.push(node(at, &mut random));
    }
    graph.edges.sort_unstable();
    graph
}

fn node(at: usize, random: &mut Random) -> Node {
    let kind = match random.below(4) {
        0 => Kind::Input { required: random.below(2) == 0 },
        1 => Kind::Binding,
        2 => Kind::Call(Call {
            module: "Send".into(),
            effect: Effect::Write,
            options: "retry: 3".to_owned(),
            depth: 0,
        }),
        _ => Kind::Output,
    };
    let name = "n".repeat(1 + random.below(40));
    Node { id: format!("x:{at}"), kind, name: name.into(), ty: "Int".into(), span: None }
}
