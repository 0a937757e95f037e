//! Lists, records and maps, read as they stream by.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Key;
use super::read::{Kind, Place, Reader, Slot, Step, Words, quoted};
use crate::limits::{FAULTS_MAX, LIST_LENGTH_MAX};
use crate::text::{quote, suggestions};
use crate::{Code, KeyType, Record, Type, Value};

impl Reader<'_> {
    /// Reads a list, record or map. After an error the text cannot be followed.
    pub(super) fn composite<'de, D: Deserializer<'de>>(
        &mut self,
        ty: &Type,
        place: &Place<'_>,
        d: D,
    ) -> Result<Option<Value>, D::Error> {
        d.deserialize_any(Composite { ty, place, reader: self })
            .inspect_err(|error| self.broken(place, error))
    }

    fn too_long<T, E: Error>(&mut self, place: &Place<'_>) -> Result<T, E> {
        let message = format!("there are more than {LIST_LENGTH_MAX} elements");
        self.fault(place, Code::V002, || (message, None));
        self.halt()
    }
}

struct Composite<'a, 'f> {
    ty: &'a Type,
    place: &'a Place<'a>,
    reader: &'a mut Reader<'f>,
}

impl Composite<'_, '_> {
    fn mismatch(self, got: Kind) -> Option<Value> {
        self.reader.expected(self.place, self.ty, got.name());
        None
    }

    /// The finished value, if all its parts could be read.
    fn made(self, is_whole: bool, value: impl FnOnce() -> Value) -> Option<Value> {
        if !is_whole {
            return None;
        }
        self.reader.spend(self.place, size_of::<Value>()).map(|()| value())
    }

    fn list<'de, A: SeqAccess<'de>>(
        self,
        element: &Type,
        mut seq: A,
    ) -> Result<Option<Value>, A::Error> {
        let mut items = Vec::new();
        let mut is_whole = true;
        loop {
            let place = self.place.inside(Step::Index(items.len()));
            let slot = Slot { ty: element, place: &place, reader: self.reader };
            let Some(item) = seq.next_element_seed(slot)? else { break };
            if items.len() == LIST_LENGTH_MAX {
                return self.reader.too_long(self.place);
            }
            is_whole &= item.is_some();
            items.push(item.unwrap_or(Value::None));
        }
        Ok(self.made(is_whole, || Value::List(items.into())))
    }

    fn record<'de, A: MapAccess<'de>>(
        self,
        record: &Record,
        mut map: A,
    ) -> Result<Option<Value>, A::Error> {
        let mut fields: Vec<Option<Value>> = vec![None; record.len()];
        let mut is_whole = true;
        let mut extra = Vec::new();
        while let Some(key) = map.next_key_seed(Key)? {
            let Some(slot) = record.slot(&key) else {
                map.next_value::<IgnoredAny>()?;
                // Only to say what a missing field may have been called.
                if self.reader.is_noting() && extra.len() < FAULTS_MAX {
                    extra.push(key);
                }
                continue;
            };
            let place = self.place.inside(Step::Key(&key));
            if fields[slot].is_some() {
                self.reader
                    .fault(&place, Code::V002, || ("this field is given twice".into(), None));
                is_whole = false;
            }
            let ty = &record.at_slot(slot).ty;
            let value = map.next_value_seed(Slot { ty, place: &place, reader: self.reader })?;
            is_whole &= value.is_some();
            fields[slot] = Some(value.unwrap_or(Value::None));
        }
        for field in record.fields() {
            let Some(value) = record.slot(&field.name).map(|slot| &mut fields[slot]) else {
                continue;
            };
            if value.is_none() && field.ty.is_optional() {
                is_whole &= self.reader.spend(self.place, size_of::<Value>()).is_some();
            } else if value.is_none() {
                self.reader.fault(self.place, Code::V002, || missing(&field.name, &extra));
                is_whole = false;
            }
        }
        let values = fields.into_iter().map(|field| field.unwrap_or(Value::None));
        Ok(self.made(is_whole, || Value::Record(values.collect())))
    }

    fn object<'de, A: MapAccess<'de>>(
        self,
        ty: &Type,
        mut map: A,
    ) -> Result<Option<Value>, A::Error> {
        let mut entries = Vec::new();
        let mut is_whole = true;
        while let Some(key) = map.next_key_seed(Key)? {
            let place = self.place.inside(Step::Key(&key));
            if entries.len() == LIST_LENGTH_MAX {
                return self.reader.too_long(self.place);
            }
            is_whole &= self.reader.is_short(&key, &place);
            let value = map.next_value_seed(Slot { ty, place: &place, reader: self.reader })?;
            is_whole &= value.is_some();
            let key = Value::string(key.as_ref());
            is_whole &= self.reader.spend(&place, key.bytes()).is_some();
            entries.push(Entry { key, value: value.unwrap_or(Value::None), at: None });
        }
        Ok(self.map(is_whole, entries))
    }

