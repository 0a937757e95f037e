//! Types in few words, and what becomes of texts at them.

use model::json::{Fault, read, to_string};
use model::{Code, Field, KeyType, Record, Text, Type, Union};

/// A record type.
pub(crate) fn record(fields: &[(&str, Type)]) -> Type {
    let field = |(name, ty): &(&str, Type)| Field { name: (*name).into(), ty: ty.clone() };
    Type::Record(Record::new(fields.iter().map(field)))
}

/// A union of members, `""` where one has no alias.
pub(crate) fn union(members: &[(&str, Type)]) -> Type {
    let tag = |tag: &str| (!tag.is_empty()).then(|| Text::from(tag));
    Union::of(members.iter().map(|(name, ty)| (ty.clone(), tag(name))))
}

/// A map type.
pub(crate) fn map(key: KeyType, value: Type) -> Type {
    Type::Map(key, value.into())
}

/// The type of one text.
pub(crate) fn literal(text: &str) -> Type {
    Type::Literal(text.into())
}

/// An Optional type.
pub(crate) fn optional(content: Type) -> Type {
    Type::optional(content)
}

/// The value written again, or the faults.
pub(crate) fn again(ty: &Type, text: &str) -> String {
    match read(ty, text) {
        Ok(value) => to_string(ty, &value),
        Err(faults) => faults.iter().map(line).collect::<Vec<_>>().join("\n"),
    }
}

/// A fault and its help.
pub(crate) fn line(fault: &Fault) -> String {
    let help = fault.help.iter().map(|help| format!("\n  {help}")).collect::<String>();
    format!("{} {}: {}{help}", fault.code, fault.pointer, fault.message)
}

/// Each text is read, and written like this.
#[track_caller]
pub(crate) fn accepts(ty: &Type, rows: &[(&str, &str)]) {
    for (text, written) in rows {
        assert_eq!(again(ty, text), *written, "{ty}: {text}");
    }
}

/// Each text has a fault V002.
#[track_caller]
pub(crate) fn refuses(ty: &Type, texts: &[&str]) {
    for text in texts {
        let faults = read(ty, text).expect_err(text);
        assert_eq!(faults[0].code, Code::V002, "{ty}: {text}");
    }
}
