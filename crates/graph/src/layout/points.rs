//! What stands in the layers: nodes, and the points through which longer lines run.
//!
//! All readers of a node share one line, so there is one point for a node in each layer that its
//! line passes. Links join points of adjacent layers only.

use crate::{Graph, Use};

/// Room for a line that passes a layer.
const POINT_WIDTH: f64 = 8.0;

/// Nodes and the points of lines. A node has the index that it has in the graph.
pub(super) struct Points {
    nodes: usize,
    /// The layer of each point; 0 is the top.
    pub(super) layers: Vec<u32>,
    pub(super) widths: Vec<f64>,
    pub(super) links: Vec<Link>,
    /// For each point, the other ends of its links upwards.
    pub(super) above: Vec<Vec<u32>>,
    /// For each point, the other ends of its links downwards.
    pub(super) below: Vec<Vec<u32>>,
}

/// A part of a line, from one layer to the next.
#[derive(Clone, Copy)]
pub(super) struct Link {
    /// The node whose value it carries.
    pub(super) source: u32,
    pub(super) from: u32,
    pub(super) to: u32,
    /// The least conditional use by all nodes that it leads to.
    pub(super) uses: Use,
}

impl Points {
    /// The points of a graph whose nodes have these layers and widths; `None` if there are more
    /// than `max`.
    pub(super) fn new(
        graph: &Graph,
        layers: Vec<u32>,
        widths: Vec<f64>,
        max: usize,
    ) -> Option<Points> {
        let none = vec![Vec::new(); layers.len()];
        let (nodes, links, above, below) = (layers.len(), Vec::new(), none.clone(), none);
        let mut points = Points { nodes, layers, widths, links, above, below };
        for edges in graph.edges.chunk_by(|a, b| a.from == b.from) {
            let layer = |to: u32| points.layers[to as usize];
            let mut readers: Vec<(u32, Use)> = edges.iter().map(|it| (it.to, it.uses)).collect();
            readers.sort_by_key(|&(to, _)| layer(to));
            points.line(edges[0].from, &readers);
            if points.layers.len() + points.links.len() > max {
                return None;
            }
        }
        Some(points)
    }

    /// The line of a node's value to its readers, which stand in the order of their layers.
    fn line(&mut self, source: u32, readers: &[(u32, Use)]) {
        let mut end = source;
        for (at, &(reader, uses)) in readers.iter().enumerate() {
            let layer = self.layers[reader as usize];
            let further = readers[at..].iter().map(|(_, uses)| *uses).min().unwrap_or(uses);
            while self.layers[end as usize] + 1 < layer {
                let point = self.point(self.layers[end as usize] + 1);
                self.link(Link { source, from: end, to: point, uses: further });
                end = point;
            }
            self.link(Link { source, from: end, to: reader, uses });
        }
    }

    fn point(&mut self, layer: u32) -> u32 {
        self.layers.push(layer);
        self.widths.push(POINT_WIDTH);
        self.above.push(Vec::new());
        self.below.push(Vec::new());
        self.layers.len() as u32 - 1
    }

    fn link(&mut self, link: Link) {
        self.below[link.from as usize].push(link.to);
        self.above[link.to as usize].push(link.from);
        self.links.push(link);
    }

    /// Whether it is a node, and not a point of a line.
    pub(super) fn is_node(&self, at: u32) -> bool {
        (at as usize) < self.nodes
    }

    /// For each layer, its points.
    pub(super) fn by_layer(&self) -> Vec<Vec<u32>> {
        let count = self.layers.iter().max().map_or(0, |last| *last as usize + 1);
        let mut layers = vec![Vec::new(); count];
        for (at, layer) in (0..).zip(&self.layers) {
            layers[*layer as usize].push(at);
        }
        layers
    }
}