    fn pairs<'de, A: SeqAccess<'de>>(
        self,
        key: KeyType,
        ty: &Type,
        mut seq: A,
    ) -> Result<Option<Value>, A::Error> {
        let key = if key == KeyType::Int { Type::Int } else { Type::String };
        let mut entries = Vec::new();
        let mut is_whole = true;
        let mut at = 0;
        while let Some(pair) = seq.next_element::<&RawValue>()? {
            if at == LIST_LENGTH_MAX {
                return self.reader.too_long(self.place);
            }
            let place = self.place.inside(Step::Index(at));
            let pair = self.reader.pair((&key, ty), pair.get(), &place);
            is_whole &= pair.is_some();
            entries.extend(pair.map(|(key, value)| Entry { key, value, at: Some(at) }));
            at += 1;
            self.reader.check()?;
        }
        Ok(self.map(is_whole, entries))
    }

    /// Entries in the order of their keys, each key once.
    fn map(self, mut is_whole: bool, mut entries: Vec<Entry>) -> Option<Value> {
        if !entries.is_sorted_by(|a, b| a.order(b) == Ordering::Less) {
            entries.sort_by(Entry::order);
            for pair in entries.windows(2) {
                if pair[0].order(&pair[1]) == Ordering::Equal {
                    pair[1].repeated(self.place, self.reader);
                    is_whole = false;
                }
            }
        }
        let entries = entries.into_iter().map(|entry| (entry.key, entry.value));
        self.made(is_whole, || Value::Map(entries.collect()))
    }
}

/// An entry of a map, and at which index it was given if in the form of pairs.
struct Entry {
    key: Value,
    value: Value,
    at: Option<usize>,
}

impl Entry {
    fn order(&self, other: &Entry) -> Ordering {
        match (&self.key, &other.key) {
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::String(a), Value::String(b)) => a.cmp(b),
            // All keys of a map are of one type.
            _ => Ordering::Equal,
        }
    }

    fn repeated(&self, map: &Place<'_>, reader: &mut Reader<'_>) {
        let (name, shown) = match &self.key {
            Value::String(key) => (key.as_str(), quoted(key)),
            Value::Int(key) => ("", key.to_string()),
            _ => ("", String::new()),
        };
        let words = || (format!("the key {shown} is given twice"), None);
        match self.at {
            None => reader.fault(&map.inside(Step::Key(name)), Code::V002, words),
            Some(at) => {
                let pair = map.inside(Step::Index(at));
                reader.fault(&pair.within(Step::Index(0)), Code::V002, words);
            }
        }
    }
}

impl Reader<'_> {
    fn pair(
        &mut self,
        (key, value): (&Type, &Type),
        raw: &str,
        place: &Place<'_>,
    ) -> Option<(Value, Value)> {
        let Ok((raw_key, raw_value)) = serde_json::from_str::<(&RawValue, &RawValue)>(raw) else {
            let got = match Kind::of(raw) {
                Kind::Array => "an array of another length",
                kind => kind.name(),
            };
            let words = || (format!("expected a pair [key, value], got {got}"), None);
            self.fault(place, Code::V002, words);
            return None;
        };
        let key = self.captured(key, raw_key.get(), &place.within(Step::Index(0)));
        let value = self.captured(value, raw_value.get(), &place.within(Step::Index(1)));
        key.zip(value)
    }
}

fn missing(name: &str, extra: &[Cow<'_, str>]) -> Words {
    let near = suggestions(name, extra.iter().map(|key| key.as_ref()));
    let help = near.first().map(|key| renamed(key, name));
    (format!("the field `{name}` is missing"), help)
}

/// The help for a key that may be misspelt.
pub(super) fn renamed(key: &str, name: &str) -> String {
    format!("There is `{}`: did you mean `{name}`?", quote(key))
}

impl<'de> Visitor<'de> for Composite<'_, '_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Option<Value>, E> {
        Ok(self.reader.null(self.ty, self.place))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Option<Value>, E> {
        Ok(self.mismatch(Kind::Boolean))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Option<Value>, E> {
        Ok(self.mismatch(Kind::Number))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Option<Value>, E> {
        Ok(self.mismatch(Kind::Number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Option<Value>, E> {
        Ok(self.mismatch(Kind::Number))
    }

    fn visit_str<E>(self, _: &str) -> Result<Option<Value>, E> {
        Ok(self.mismatch(Kind::String))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Option<Value>, A::Error> {
        let ty = self.ty;
        match ty.content() {
            Type::List(element) => self.list(element, seq),
            Type::Map(key, value) => self.pairs(*key, value, seq),
            _ => {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(self.mismatch(Kind::Array))
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Value>, A::Error> {
        let ty = self.ty;
        match ty.content() {
            Type::Record(record) => self.record(record, map),
            Type::Map(KeyType::String, value) => self.object(value, map),
            _ => {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(self.mismatch(Kind::Object))
            }
        }
    }
}
