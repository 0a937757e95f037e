//! Values of unions (specification, 8.3).
//!
//! A bare value is tried as every member of its kind, so the same text may be reached on several
//! ways, once for each member of the unions around it. What a text is at a union does not depend on
//! the way, so it is remembered until the outermost trial is over: nested unions cost the sum of
//! their members, not the product.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};

use super::Key;
use super::composite::renamed;
use super::number::is_whole;
use super::read::{Kind, Place, Reader, Step, quoted, shown};
use super::tag::{members_by_tag, shown_tag, tag_of, tagged, unknown_tag};
use crate::codec::write_type;
use crate::limits::FAULTS_MAX;
use crate::text::{did_you_mean, quote, suggestions};
use crate::value::member_of;
use crate::{Code, KeyType, Record, Type, Union, Value};

/// What one reading knows about unions.
#[derive(Default)]
pub(super) struct Unions {
    /// The number of each union met in a trial, by its address and by its form. An image holds the
    /// same union many times.
    by_address: HashMap<usize, u32>,
    by_form: HashMap<Vec<u8>, u32>,
    /// What a text is at a union, and what it holds; texts by their address.
    known: HashMap<(u32, usize), Option<(Value, usize)>>,
    /// The members of a union by tag.
    tags: HashMap<usize, HashMap<String, usize>>,
    /// How often a member was tried.
    #[cfg(test)]
    trials: usize,
}

impl Unions {
    fn number(&mut self, union: &Union) -> u32 {
        let by_form = &mut self.by_form;
        *self.by_address.entry(address(union)).or_insert_with(|| {
            let mut form = Vec::new();
            write_type(&mut form, &Type::Union(union.clone()));
            let next = by_form.len() as u32;
            *by_form.entry(form).or_insert(next)
        })
    }

    fn member_with_tag(&mut self, union: &Union, tag: &str) -> Option<usize> {
        self.tags.entry(address(union)).or_insert_with(|| members_by_tag(union)).get(tag).copied()
    }
}

/// Where the members live; it names a union for as long as its type lives.
fn address(union: &Union) -> usize {
    union.members().as_ptr() as usize
}

/// Which member a bare value selects, if it is exactly one.
pub(super) fn selected_member(union: &Union, raw: &str) -> Option<usize> {
    let mut reader = Reader::new(None);
    let place = Place::start("");
    if tagged(raw).is_some_and(|(tag, _)| reader.unions.member_with_tag(union, &tag).is_some()) {
        return None;
    }
    member_of(union, &reader.alternatives(union, raw, &place)?)
}

/// A member that a value fits: its index, the value, and the bytes counted after reading it.
type Fitting = (usize, Value, usize);

