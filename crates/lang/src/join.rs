//! How types combine: the join of alternatives (specification 5.4), overlap for `==`, the merge of
//! records, and the member of a union that a value enters (5.3). Pure functions over types.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use model::limits::{NESTING_MAX, TYPE_SIZE_MAX};
use model::types::is_subtype;
use model::{Field, KeyType, Member, Record, Text, Type, Union};

/// The least type that holds the values of all `types`. Their order does not matter.
pub(crate) fn join(types: impl IntoIterator<Item = Type>) -> Type {
    let mut optional = false;
    let mut distinct: Vec<Type> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for ty in types {
        let content = match &ty {
            Type::Unknown => return Type::Unknown,
            Type::Optional(content) => {
                optional = true;
                (**content).clone()
            }
            Type::Nothing => continue,
            _ => ty,
        };
        // Most lists have elements of one type; only others are told apart by their text.
        if distinct.last().is_some_and(|last| is_identical(last, &content)) {
            continue;
        }
        match places.entry(content.canonical()) {
            Entry::Occupied(place) => {
                let at = *place.get();
                distinct[at] = unite(&distinct[at], &content);
            }
            Entry::Vacant(place) => {
                place.insert(distinct.len());
                distinct.push(content);
            }
        }
    }
    let content = reduce(distinct);
    if optional { Type::optional(content) } else { content }
}

/// Whether the two are equal to the order of fields and the tag names.
fn is_identical(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => {
            is_identical(a, b)
        }
        (Type::Map(k, a), Type::Map(l, b)) => k == l && is_identical(a, b),
        (Type::Record(a), Type::Record(b)) if a.fields().as_ptr() == b.fields().as_ptr() => true,
        (Type::Union(a), Type::Union(b)) if a.members().as_ptr() == b.members().as_ptr() => true,
        (Type::Record(a), Type::Record(b)) => {
            let same = |(a, b): (&Field, &Field)| a.name == b.name && is_identical(&a.ty, &b.ty);
            a.len() == b.len() && a.fields().iter().zip(b.fields()).all(same)
        }
        (Type::Union(a), Type::Union(b)) => {
            let (a, b) = (a.members(), b.members());
            let same = |(a, b): (&Member, &Member)| a.tags == b.tags && is_identical(&a.ty, &b.ty);
            a.len() == b.len() && a.iter().zip(b).all(same)
        }
        (a, b) => a == b,
    }
}

/// The union of those that are no subtype of another.
fn reduce(mut types: Vec<Type>) -> Type {
    if types.len() <= 1 {
        return types.pop().unwrap_or(Type::Nothing);
    }
    if types.len() > TYPE_SIZE_MAX {
        return Union::of(types.into_iter().map(|ty| (ty, None)));
    }
    types.sort_by_cached_key(Type::canonical);
    let is_dropped = |at: usize| {
        types.iter().enumerate().any(|(other, sup)| {
            // Of mutual subtypes the first stays.
            other != at
                && is_subtype(&types[at], sup)
                && !(at < other && is_subtype(sup, &types[at]))
        })
    };
    let dropped: Vec<bool> = (0..types.len()).map(is_dropped).collect();
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    for (ty, dropped) in types.into_iter().zip(dropped) {
        if dropped { gone.push(ty) } else { kept.push(ty) }
    }
    let joined = match <[Type; 1]>::try_from(kept) {
        Ok([one]) => one,
        Err(kept) => Union::of(kept.into_iter().map(|ty| (ty, None))),
    };
    gone.iter().fold(joined, keep_tags)
}

/// `joined` with the tag names of those members of `gone` that it has too.
fn keep_tags(joined: Type, gone: &Type) -> Type {
    let (Type::Union(union), Type::Union(gone)) = (&joined, gone) else { return joined };
    let shared = |member: &&Member| union.members().iter().any(|m| m.ty == member.ty);
    let tagged: Vec<&Member> = gone.members().iter().filter(shared).collect();
    if tagged.iter().all(|member| member.tags.is_empty()) {
        return joined;
    }
    let more = tagged
        .iter()
        .flat_map(|member| member.tags.iter().map(|tag| (member.ty.clone(), Some(tag.clone()))));
    Union::of(std::iter::once((joined.clone(), None)).chain(more))
}

