//! Tags: the names of the members of a union, and the form in which a value is given with one.

use std::collections::HashMap;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Key;
use super::read::{Words, quoted};
use crate::text::{did_you_mean, quote};
use crate::{Text, Union};

/// The tag by which a member is written: its smallest alias name that no other member has, else
/// its printed type.
pub(super) fn tag_of(union: &Union, at: usize) -> Text {
    let member = &union.members()[at];
    let is_own = |tag: &&Text| {
        let mut others = union.members().iter().enumerate().filter(|(other, _)| *other != at);
        others.all(|(_, other)| !other.tags.contains(tag))
    };
    let alias = member.tags.iter().find(is_own);
    alias.cloned().unwrap_or_else(|| member.ty.canonical().into())
}

/// The members of a union by all their tags; of equal ones the first member has it.
pub(super) fn members_by_tag(union: &Union) -> HashMap<String, usize> {
    let mut by_tag = HashMap::new();
    for (at, member) in union.members().iter().enumerate() {
        for tag in member.tags.iter() {
            by_tag.entry(tag.to_string()).or_insert(at);
        }
    }
    for (at, member) in union.members().iter().enumerate() {
        by_tag.entry(member.ty.canonical()).or_insert(at);
    }
    by_tag
}

/// The tag of a member in a message.
pub(super) fn shown_tag(union: &Union, at: usize) -> String {
    format!("`{}`", tag_of(union, at))
}

/// What to say of a tag that no member has.
pub(super) fn unknown_tag(union: &Union, tag: &str) -> Words {
    let tags: Vec<Text> = (0..union.members().len()).map(|at| tag_of(union, at)).collect();
    let near = did_you_mean(tag, tags.iter().map(Text::as_str));
    let help = near.unwrap_or_else(|| {
        let names: Vec<String> = (0..tags.len()).map(|at| shown_tag(union, at)).collect();
        format!("The members are {}.", quote(&names.join(", ")))
    });
    (format!("no member of the union is called {}", quoted(tag)), Some(help))
}

/// `{"tag": t, "value": v}`: exactly these keys, and a string as the tag.
pub(super) fn tagged(raw: &str) -> Option<(String, &str)> {
    struct Tagged;

    impl<'de> Visitor<'de> for Tagged {
        type Value = (&'de RawValue, &'de RawValue);

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a tagged value")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let (mut tag, mut value) = (None, None);
            while let Some(key) = map.next_key_seed(Key)? {
                let part = match key.as_ref() {
                    "tag" => &mut tag,
                    "value" => &mut value,
                    _ => return Err(A::Error::custom("another key")),
                };
                if part.replace(map.next_value()?).is_some() {
                    return Err(A::Error::custom("a key twice"));
                }
            }
            tag.zip(value).ok_or_else(|| A::Error::custom("a key is missing"))
        }
    }

    let (tag, value) = serde_json::Deserializer::from_str(raw).deserialize_map(Tagged).ok()?;
    Some((serde_json::from_str(tag.get()).ok()?, value.get()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, Record, Type};

    #[test]
    fn the_tag_of_a_member_selects_it() {
        let member =
            |name: &str| Type::Record(Record::new([Field { name: name.into(), ty: Type::Int }]));
        let union = |members: [(Type, &str); 4]| {
            let members = members.map(|(ty, tag)| (ty, (!tag.is_empty()).then(|| tag.into())));
            match Union::of(members) {
                Type::Union(union) => union,
                other => unreachable!("{other} is no union"),
            }
        };
        let both =
            union([(member("a"), "Z"), (member("a"), "B"), (member("b"), "B"), (member("c"), "")]);
        let tags: Vec<Text> = (0..3).map(|at| tag_of(&both, at)).collect();
        // `B` would be read as the first member, so it is no name for the second.
        assert_eq!(tags, ["Z", "{ b: Int }", "{ c: Int }"]);
        for (at, tag) in tags.iter().enumerate() {
            assert_eq!(members_by_tag(&both).get(tag.as_str()), Some(&at));
        }
    }
}
