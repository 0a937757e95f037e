//! TOML as faults need it: every key and value with its place, every key either asked for by
//! somebody or a fault. A place inside a text value (a SQL statement, a signature) is found in the
//! file too.

use std::ops::Range;
use std::path::PathBuf;

use model::text::{did_you_mean, quote};
use serde_json::{Number, Value as Json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::fault::{Faults, ManifestFault};

/// One manifest file.
pub(crate) struct File {
    /// As it was named, for people and for what is relative to it.
    pub(crate) path: PathBuf,
    /// All of it.
    pub(crate) text: String,
}

/// A table of which every key must be taken before [`Section::finish`].
pub(crate) struct Section<'f> {
    file: &'f File,
    /// What faults call it, `module.GetOrder`.
    pub(crate) path: String,
    /// Where its name stands.
    pub(crate) span: Range<usize>,
    entries: DeTable<'f>,
    known: Vec<&'static str>,
}

/// A text value with its place.
#[derive(Clone)]
pub(crate) struct Words {
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
}

/// A subtable with its key.
pub(crate) struct Named<'f> {
    pub(crate) name: String,
    pub(crate) span: Range<usize>,
    pub(crate) value: DeValue<'f>,
}

impl<'f> Section<'f> {
    /// The whole document; `None` and faults if it is not TOML.
    pub(crate) fn root(file: &'f File, faults: &mut Faults) -> Option<Section<'f>> {
        let (root, errors) = DeTable::parse_recoverable(&file.text);
        for error in &errors {
            if faults.is_full() {
                break;
            }
            let span = error.span().unwrap_or(0..0);
            let message = quote(error.message().lines().next().unwrap_or_default());
            faults.push(ManifestFault::new(file, span, "", message));
        }
        let whole = Section {
            file,
            path: String::new(),
            span: 0..0,
            entries: root.into_inner(),
            known: Vec::new(),
        };
        errors.is_empty().then_some(whole)
    }

    /// The table that `named` must be.
    pub(crate) fn of(
        file: &'f File,
        kind: &str,
        named: Named<'f>,
        faults: &mut Faults,
    ) -> Option<Section<'f>> {
        let path = format!("{kind}.{}", quote(&named.name));
        let DeValue::Table(entries) = named.value else {
            let message = format!("expected a table `[{path}]`, got {}", kind_of(&named.value));
            faults.push(ManifestFault::new(file, named.span, path, message));
            return None;
        };
        Some(Section { file, path, span: named.span, entries, known: Vec::new() })
    }

    /// The subtables under `key`, in the order of the file; none if the key is absent.
    pub(crate) fn tables(&mut self, key: &'static str, faults: &mut Faults) -> Vec<Named<'f>> {
        let Some((span, value)) = self.take(key) else { return Vec::new() };
        let DeValue::Table(table) = value else {
            let message = format!("expected tables `[{key}.NAME]`, got {}", kind_of(&value));
            faults.push(self.fault(span, key, message));
            return Vec::new();
        };
        let mut named: Vec<Named<'f>> = table
            .into_iter()
            .map(|(name, value)| Named {
                span: name.span(),
                name: name.into_inner().into_owned(),
                value: value.into_inner(),
            })
            .collect();
        named.sort_by_key(|named| named.span.start);
        named
    }

    /// The text under `key`.
    pub(crate) fn words(&mut self, key: &'static str, faults: &mut Faults) -> Option<Words> {
        match self.take(key)? {
            (span, DeValue::String(text)) => Some(Words { text: text.into_owned(), span }),
            (span, other) => {
                faults.push(self.fault(
                    span,
                    key,
                    format!("expected a text, got {}", kind_of(&other)),
                ));
                None
            }
        }
    }

    /// The text under `key`, which must be there.
    pub(crate) fn required(
        &mut self,
        key: &'static str,
        help: &str,
        faults: &mut Faults,
    ) -> Option<Words> {
        if self.get(key).is_none() {
            self.known.push(key);
            faults
                .push(self.fault(self.span.clone(), "", format!("`{key}` is missing")).help(help));
            return None;
        }
        self.words(key, faults)
    }

    /// The Boolean under `key`.
    pub(crate) fn boolean(&mut self, key: &'static str, faults: &mut Faults) -> Option<bool> {
        match self.take(key)? {
            (_, DeValue::Boolean(value)) => Some(value),
            (span, other) => {
                let message = format!("expected true or false, got {}", kind_of(&other));
                faults.push(self.fault(span, key, message));
                None
            }
        }
    }

    /// The integer under `key`, which must be in `range`.
    pub(crate) fn integer(
        &mut self,
        key: &'static str,
        range: std::ops::RangeInclusive<i64>,
        faults: &mut Faults,
    ) -> Option<i64> {
        let (span, value) = self.take(key)?;
        let number = match &value {
            DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix()).ok(),
            _ => None,
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let (least, most) = range.into_inner();
            let message = format!("expected an integer from {least} to {most}");
            faults.push(self.fault(span, key, message));
        }
        number
    }

