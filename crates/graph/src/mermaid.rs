//! The graph for Mermaid, as many Markdown viewers draw it.

use std::fmt::Write;

use model::Effect;
use model::text::cut;

use crate::label::Label;
use crate::{Graph, Kind, Use};

/// A `flowchart`.
pub fn mermaid(graph: &Graph) -> String {
    let mut out = String::from("flowchart TD\n");
    for (at, node) in graph.nodes.iter().enumerate() {
        let Label { name, detail } = Label::short(node);
        let (open, close) = match &node.kind {
            Kind::Input { .. } | Kind::Output => ("([", "])"),
            Kind::Binding => ("[", "]"),
            Kind::Call(_) => ("[[", "]]"),
        };
        let class = match &node.kind {
            Kind::Call(call) if call.effect == Effect::Write => ":::write",
            Kind::Output => ":::output",
            Kind::Input { .. } | Kind::Binding | Kind::Call(_) => "",
        };
        let (name, detail) = (escaped(&name), escaped(&detail));
        // Writing into a string cannot fail, here and below.
        writeln!(out, "  n{at}{open}\"{name}<br>{detail}\"{close}{class}").unwrap_or_default();
    }
    for edge in &graph.edges {
        let arrow = match edge.uses {
            Use::Always => "-->",
            Use::Guard => "-->|when|",
            Use::Conditional => "-.->",
        };
        writeln!(out, "  n{} {arrow} n{}", edge.from, edge.to).unwrap_or_default();
    }
    out.push_str("  classDef write fill:#fde3d3,stroke:#b3400e,color:#5c1f04\n");
    out.push_str("  classDef output stroke-width:3px\n");
    out
}

/// Whatever could mean something to Mermaid, to Markdown or to HTML becomes the number of a
/// character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in cut(text, usize::MAX).chars() {
        let is_plain = character.is_alphanumeric() || " .,:-_()|·…".contains(character);
        if is_plain {
            out.push(character);
        } else {
            write!(out, "#{};", character as u32).unwrap_or_default();
        }
    }
    out
}
