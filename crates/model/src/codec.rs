//! The binary form of values and types inside images and the execution log: a tag byte, then
//! lengths and integers as LEB128, floats as 8 little-endian bytes of their bits.
//!
//! Reading is bounded: depth by [`NESTING_MAX`], memory by the length
//! of the input, since every element takes at least one byte. Hostile bytes give an error.

use crate::limits::NESTING_MAX;
use crate::types::Union;
use crate::{Field, KeyType, Parameter, Record, Signature, Text, Type, Value};

/// Stored bytes are not of this form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("malformed bytes")
    }
}

/// Appends `value`.
pub fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::None => out.push(0),
        Value::Boolean(false) => out.push(1),
        Value::Boolean(true) => out.push(2),
        Value::Int(int) => {
            out.push(3);
            // Zigzag: small magnitudes take few bytes.
            write_u64(out, ((int << 1) ^ (int >> 63)) as u64);
        }
        Value::Float(float) => {
            out.push(4);
            out.extend(float.to_bits().to_le_bytes());
        }
        Value::String(text) => {
            out.push(5);
            write_text(out, text);
        }
        Value::List(values) => write_values_tagged(out, 6, values),
        Value::Record(values) => write_values_tagged(out, 7, values),
        Value::Map(entries) => {
            out.push(8);
            write_u64(out, entries.len() as u64);
            for (key, value) in entries.iter() {
                write_value(out, key);
                write_value(out, value);
            }
        }
        Value::Tagged(member, value) => {
            out.push(9);
            write_u64(out, u64::from(*member));
            write_value(out, value);
        }
    }
}

fn write_values_tagged(out: &mut Vec<u8>, tag: u8, values: &[Value]) {
    out.push(tag);
    write_u64(out, values.len() as u64);
    values.iter().for_each(|value| write_value(out, value));
}

/// Appends `ty`; [`Type::Variable`], [`Type::Function`] and [`Type::Unknown`] have no form and
/// become `Nothing`, since no image holds them.
pub fn write_type(out: &mut Vec<u8>, ty: &Type) {
    match ty {
        Type::Nothing | Type::Variable(_) | Type::Function(..) | Type::Unknown => out.push(0),
        Type::String => out.push(1),
        Type::Int => out.push(2),
        Type::Float => out.push(3),
        Type::Boolean => out.push(4),
        Type::Literal(text) => {
            out.push(5);
            write_text(out, text);
        }
        Type::List(element) => {
            out.push(6);
            write_type(out, element);
        }
        Type::Map(key, value) => {
            out.push(if *key == KeyType::String { 7 } else { 8 });
            write_type(out, value);
        }
        Type::Optional(content) => {
            out.push(9);
            write_type(out, content);
        }
        Type::Record(record) => {
            out.push(10);
            write_u64(out, record.len() as u64);
            for field in record.fields() {
                write_text(out, &field.name);
                write_type(out, &field.ty);
            }
        }
        Type::Union(union) => {
            out.push(11);
            write_u64(out, union.members().len() as u64);
            for member in union.members() {
                write_u64(out, member.tags.len() as u64);
                member.tags.iter().for_each(|tag| write_text(out, tag));
                write_type(out, &member.ty);
            }
        }
    }
}

fn write_u64(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    write_u64(out, text.len() as u64);
    out.extend(text.as_bytes());
}

