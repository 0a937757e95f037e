//! The types of the language (specification, section 5).
//!
//! A record's fields have two orders: the declared one, which is printed and written, and the
//! *slots*, sorted by name, in which a [`Value::Record`](crate::Value) holds them. So records of
//! one type have one layout, however their fields were declared.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::Text;

/// A type. Equality ignores the order of record fields and the tag names of union members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// UTF-8 text.
    String,
    /// 64-bit signed integer.
    Int,
    /// Finite 64-bit float.
    Float,
    /// `true` or `false`.
    Boolean,
    /// Exactly this text.
    Literal(Text),
    /// Named fields.
    Record(Record),
    /// A sequence.
    List(Arc<Type>),
    /// Ordered by key.
    Map(KeyType, Arc<Type>),
    /// A value or `none`; the content is never itself Optional.
    Optional(Arc<Type>),
    /// One of several types, at least two.
    Union(Union),
    /// No values: the element type of `[]`, the content of `none`.
    Nothing,
    /// Parameters and result; only of arguments to higher-order functions.
    Function(Arc<[Type]>, Arc<Type>),
    /// A type variable of a generic signature. Never in an image.
    Variable(Variable),
    /// The type of an erroneous expression: fits everywhere. Never in an image.
    Unknown,
}

/// The key type of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// Keys ordered by code point.
    String,
    /// Keys ordered as numbers.
    Int,
    /// The variable [`Variable::Key`] of a generic signature. Never in an image.
    Variable,
}

/// A type variable of a standard function's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variable {
    /// Any type; written as this letter.
    Any(char),
    /// `N`: Int or Float.
    Number,
    /// `Ord`: Int, Float or String.
    Ordered,
    /// `Key`: String or Int.
    Key,
}

impl Type {
    /// `List<element>`.
    pub fn list(element: Type) -> Type {
        Type::List(Arc::new(element))
    }

    /// `Optional<content>`, which does not nest.
    pub fn optional(content: Type) -> Type {
        match content {
            Type::Optional(_) | Type::Unknown => content,
            content => Type::Optional(Arc::new(content)),
        }
    }

    /// The content of an Optional, or the type itself.
    pub fn content(&self) -> &Type {
        match self {
            Type::Optional(content) => content,
            other => other,
        }
    }

    /// Whether values may be `none`.
    pub fn is_optional(&self) -> bool {
        matches!(self, Type::Optional(_))
    }

    /// Fields and members, counted through; the measure of `max_type_size`.
    pub fn size(&self) -> usize {
        match self {
            Type::Record(record) => record.fields.iter().map(|f| 1 + f.ty.size()).sum(),
            Type::Union(union) => union.members.iter().map(|m| 1 + m.ty.size()).sum(),
            Type::List(inner) | Type::Map(_, inner) | Type::Optional(inner) => 1 + inner.size(),
            Type::Function(params, result) => {
                result.size() + params.iter().map(Type::size).sum::<usize>()
            }
            Type::String | Type::Int | Type::Float | Type::Boolean | Type::Literal(_) => 1,
            Type::Nothing | Type::Variable(_) | Type::Unknown => 1,
        }
    }

    /// Whether an erroneous part is anywhere inside.
    pub fn has_unknown(&self) -> bool {
        match self {
            Type::Unknown => true,
            Type::Record(record) => record.fields.iter().any(|f| f.ty.has_unknown()),
            Type::Union(union) => union.members.iter().any(|m| m.ty.has_unknown()),
            Type::List(inner) | Type::Map(_, inner) | Type::Optional(inner) => inner.has_unknown(),
            Type::Function(params, result) => {
                result.has_unknown() || params.iter().any(Type::has_unknown)
            }
            Type::String | Type::Int | Type::Float | Type::Boolean | Type::Literal(_) => false,
            Type::Nothing | Type::Variable(_) => false,
        }
    }

    /// Whether a union of more than scalars is anywhere inside: its values need their type to be
    /// told apart.
    pub fn has_union(&self) -> bool {
        match self {
            Type::Union(union) => union
                .members
                .iter()
                .any(|member| matches!(member.ty, Type::Record(_) | Type::List(_) | Type::Map(..))),
            Type::Record(record) => record.fields.iter().any(|f| f.ty.has_union()),
            Type::List(inner) | Type::Map(_, inner) | Type::Optional(inner) => inner.has_union(),
            Type::Function(..) | Type::String | Type::Int | Type::Float | Type::Boolean => false,
            Type::Literal(_) | Type::Nothing | Type::Variable(_) | Type::Unknown => false,
        }
    }