/// One of two equal types: the order of fields is that of the one printed first, tag names are
/// those of both.
pub(crate) fn unite(a: &Type, b: &Type) -> Type {
    match (a, b) {
        (Type::List(a), Type::List(b)) => Type::list(unite(a, b)),
        (Type::Optional(a), Type::Optional(b)) => Type::optional(unite(a, b)),
        (Type::Map(key, a), Type::Map(_, b)) => Type::Map(*key, unite(a, b).into()),
        (Type::Record(r), Type::Record(s)) => {
            let (first, second) = if a.to_string() <= b.to_string() { (r, s) } else { (s, r) };
            let field = |field: &Field| {
                let other = second.get(&field.name).unwrap_or(&field.ty);
                Field { name: field.name.clone(), ty: unite(&field.ty, other) }
            };
            Type::Record(Record::new(first.fields().iter().map(field)))
        }
        (Type::Union(r), Type::Union(s)) => {
            let pairs = r.members().iter().zip(s.members());
            Union::of(pairs.flat_map(|(r, s)| {
                let ty = unite(&r.ty, &s.ty);
                let tags = r.tags.iter().chain(s.tags.iter());
                let tagged: Vec<_> = tags.map(|tag| (ty.clone(), Some(tag.clone()))).collect();
                std::iter::once((ty, None)).chain(tagged)
            }))
        }
        _ => a.clone(),
    }
}

/// Where a type that is made of others lives in memory, or a number for one that is not. Types with
/// one address are the same to the order of fields, as long as both are kept.
pub(crate) fn address(ty: &Type) -> Option<(u8, usize)> {
    match ty {
        Type::Record(record) => Some((0, record.fields().as_ptr().addr())),
        Type::Union(union) => Some((1, union.members().as_ptr().addr())),
        Type::List(inner) => Some((2, Arc::as_ptr(inner).addr())),
        Type::Optional(inner) => Some((3, Arc::as_ptr(inner).addr())),
        Type::Map(KeyType::String, inner) => Some((4, Arc::as_ptr(inner).addr())),
        Type::Map(KeyType::Int, inner) => Some((5, Arc::as_ptr(inner).addr())),
        Type::Map(KeyType::Variable, _) => None,
        Type::String => Some((6, 0)),
        Type::Int => Some((7, 0)),
        Type::Float => Some((8, 0)),
        Type::Boolean => Some((9, 0)),
        Type::Nothing => Some((10, 0)),
        Type::Literal(_) | Type::Function(..) | Type::Variable(_) | Type::Unknown => None,
    }
}

/// Whether `==` between the two can ever be true by their types.
pub(crate) fn overlap(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Function(..), _) | (_, Type::Function(..)) => false,
        (a, b) if a == b => true,
        (Type::Unknown, _) | (_, Type::Unknown) => true,
        (Type::Optional(_), Type::Optional(_)) => true,
        (Type::Optional(content), other) | (other, Type::Optional(content)) => {
            overlap(content, other)
        }
        (Type::Union(union), other) | (other, Type::Union(union)) => {
            union.members().iter().any(|member| overlap(&member.ty, other))
        }
        (Type::Int, Type::Float) | (Type::Float, Type::Int) => true,
        (Type::String, Type::Literal(_)) | (Type::Literal(_), Type::String) => true,
        (Type::List(a), Type::List(b)) => overlap_contents(a, b),
        (Type::Map(k, a), Type::Map(l, b)) => k == l && overlap_contents(a, b),
        (Type::Record(a), Type::Record(b)) => {
            a.len() == b.len()
                && a.slots().zip(b.slots()).all(|(a, b)| a.name == b.name && overlap(&a.ty, &b.ty))
        }
        _ => false,
    }
}

fn overlap_contents(a: &Type, b: &Type) -> bool {
    matches!(a, Type::Nothing) || matches!(b, Type::Nothing) || overlap(a, b)
}

/// The type of `a + b` on records or lists of records; `None` if they are none.
pub(crate) fn merge(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (Type::Record(a), Type::Record(b)) => {
            let left = a.fields().iter().map(|field| {
                let ty = b.get(&field.name).unwrap_or(&field.ty);
                Field { name: field.name.clone(), ty: ty.clone() }
            });
            let right = b.fields().iter().filter(|field| a.slot(&field.name).is_none()).cloned();
            Some(Type::Record(Record::new(left.chain(right))))
        }
        (Type::List(a), Type::List(b)) => merge_records(a, b).map(Type::list),
        (Type::List(a), b) => merge_records(a, b).map(Type::list),
        (a, Type::List(b)) => merge_records(a, b).map(Type::list),
        _ => None,
    }
}

fn merge_records(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (Type::Record(_), Type::Record(_)) => merge(a, b),
        _ => None,
    }
}

/// The member as which a value of type `ty` enters `union`: the equal one, else the most specific
/// that it is a subtype of, else the first such.
pub(crate) fn entered(ty: &Type, union: &Union) -> Option<usize> {
    let members = union.members();
    if let Some(equal) = members.iter().position(|member| member.ty == *ty) {
        return Some(equal);
    }
    let fitting: Vec<usize> =
        (0..members.len()).filter(|&at| is_subtype(ty, &members[at].ty)).collect();
    let is_most_specific = |&&at: &&usize| {
        fitting.iter().all(|&other| is_subtype(&members[at].ty, &members[other].ty))
    };
    fitting.iter().find(is_most_specific).or(fitting.first()).copied()
}

