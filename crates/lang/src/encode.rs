//! The canonical bytes of types and values, for the structural hash: see [`crate::seal`], which
//! states the rules.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use model::{KeyType, Type, Value};

use crate::join;

/// Bytes being written.
#[derive(Default)]
pub(crate) struct Bytes {
    pub(crate) out: Vec<u8>,
    /// Types that were written before: later they are named by their number.
    types: HashMap<Vec<u8>, usize>,
    /// The same by where they live, which is looked at first.
    types_by_address: HashMap<(u8, usize), usize>,
}

impl Bytes {
    pub(crate) fn tag(&mut self, tag: u8) {
        self.out.push(tag);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend((bytes.len() as u64).to_le_bytes());
        self.out.extend(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn number(&mut self, number: impl std::fmt::Display) {
        self.text(&number.to_string());
    }

    pub(crate) fn list(&mut self, tag: u8, len: usize) {
        self.tag(tag);
        self.out.extend((len as u64).to_le_bytes());
    }

    pub(crate) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.tag(if value.is_some() { b'+' } else { b'-' });
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// A type, in full when it is met first and then by its number, so that a large type that is
    /// used often does not make the encoding large.
    pub(crate) fn ty(&mut self, ty: &Type) {
        let address = join::address(ty);
        let known = address.and_then(|address| self.types_by_address.get(&address));
        let number = match known {
            Some(number) => *number,
            None => {
                let start = self.out.len();
                self.whole_type(ty);
                let next = self.types.len();
                match self.types.entry(self.out[start..].to_vec()) {
                    Entry::Occupied(known) => {
                        self.out.truncate(start);
                        *known.get()
                    }
                    Entry::Vacant(new) => {
                        new.insert(next);
                        self.types_by_address.extend(address.map(|address| (address, next)));
                        return;
                    }
                }
            }
        };
        self.types_by_address.extend(address.map(|address| (address, number)));
        self.tag(b'#');
        self.number(number);
    }

    /// A type with the order of its fields and the tag names of its members.
    fn whole_type(&mut self, ty: &Type) {
        match ty {
            Type::String => self.tag(b's'),
            Type::Int => self.tag(b'i'),
            Type::Float => self.tag(b'f'),
            Type::Boolean => self.tag(b'b'),
            Type::Nothing => self.tag(b'0'),
            Type::Literal(text) => {
                self.tag(b'"');
                self.text(text);
            }
            Type::Record(record) => {
                self.list(b'r', record.len());
                for field in record.fields() {
                    self.text(&field.name);
                    self.whole_type(&field.ty);
                }
            }
            Type::List(element) => {
                self.tag(b'l');
                self.whole_type(element);
            }
            Type::Map(key, value) => {
                self.tag(match key {
                    KeyType::String => b'm',
                    KeyType::Int => b'n',
                    KeyType::Variable => b'k',
                });
                self.whole_type(value);
            }
            Type::Optional(content) => {
                self.tag(b'o');
                self.whole_type(content);
            }
            Type::Union(union) => {
                self.list(b'u', union.members().len());
                for member in union.members() {
                    self.whole_type(&member.ty);
                    self.list(b't', member.tags.len());
                    member.tags.iter().for_each(|tag| self.text(tag));
                }
            }
            Type::Function(parameters, result) => {
                self.list(b'>', parameters.len());
                parameters.iter().for_each(|parameter| self.whole_type(parameter));
                self.whole_type(result);
            }
            Type::Variable(_) => {
                self.tag(b'v');
                self.text(&ty.to_string());
            }
            Type::Unknown => self.tag(b'?'),
        }
    }

    pub(crate) fn value(&mut self, value: &Value) {
        match value {
            Value::None => self.tag(b'0'),
            Value::Boolean(value) => self.tag(if *value { b'T' } else { b'F' }),
            Value::Int(int) => {
                self.tag(b'i');
                self.number(int);
            }
            Value::Float(float) => {
                self.tag(b'f');
                self.out.extend(format!("{:016x}", float.to_bits()).as_bytes());
            }
            Value::String(text) => {
                self.tag(b's');
                self.text(text);
            }
            Value::List(values) | Value::Record(values) => {
                self.list(b'l', values.len());
                values.iter().for_each(|value| self.value(value));
            }
            Value::Map(entries) => {
                self.list(b'm', entries.len());
                for (key, value) in entries.iter() {
                    self.value(key);
                    self.value(value);
                }
            }
            Value::Tagged(member, value) => {
                self.tag(b't');
                self.number(member);
                self.value(value);
            }
        }
    }
}