    /// The array of texts under `key`, with the place of the whole.
    pub(crate) fn texts(
        &mut self,
        key: &'static str,
        faults: &mut Faults,
    ) -> Option<(Vec<Words>, Range<usize>)> {
        let (span, value) = self.take(key)?;
        let DeValue::Array(items) = value else {
            let message = format!("expected an array of texts, got {}", kind_of(&value));
            faults.push(self.fault(span, key, message));
            return None;
        };
        let texts: Option<Vec<Words>> =
            items.into_iter().map(|item| self.text(key, item, faults)).collect();
        Some((texts?, span))
    }

    /// The table of texts under `key`, in the order of the file; none if the key is absent.
    pub(crate) fn text_table(
        &mut self,
        key: &'static str,
        faults: &mut Faults,
    ) -> Option<Vec<(Words, Words)>> {
        let Some((span, value)) = self.take(key) else { return Some(Vec::new()) };
        let DeValue::Table(table) = value else {
            let message = format!("expected a table of texts, got {}", kind_of(&value));
            faults.push(self.fault(span, key, message));
            return None;
        };
        let mut entries = Vec::with_capacity(table.len());
        for (name, value) in table {
            let name = Words { span: name.span(), text: name.into_inner().into_owned() };
            entries.push((name, self.text(key, value, faults)?));
        }
        entries.sort_by_key(|(name, _)| name.span.start);
        Some(entries)
    }

    /// A text inside the value under `key`.
    fn text(&self, key: &str, value: Spanned<DeValue<'f>>, faults: &mut Faults) -> Option<Words> {
        let span = value.span();
        match value.into_inner() {
            DeValue::String(text) => Some(Words { text: text.into_owned(), span }),
            other => {
                let message = format!("expected a text, got {}", kind_of(&other));
                faults.push(self.fault(span, key, message));
                None
            }
        }
    }