    /// The printed type with record fields sorted by name: equal types, equal text. This is the
    /// tag of a union member without an alias.
    pub fn canonical(&self) -> String {
        let mut out = String::new();
        write_type(&mut out, self, Order::Slots).unwrap_or_default();
        out
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_type(f, self, Order::Declared)
    }
}

#[derive(Clone, Copy)]
enum Order {
    Declared,
    Slots,
}

fn write_type(out: &mut dyn fmt::Write, ty: &Type, order: Order) -> fmt::Result {
    match ty {
        Type::String => out.write_str("String"),
        Type::Int => out.write_str("Int"),
        Type::Float => out.write_str("Float"),
        Type::Boolean => out.write_str("Boolean"),
        Type::Nothing => out.write_str("Nothing"),
        Type::Literal(text) => write_literal(out, text),
        Type::List(element) => write_applied(out, "List<", element, order),
        Type::Optional(content) => write_applied(out, "Optional<", content, order),
        Type::Map(KeyType::String, value) => write_applied(out, "Map<String, ", value, order),
        Type::Map(KeyType::Int, value) => write_applied(out, "Map<Int, ", value, order),
        Type::Map(KeyType::Variable, value) => write_applied(out, "Map<Key, ", value, order),
        Type::Record(record) => write_record(out, record, order),
        Type::Union(union) => write_union(out, union, order),
        Type::Function(params, result) => {
            out.write_char('(')?;
            for (at, param) in params.iter().enumerate() {
                out.write_str(if at == 0 { "" } else { ", " })?;
                write_type(out, param, order)?;
            }
            out.write_str(") => ")?;
            write_type(out, result, order)
        }
        Type::Variable(Variable::Any(letter)) => out.write_char(*letter),
        Type::Variable(Variable::Number) => out.write_str("N"),
        Type::Variable(Variable::Ordered) => out.write_str("Ord"),
        Type::Variable(Variable::Key) => out.write_str("Key"),
        Type::Unknown => out.write_char('?'),
    }
}

fn write_applied(out: &mut dyn fmt::Write, head: &str, of: &Type, order: Order) -> fmt::Result {
    out.write_str(head)?;
    write_type(out, of, order)?;
    out.write_char('>')
}

fn write_record(out: &mut dyn fmt::Write, record: &Record, order: Order) -> fmt::Result {
    if record.fields.is_empty() {
        return out.write_str("{}");
    }
    for at in 0..record.fields.len() {
        let field = match order {
            Order::Declared => &record.fields[at],
            Order::Slots => record.at_slot(at),
        };
        out.write_str(if at == 0 { "{ " } else { ", " })?;
        write!(out, "{}: ", field.name)?;
        write_type(out, &field.ty, order)?;
    }
    out.write_str(" }")
}

fn write_union(out: &mut dyn fmt::Write, union: &Union, order: Order) -> fmt::Result {
    let mut printed: Vec<String> = union
        .members
        .iter()
        .map(|member| {
            let mut text = String::new();
            write_type(&mut text, &member.ty, order).map(|()| text)
        })
        .collect::<Result<_, _>>()?;
    printed.sort_unstable();
    out.write_str(&printed.join(" | "))
}

/// Writes `text` as a string literal of the language.
pub fn write_literal(out: &mut dyn fmt::Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '$' => out.write_str("\\$")?,
            '\n' => out.write_str("\\n")?,
            '\t' => out.write_str("\\t")?,
            '\r' => out.write_str("\\r")?,
            other if other.is_control() => write!(out, "\\u{{{:x}}}", other as u32)?,
            other => out.write_char(other)?,
        }
    }
    out.write_char('"')
}

/// One field of a record type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: Text,
    /// The type of its value.
    pub ty: Type,
}

/// A record type.
#[derive(Clone, Debug)]
pub struct Record {
    fields: Arc<[Field]>,
    /// For each slot, the declared index of the field that lives there.
    declared: Arc<[u32]>,
}