impl Reader<'_> {
    /// Reads a value of a union, not `null`.
    pub(super) fn union(&mut self, union: &Union, raw: &str, place: &Place<'_>) -> Option<Value> {
        if self.is_noting() {
            let value = self.alternatives(union, raw, place);
            self.unions.known.clear();
            return value;
        }
        let key = (self.unions.number(union), raw.as_ptr() as usize);
        if let Some(known) = self.unions.known.get(&key).cloned() {
            let Some((value, bytes)) = known else {
                self.no_member(union, raw, place);
                return None;
            };
            return self.spend(place, bytes).map(|()| value);
        }
        let before = self.bytes;
        let value = self.alternatives(union, raw, place);
        let known = value.clone().map(|value| (value, self.bytes - before));
        self.unions.known.insert(key, known);
        value
    }

    fn alternatives(&mut self, union: &Union, raw: &str, place: &Place<'_>) -> Option<Value> {
        let kind = Kind::of(raw);
        if kind == Kind::String {
            return self.string_member(union, raw, place);
        }
        let tagged = if kind == Kind::Object { tagged(raw) } else { None };
        if let Some((tag, value)) = &tagged
            && let Some(at) = self.unions.member_with_tag(union, tag)
        {
            return self.member(union, at, value, &place.within(Step::Key("value")));
        }
        let mut candidates = candidates(union, kind, raw);
        match (candidates.next(), candidates.next()) {
            (None, _) if tagged.is_none() => {
                self.no_member(union, raw, place);
                None
            }
            // Its faults are those of the value.
            (Some(at), None) if tagged.is_none() => self.member(union, at, raw, place),
            (first, second) => {
                let all: Vec<usize> = first.into_iter().chain(second).chain(candidates).collect();
                self.choose(union, &all, raw, place)
            }
        }
    }

    fn string_member(&mut self, union: &Union, raw: &str, place: &Place<'_>) -> Option<Value> {
        let text = self.text(raw, place)?;
        let fits = |ty: &Type| match ty {
            Type::String => true,
            Type::Literal(literal) => **literal == *text,
            _ => false,
        };
        if union.members().iter().any(|member| fits(&member.ty)) {
            let value = Value::string(text);
            return self.spend(place, value.bytes()).map(|()| value);
        }
        let words = || {
            let literals = union.members().iter().filter_map(|member| match &member.ty {
                Type::Literal(literal) => Some(literal.as_str()),
                _ => None,
            });
            let message = format!("expected {}, got {}", shown_union(union), quoted(&text));
            (message, did_you_mean(&text, literals))
        };
        self.fault(place, Code::V002, words);
        None
    }

    /// Reads the value as a member; lists, records and maps are marked with it.
    fn member(&mut self, union: &Union, at: usize, raw: &str, place: &Place<'_>) -> Option<Value> {
        let ty = &union.members()[at].ty;
        let value = self.captured(ty, raw, place)?;
        match ty {
            Type::List(_) | Type::Record(_) | Type::Map(..) => {
                self.spend(place, size_of::<Value>())?;
                Some(Value::Tagged(at as u32, value.into()))
            }
            _ => Some(value),
        }
    }

    /// Tries every candidate; exactly one must be left.
    fn choose(
        &mut self,
        union: &Union,
        candidates: &[usize],
        raw: &str,
        place: &Place<'_>,
    ) -> Option<Value> {
        let before = self.bytes;
        let mut fitting: Vec<Fitting> = Vec::new();
        for &at in candidates {
            self.bytes = before;
            #[cfg(test)]
            {
                self.unions.trials += 1;
            }
            if let Some(value) = self.quietly(|reader| reader.member(union, at, raw, place)) {
                fitting.push((at, value, self.bytes));
            }
        }
        self.bytes = before;
        if fitting.is_empty() {
            return self.explain(union, candidates, raw, place);
        }
        let left = if fitting.len() > 1 { without_poorer(union, raw, fitting) } else { fitting };
        match <[Fitting; 1]>::try_from(left) {
            Ok([(_, value, bytes)]) => {
                self.bytes = bytes;
                self.is_too_large = false;
                Some(value)
            }
            Err(several) => {
                self.fault(place, Code::V003, || ambiguous(union, &several));
                None
            }
        }
    }

    /// Says why none of several candidates fits.
    fn explain(
        &mut self,
        union: &Union,
        candidates: &[usize],
        raw: &str,
        place: &Place<'_>,
    ) -> Option<Value> {
        if self.is_too_large {
            return self.too_large(place);
        }
        if !self.is_noting() || Kind::of(raw) != Kind::Object {
            self.no_member(union, raw, place);
            return None;
        }
        if let Some((tag, _)) = tagged(raw)
            && !candidates.iter().any(|at| has_field(union, *at, "tag"))
        {
            let words = || unknown_tag(union, &tag);
            self.fault(&place.within(Step::Key("tag")), Code::V002, words);
            return None;
        }
        let keys = keys(raw);
        if let Some(at) = closest(union, candidates, &keys) {
            return self.member(union, at, raw, place);
        }
        let message = format!("expected {}, got object", shown_union(union));
        self.fault(place, Code::V002, || (message, misspelt(union, candidates, &keys)));
        None
    }

    fn no_member(&mut self, union: &Union, raw: &str, place: &Place<'_>) {
        let got = match Kind::of(raw) {
            Kind::Number => quote(raw),
            kind => kind.name().to_owned(),
        };
        let words = || (format!("expected {}, got {got}", shown_union(union)), None);
        self.fault(place, Code::V002, words);
    }
}

/// The members that a text may be by its kind alone.
fn candidates(union: &Union, kind: Kind, raw: &str) -> impl Iterator<Item = usize> {
    let has = |ty: Type| union.members().iter().any(|member| member.ty == ty);
    // Of Int and Float the notation selects one.
    let both = kind == Kind::Number && has(Type::Int) && has(Type::Float);
    let is_whole = is_whole(raw);
    let fits = move |ty: &Type| match ty {
        Type::Int => kind == Kind::Number && (!both || is_whole),
        Type::Float => kind == Kind::Number && (!both || !is_whole),
        Type::Boolean => kind == Kind::Boolean,
        Type::List(_) | Type::Map(KeyType::Int, _) => kind == Kind::Array,
        Type::Map(KeyType::String, _) => matches!(kind, Kind::Array | Kind::Object),
        Type::Record(_) => kind == Kind::Object,
        // Strings are found by their text, and no union holds the others.
        _ => false,
    };
    union.members().iter().enumerate().filter(move |(_, m)| fits(&m.ty)).map(|(at, _)| at)
}

/// A record fits only if no other one that accepts the object uses the same fields of it and more.
fn without_poorer(union: &Union, raw: &str, fitting: Vec<Fitting>) -> Vec<Fitting> {
    let keys = keys(raw);
    let uses = |at: usize| match &union.members()[at].ty {
        Type::Record(record) => {
            Some(keys.iter().map(|key| record.slot(key).is_some()).collect::<Vec<bool>>())
        }
        _ => None,
    };
    let used: Vec<Option<Vec<bool>>> = fitting.iter().map(|(at, ..)| uses(*at)).collect();
    let count = |uses: &[bool]| uses.iter().filter(|is_used| **is_used).count();
    // The poorer ones are judged against the richest only: if it does not stand alone, the value is
    // ambiguous whatever the others say of each other.
    let Some(richest) = used.iter().flatten().max_by_key(|uses| count(uses)) else {
        return fitting;
    };
    let is_poorer = |uses: &Option<Vec<bool>>| {
        uses.as_ref().is_some_and(|uses| {
            count(uses) < count(richest) && uses.iter().zip(richest).all(|(a, b)| a <= b)
        })
    };
    let keep: Vec<bool> = used.iter().map(|uses| !is_poorer(uses)).collect();
    fitting.into_iter().zip(keep).filter_map(|(fits, keep)| keep.then_some(fits)).collect()
}

