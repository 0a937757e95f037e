//! Times on the wire: RFC 3339 in UTC, and durations in milliseconds with fractions.

use std::time::Duration;

use engine::Timestamp;

/// `2026-01-31T09:30:00.125Z`. A time that no calendar has is shown as the beginning of 1970.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(time.0).unwrap_or_default().to_string()
}

/// Milliseconds, to the microsecond: `0.084`.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1_000.0
}
