//! Text to values: where reading stands, what it has found, and the scalars.
//!
//! A part that does not fit is noted as a fault and read as `None`, and reading goes on for the
//! other faults. What takes a type and gives `None` has noted at least one. While a union member
//! is only tried, nothing is noted and the first fault ends the trial: both are decided in
//! [`Reader::fault`], so the code that finds a fault need not know.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny};
use serde_json::value::RawValue;

use super::union::Unions;
use super::{Fault, escape_pointer, number};
use crate::limits::{FAULTS_MAX, NESTING_MAX, STRING_BYTES_MAX, VALUE_BYTES_MAX};
use crate::text::quote;
use crate::{Code, Type, Value};

/// The library gives up at 128 open brackets; after so many a new reading begins.
const STRETCH: usize = 64;

/// Reads `text` as a value of `ty`. At most [`FAULTS_MAX`] problems are listed.
pub fn read(ty: &Type, text: &str) -> Result<Value, Vec<Fault>> {
    let mut faults = Vec::new();
    read_at(ty, text, "", &mut faults).ok_or(faults)
}

/// Reads `text` as a value of `ty`. Problems are added to `faults`, up to [`FAULTS_MAX`] in all,
/// with pointers that begin with `pointer`; there is a value only if none was found.
pub fn read_at(ty: &Type, text: &str, pointer: &str, faults: &mut Vec<Fault>) -> Option<Value> {
    let known = faults.len();
    let place = Place::start(pointer);
    let mut reader = Reader::new(Some(faults));
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let outcome = Slot { ty, place: &place, reader: &mut reader }.deserialize(&mut deserializer);
    match outcome.and_then(|value| deserializer.end().map(|()| value)) {
        Ok(value) => {
            debug_assert!(value.as_ref().is_none_or(|value| value.bytes() == reader.bytes));
            value
        }
        Err(_) => {
            // What was found in a text that is no JSON at all only distracts.
            if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
                faults.truncate(known);
                let words = || (format!("this is not JSON: {error}"), None);
                Reader::new(Some(faults)).fault(&place, Code::V002, words);
            }
            None
        }
    }
}

/// The kinds of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    /// The kind of a text that is JSON; its first byte tells.
    pub(super) fn of(raw: &str) -> Kind {
        match raw.as_bytes().first() {
            Some(b'n') => Kind::Null,
            Some(b't' | b'f') => Kind::Boolean,
            Some(b'"') => Kind::String,
            Some(b'[') => Kind::Array,
            Some(b'{') => Kind::Object,
            _ => Kind::Number,
        }
    }

    /// Its name in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Boolean => "boolean",
            Kind::Number => "number",
            Kind::String => "string",
            Kind::Array => "array",
            Kind::Object => "object",
        }
    }
}

/// Where a value stands: a step below another place. It becomes a pointer only for a fault.
pub(super) struct Place<'a> {
    above: Option<&'a Place<'a>>,
    step: Step<'a>,
    /// How many lists, records and maps are around it.
    depth: usize,
}

#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl Place<'_> {
    /// Where reading begins.
    pub(super) fn start(pointer: &str) -> Place<'_> {
        Place { above: None, step: Step::Key(pointer), depth: 0 }
    }

    /// The place of an element, field or entry.
    pub(super) fn inside<'a>(&'a self, step: Step<'a>) -> Place<'a> {
        Place { above: Some(self), step, depth: self.depth + 1 }
    }

    /// A place within the notation of the value itself, which nests no value: one side of a pair,
    /// the inside of a tagged form.
    pub(super) fn within<'a>(&'a self, step: Step<'a>) -> Place<'a> {
        Place { above: Some(self), step, depth: self.depth }
    }

    fn pointer(&self) -> String {
        let mut steps = Vec::new();
        let mut place = self;
        while let Some(above) = place.above {
            steps.push(place.step);
            place = above;
        }
        let mut pointer = match place.step {
            Step::Key(start) => start.to_owned(),
            Step::Index(_) => String::new(),
        };
        for step in steps.iter().rev() {
            pointer.push('/');
            match step {
                Step::Key(key) => pointer.push_str(&escape_pointer(key)),
                Step::Index(index) => pointer.push_str(&index.to_string()),
            }
        }
        pointer
    }
}

/// What was found wrong, and what could be done about it.
pub(super) type Words = (String, Option<String>);

