//! The graph as JSON: what `GET /pipelines/{ref}/graph` answers.

use model::{Span, Text};
use serde::Serialize;

use crate::{Call, Edge, Graph, Kind, Node};

/// `{"nodes": […], "edges": […]}`, without places to draw them at. Edges name nodes by their ids.
pub fn json(graph: &Graph) -> Vec<u8> {
    let document = Document {
        nodes: graph.nodes.iter().map(NodeDocument::of).collect(),
        edges: graph.edges.iter().map(|edge| EdgeDocument::of(graph, edge)).collect(),
    };
    // Writing text and numbers into memory cannot fail.
    serde_json::to_vec(&document).unwrap_or_default()
}

#[derive(Serialize)]
struct Document<'a> {
    nodes: Vec<NodeDocument<'a>>,
    edges: Vec<EdgeDocument<'a>>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeDocument<'a> {
    id: &'a str,
    kind: &'static str,
    name: &'a str,
    #[serde(rename = "type")]
    ty: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<&'a Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<&'a str>,
    /// The call is made for each element.
    #[serde(skip_serializing_if = "is_false")]
    each: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<Span>,
}

#[derive(Serialize)]
struct EdgeDocument<'a> {
    from: &'a str,
    to: &'a str,
    #[serde(rename = "use")]
    uses: &'static str,
}

impl NodeDocument<'_> {
    fn of(node: &Node) -> NodeDocument<'_> {
        let Node { id, kind, name, ty, span } = node;
        let common = NodeDocument { id, name, ty, span: *span, ..NodeDocument::default() };
        match kind {
            Kind::Input { required } => {
                NodeDocument { kind: "input", required: Some(*required), ..common }
            }
            Kind::Binding => NodeDocument { kind: "binding", ..common },
            Kind::Call(Call { module, effect, options, depth }) => NodeDocument {
                kind: "call",
                module: Some(module),
                effect: Some(effect.as_str()),
                options: Some(options.as_str()).filter(|options| !options.is_empty()),
                each: *depth > 0,
                ..common
            },
            Kind::Output => NodeDocument { kind: "output", ..common },
        }
    }
}

impl<'a> EdgeDocument<'a> {
    fn of(graph: &'a Graph, edge: &Edge) -> EdgeDocument<'a> {
        EdgeDocument {
            from: &graph.nodes[edge.from as usize].id,
            to: &graph.nodes[edge.to as usize].id,
            uses: edge.uses.as_str(),
        }
    }
}

fn is_false(boolean: &bool) -> bool {
    !boolean
}
