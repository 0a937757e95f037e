//! Writes JSON objects and lists, one member after the other.

use std::fmt::Display;
use std::io::Write;

use engine::Timestamp;
use model::{Type, Value, json};

/// An object that is being written. It is whole after [`Object::end`].
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> Object<'a> {
    /// Opens an object.
    pub(crate) fn begin(out: &'a mut Vec<u8>) -> Object<'a> {
        out.push(b'{');
        Object { out, is_empty: true }
    }

    /// Closes it.
    pub(crate) fn end(self) {
        self.out.push(b'}');
    }

    /// Writes a key; the caller writes its value into what it gives.
    pub(crate) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        string(self.out, key);
        self.out.push(b':');
        self.out
    }

    /// A string.
    pub(crate) fn text(&mut self, key: &str, text: &str) {
        string(self.key(key), text);
    }

    /// A string, if there is one.
    pub(crate) fn maybe_text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    /// An id or a hash: text that needs no escapes.
    pub(crate) fn id(&mut self, key: &str, id: impl Display) {
        append(self.key(key), format_args!("\"{id}\""));
    }

    /// What is shown as text.
    pub(crate) fn shown(&mut self, key: &str, shown: impl Display) {
        self.text(key, &shown.to_string());
    }

    /// A number.
    pub(crate) fn number(&mut self, key: &str, number: impl Display) {
        append(self.key(key), number);
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, key: &str, boolean: bool) {
        self.key(key).extend(if boolean { &b"true"[..] } else { b"false" });
    }

    /// A value of the language.
    pub(crate) fn value(&mut self, key: &str, ty: &Type, value: &Value) {
        json::write(ty, value, self.key(key));
    }

    /// A tree that is there already.
    pub(crate) fn json(&mut self, key: &str, tree: &serde_json::Value) {
        append(self.key(key), tree);
    }

    /// A time, RFC 3339 in UTC.
    pub(crate) fn time(&mut self, key: &str, time: Timestamp) {
        self.text(key, &crate::clock::rfc3339(time));
    }

    /// An object inside.
    pub(crate) fn object(&mut self, key: &str, write: impl FnOnce(&mut Object<'_>)) {
        let mut object = Object::begin(self.key(key));
        write(&mut object);
        object.end();
    }

    /// A list of strings.
    pub(crate) fn texts<'t>(&mut self, key: &str, texts: impl IntoIterator<Item = &'t str>) {
        list(self.key(key), texts, string);
    }
}

/// Writes a list.
pub(crate) fn list<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// Writes a JSON string.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    // Writing into memory cannot fail, here and below.
    serde_json::to_writer(out, text).unwrap_or_default();
}

/// Writes what is JSON, or text between JSON, as it is.
pub(crate) fn append(out: &mut Vec<u8>, shown: impl Display) {
    write!(out, "{shown}").unwrap_or_default();
}
