//! The picture: a self-contained SVG document for light and dark surroundings.
//!
//! What a node is can be told by its shape and by its words, never by its colour alone. Rules are
//! written out for both colour schemes, since many viewers know no CSS variables.

use std::fmt::{self, Write};

use model::Effect;
use model::text::cut;

use crate::label::{DETAIL_SIZE, Label, NAME_SIZE, tooltip};
use crate::layout::{Area, Layout, Line, TooLarge, layout};
use crate::{Graph, Kind, Node, Use};

const STYLE: &str = include_str!("svg.css");

/// A picture of the graph, with a title for those who do not see it.
pub fn svg(graph: &Graph, title: &str) -> Result<String, TooLarge> {
    let layout = layout(graph)?;
    let mut out = String::with_capacity(2_048 + 512 * graph.nodes.len());
    // Writing into a string cannot fail.
    draw(graph, title, &layout, &mut out).unwrap_or_default();
    Ok(out)
}

fn draw(graph: &Graph, title: &str, layout: &Layout, out: &mut String) -> fmt::Result {
    let (width, height) = (layout.width.ceil(), layout.height.ceil());
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"tidegate\" width=\"{width}\" \
         height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-labelledby=\"tidegate-title tidegate-desc\">"
    )?;
    writeln!(out, "<title id=\"tidegate-title\">{}</title>", escaped(title))?;
    writeln!(out, "<desc id=\"tidegate-desc\">{}</desc>", escaped(&description(graph)))?;
    writeln!(out, "<style>\n{STYLE}</style>\n{MARKERS}")?;
    writeln!(out, "<rect class=\"page\" width=\"{width}\" height=\"{height}\"/>")?;
    // The conditional lines are drawn first, so that they lie below the others.
    for uses in [Use::Conditional, Use::Guard, Use::Always] {
        for line in layout.lines.iter().filter(|line| line.uses == uses) {
            draw_line(graph, line, out)?;
        }
    }
    for (node, area) in graph.nodes.iter().zip(&layout.boxes) {
        draw_node(node, area, out)?;
    }
    out.write_str("</svg>\n")
}

const MARKERS: &str = "\
<defs>
<marker id=\"tidegate-arrow\" class=\"head\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" \
markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
<path d=\"M0 0.5 L10 5 L0 9.5 z\"/></marker>
<marker id=\"tidegate-guard\" class=\"hollow\" viewBox=\"0 0 12 12\" refX=\"11\" refY=\"6\" \
markerWidth=\"12\" markerHeight=\"12\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
<path d=\"M1 6 L6 2 L11 6 L6 10 z\"/></marker>
</defs>";

fn draw_line(graph: &Graph, line: &Line, out: &mut String) -> fmt::Result {
    let ((x1, y1), (x2, y2)) = (line.from, line.to);
    let middle = (y1 + y2) / 2.0;
    let class = line.uses.as_str();
    write!(out, "<path class=\"line {class}\" d=\"M{x1:.1} {y1:.1} C{x1:.1} {middle:.1} ")?;
    write!(out, "{x2:.1} {middle:.1} {x2:.1} {y2:.1}")?;
    if line.tail > y2 {
        write!(out, " V{:.1}", line.tail)?;
    }
    out.write_char('"')?;
    let Some(target) = line.target else { return out.write_str("/>\n") };
    let marker = if line.uses == Use::Guard { "guard" } else { "arrow" };
    let [from, to] = [line.source, target].map(|at| escaped(&graph.nodes[at as usize].id));
    let how = match line.uses {
        Use::Always => "always",
        Use::Guard => "as a guard",
        Use::Conditional => "conditionally",
    };
    writeln!(
        out,
        " marker-end=\"url(#tidegate-{marker})\"><title>{to} reads {from} {how}</title></path>"
    )
}

fn draw_node(node: &Node, area: &Area, out: &mut String) -> fmt::Result {
    let Area { x, y, width, height } = *area;
    let label = Label::short(node);
    let class = class(node);
    writeln!(out, "<g class=\"{class}\"><title>{}</title>", escaped(&tooltip(node)))?;
    let round = match &node.kind {
        Kind::Input { .. } | Kind::Output => height / 2.0,
        Kind::Binding => 7.0,
        Kind::Call(_) => 0.0,
    };
    let frame = |inset: f64, class: &str| {
        let (x, y, width) = (x + inset, y + inset, width - 2.0 * inset);
        let (height, round) = (height - 2.0 * inset, (round - inset).max(0.0));
        format!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"{height:.1}\" rx=\"{round:.1}\"/>\n"
        )
    };
    out.write_str(&frame(0.0, "box"))?;
    match &node.kind {
        Kind::Output => out.write_str(&frame(3.5, "inner"))?,
        Kind::Call(_) => {
            let (left, right, bottom) = (x + 6.0, x + width - 6.0, y + height);
            let bars = format!("M{left:.1} {y:.1} V{bottom:.1} M{right:.1} {y:.1} V{bottom:.1}");
            writeln!(out, "<path class=\"inner\" d=\"{bars}\"/>")?;
        }
        Kind::Input { .. } | Kind::Binding => {}
    }
    let middle = x + width / 2.0;
    for (class, size, down, text) in
        [("name", NAME_SIZE, 20.0, &label.name), ("detail", DETAIL_SIZE, 36.0, &label.detail)]
    {
        let (y, text) = (y + down, escaped(text));
        writeln!(
            out,
            "<text class=\"{class}\" font-size=\"{size}\" x=\"{middle:.1}\" y=\"{y:.1}\">{text}</text>"
        )?;
    }
    out.write_str("</g>\n")
}

fn class(node: &Node) -> String {
    match &node.kind {
        Kind::Input { .. } => "input".to_owned(),
        Kind::Binding => "binding".to_owned(),
        Kind::Call(call) => format!("call {}", call.effect),
        Kind::Output => "output".to_owned(),
    }
}

fn description(graph: &Graph) -> String {
    let count = |is_meant: &dyn Fn(&Kind) -> bool, noun: &str| {
        let count = graph.nodes.iter().filter(|node| is_meant(&node.kind)).count();
        format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
    };
    let writes = |kind: &Kind| matches!(kind, Kind::Call(call) if call.effect == Effect::Write);
    format!(
        "Dataflow from top to bottom: {}, {}, {} ({} with effect write), {}. Dashed lines are \
         followed only if a condition selects them; lines with a diamond are guards.",
        count(&|kind| matches!(kind, Kind::Input { .. }), "input"),
        count(&|kind| matches!(kind, Kind::Binding), "binding"),
        count(&|kind| matches!(kind, Kind::Call(_)), "module call"),
        graph.nodes.iter().filter(|node| writes(&node.kind)).count(),
        count(&|kind| matches!(kind, Kind::Output), "output"),
    )
}

/// Text that means nothing to XML. What XML cannot hold at all becomes a replacement character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in cut(text, usize::MAX).chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}