/// How far a type reaches beyond what the limits allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooLarge {
    Size,
    Depth,
}

/// Whether `ty` keeps within `max_type_size` and `max_nesting`. Stops at the first excess, so that
/// it takes bounded time and stack on types built from parts that keep the limits.
pub(crate) fn measure(ty: &Type) -> Result<usize, TooLarge> {
    let mut size = 0;
    measure_into(ty, NESTING_MAX, &mut size)?;
    Ok(size)
}

fn measure_into(ty: &Type, depth: usize, size: &mut usize) -> Result<(), TooLarge> {
    let depth = depth.checked_sub(1).ok_or(TooLarge::Depth)?;
    *size += 1;
    if *size > TYPE_SIZE_MAX {
        return Err(TooLarge::Size);
    }
    match ty {
        Type::Record(record) => {
            record.fields().iter().try_for_each(|field| measure_into(&field.ty, depth, size))
        }
        Type::Union(union) => {
            union.members().iter().try_for_each(|member| measure_into(&member.ty, depth, size))
        }
        Type::List(inner) | Type::Map(_, inner) | Type::Optional(inner) => {
            measure_into(inner, depth, size)
        }
        Type::Function(parameters, result) => {
            parameters.iter().try_for_each(|ty| measure_into(ty, depth, size))?;
            measure_into(result, depth, size)
        }
        Type::String | Type::Int | Type::Float | Type::Boolean | Type::Literal(_) => Ok(()),
        Type::Nothing | Type::Variable(_) | Type::Unknown => Ok(()),
    }
}

/// The names of the fields of all record types in `ty`, for suggestions.
pub(crate) fn field_names(ty: &Type) -> Vec<&Text> {
    match ty {
        Type::Record(record) => record.fields().iter().map(|field| &field.name).collect(),
        Type::List(inner) | Type::Optional(inner) => field_names(inner),
        Type::Union(union) => union.members().iter().flat_map(|m| field_names(&m.ty)).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &[(&str, Type)]) -> Type {
        let field = |(name, ty): &(&str, Type)| Field { name: (*name).into(), ty: ty.clone() };
        Type::Record(Record::new(fields.iter().map(field)))
    }

    #[test]
    fn joins_drop_subtypes_whatever_their_order() {
        let (a, ab) = (record(&[("a", Type::Int)]), record(&[("a", Type::Int), ("b", Type::Int)]));
        assert_eq!(join([a.clone(), ab.clone()]), a);
        assert_eq!(join([ab, a.clone()]), a);
        let none = Type::optional(Type::Nothing);
        assert_eq!(join([none, Type::Int]).to_string(), "Optional<Int>");
        assert_eq!(join([]), Type::Nothing);
        assert_eq!(join([Type::String, Type::Int, Type::Int]).to_string(), "Int | String");
    }

    #[test]
    fn joins_keep_the_tag_names_of_both_sides() {
        let (a, b) = (record(&[("a", Type::Int)]), record(&[("b", Type::Int)]));
        let left = Union::of([(a.clone(), Some("A".into())), (b.clone(), None)]);
        let right = Union::of([(a, None), (b, Some("B".into()))]);
        for joined in [join([left.clone(), right.clone()]), join([right, left])] {
            let Type::Union(union) = joined else { panic!("a union") };
            let tags: Vec<_> = union.members().iter().map(|m| m.tags.to_vec()).collect();
            assert_eq!(tags, [vec![Text::new("A")], vec![Text::new("B")]]);
        }
    }

    #[test]
    fn records_overlap_by_field_names() {
        let (int, float) = (record(&[("a", Type::Int)]), record(&[("a", Type::Float)]));
        assert!(overlap(&int, &float));
        assert!(!overlap(&int, &record(&[("b", Type::Int)])));
        assert!(overlap(&Type::list(Type::Nothing), &Type::list(Type::Int)));
        assert!(overlap(&Type::optional(Type::Int), &Type::Int));
        assert!(!overlap(&Type::String, &Type::Int));
    }

    #[test]
    fn a_value_enters_the_most_specific_member() {
        let small = record(&[("a", Type::Int)]);
        let wide = record(&[("a", Type::Int), ("b", Type::Int)]);
        let wider = record(&[("a", Type::Int), ("b", Type::Int), ("c", Type::Int)]);
        let Type::Union(union) = Union::of([(small, None), (wide.clone(), None)]) else {
            panic!("a union")
        };
        assert_eq!(entered(&wider, &union).map(|at| union.members()[at].ty.clone()), Some(wide));
    }
}
