//! Places in a source text.

use serde::{Deserialize, Serialize};

/// A half-open range of bytes in a source text.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range from `start` up to `end`.
    pub fn new(start: usize, end: usize) -> Span {
        Span { start: start as u32, end: end as u32 }
    }

    /// The smallest range that holds both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Where this range lies in `source`, in lines and columns.
    pub fn locate(self, source: &str) -> Location {
        let (line, column) = position(source, self.start as usize);
        let (end_line, end_column) = position(source, self.end as usize);
        Location { line, column, end_line, end_column }
    }
}

/// Lines and columns of a [`Span`], both from 1; columns count Unicode scalar values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// Line of the first character.
    pub line: u32,
    /// Column of the first character.
    pub column: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column just behind the last character.
    pub end_column: u32,
}

fn position(source: &str, offset: usize) -> (u32, u32) {
    let before = &source.as_bytes()[..offset.min(source.len())];
    let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
    let is_scalar_start = |b: &&u8| (**b & 0xC0) != 0x80;
    let column = 1 + before[line_start..].iter().filter(is_scalar_start).count();
    (line as u32, column as u32)
}
