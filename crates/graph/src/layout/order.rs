//! The order of the points of each layer: such that few lines cross.
//!
//! Sweeps down and up sort each layer by the mean place of the neighbours in the layer before; the
//! best order that was seen wins. Then neighbours are exchanged where that alone helps.

use super::points::Points;
use crate::limits::{
    EXCHANGE_ROUNDS_MAX, ORDER_SWEEPS_LARGE, ORDER_SWEEPS_MAX, POINTS_SWEPT_FULLY,
};

/// For each layer its points, from left to right.
pub(super) fn order(points: &Points) -> Vec<Vec<u32>> {
    let mut order = points.by_layer();
    let mut place = vec![0.0; points.layers.len()];
    order.iter().for_each(|layer| note(layer, &mut place));
    let mut best = (crossings(points, &order), order.clone());
    let is_large = points.layers.len() > POINTS_SWEPT_FULLY;
    let sweeps = if is_large { ORDER_SWEEPS_LARGE } else { ORDER_SWEEPS_MAX };
    for sweep in 0..sweeps {
        if sweep % 2 == 0 {
            order.iter_mut().for_each(|layer| sort(layer, &points.above, &mut place));
        } else {
            order.iter_mut().rev().for_each(|layer| sort(layer, &points.below, &mut place));
        }
        let crossings = crossings(points, &order);
        if crossings <= best.0 {
            best = (crossings, order.clone());
        }
    }
    if !is_large {
        exchange(points, &mut best.1);
    }
    best.1
}

/// Places are fractions of a layer's breadth, so that layers of all sizes can be compared.
fn note(layer: &[u32], place: &mut [f64]) {
    let count = layer.len() as f64;
    for (at, &point) in layer.iter().enumerate() {
        place[point as usize] = (at as f64 + 0.5) / count;
    }
}

/// A point without such neighbours stays about where it is.
fn sort(layer: &mut [u32], neighbours: &[Vec<u32>], place: &mut [f64]) {
    let mut keyed: Vec<(f64, u32)> = layer
        .iter()
        .map(|&point| {
            let near = &neighbours[point as usize];
            let sum: f64 = near.iter().map(|&other| place[other as usize]).sum();
            let mean =
                if near.is_empty() { place[point as usize] } else { sum / near.len() as f64 };
            (mean, point)
        })
        .collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (slot, (_, point)) in layer.iter_mut().zip(keyed) {
        *slot = point;
    }
    note(layer, place);
}

/// How many pairs of links cross.
fn crossings(points: &Points, order: &[Vec<u32>]) -> u64 {
    let ranks = ranks(points, order);
    let mut count = 0;
    let mut tree = Vec::new();
    for pair in order.windows(2) {
        let [upper, lower] = pair else { continue };
        tree.clear();
        tree.resize(lower.len() + 1, 0_u64);
        let mut seen = 0;
        for &point in upper {
            let mut ends: Vec<usize> =
                points.below[point as usize].iter().map(|&to| ranks[to as usize]).collect();
            ends.sort_unstable();
            // Links of one point do not cross each other, so they are counted before they are added.
            count += ends.iter().map(|&end| seen - up_to(&tree, end)).sum::<u64>();
            ends.iter().for_each(|&end| add(&mut tree, end));
            seen += ends.len() as u64;
        }
    }
    count
}

/// How many entries are at most `end`: a Fenwick tree.
fn up_to(tree: &[u64], end: usize) -> u64 {
    let mut at = end + 1;
    let mut sum = 0;
    while at > 0 {
        sum += tree[at];
        at &= at - 1;
    }
    sum
}

fn add(tree: &mut [u64], end: usize) {
    let mut at = end + 1;
    while at < tree.len() {
        tree[at] += 1;
        at += at & at.wrapping_neg();
    }
}

fn ranks(points: &Points, order: &[Vec<u32>]) -> Vec<usize> {
    let mut ranks = vec![0; points.layers.len()];
    for layer in order {
        layer.iter().enumerate().for_each(|(rank, &point)| ranks[point as usize] = rank);
    }
    ranks
}

/// Exchanges neighbours in a layer as long as that takes crossings away.
fn exchange(points: &Points, order: &mut [Vec<u32>]) {
    let mut ranks = ranks(points, order);
    for _ in 0..EXCHANGE_ROUNDS_MAX {
        let mut is_better = false;
        for layer in order.iter_mut() {
            for at in 1..layer.len() {
                let (a, b) = (layer[at - 1], layer[at]);
                if gain(points, &ranks, a, b) > 0 {
                    layer.swap(at - 1, at);
                    ranks.swap(a as usize, b as usize);
                    is_better = true;
                }
            }
        }
        if !is_better {
            return;
        }
    }
}

/// How many crossings go away if `a` and `b`, its right neighbour, change places.
fn gain(points: &Points, ranks: &[usize], a: u32, b: u32) -> i64 {
    let side = |neighbours: &[Vec<u32>]| {
        let of = |point: u32| {
            let near = neighbours[point as usize].iter();
            let mut near: Vec<usize> = near.map(|&other| ranks[other as usize]).collect();
            near.sort_unstable();
            near
        };
        let (left, right) = (of(a), of(b));
        inversions(&left, &right) - inversions(&right, &left)
    };
    side(&points.above) + side(&points.below)
}

/// How many pairs have the first of `left` behind the second of `right`; both are sorted.
fn inversions(left: &[usize], right: &[usize]) -> i64 {
    let mut before = 0;
    let mut count = 0;
    for end in left {
        while right.get(before).is_some_and(|other| other < end) {
            before += 1;
        }
        count += before as i64;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_in_the_wrong_order_are_counted() {
        assert_eq!(inversions(&[2, 5], &[1, 3, 5]), 1 + 2);
        assert_eq!(inversions(&[1, 3, 5], &[2, 5]), 1 + 1);
        assert_eq!(inversions(&[], &[1]), 0);
    }

    #[test]
    fn the_tree_counts_what_was_added() {
        let mut tree = vec![0; 9];
        [3, 0, 3, 7].into_iter().for_each(|end| add(&mut tree, end));
        assert_eq!([0, 2, 3, 6, 7].map(|end| up_to(&tree, end)), [1, 1, 3, 3, 4]);
    }
}