impl Record {
    /// A record type of `fields` in their declared order; of equal names the first counts.
    pub fn new(fields: impl IntoIterator<Item = Field>) -> Record {
        let mut fields: Vec<Field> = fields.into_iter().collect();
        let mut declared = sorted_indices(&fields);
        if declared.windows(2).any(|w| fields[w[0] as usize].name == fields[w[1] as usize].name) {
            let mut seen = std::collections::HashSet::new();
            fields.retain(|field| seen.insert(field.name.clone()));
            declared = sorted_indices(&fields);
        }
        Record { fields: fields.into(), declared: declared.into() }
    }

    /// The fields in declared order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether this is `{}`.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The fields in slot order.
    pub fn slots(&self) -> impl ExactSizeIterator<Item = &Field> {
        self.declared.iter().map(|&at| &self.fields[at as usize])
    }

    /// The field in `slot`.
    pub fn at_slot(&self, slot: usize) -> &Field {
        &self.fields[self.declared[slot] as usize]
    }

    /// The slot of the field `name`.
    pub fn slot(&self, name: &str) -> Option<usize> {
        self.declared.binary_search_by(|&at| self.fields[at as usize].name.as_str().cmp(name)).ok()
    }

    /// The type of the field `name`.
    pub fn get(&self, name: &str) -> Option<&Type> {
        self.slot(name).map(|slot| &self.at_slot(slot).ty)
    }

    /// Fields in declared order, each with its slot.
    pub fn declared_slots(&self) -> Vec<(usize, &Field)> {
        let mut by_declared = vec![0; self.fields.len()];
        for (slot, &at) in self.declared.iter().enumerate() {
            by_declared[at as usize] = slot;
        }
        by_declared.into_iter().zip(self.fields.iter()).collect()
    }
}

fn sorted_indices(fields: &[Field]) -> Vec<u32> {
    let mut indices: Vec<u32> = (0..fields.len() as u32).collect();
    indices.sort_by(|&a, &b| fields[a as usize].name.cmp(&fields[b as usize].name));
    indices
}

impl PartialEq for Record {
    fn eq(&self, other: &Record) -> bool {
        Arc::ptr_eq(&self.fields, &other.fields)
            || self.len() == other.len() && self.slots().eq(other.slots())
    }
}

impl Eq for Record {}

/// One member of a union.
#[derive(Clone, Debug)]
pub struct Member {
    /// The type of its values; never Optional or a union.
    pub ty: Type,
    /// Alias names by which the member was written, sorted: its short tags in JSON.
    pub tags: Arc<[Text]>,
}

/// A union of at least two members, ordered by their canonical text. A value remembers its member
/// by index where its own form does not tell (see [`Value::Tagged`](crate::Value)).
#[derive(Clone, Debug)]
pub struct Union {
    members: Arc<[Member]>,
}

impl Union {
    /// The members in index order.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The flat, simplest type of these alternatives: nested unions and Optionals are taken apart,
    /// equal members merged (keeping the tags of both), `String` absorbs literals, `Nothing` adds
    /// nothing, and a single member is that member. Tags are given per alternative.
    pub fn of(alternatives: impl IntoIterator<Item = (Type, Option<Text>)>) -> Type {
        let mut flat = Flat::default();
        for (ty, tag) in alternatives {
            flat.add(ty, tag);
        }
        flat.finish()
    }
}

#[derive(Default)]
struct Flat {
    members: Vec<(String, Type, Vec<Text>)>,
    optional: bool,
    unknown: bool,
}

impl Flat {
    fn add(&mut self, ty: Type, tag: Option<Text>) {
        match ty {
            Type::Union(union) => {
                for member in union.members.iter() {
                    self.add_member(member.ty.clone(), member.tags.to_vec());
                }
            }
            Type::Optional(content) => {
                self.optional = true;
                self.add((*content).clone(), tag);
            }
            Type::Nothing => {}
            Type::Unknown => self.unknown = true,
            ty => self.add_member(ty, tag.into_iter().collect()),
        }
    }

    fn add_member(&mut self, ty: Type, tags: Vec<Text>) {
        let text = ty.canonical();
        match self.members.binary_search_by(|(t, ..)| t.cmp(&text)) {
            Ok(at) => self.members[at].2.extend(tags),
            Err(at) => self.members.insert(at, (text, ty, tags)),
        }
    }

