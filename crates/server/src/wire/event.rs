//! Events from outside as JSON.

use engine::Timestamp;
use engine::log::Received;
use engine::ports::Delivered;

use super::object::{Object, append, list};

/// What became of an event.
pub(crate) fn delivered(delivered: &Delivered) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + 48 * delivered.executions.len());
    let mut object = Object::begin(&mut out);
    list(object.key("delivered"), &delivered.executions, |out, id| {
        append(out, format_args!("\"{id}\""));
    });
    object.boolean("kept", delivered.is_kept);
    object.end();
    out
}

/// An event that nobody has listened for yet.
pub(crate) fn kept_event(object: &mut Object<'_>, at: Timestamp, event: &Received) {
    object.time("receivedAt", at);
    let Received { source, id, event_type, key, data } = event;
    object.maybe_text("id", id.as_deref());
    object.maybe_text("source", source.as_deref());
    object.text("type", event_type);
    object.text("key", key);
    object.key("data").extend(data.as_bytes());
}
