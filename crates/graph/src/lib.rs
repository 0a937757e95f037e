//! The dataflow graph of a pipeline: as data, and as a picture.
//!
//! [`Graph::of`] reads a [`Plan`](model::Plan). [`json`], [`dot`] and [`mermaid`] write the graph
//! down and leave drawing to others; [`svg`] draws it here, on the places that [`layout()`] found.
//! The same plan gives the same bytes everywhere. Nothing in this room runs anything.

mod dot;
mod graph;
mod json;
mod label;
mod layout;
pub mod limits;
mod mermaid;
mod svg;
mod uses;

pub use dot::dot;
pub use graph::{Call, Edge, Graph, Kind, Node};
pub use json::json;
pub use layout::{Area, Layout, Line, TooLarge, layout};
pub use mermaid::mermaid;
pub use svg::svg;
pub use uses::Use;
