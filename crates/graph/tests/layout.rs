//! What holds of every picture: no boxes overlap, lines run down, reach what they should and keep
//! clear of every other box, and the same graph gives the same picture.

mod common;

use common::random;
use tidegate_graph::limits::NODES_DRAWN_MAX;
use tidegate_graph::{Area, Edge, Graph, Layout, Line, Use, dot, json, layout, svg};

#[test]
fn random_graphs_are_laid_out_well() {
    for seed in 0..60 {
        let count = [1, 2, 5, 17, 60][seed as usize % 5];
        check(&random(seed, count, 1 + seed as usize % 4));
    }
}

#[test]
fn larger_graphs_are_laid_out_well() {
    check(&random(1, 200, 3));
    check(&random(2, 5_000, 2));
}

#[test]
fn nothing_makes_an_empty_picture() {
    let picture = layout(&Graph::default()).expect("it is small");
    assert!(picture.boxes.is_empty() && picture.lines.is_empty());
    assert!(picture.width > 0.0 && picture.height > 0.0);
}

#[test]
fn a_picture_does_not_become_much_wider_than_high() {
    // As many inputs as outputs, and nothing between them.
    let mut graph = random(3, 200, 0);
    graph.edges = (0..100).map(|at| edge(at, at + 100)).collect();
    let picture = check(&graph);
    assert!(picture.width < 2.0 * picture.height, "{} {}", picture.width, picture.height);
}

#[test]
fn one_value_for_many_readers_is_one_line() {
    let mut graph = random(4, 400, 0);
    graph.edges = (1..400).map(|at| edge(0, at)).collect();
    let picture = check(&graph);
    let layers = 400 / 6 + 1;
    assert!(picture.lines.len() < 400 + layers, "{}", picture.lines.len());
}

#[test]
fn a_chain_runs_straight_down() {
    let mut graph = random(5, 50, 0);
    graph.edges = (1..50).map(|at| edge(at - 1, at)).collect();
    let picture = check(&graph);
    assert!(picture.lines.iter().all(|line| (line.from.0 - line.to.0).abs() < 0.01));
}

#[test]
fn what_is_too_large_for_a_picture_is_refused_and_can_be_had_as_data() {
    let graph = random(6, NODES_DRAWN_MAX + 1, 1);
    let refusal = svg(&graph, "large").expect_err("it is too large").to_string();
    assert_eq!(refusal, "the graph has 10001 nodes, and a picture holds at most 10000");
    assert!(dot(&graph).len() > 10_000 && json(&graph).len() > 10_000);

    // A long chain in which each also reads the one half way up: the lines pass thousands of layers.
    let mut graph = random(7, NODES_DRAWN_MAX, 0);
    let count = NODES_DRAWN_MAX as u32;
    graph.edges = (1..count).map(|at| edge(at - 1, at)).collect();
    graph.edges.extend((2..count).map(|at| edge(at / 2 - 1, at)));
    graph.edges.sort_unstable();
    graph.edges.dedup();
    let refusal = layout(&graph).expect_err("it is too large").to_string();
    assert_eq!(refusal, "the 10000 nodes of the graph are too entangled for a picture");
}

#[test]
fn a_line_begins_at_its_node_or_where_another_part_ends() {
    let picture = check(&random(8, 120, 3));
    for line in &picture.lines {
        let area = picture.boxes[line.source as usize];
        let is_at_node = line.from == (area.x + area.width / 2.0, area.y + area.height);
        let continues =
            |other: &Line| other.source == line.source && (other.to.0, other.tail) == line.from;
        assert!(is_at_node || picture.lines.iter().any(continues), "{line:?}");
    }
}

#[test]
fn a_shared_part_is_drawn_like_its_least_conditional_reader() {
    let picture = check(&random(9, 200, 3));
    for line in picture.lines.iter().filter(|line| line.target.is_none()) {
        let end = (line.to.0, line.tail);
        let parts = picture.lines.iter().filter(|it| it.source == line.source && it.from == end);
        assert_eq!(parts.map(|it| it.uses).min(), Some(line.uses));
    }
}

fn edge(from: u32, to: u32) -> Edge {
    Edge { from, to, uses: Use::Always }
}

/// Lays out, and checks all that must hold.
fn check(graph: &Graph) -> Layout {
    let picture = layout(graph).expect("it is not too large");
    assert_eq!(layout(graph).as_ref(), Ok(&picture), "the same graph gives the same picture");
    assert_eq!(picture.boxes.len(), graph.nodes.len());
    let layers = layers(&picture.boxes);
    for area in &picture.boxes {
        assert!(area.x >= 0.0 && area.x + area.width <= picture.width, "{area:?}");
        assert!(area.y >= 0.0 && area.y + area.height <= picture.height, "{area:?}");
    }
    for layer in &layers {
        for pair in layer.windows(2) {
            assert!(pair[0].x + pair[0].width + 10.0 <= pair[1].x, "{pair:?}");
        }
    }
    for pair in layers.windows(2) {
        let gap = pair[1][0].y - pair[0][0].y - pair[0][0].height;
        assert!((20.0..=160.0).contains(&gap), "layers are apart, and none is empty: {gap}");
    }
    let mut reached: Vec<(u32, u32)> = Vec::new();
    for line in &picture.lines {
        check_line(line, &picture, &layers);
        reached.extend(line.target.map(|target| (line.source, target)));
    }
    reached.sort_unstable();
    let edges: Vec<(u32, u32)> = graph.edges.iter().map(|edge| (edge.from, edge.to)).collect();
    assert_eq!(reached, edges, "each edge is drawn once");
    for edge in &graph.edges {
        let [from, to] = [edge.from, edge.to].map(|at| picture.boxes[at as usize]);
        assert!(from.y + from.height < to.y, "readers stand below");
    }
    picture
}

/// The boxes of each layer from left to right, and the layers from top to bottom.
fn layers(boxes: &[Area]) -> Vec<Vec<Area>> {
    let mut boxes = boxes.to_vec();
    boxes.sort_by(|a, b| a.y.total_cmp(&b.y).then(a.x.total_cmp(&b.x)));
    boxes.chunk_by(|a, b| a.y == b.y).map(<[Area]>::to_vec).collect()
}

fn check_line(line: &Line, picture: &Layout, layers: &[Vec<Area>]) {
    assert!(line.from.1 < line.to.1 && line.to.1 <= line.tail, "{line:?}");
    // It bends only where no box can be: control points lie between its ends.
    let is_between = |area: &Area| area.y < line.to.1 && area.y + area.height > line.from.1;
    assert!(!layers.iter().any(|layer| is_between(&layer[0])), "{line:?}");
    // Where it passes a layer, it keeps away from the boxes there.
    let passed = layers.iter().filter(|layer| line.to.1 <= layer[0].y && layer[0].y < line.tail);
    for area in passed.flatten() {
        let is_left = line.to.0 + 5.0 < area.x;
        assert!(is_left || area.x + area.width + 5.0 < line.to.0, "{line:?} {area:?}");
    }
    if let Some(target) = line.target {
        let area = picture.boxes[target as usize];
        assert_eq!((line.to.1, line.tail), (area.y, area.y));
        assert!(area.x < line.to.0 && line.to.0 < area.x + area.width, "{line:?} {area:?}");
    }
}
