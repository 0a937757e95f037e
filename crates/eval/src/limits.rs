//! Bounds of this room, beside those of the language in [`model::limits`].

/// Bytes of a compiled pattern of `matches`; a larger one fails with R009.
pub const REGEX_BYTES_MAX: usize = 1 << 20;
/// Compiled patterns that a thread keeps; past that it forgets all of them.
pub const REGEXES_CACHED_MAX: usize = 64;
