//! JSON at the types of the language (specification, section 8). The library lexes, the declared
//! type decides: text becomes typed values without a tree in between, and every problem is
//! collected with its JSON Pointer.

mod composite;
mod number;
mod read;
mod schema;
mod tag;
mod union;
mod write;

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::Code;

pub use read::{read, read_at};
pub use schema::schema;
pub use write::{length_within, to_string, write};

/// One problem of a supplied value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// V002 or V003; callers that look up names add V001.
    pub code: Code,
    /// Where, as a JSON Pointer (RFC 6901).
    pub pointer: String,
    /// The fact: `expected Int, got string`.
    pub message: String,
    /// What to do, if we know it.
    pub help: Option<String>,
}

/// The members of a JSON object in their order, repeated keys included.
pub type Entries<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

/// Reads the top level of a JSON object and leaves the values as they are.
pub fn entries(text: &str) -> Result<Entries<'_>, serde_json::Error> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = Entries<'de>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(key) = map.next_key_seed(Key)? {
                members.push((key, map.next_value()?));
            }
            Ok(members)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(text);
    let members = deserializer.deserialize_map(Members)?;
    deserializer.end()?;
    Ok(members)
}

/// `name` as one segment of a JSON Pointer.
pub fn escape_pointer(name: &str) -> Cow<'_, str> {
    if name.contains(['~', '/']) {
        name.replace('~', "~0").replace('/', "~1").into()
    } else {
        name.into()
    }
}

/// A key, borrowed from the text where it has no escapes.
struct Key;

impl<'de> serde::de::DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}
