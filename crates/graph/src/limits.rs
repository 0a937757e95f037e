//! Bounds of this room, with what a user sees when one is reached.

/// Characters of a printed type; a longer one is cut, and ends with `…`.
pub const TYPE_SHOWN_MAX: usize = 400;
/// Nodes of a picture. A larger graph is not drawn; it can still be had as data.
pub const NODES_DRAWN_MAX: usize = 10_000;
/// Nodes of a picture, and bends of its lines. A graph that needs more is not drawn either.
pub const POINTS_DRAWN_MAX: usize = 300_000;
/// Sweeps over all layers that look for an order with fewer crossings.
pub(crate) const ORDER_SWEEPS_MAX: usize = 24;
/// The same where there are more than [`POINTS_SWEPT_FULLY`] points.
pub(crate) const ORDER_SWEEPS_LARGE: usize = 4;
/// Rounds over all layers that exchange neighbours.
pub(crate) const EXCHANGE_ROUNDS_MAX: usize = 8;
/// Points up to which a picture gets all sweeps.
pub(crate) const POINTS_SWEPT_FULLY: usize = 20_000;
/// Sweeps over all layers that pull nodes towards their neighbours.
pub(crate) const PLACE_SWEEPS: usize = 12;
/// Rounds that make lines straight.
pub(crate) const STRAIGHTENINGS: usize = 4;
/// Characters of a name in a picture; all of it is in the node's tooltip.
pub(crate) const NAME_SHOWN_MAX: usize = 28;
/// Characters of the line below a name in a picture; all of it is in the node's tooltip.
pub(crate) const DETAIL_SHOWN_MAX: usize = 34;
