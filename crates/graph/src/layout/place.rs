//! How far to the right each point stands.
//!
//! Sweeps pull the points of a layer towards their neighbours; for each layer the places nearest to
//! the wanted ones (by the squares of the distances) that keep order and distances are found
//! exactly. At last the points of each line want one place together, so that long lines run
//! straight.

use super::points::Points;
use crate::limits::{PLACE_SWEEPS, STRAIGHTENINGS};

/// Between two boxes, and between a box and a line.
const GAP: f64 = 24.0;
/// Between two lines.
const LINE_GAP: f64 = 12.0;
/// How hard a link between two points of a line pulls, where any other pulls with 1.
const LINE_PULL: f64 = 6.0;
/// How hard everything is pulled to the middle.
const MIDDLE_PULL: f64 = 0.04;
/// How hard a point keeps to the place of its whole line.
const STRAIGHT_PULL: f64 = 100.0;

/// Where a point wants to stand, and how much.
type Wish = (f64, f64);

/// The middle of each point.
pub(super) fn place(points: &Points, order: &[Vec<u32>]) -> Vec<f64> {
    let mut xs = vec![0.0; points.layers.len()];
    for layer in order {
        let wishes = vec![(0.0, 1.0); layer.len()];
        settle(points, layer, &wishes, &mut xs);
    }
    for sweep in 0..PLACE_SWEEPS {
        let is_down = sweep % 2 == 0;
        let is_last = sweep + 2 >= PLACE_SWEEPS;
        let middle = xs.iter().sum::<f64>() / xs.len() as f64;
        for at in 0..order.len() {
            let layer = &order[if is_down { at } else { order.len() - 1 - at }];
            let wishes = layer.iter().map(|&point| {
                let sides = (is_down || is_last, !is_down || is_last);
                wish(points, point, sides, &xs, middle)
            });
            let wishes: Vec<Wish> = wishes.collect();
            settle(points, layer, &wishes, &mut xs);
        }
    }
    for _ in 0..STRAIGHTENINGS {
        straighten(points, order, &mut xs);
    }
    xs
}

/// The mean of the neighbours above, below, or both; a point that has them only on the other side
/// stays. Everything is pulled a little to the middle, so that parts without a common line do not
/// drift apart.
fn wish(
    points: &Points,
    point: u32,
    (above, below): (bool, bool),
    xs: &[f64],
    middle: f64,
) -> Wish {
    let at = point as usize;
    let (near_above, near_below) = (&points.above[at], &points.below[at]);
    let is_alone = near_above.is_empty() && near_below.is_empty();
    let seen_above = near_above.iter().filter(|_| above);
    let seen_below = near_below.iter().filter(|_| below);
    let (mut sum, mut weight) = (0.0, 0.0);
    for &other in seen_above.chain(seen_below) {
        let is_line = !points.is_node(point) && !points.is_node(other);
        let pull = if is_line { LINE_PULL } else { 1.0 };
        sum += pull * xs[other as usize];
        weight += pull;
    }
    if weight == 0.0 && !is_alone {
        (sum, weight) = (xs[at], 1.0);
    }
    ((sum + MIDDLE_PULL * middle) / (weight + MIDDLE_PULL), weight + MIDDLE_PULL)
}

/// Gives the points of every line one wish, and lets nodes keep their places if they can.
fn straighten(points: &Points, order: &[Vec<u32>], xs: &mut [f64]) {
    let mut wishes: Vec<Wish> = xs.iter().map(|&x| (x, 1.0)).collect();
    let is_point = |at: u32| !points.is_node(at);
    let mut line = Vec::new();
    for first in (0..points.layers.len() as u32).filter(|&at| is_point(at)) {
        if points.above[first as usize].iter().any(|&at| is_point(at)) {
            continue;
        }
        line.clear();
        let mut next = Some(first);
        while let Some(at) = next {
            line.push(at);
            next = points.below[at as usize].iter().copied().find(|&at| is_point(at));
        }
        let sum: f64 = line.iter().map(|&at| xs[at as usize]).sum();
        let mean = sum / line.len() as f64;
        line.iter().for_each(|&at| wishes[at as usize] = (mean, STRAIGHT_PULL));
    }
    for layer in order {
        let wishes: Vec<Wish> = layer.iter().map(|&at| wishes[at as usize]).collect();
        settle(points, layer, &wishes, xs);
    }
}

/// Points whose wishes collide, and that therefore stand side by side.
struct Group {
    sum: f64,
    weight: f64,
    points: usize,
}

impl Group {
    /// The place of its first point, from which the distances to the left are taken off.
    fn place(&self) -> f64 {
        self.sum / self.weight
    }
}

/// Puts the points of a layer as near to their wishes as they can stand: pools those that would
/// come too close until nobody does.
fn settle(points: &Points, layer: &[u32], wishes: &[Wish], xs: &mut [f64]) {
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(layer.len());
    let mut groups: Vec<Group> = Vec::new();
    for (at, &(x, weight)) in wishes.iter().enumerate() {
        if at > 0 {
            offset += distance(points, layer[at - 1], layer[at]);
        }
        offsets.push(offset);
        let mut group = Group { sum: (x - offset) * weight, weight, points: 1 };
        while let Some(before) = groups.pop_if(|before| before.place() > group.place()) {
            group.sum += before.sum;
            group.weight += before.weight;
            group.points += before.points;
        }
        groups.push(group);
    }
    let placed = groups.iter().flat_map(|group| std::iter::repeat_n(group.place(), group.points));
    for ((&point, offset), place) in layer.iter().zip(offsets).zip(placed) {
        xs[point as usize] = place + offset;
    }
}

/// Between the middles of two neighbours, at least.
fn distance(points: &Points, left: u32, right: u32) -> f64 {
    let are_lines = !points.is_node(left) && !points.is_node(right);
    let gap = if are_lines { LINE_GAP } else { GAP };
    (points.widths[left as usize] + points.widths[right as usize]) / 2.0 + gap
}