    fn finish(mut self) -> Type {
        if self.unknown {
            return Type::Unknown;
        }
        if self.members.iter().any(|(_, ty, _)| *ty == Type::String) {
            self.members.retain(|(_, ty, _)| !matches!(ty, Type::Literal(_)));
        }
        let content = match self.members.len() {
            0 => Type::Nothing,
            1 => self.members.remove(0).1,
            _ => Type::Union(Union {
                members: self.members.into_iter().map(|(_, ty, tags)| member(ty, tags)).collect(),
            }),
        };
        if self.optional { Type::optional(content) } else { content }
    }
}

fn member(ty: Type, mut tags: Vec<Text>) -> Member {
    tags.sort_unstable();
    tags.dedup();
    Member { ty, tags: tags.into() }
}

impl PartialEq for Union {
    fn eq(&self, other: &Union) -> bool {
        let types = self.members.iter().map(|member| &member.ty);
        Arc::ptr_eq(&self.members, &other.members)
            || types.eq(other.members.iter().map(|member| &member.ty))
    }
}

impl Eq for Union {}

/// `sub <: sup` (specification 5.2). [`Type::Unknown`] fits everywhere, both ways.
pub fn is_subtype(sub: &Type, sup: &Type) -> bool {
    match (sub, sup) {
        (Type::Unknown, _) | (_, Type::Unknown) | (Type::Nothing, _) => true,
        (sub, sup) if sub == sup => true,
        (Type::Union(union), sup) => union.members.iter().all(|m| is_subtype(&m.ty, sup)),
        (sub, Type::Optional(content)) => is_subtype(sub.content(), content),
        (sub, Type::Union(union)) => union.members.iter().any(|m| is_subtype(sub, &m.ty)),
        (Type::Literal(_), Type::String) => true,
        (Type::List(a), Type::List(b)) => is_subtype(a, b),
        (Type::Map(k, a), Type::Map(l, b)) => k == l && is_subtype(a, b),
        (Type::Record(a), Type::Record(b)) => is_sub_record(a, b),
        (Type::Function(a, r), Type::Function(b, s)) => {
            a.len() == b.len()
                && b.iter().zip(a.iter()).all(|(b, a)| is_subtype(b, a))
                && is_subtype(r, s)
        }
        _ => false,
    }
}

/// Both are sorted by name, so one walk finds every field of `sup` in `sub`.
fn is_sub_record(sub: &Record, sup: &Record) -> bool {
    let mut have = sub.slots();
    sup.slots().all(|want| {
        have.by_ref()
            .find_map(|field| match field.name.cmp(&want.name) {
                Ordering::Less => None,
                Ordering::Equal => Some(is_subtype(&field.ty, &want.ty)),
                Ordering::Greater => Some(false),
            })
            .unwrap_or(false)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &[(&str, Type)]) -> Type {
        let field = |(name, ty): &(&str, Type)| Field { name: (*name).into(), ty: ty.clone() };
        Type::Record(Record::new(fields.iter().map(field)))
    }

    #[test]
    fn field_order_is_printed_but_not_compared() {
        let ab = record(&[("a", Type::Int), ("b", Type::String)]);
        let ba = record(&[("b", Type::String), ("a", Type::Int)]);
        assert_eq!(ab, ba);
        assert_eq!(ba.to_string(), "{ b: String, a: Int }");
        assert_eq!(ba.canonical(), "{ a: Int, b: String }");
    }

    #[test]
    fn unions_are_flat_sets() {
        let union = Union::of([
            (Type::String, None),
            (Type::Literal("x".into()), None),
            (Type::optional(Type::Int), None),
        ]);
        assert_eq!(union.to_string(), "Optional<Int | String>");
        assert_eq!(Union::of([(Type::Int, None), (Type::Int, None)]), Type::Int);
    }

    #[test]
    fn wider_records_are_subtypes() {
        let ab = record(&[("a", Type::Int), ("b", Type::String)]);
        let b = record(&[("b", Type::optional(Type::String))]);
        assert!(is_subtype(&ab, &b));
        assert!(!is_subtype(&b, &ab));
        assert!(is_subtype(&record(&[]), &record(&[])));
        assert!(!is_subtype(&record(&[]), &b));
    }
}
