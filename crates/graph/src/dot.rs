//! The graph for Graphviz.

use std::fmt::Write;

use model::Effect;
use model::text::cut;

use crate::label::{Label, tooltip};
use crate::{Graph, Kind, Node, Use};

const HEAD: &str = "\
digraph pipeline {
  graph [rankdir=TB];
  node [fontname=\"sans-serif\", fontsize=12];
  edge [fontname=\"sans-serif\", fontsize=11];
";

/// A `digraph` for the tool `dot`.
pub fn dot(graph: &Graph) -> String {
    let mut out = String::from(HEAD);
    for node in &graph.nodes {
        let Label { name, detail } = Label::short(node);
        let lines = format!("{}\\n{}", escaped(&name), escaped(&detail));
        let (id, tooltip, look) = (escaped(&node.id), escaped(&tooltip(node)), look(node));
        // Writing into a string cannot fail, here and below.
        writeln!(out, "  \"{id}\" [label=\"{lines}\", tooltip=\"{tooltip}\", {look}];")
            .unwrap_or_default();
    }
    for edge in &graph.edges {
        let from = escaped(&graph.nodes[edge.from as usize].id);
        let to = escaped(&graph.nodes[edge.to as usize].id);
        let look = match edge.uses {
            Use::Always => "",
            Use::Guard => " [label=\"when\", arrowhead=odiamond]",
            Use::Conditional => " [style=dashed]",
        };
        writeln!(out, "  \"{from}\" -> \"{to}\"{look};").unwrap_or_default();
    }
    out.push_str("}\n");
    out
}

fn look(node: &Node) -> &'static str {
    match &node.kind {
        Kind::Input { .. } => "shape=box, style=\"rounded,bold\"",
        Kind::Binding => "shape=box",
        Kind::Call(call) if call.effect == Effect::Write => {
            "shape=component, style=filled, fillcolor=\"#fde3d3\", color=\"#b3400e\""
        }
        Kind::Call(_) => "shape=component",
        Kind::Output => "shape=box, style=rounded, peripheries=2",
    }
}

/// A backslash begins an escape in labels, so it is doubled; an ampersand begins an entity.
fn escaped(text: &str) -> String {
    cut(text, usize::MAX).replace('&', "&amp;").replace('\\', "\\\\").replace('"', "\\\"")
}