/// The one record whose required fields are all there, if there is one: its faults are meant.
fn closest(union: &Union, candidates: &[usize], keys: &[Cow<'_, str>]) -> Option<usize> {
    let mut complete = candidates.iter().copied().filter(|at| match &union.members()[*at].ty {
        Type::Record(record) => record.fields().iter().all(|field| {
            field.ty.is_optional() || keys.iter().any(|key| *key == field.name.as_str())
        }),
        _ => false,
    });
    complete.next().filter(|_| complete.next().is_none())
}

/// What a key that no record knows may have meant.
fn misspelt(union: &Union, candidates: &[usize], keys: &[Cow<'_, str>]) -> Option<String> {
    let records = || {
        candidates.iter().filter_map(|at| match &union.members()[*at].ty {
            Type::Record(record) => Some(record),
            _ => None,
        })
    };
    let unknown = keys.iter().filter(|key| records().all(|record| record.slot(key).is_none()));
    let mut near = unknown.take(FAULTS_MAX).filter_map(|key| {
        let names = records().flat_map(Record::fields).map(|field| field.name.as_str());
        let name = *suggestions(key, names).first()?;
        Some(renamed(key, name))
    });
    near.next()
}

fn has_field(union: &Union, at: usize, name: &str) -> bool {
    matches!(&union.members()[at].ty, Type::Record(record) if record.slot(name).is_some())
}

fn ambiguous(union: &Union, several: &[Fitting]) -> (String, Option<String>) {
    let names: Vec<String> = several.iter().map(|(at, ..)| shown_tag(union, *at)).collect();
    let one = json_text(&tag_of(union, several[0].0));
    let message = format!("the value fits {}", quote(&names.join(" and ")));
    (message, Some(format!("Say which one is meant: {{\"tag\": {one}, \"value\": …}}.")))
}

fn shown_union(union: &Union) -> String {
    shown(&Type::Union(union.clone()))
}

fn json_text(text: &str) -> String {
    serde_json::to_string(&quote(text)).unwrap_or_default()
}

/// The keys of an object, each once.
fn keys(raw: &str) -> Vec<Cow<'_, str>> {
    struct Keys;

    impl<'de> Visitor<'de> for Keys {
        type Value = Vec<Cow<'de, str>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut keys = Vec::new();
            while let Some(key) = map.next_key_seed(Key)? {
                map.next_value::<IgnoredAny>()?;
                keys.push(key);
            }
            keys.sort_unstable();
            keys.dedup();
            Ok(keys)
        }
    }

    serde_json::Deserializer::from_str(raw).deserialize_map(Keys).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, Text};

    fn record(fields: &[(&str, &Type)]) -> (Type, Option<Text>) {
        let field = |&(name, ty): &(&str, &Type)| Field { name: name.into(), ty: ty.clone() };
        (Type::Record(Record::new(fields.iter().map(field))), None)
    }

    /// How many members are tried for `text`, and whether it fits.
    fn trials(
        ty: &Type,
        text: &str,
        faults: Option<&mut Vec<crate::json::Fault>>,
    ) -> (usize, bool) {
        let mut reader = Reader::new(faults);
        let value = reader.captured(ty, text, &Place::start(""));
        (reader.unions.trials, value.is_some())
    }

    #[test]
    fn nested_unions_cost_the_sum_of_their_members() {
        const DEPTH: usize = 10;
        let mut ty = Type::Int;
        let mut text = "1".to_owned();
        for _ in 0..DEPTH {
            let members = [
                record(&[("a", &ty)]),
                record(&[("a", &ty), ("b", &Type::Int)]),
                record(&[("a", &ty), ("c", &Type::Int)]),
            ];
            ty = Union::of(members);
            text = format!("{{\"a\":{text}}}");
        }
        let mut bytes = Vec::new();
        write_type(&mut bytes, &ty);
        // The same type as an image gives it, in which no part is shared.
        let unshared = crate::codec::Reader::new(&bytes).ty().expect("a type");
        let bad = text.replace('1', "null");
        for ty in [ty, unshared] {
            assert_eq!(trials(&ty, &text, None), (3 * DEPTH, true));
            assert_eq!(trials(&ty, &text, Some(&mut Vec::new())), (3 * DEPTH, true));
            assert_eq!(trials(&ty, &bad, None), (3 * DEPTH, false));
            // To tell the fault, each union is gone through once more from above.
            let (tried, fits) = trials(&ty, &bad, Some(&mut Vec::new()));
            assert!(tried <= 3 * DEPTH * DEPTH && !fits, "{tried} members were tried");
        }
    }
}
