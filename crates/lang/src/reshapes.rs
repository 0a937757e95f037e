//! The reshapes of a plan: field access, projection and conversions between types as one
//! mechanism. Equal conversions are made once.

use std::collections::HashMap;

use model::plan::{MemberCase, MemberTest, Reshape, ReshapeId};
use model::types::is_subtype;
use model::{Record, Text, Type, Union};

use crate::check::member_test;
use crate::join;

/// The reshapes made so far.
pub(crate) struct Reshapes {
    all: Vec<Reshape>,
    /// Conversions of what is not trivial, by the texts of both types.
    conversions: HashMap<(String, String), ReshapeId>,
    /// The same by where the types live, which is looked at first.
    by_address: HashMap<[(u8, usize); 2], ReshapeId>,
}

/// The reshape that changes nothing.
pub(crate) const KEEP: ReshapeId = 0;

impl Reshapes {
    pub(crate) fn new() -> Reshapes {
        Reshapes {
            all: vec![Reshape::Keep],
            conversions: HashMap::new(),
            by_address: HashMap::new(),
        }
    }

    pub(crate) fn finish(self) -> Vec<Reshape> {
        self.all
    }

    /// Takes over the reshapes of another plan. Gives what their numbers grow by, but that of
    /// [`KEEP`], which stays.
    pub(crate) fn import(&mut self, reshapes: &[Reshape]) -> ReshapeId {
        let first = self.all.len() as ReshapeId;
        let at = |id: ReshapeId| if id == KEEP { KEEP } else { first + id };
        self.all.extend(reshapes.iter().map(|reshape| {
            match reshape {
                Reshape::Keep => Reshape::Keep,
                Reshape::Float => Reshape::Float,
                Reshape::Field(slot, next) => Reshape::Field(*slot, at(*next)),
                Reshape::Record(slots) => {
                    let slot =
                        |slot: &Option<(u32, ReshapeId)>| slot.map(|(from, it)| (from, at(it)));
                    Reshape::Record(slots.iter().map(slot).collect())
                }
                Reshape::List(next) => Reshape::List(at(*next)),
                Reshape::Map(next) => Reshape::Map(at(*next)),
                Reshape::Optional(next) => Reshape::Optional(at(*next)),
                Reshape::Mark(member, next) => Reshape::Mark(*member, at(*next)),
                Reshape::Union(cases) => Reshape::Union(
                    cases
                        .iter()
                        .map(|case| MemberCase {
                            test: case.test.clone(),
                            reshape: at(case.reshape),
                        })
                        .collect(),
                ),
            }
        }));
        first
    }

    fn add(&mut self, reshape: Reshape) -> ReshapeId {
        self.all.push(reshape);
        self.all.len() as ReshapeId - 1
    }

    /// From a value of type `from` to exactly `to`, of which `from` is a subtype.
    pub(crate) fn convert(&mut self, from: &Type, to: &Type) -> ReshapeId {
        match (from, to) {
            (from, to) if from == to => KEEP,
            (Type::Int, Type::Float) => self.add(Reshape::Float),
            (Type::Literal(_), Type::String) => KEEP,
            (Type::Nothing | Type::Unknown, _) => KEEP,
            _ => {
                let (Some(at), Some(to_at)) = (join::address(from), join::address(to)) else {
                    return self.convert_anew(from, to);
                };
                let addresses = [at, to_at];
                if let Some(&known) = self.by_address.get(&addresses) {
                    return known;
                }
                let key = (from.canonical(), to.canonical());
                let known = self.conversions.get(&key).copied();
                let reshape = known.unwrap_or_else(|| self.convert_anew(from, to));
                self.conversions.insert(key, reshape);
                self.by_address.insert(addresses, reshape);
                reshape
            }
        }
    }

    fn convert_anew(&mut self, from: &Type, to: &Type) -> ReshapeId {
        match (from, to) {
            (Type::Optional(content), to) => {
                let inner = self.convert(content, to.content());
                self.unless_kept(inner, Reshape::Optional)
            }
            (from, Type::Optional(content)) => self.convert(from, content),
            (Type::Union(union), to) => self.cases(union, |_| true, to),
            (from, Type::Union(union)) => match join::entered(from, union) {
                Some(at) => {
                    let member = &union.members()[at].ty;
                    let inner = self.convert(from, member);
                    self.mark(at, member, inner)
                }
                None => KEEP,
            },
            (Type::List(from), Type::List(to)) => {
                let inner = self.convert(from, to);
                self.unless_kept(inner, Reshape::List)
            }
            (Type::Map(_, from), Type::Map(_, to)) => {
                let inner = self.convert(from, to);
                self.unless_kept(inner, Reshape::Map)
            }
            (Type::Record(from), Type::Record(to)) => self.record(from, to),
            _ => KEEP,
        }
    }

