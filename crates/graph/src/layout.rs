//! Where everything stands in a picture: a layered layout from top to bottom.
//!
//! Nodes get layers, and readers stand below what they read. A value that is read further down runs
//! there as one line, through a point in each layer between, from which its readers branch off. The
//! points of each layer are ordered so that lines cross rarely, and then get places.
//!
//! What stays true: boxes and points of a layer never overlap; a line is straight while it passes a
//! layer and bends only between two; so no line can touch a box that it does not belong to.
//! Everything is deterministic, and its time is bounded by [`limits`](crate::limits).

mod layers;
mod order;
mod place;
mod points;

use std::fmt;

use crate::label::Label;
use crate::limits::{NODES_DRAWN_MAX, POINTS_DRAWN_MAX};
use crate::{Graph, Node, Use};
use points::Points;

/// Height of every box.
const BOX_HEIGHT: f64 = 46.0;
/// The narrowest box.
const BOX_WIDTH_MIN: f64 = 84.0;
/// Between the text and the sides of its box.
const PADDING: f64 = 16.0;
/// Around the picture.
const MARGIN: f64 = 24.0;
/// Where a box may be round: no line arrives there.
const CORNER: f64 = 18.0;
/// Between two lines that arrive at a box, at most.
const PORT_GAP_MAX: f64 = 26.0;
/// Between two lines that arrive at a box, at least, ...
const PORT_GAP_MIN: f64 = 9.0;
/// ... as long as there are no more than these.
const PORTS_APART_MAX: usize = 80;
/// The smallest and the largest distance between two layers.
const LAYER_GAP: (f64, f64) = (44.0, 150.0);

/// A picture without ink.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// Of the whole picture, which begins at 0.
    pub width: f64,
    /// Of the whole picture, which begins at 0.
    pub height: f64,
    /// In step with the nodes of the graph.
    pub boxes: Vec<Area>,
    /// The parts of all lines, from top to bottom.
    pub lines: Vec<Line>,
}

/// The box of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Area {
    /// Left side.
    pub x: f64,
    /// Upper side.
    pub y: f64,
    /// To the right.
    pub width: f64,
    /// Downwards.
    pub height: f64,
}

/// A part of a line, between two layers: it leaves `from` and reaches `to` vertically.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// The node whose value it carries.
    pub source: u32,
    /// The node that it ends at; a part that ends at a point has none.
    pub target: Option<u32>,
    /// The least conditional use by all nodes that it leads to.
    pub uses: Use,
    /// Its upper end.
    pub from: (f64, f64),
    /// Its lower end.
    pub to: (f64, f64),
    /// From there it runs on straight down to here.
    pub tail: f64,
}

/// The graph is too large for a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// How many nodes it has.
    pub nodes: usize,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.nodes;
        if nodes > NODES_DRAWN_MAX {
            return write!(
                f,
                "the graph has {nodes} nodes, and a picture holds at most {NODES_DRAWN_MAX}"
            );
        }
        write!(f, "the {nodes} nodes of the graph are too entangled for a picture")
    }
}

impl std::error::Error for TooLarge {}

/// A place for each node and each edge. Every edge must go to a later node, as [`Graph::of`] has it.
pub fn layout(graph: &Graph) -> Result<Layout, TooLarge> {
    let too_large = TooLarge { nodes: graph.nodes.len() };
    if graph.nodes.len() > NODES_DRAWN_MAX {
        return Err(too_large);
    }
    let layers = layers::layers(graph);
    let points = Points::new(graph, layers, widths(graph), POINTS_DRAWN_MAX);
    let points = points.ok_or(too_large)?;
    let order = order::order(&points);
    let xs = place::place(&points, &order);
    Ok(drawn(graph, &points, &order, &xs))
}

/// The width of each node: room for its text, and for the lines that arrive.
fn widths(graph: &Graph) -> Vec<f64> {
    let mut arriving = vec![0_usize; graph.nodes.len()];
    graph.edges.iter().for_each(|edge| arriving[edge.to as usize] += 1);
    let width = |(node, arriving): (&Node, usize)| {
        let text = Label::short(node).width() + 2.0 * PADDING;
        let ports = arriving.min(PORTS_APART_MAX) as f64 * PORT_GAP_MIN + 2.0 * CORNER;
        text.max(ports).max(BOX_WIDTH_MIN).ceil()
    };
    graph.nodes.iter().zip(arriving).map(width).collect()
}