/// What has been read so far.
pub(super) struct Reader<'f> {
    /// Where faults go; nowhere while a union member is only tried.
    faults: Option<&'f mut Vec<Fault>>,
    /// Whether reading further would tell nothing new: the trial has failed, the list of faults is
    /// full, or the text cannot be followed.
    halted: bool,
    /// What the values made so far hold, as [`Value::bytes`] counts it.
    pub(super) bytes: usize,
    /// Whether the values became too large, in a trial too.
    pub(super) is_too_large: bool,
    pub(super) unions: Unions,
}

impl<'f> Reader<'f> {
    pub(super) fn new(faults: Option<&'f mut Vec<Fault>>) -> Reader<'f> {
        let unions = Unions::default();
        Reader { faults, halted: false, bytes: 0, is_too_large: false, unions }
    }

    /// Notes a fault; `words` are asked for only if somebody will read them. Whatever is found on
    /// the way out of a halted reading only follows from what halted it.
    pub(super) fn fault(&mut self, place: &Place<'_>, code: Code, words: impl FnOnce() -> Words) {
        if self.halted {
            return;
        }
        let Some(faults) = &mut self.faults else {
            self.halted = true;
            return;
        };
        if faults.len() < FAULTS_MAX {
            let (message, help) = words();
            faults.push(Fault { code, pointer: place.pointer(), message, help });
        }
        self.halted |= faults.len() >= FAULTS_MAX;
    }

    /// Notes that something else than a value of `ty` stands here.
    pub(super) fn expected(&mut self, place: &Place<'_>, ty: &Type, got: &str) {
        let words = || (format!("expected {}, got {got}", shown(ty)), None);
        self.fault(place, Code::V002, words);
    }

    /// Notes that the text cannot be followed any further.
    pub(super) fn broken(&mut self, place: &Place<'_>, error: &impl std::fmt::Display) {
        let words = || (format!("this cannot be read: {}", quote(&error.to_string())), None);
        self.fault(place, Code::V002, words);
        self.halted = true;
    }

    /// Counts what a new value holds; `None` if that is too much.
    pub(super) fn spend(&mut self, place: &Place<'_>, bytes: usize) -> Option<()> {
        self.bytes += bytes;
        if self.bytes <= VALUE_BYTES_MAX {
            return Some(());
        }
        self.is_too_large = true;
        self.too_large(place)
    }

    pub(super) fn too_large<T>(&mut self, place: &Place<'_>) -> Option<T> {
        let message = format!("the value holds more than {VALUE_BYTES_MAX} bytes");
        self.fault(place, Code::V002, || (message, None));
        self.halted = true;
        None
    }

    /// Ends reading with what has been noted.
    pub(super) fn halt<T, E: Error>(&mut self) -> Result<T, E> {
        self.halted = true;
        Err(E::custom("enough is known"))
    }

    /// An error if reading further would tell nothing new.
    pub(super) fn check<E: Error>(&self) -> Result<(), E> {
        if self.halted { Err(E::custom("enough is known")) } else { Ok(()) }
    }

    /// Whether faults are noted, and not only found.
    pub(super) fn is_noting(&self) -> bool {
        self.faults.is_some()
    }

    /// Does something whose faults are nobody's concern.
    pub(super) fn quietly<T>(&mut self, read: impl FnOnce(&mut Reader<'f>) -> T) -> T {
        let faults = self.faults.take();
        let result = read(self);
        self.faults = faults;
        self.halted = false;
        result
    }

    /// Reads a text that is known to be JSON.
    pub(super) fn captured(&mut self, ty: &Type, raw: &str, place: &Place<'_>) -> Option<Value> {
        if raw == "null" {
            return self.null(ty, place);
        }
        match ty.content() {
            Type::Union(union) => self.union(union, raw, place),
            Type::List(_) | Type::Record(_) | Type::Map(..) => {
                self.composite(ty, place, &mut serde_json::Deserializer::from_str(raw)).ok()?
            }
            Type::String | Type::Int | Type::Float | Type::Boolean | Type::Literal(_) => {
                let value = self.scalar(ty, raw, place)?;
                self.spend(place, value.bytes()).map(|()| value)
            }
            // No text is a value of these.
            Type::Nothing | Type::Optional(_) | Type::Function(..) => self.mismatch(ty, raw, place),
            Type::Variable(_) | Type::Unknown => self.mismatch(ty, raw, place),
        }
    }

    pub(super) fn null(&mut self, ty: &Type, place: &Place<'_>) -> Option<Value> {
        if ty.is_optional() {
            return self.spend(place, Value::None.bytes()).map(|()| Value::None);
        }
        let help = "Only an Optional can be null.".to_owned();
        let words = || (format!("expected {}, got null", shown(ty)), Some(help));
        self.fault(place, Code::V002, words);
        None
    }

    fn scalar(&mut self, ty: &Type, raw: &str, place: &Place<'_>) -> Option<Value> {
        match (ty.content(), Kind::of(raw)) {
            (Type::String, Kind::String) => Some(Value::string(self.text(raw, place)?)),
            (Type::Literal(literal), Kind::String) => {
                let text = self.text(raw, place)?;
                if **literal == *text {
                    return Some(Value::String(literal.clone()));
                }
                self.expected(place, ty, &quoted(&text));
                None
            }
            (Type::Boolean, Kind::Boolean) => Some(Value::Boolean(raw == "true")),
            (Type::Int, Kind::Number) => match number::integer(raw) {
                Some(int) => Some(Value::Int(int)),
                None => self.beyond(ty, raw, place, "An Int is a whole number of 64 bits."),
            },
            (Type::Float, Kind::Number) => match number::float(raw) {
                Some(float) => Some(Value::Float(float)),
                None => self.beyond(ty, raw, place, "The largest Float is about 1.8e308."),
            },
            _ => self.mismatch(ty, raw, place),
        }
    }

    /// A number that the type cannot hold.
    fn beyond(&mut self, ty: &Type, raw: &str, place: &Place<'_>, help: &str) -> Option<Value> {
        let words = || (format!("expected {}, got {}", shown(ty), quote(raw)), Some(help.into()));
        self.fault(place, Code::V002, words);
        None
    }

    /// A string without its quotes and escapes.
    pub(super) fn text<'r>(&mut self, raw: &'r str, place: &Place<'_>) -> Option<Cow<'r, str>> {
        let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
        let text = if !inner.contains('\\') {
            Cow::Borrowed(inner)
        } else {
            match serde_json::from_str(raw) {
                Ok(text) => Cow::Owned(text),
                // All else about escapes was seen when the string was found to be JSON.
                Err(_) => {
                    let message = "the string has one half of an escaped surrogate pair".to_owned();
                    self.fault(place, Code::V002, || (message, None));
                    return None;
                }
            }
        };
        self.is_short(&text, place).then_some(text)
    }

    /// Whether a string is within its bound; a fault if it is not.
    pub(super) fn is_short(&mut self, text: &str, place: &Place<'_>) -> bool {
        let is_short = text.len() <= STRING_BYTES_MAX;
        if !is_short {
            let message = format!("the string is longer than {STRING_BYTES_MAX} bytes");
            self.fault(place, Code::V002, || (message, None));
        }
        is_short
    }

    fn mismatch(&mut self, ty: &Type, raw: &str, place: &Place<'_>) -> Option<Value> {
        let got = Kind::of(raw).name();
        let unquoted = raw.trim_matches('"');
        let is_quoted = match ty.content() {
            Type::Int | Type::Float => number::float(unquoted).is_some(),
            Type::Boolean => matches!(unquoted, "true" | "false"),
            _ => false,
        };
        let help = is_quoted.then(|| "Write it without the quotes.".to_owned());
        let words = || (format!("expected {}, got {got}", shown(ty)), help);
        self.fault(place, Code::V002, words);
        None
    }
}

/// A type in a message.
pub(super) fn shown(ty: &Type) -> String {
    quote(&ty.to_string())
}

/// A given string in a message.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", quote(text))
}

/// A place for a value of a type. It is `None` where a fault was noted, and an error where reading
/// further would tell nothing new.
pub(super) struct Slot<'a, 'f> {
    pub(super) ty: &'a Type,
    pub(super) place: &'a Place<'a>,
    pub(super) reader: &'a mut Reader<'f>,
}

impl<'de> DeserializeSeed<'de> for Slot<'_, '_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Option<Value>, D::Error> {
        let Slot { ty, place, reader } = self;
        let streams = matches!(ty.content(), Type::List(_) | Type::Record(_) | Type::Map(..));
        let value = if place.depth > NESTING_MAX {
            let message = format!("the value is nested deeper than {NESTING_MAX} levels");
            reader.fault(place, Code::V002, || (message, None));
            IgnoredAny::deserialize(d).map(|_| None)?
        } else if streams && (place.depth + 1) % STRETCH != 0 {
            reader.composite(ty, place, d)?
        } else {
            let raw = <&RawValue>::deserialize(d)?;
            reader.captured(ty, raw.get(), place)
        };
        reader.check().map(|()| value)
    }
}