    fn unless_kept(&mut self, inner: ReshapeId, form: fn(ReshapeId) -> Reshape) -> ReshapeId {
        if inner == KEEP { KEEP } else { self.add(form(inner)) }
    }

    fn mark(&mut self, at: usize, member: &Type, inner: ReshapeId) -> ReshapeId {
        match member_test(at, member) {
            MemberTest::Tag(tag) => self.add(Reshape::Mark(tag, inner)),
            _ => inner,
        }
    }

    /// The values of some members of a union, as `to`.
    fn cases(&mut self, union: &Union, is_meant: impl Fn(&Type) -> bool, to: &Type) -> ReshapeId {
        let mut cases = Vec::new();
        let mut is_kept = true;
        for (at, member) in union.members().iter().enumerate() {
            if is_meant(&member.ty) {
                let reshape = self.convert(&member.ty, to);
                let test = member_test(at, &member.ty);
                is_kept &= reshape == KEEP && !matches!(test, MemberTest::Tag(_));
                cases.push(MemberCase { test, reshape });
            }
        }
        if is_kept { KEEP } else { self.add(Reshape::Union(cases)) }
    }

    fn record(&mut self, from: &Record, to: &Record) -> ReshapeId {
        let mut is_kept = from.len() == to.len();
        let mut slots = Vec::with_capacity(to.len());
        for field in to.slots() {
            slots.push(from.slot(&field.name).map(|slot| {
                let reshape = self.convert(&from.at_slot(slot).ty, &field.ty);
                is_kept &= reshape == KEEP;
                (slot as u32, reshape)
            }));
        }
        if is_kept { KEEP } else { self.add(Reshape::Record(slots)) }
    }

    /// From a value of type `from` that is known to be of the narrower type `to`.
    pub(crate) fn narrow(&mut self, from: &Type, to: &Type) -> ReshapeId {
        match (from, to) {
            (from, to) if from == to => KEEP,
            (Type::Optional(from), Type::Optional(to)) => {
                let inner = self.narrow(from, to);
                self.unless_kept(inner, Reshape::Optional)
            }
            (Type::Optional(from), to) => self.narrow(from, to),
            (Type::Union(union), to) => self.cases(union, |member| is_subtype(member, to), to),
            (from, to) => self.convert(from, to),
        }
    }

    /// The field `name` of a value of type `of`, or the list of those of its elements, as `to`.
    pub(crate) fn field(&mut self, of: &Type, name: &Text, to: &Type) -> ReshapeId {
        match (of, to) {
            (Type::Record(record), to) => {
                let slot = record.slot(name).unwrap_or_default();
                let next = self.convert(&record.at_slot(slot).ty, to);
                self.add(Reshape::Field(slot as u32, next))
            }
            (Type::List(element), Type::List(to)) => {
                let inner = self.field(element, name, to);
                self.add(Reshape::List(inner))
            }
            (Type::List(_), Type::Optional(to)) => self.field(of, name, to),
            (Type::List(element), Type::Union(union)) => {
                // Each element's field is a list of its own; it enters the union as one.
                let own = crate::check::field_type(element, name).map(Type::list);
                let own = own.unwrap_or(Type::Nothing);
                let at = join::entered(&own, union).unwrap_or_default();
                let member = &union.members()[at].ty;
                let inner = self.field(of, name, member);
                self.mark(at, member, inner)
            }
            (Type::Union(union), to) => {
                let mut cases = Vec::new();
                for (at, member) in union.members().iter().enumerate() {
                    let reshape = self.field(&member.ty, name, to);
                    cases.push(MemberCase { test: member_test(at, &member.ty), reshape });
                }
                self.add(Reshape::Union(cases))
            }
            _ => KEEP,
        }
    }

    /// `o?.name` on an Optional of type `of`.
    pub(crate) fn optional_field(&mut self, of: &Type, name: &Text, to: &Type) -> ReshapeId {
        let inner = self.field(of.content(), name, to.content());
        self.add(Reshape::Optional(inner))
    }

    /// The projection of a value of type `of` to the fields of `to`.
    pub(crate) fn project(&mut self, of: &Type, to: &Type) -> ReshapeId {
        match (of, to) {
            (Type::Record(from), Type::Record(to)) => self.record(from, to),
            (Type::List(of), Type::List(to)) => {
                let inner = self.project(of, to);
                self.unless_kept(inner, Reshape::List)
            }
            (Type::Union(union), to) => {
                let mut cases = Vec::new();
                for (at, member) in union.members().iter().enumerate() {
                    let reshape = self.project(&member.ty, to);
                    cases.push(MemberCase { test: member_test(at, &member.ty), reshape });
                }
                self.add(Reshape::Union(cases))
            }
            _ => KEEP,
        }
    }
}