/// The middles of points become boxes and lines.
fn drawn(graph: &Graph, points: &Points, order: &[Vec<u32>], xs: &[f64]) -> Layout {
    let half = |at: u32| points.widths[at as usize] / 2.0;
    let firsts = order.iter().filter_map(|layer| layer.first());
    let left = firsts.map(|&at| xs[at as usize] - half(at)).fold(f64::INFINITY, f64::min);
    let lasts = order.iter().filter_map(|layer| layer.last());
    let right = lasts.map(|&at| xs[at as usize] + half(at)).fold(left, f64::max);
    let x = |at: u32| xs[at as usize] - left + MARGIN;
    let tops = tops(points, order.len(), xs);
    let top = |at: u32| tops[points.layers[at as usize] as usize];
    let boxes = (0..graph.nodes.len() as u32).map(|at| Area {
        x: x(at) - half(at),
        y: top(at),
        width: 2.0 * half(at),
        height: BOX_HEIGHT,
    });
    let lines = points.links.iter().zip(ports(points, xs)).map(|(link, port)| Line {
        source: link.source,
        target: Some(link.to).filter(|&to| points.is_node(to)),
        uses: link.uses,
        from: (x(link.from), top(link.from) + BOX_HEIGHT),
        to: (x(link.to) + port, top(link.to)),
        tail: top(link.to) + if points.is_node(link.to) { 0.0 } else { BOX_HEIGHT },
    });
    Layout {
        width: 2.0 * MARGIN + if order.is_empty() { 0.0 } else { right - left },
        height: MARGIN + tops.last().map_or(MARGIN, |top| top + BOX_HEIGHT),
        boxes: boxes.collect(),
        lines: lines.collect(),
    }
}

/// For each link, how far from the middle of its lower end it arrives: lines that end at one box
/// arrive side by side, in the order in which they come.
fn ports(points: &Points, xs: &[f64]) -> Vec<f64> {
    let mut ports = vec![0.0; points.links.len()];
    let mut arriving: Vec<usize> =
        (0..ports.len()).filter(|&at| points.is_node(points.links[at].to)).collect();
    let start = |at: usize| xs[points.links[at].from as usize];
    let end = |at: usize| points.links[at].to;
    arriving.sort_by(|&a, &b| end(a).cmp(&end(b)).then(start(a).total_cmp(&start(b))));
    for side_by_side in arriving.chunk_by(|&a, &b| end(a) == end(b)) {
        let room = points.widths[end(side_by_side[0]) as usize] - 2.0 * CORNER;
        let step = (room / side_by_side.len() as f64).min(PORT_GAP_MAX);
        let middle = (side_by_side.len() - 1) as f64 / 2.0;
        for (at, &link) in side_by_side.iter().enumerate() {
            ports[link] = (at as f64 - middle) * step;
        }
        if let &[only] = side_by_side {
            // It comes straight from above if it nearly does so anyway.
            ports[only] = (start(only) - xs[end(only) as usize]).clamp(-room / 4.0, room / 4.0);
        }
    }
    ports
}

/// The upper side of each layer. Where a line goes far to the side, layers stand further apart, so
/// that it does not run flat.
fn tops(points: &Points, layers: usize, xs: &[f64]) -> Vec<f64> {
    let (smallest, largest) = LAYER_GAP;
    let mut gaps = vec![smallest; layers];
    for link in &points.links {
        let aside = (xs[link.from as usize] - xs[link.to as usize]).abs();
        let gap = &mut gaps[points.layers[link.from as usize] as usize];
        *gap = gap.max(smallest + 0.06 * aside).min(largest);
    }
    let mut next = MARGIN;
    let below = gaps.into_iter().map(|gap| {
        let top = next;
        next = top + BOX_HEIGHT + gap;
        top
    });
    below.collect()
}
