//! What is written on a node, and about how wide that is.
//!
//! Nobody knows the font that a picture will be read in. Widths are those of a broad sans serif
//! font with a margin, so that text fits its box in the others too.

use model::text::cut;

use crate::limits::{DETAIL_SHOWN_MAX, NAME_SHOWN_MAX};
use crate::{Call, Kind, Node};

/// Size of a name in a picture.
pub(crate) const NAME_SIZE: f64 = 14.0;
/// Size of the line below it.
pub(crate) const DETAIL_SIZE: f64 = 11.5;
/// How much broader than estimated a text may turn out.
const MARGIN: f64 = 1.06;

/// Two lines.
pub(crate) struct Label {
    /// The name; for a call, of its module.
    pub(crate) name: String,
    /// The type; for a call, its effect and options.
    pub(crate) detail: String,
}

impl Label {
    /// What a box shows.
    pub(crate) fn short(node: &Node) -> Label {
        let Label { name, detail } = Label::full(node);
        Label { name: cut(&name, NAME_SHOWN_MAX), detail: cut(&detail, DETAIL_SHOWN_MAX) }
    }

    /// Both lines, however long they are.
    fn full(node: &Node) -> Label {
        match &node.kind {
            Kind::Call(Call { module, effect, options, depth }) => {
                let each = if *depth > 0 { " for each" } else { "" };
                let separator = if options.is_empty() { "" } else { " · " };
                Label {
                    name: module.to_string(),
                    detail: format!("{effect}{each}{separator}{options}"),
                }
            }
            Kind::Input { required: false } => Label {
                name: node.name.to_string(),
                detail: format!("{} · not required", node.ty),
            },
            Kind::Input { required: true } | Kind::Binding | Kind::Output => {
                Label { name: node.name.to_string(), detail: node.ty.to_string() }
            }
        }
    }

    /// The width of the broader line.
    pub(crate) fn width(&self) -> f64 {
        let name = NAME_SIZE * 1.06 * ems(&self.name);
        let detail = DETAIL_SIZE * ems(&self.detail);
        MARGIN * name.max(detail)
    }
}

/// All that a node has to say.
pub(crate) fn tooltip(node: &Node) -> String {
    let Node { name, ty, .. } = node;
    match &node.kind {
        Kind::Input { required: true } => format!("input {name}: {ty}"),
        Kind::Input { required: false } => format!("input {name}: {ty}, not required"),
        Kind::Binding => format!("{name}: {ty}"),
        Kind::Call(call) => {
            let with = if call.options.is_empty() { "" } else { " with " };
            let each = if call.depth > 0 { ", for each element" } else { "" };
            let (module, effect, options) = (&call.module, call.effect, &call.options);
            format!("call {name}: {module}(…): {ty} ({effect}{each}){with}{options}")
        }
        Kind::Output => format!("output {name}: {ty}"),
    }
}

/// The width of a text in multiples of its size.
fn ems(text: &str) -> f64 {
    text.chars().map(em).sum()
}

fn em(character: char) -> f64 {
    match character {
        'i' | 'j' | 'l' | '\'' | '|' | '.' | ',' | ':' | ';' | '!' | ' ' | '·' => 0.34,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '{' | '}' | '-' | '"' | '/' | '\\' => 0.45,
        'm' | 'w' | '%' | '+' | '<' | '>' | '=' | '_' => 0.88,
        'M' | 'W' | '@' | '…' => 1.0,
        'A'..='Z' => 0.74,
        ' '..='~' => 0.64,
        '\u{300}'..='\u{36f}' => 0.0,
        '\u{80}'..='\u{24f}' | '\u{370}'..='\u{52f}' => 0.78,
        // Ideographs and pictures are square.
        _ => 1.1,
    }
}