    /// The array of integers under `key`, each in `range`; none if the key is absent.
    pub(crate) fn integers(
        &mut self,
        key: &'static str,
        range: std::ops::RangeInclusive<i64>,
        faults: &mut Faults,
    ) -> Vec<i64> {
        let Some((span, value)) = self.take(key) else { return Vec::new() };
        let integer = |item: &Spanned<DeValue<'f>>| match item.get_ref() {
            DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix()).ok(),
            _ => None,
        };
        let integers: Option<Vec<i64>> = match &value {
            DeValue::Array(items) => items.iter().map(integer).collect(),
            _ => None,
        };
        let integers = integers.filter(|all| all.iter().all(|one| range.contains(one)));
        integers.unwrap_or_else(|| {
            let (least, most) = range.into_inner();
            let message = format!("expected an array of integers from {least} to {most}");
            faults.push(self.fault(span, key, message));
            Vec::new()
        })
    }

    /// The tables `[[..key]]`, in the order of the file; none if the key is absent.
    pub(crate) fn array_of_tables(
        &mut self,
        key: &'static str,
        faults: &mut Faults,
    ) -> Vec<Section<'f>> {
        let Some((span, value)) = self.take(key) else { return Vec::new() };
        let path = format!("{}.{key}", self.path);
        let table = |item: Spanned<DeValue<'f>>| {
            let span = item.span();
            match item.into_inner() {
                DeValue::Table(entries) => {
                    let path = path.clone();
                    Some(Section { file: self.file, path, span, entries, known: Vec::new() })
                }
                _ => None,
            }
        };
        let sections = match value {
            DeValue::Array(items) => items.into_iter().map(table).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        sections.unwrap_or_else(|| {
            let message = format!("expected tables `[[{path}]]`");
            faults.push(self.fault(span, key, message));
            Vec::new()
        })
    }

    /// Any value under `key`, as JSON, with its place.
    pub(crate) fn json(
        &mut self,
        key: &'static str,
        faults: &mut Faults,
    ) -> Option<(Json, Range<usize>)> {
        let (span, value) = self.take(key)?;
        let json = to_json(value);
        if json.is_none() {
            let message = "a date, `inf` or `nan` has no form in JSON";
            faults.push(self.fault(span.clone(), key, message).help("Write a date as a text"));
        }
        Some((json?, span))
    }

    /// The table under `key`, as JSON, with its place.
    pub(crate) fn json_object(
        &mut self,
        key: &'static str,
        faults: &mut Faults,
    ) -> Option<(serde_json::Map<String, Json>, Range<usize>)> {
        match self.json(key, faults)? {
            (Json::Object(members), span) => Some((members, span)),
            (_, span) => {
                faults.push(self.fault(span, key, "expected a table"));
                None
            }
        }
    }

    /// Every key that nobody took is a fault.
    pub(crate) fn finish(self, faults: &mut Faults) {
        for key in self.entries.keys() {
            if faults.is_full() {
                return;
            }
            let name: &str = key.get_ref();
            let help = did_you_mean(name, self.known.iter().copied());
            let fault = self.fault(key.span(), "", format!("unknown key `{}`", quote(name)));
            faults.push(fault.maybe_help(help));
        }
    }

    /// Whether any of `keys` is there.
    pub(crate) fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.get(key).is_some())
    }

    /// The first subtable.
    pub(crate) fn first_table(&self) -> Option<(&str, Range<usize>)> {
        let is_table = |value: &Spanned<DeValue<'f>>| matches!(value.get_ref(), DeValue::Table(_));
        let mut tables = self.entries.iter().filter(|(_, value)| is_table(value));
        tables.next().map(|(key, _)| (&**key.get_ref(), key.span()))
    }

    /// A fault at `span`, under `key` of this table.
    pub(crate) fn fault(
        &self,
        span: Range<usize>,
        key: &str,
        message: impl Into<String>,
    ) -> ManifestFault {
        let path = match (self.path.as_str(), key) {
            (path, "") => path.to_string(),
            ("", key) => key.to_string(),
            (path, key) => format!("{path}.{key}"),
        };
        ManifestFault::new(self.file, span, path, message)
    }

    fn get(&self, key: &str) -> Option<&Spanned<DeValue<'f>>> {
        self.entries.get(key)
    }

    fn take(&mut self, key: &'static str) -> Option<(Range<usize>, DeValue<'f>)> {
        self.known.push(key);
        let value = self.entries.remove(key)?;
        Some((value.span(), value.into_inner()))
    }
}

impl Words {
    /// The place of bytes `inner` of the text, if the file holds the text as it is (no escapes);
    /// else the place of the whole value.
    pub(crate) fn part(&self, file: &File, inner: Range<usize>) -> Range<usize> {
        let raw = file.text.get(self.span.clone()).unwrap_or_default();
        match raw.find(&self.text) {
            Some(at) if inner.end <= self.text.len() => {
                let start = self.span.start + at;
                start + inner.start..start + inner.end
            }
            _ => self.span.clone(),
        }
    }

    /// The place of the first `part` of the text, else that of the whole value.
    pub(crate) fn find(&self, file: &File, part: &str) -> Range<usize> {
        match self.text.find(part) {
            Some(at) => self.part(file, at..at + part.len()),
            None => self.span.clone(),
        }
    }
}

fn to_json(value: DeValue<'_>) -> Option<Json> {
    Some(match value {
        DeValue::String(text) => Json::String(text.into_owned()),
        DeValue::Integer(digits) => {
            i64::from_str_radix(digits.as_str(), digits.radix()).ok()?.into()
        }
        DeValue::Float(digits) => Json::Number(Number::from_f64(digits.as_str().parse().ok()?)?),
        DeValue::Boolean(value) => Json::Bool(value),
        DeValue::Datetime(_) => return None,
        DeValue::Array(items) => {
            let items = items.into_iter().map(|item| to_json(item.into_inner()));
            Json::Array(items.collect::<Option<_>>()?)
        }
        DeValue::Table(entries) => {
            let members = entries.into_iter();
            let member = members.map(|(key, value)| {
                Some((key.into_inner().into_owned(), to_json(value.into_inner())?))
            });
            Json::Object(member.collect::<Option<_>>()?)
        }
    })
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a Boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
