//! Named bounds of the language (specification, section 12) that more than one room needs.

/// Depth of expressions, types, patterns, values and JSON.
pub const NESTING_MAX: usize = 128;
/// Fields and members of one type, aliases expanded.
pub const TYPE_SIZE_MAX: usize = 10_000;
/// Bytes of a source text.
pub const SOURCE_BYTES_MAX: usize = 1 << 20;
/// Graph nodes of one program at compile time.
pub const NODES_MAX: usize = 100_000;
/// Pipelines that call each other, the outermost one included.
pub const PIPELINE_DEPTH_MAX: usize = 8;
/// Expressions of the pipelines that one program calls, counted for each call.
pub const EMBEDDED_EXPRS_MAX: usize = 1_000_000;
/// Elements of a list or map.
pub const LIST_LENGTH_MAX: usize = 1_000_000;
/// Bytes of one string.
pub const STRING_BYTES_MAX: usize = 16 << 20;
/// Bytes of one value, shared parts counted each time.
pub const VALUE_BYTES_MAX: usize = 64 << 20;
/// Bytes of all values that one execution holds.
pub const EXECUTION_BYTES_MAX: usize = 256 << 20;
/// Bytes of the JSON of all outputs of an execution.
pub const OUTPUT_BYTES_MAX: usize = 64 << 20;
/// Pure evaluation steps of one node; one for each element and each 64 bytes handled.
pub const STEPS_MAX: u64 = 10_000_000;
/// Problems that one refusal lists; what lies beyond is counted, not listed.
pub const FAULTS_MAX: usize = 100;