/// Reads values and types from bytes.
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes }
    }

    /// Whether everything was read.
    pub fn is_at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next value.
    pub fn value(&mut self) -> Result<Value, Malformed> {
        self.value_within(NESTING_MAX + 1)
    }

    fn value_within(&mut self, depth: usize) -> Result<Value, Malformed> {
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        Ok(match self.byte()? {
            0 => Value::None,
            1 => Value::Boolean(false),
            2 => Value::Boolean(true),
            3 => {
                let zigzag = self.u64()?;
                Value::Int((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
            }
            4 => {
                let bits = u64::from_le_bytes(self.take(8)?.try_into().map_err(|_| Malformed)?);
                let float = f64::from_bits(bits);
                if !float.is_finite() {
                    return Err(Malformed);
                }
                Value::Float(float)
            }
            5 => Value::String(self.text()?),
            6 => Value::List(self.many(|reader| reader.value_within(depth))?.into()),
            7 => Value::Record(self.many(|reader| reader.value_within(depth))?.into()),
            8 => {
                let entry = |r: &mut Self| Ok((r.value_within(depth)?, r.value_within(depth)?));
                Value::Map(self.many(entry)?.into())
            }
            9 => Value::Tagged(self.u32()?, self.value_within(depth)?.into()),
            _ => return Err(Malformed),
        })
    }

    /// The next type.
    pub fn ty(&mut self) -> Result<Type, Malformed> {
        self.type_within(NESTING_MAX + 1)
    }

    fn type_within(&mut self, depth: usize) -> Result<Type, Malformed> {
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        Ok(match self.byte()? {
            0 => Type::Nothing,
            1 => Type::String,
            2 => Type::Int,
            3 => Type::Float,
            4 => Type::Boolean,
            5 => Type::Literal(self.text()?),
            6 => Type::List(self.type_within(depth)?.into()),
            7 => Type::Map(KeyType::String, self.type_within(depth)?.into()),
            8 => Type::Map(KeyType::Int, self.type_within(depth)?.into()),
            9 => Type::Optional(self.type_within(depth)?.into()),
            10 => {
                let field = |r: &mut Self| Ok(Field { name: r.text()?, ty: r.type_within(depth)? });
                Type::Record(Record::new(self.many(field)?))
            }
            11 => {
                let member = |r: &mut Self| {
                    let tags = r.many(Self::text)?;
                    Ok((r.type_within(depth)?, tags))
                };
                let members = self.many(member)?;
                Union::of(members.into_iter().flat_map(|(ty, tags)| {
                    let untagged = tags.is_empty().then(|| (ty.clone(), None));
                    untagged.into_iter().chain(tags.into_iter().map(move |t| (ty.clone(), Some(t))))
                }))
            }
            _ => return Err(Malformed),
        })
    }

    fn many<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.u64()? as usize;
        // Each element takes a byte or more, so a lying count cannot reserve more than was sent.
        if count > self.bytes.len() {
            return Err(Malformed);
        }
        (0..count).map(|_| one(self)).collect()
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(Malformed)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        self.u64()?.try_into().map_err(|_| Malformed)
    }

    fn text(&mut self) -> Result<Text, Malformed> {
        let length = self.u64()? as usize;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map(Text::from).map_err(|_| Malformed)
    }
}

macro_rules! as_bytes {
    ($module:ident, $type:ty as $borrowed:ty, $doc:literal, |$out:ident, $item:ident| $write:expr, |$reader:ident| $read:expr) => {
        #[doc = $doc]
        pub mod $module {
            use super::*;

            /// Serializes as one byte string in this module's form.
            pub fn serialize<S: serde::Serializer>(
                $item: &$borrowed,
                s: S,
            ) -> Result<S::Ok, S::Error> {
                let mut bytes = Vec::new();
                let $out = &mut bytes;
                $write;
                s.serialize_bytes(&bytes)
            }

            /// Reads what `serialize` wrote, all of it.
            pub fn deserialize<'de, D: serde::Deserializer<'de>>(d: D) -> Result<$type, D::Error> {
                let bytes = <&[u8] as serde::Deserialize>::deserialize(d)?;
                let mut reader = Reader::new(bytes);
                let $reader = &mut reader;
                let item: Result<$type, Malformed> = $read;
                match item {
                    Ok(item) if reader.is_at_end() => Ok(item),
                    _ => Err(serde::de::Error::custom(Malformed)),
                }
            }
        }
    };
}

as_bytes!(
    value,
    Value as Value,
    "A value as a serde field.",
    |out, item| write_value(out, item),
    |reader| { reader.value() }
);

as_bytes!(
    values,
    Vec<Value> as [Value],
    "Values as a serde field.",
    |out, items| {
        write_u64(out, items.len() as u64);
        items.iter().for_each(|item| write_value(out, item));
    },
    |reader| reader.many(Reader::value)
);

as_bytes!(
    types,
    Vec<Type> as [Type],
    "Types as a serde field.",
    |out, items| {
        write_u64(out, items.len() as u64);
        items.iter().for_each(|item| write_type(out, item));
    },
    |reader| reader.many(Reader::ty)
);

as_bytes!(
    signature,
    Signature as Signature,
    "A signature as a serde field.",
    |out, item| {
        write_u64(out, item.parameters.len() as u64);
        for Parameter { name, ty } in &item.parameters {
            write_text(out, name);
            write_type(out, ty);
        }
        write_type(out, &item.result);
    },
    |reader| {
        let parameter = |r: &mut Reader<'_>| Ok(Parameter { name: r.text()?, ty: r.ty()? });
        reader
            .many(parameter)
            .and_then(|parameters| Ok(Signature { parameters, result: reader.ty()? }))
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_back() {
        let value = Value::List(
            [Value::Int(i64::MIN), Value::Float(0.1), Value::string("é"), Value::None].into(),
        );
        let mut bytes = Vec::new();
        write_value(&mut bytes, &value);
        let read = Reader::new(&bytes).value().expect("own bytes");
        assert!(read.equals(&value));
    }

    #[test]
    fn hostile_bytes_are_refused() {
        // A list that claims 2^60 elements, and a nesting of lists without end.
        let huge = [6, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
        assert!(Reader::new(&huge).value().is_err());
        let deep = [6, 1].repeat(100_000);
        assert!(Reader::new(&deep).value().is_err());
    }
}
