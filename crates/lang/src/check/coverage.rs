//! Which values the arms of a `match` leave over: arms that can never be reached, and patterns
//! that are missing.
//!
//! The method is the usual one for pattern matrices: a column of patterns is split by the cases
//! that its type has, and its parts become columns. Its cost may explode for patterns that are
//! knotted into each other, so the search has a budget.

use std::collections::{HashMap, HashSet};

use model::{Record, Text, Type, Union};

use super::witness::{name_case, name_record};

/// Rows looked at before the search gives up.
const BUDGET: usize = 4_000_000;
/// Columns that are split one inside the other: bounds the stack.
const DEPTH_MAX: usize = 400;

/// What a pattern covers.
#[derive(Clone, Debug)]
pub(super) enum Cover {
    Any,
    Case(Case, Box<Cover>),
    /// Fields by slot; those that are not mentioned are covered.
    Record(Vec<(u32, Cover)>),
    Or(Vec<Cover>),
}

/// One of the cases of a type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Case {
    None,
    Some,
    Member(u32),
    Boolean(bool),
    /// A literal, by its text.
    Constant(Text),
}

impl Cover {
    pub(super) fn leaf(case: Case) -> Cover {
        Cover::Case(case, Box::new(Cover::Any))
    }

    /// The path to a constant, if the pattern is nothing but one.
    fn constant_path(&self) -> Option<Vec<Case>> {
        let mut path = Vec::new();
        let mut at = self;
        while let Cover::Case(case, inner) = at {
            path.push(case.clone());
            at = inner;
        }
        let is_path = matches!(at, Cover::Any) && matches!(path.last(), Some(Case::Constant(_)));
        is_path.then_some(path)
    }
}

/// The search ran out of its budget.
#[derive(Debug)]
pub(super) struct GaveUp;

/// What the unguarded arms so far cover.
pub(super) struct Coverage {
    ty: Type,
    /// Constants are looked up, so that long tables of literals take linear time.
    constants: HashSet<Vec<Case>>,
    constant_rows: Vec<Cover>,
    others: Vec<Cover>,
    budget: usize,
}

impl Coverage {
    pub(super) fn new(ty: Type) -> Coverage {
        Coverage {
            ty,
            constants: HashSet::new(),
            constant_rows: Vec::new(),
            others: Vec::new(),
            budget: BUDGET,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.constant_rows.is_empty() && self.others.is_empty()
    }

    /// Whether some value that fits `cover` is still left over.
    pub(super) fn leaves(&mut self, cover: &Cover) -> Result<bool, GaveUp> {
        let mut search = Search { budget: &mut self.budget };
        let mut rows: Vec<Row<'_>> = self.others.iter().map(|cover| vec![cover]).collect();
        match cover.constant_path() {
            Some(path) if self.constants.contains(&path) => return Ok(false),
            Some(_) => {}
            None => rows.extend(self.constant_rows.iter().map(|cover| vec![cover])),
        }
        search.is_useful(&rows, &vec![cover], &[&self.ty], 0)
    }

    /// The members of a union that are not wholly covered. The union is the type itself or, if
    /// `present`, the content of an Optional.
    pub(super) fn members_left(
        &mut self,
        union: &Union,
        present: bool,
    ) -> Result<Vec<usize>, GaveUp> {
        let rows: Vec<Row<'_>> =
            self.others.iter().chain(&self.constant_rows).map(|cover| vec![cover]).collect();
        let mut search = Search { budget: &mut self.budget };
        let mut rows = search.flatten(&rows)?;
        if present {
            rows = search.flatten(&Groups::new(&rows).of(&Case::Some))?;
        }
        let groups = Groups::new(&rows);
        let mut left = Vec::new();
        for (at, member) in union.members().iter().enumerate() {
            let rows = groups.of(&Case::Member(at as u32));
            if search.is_useful(&rows, &vec![&Cover::Any], &[&member.ty], 0)? {
                left.push(at);
            }
        }
        Ok(left)
    }

    /// Adds an arm.
    pub(super) fn add(&mut self, cover: Cover) {
        match cover.constant_path() {
            Some(path) => {
                if self.constants.insert(path) {
                    self.constant_rows.push(cover);
                }
            }
            None => self.others.push(cover),
        }
    }

    /// Patterns for what is left over, up to `max` of them.
    pub(super) fn missing(&mut self, max: usize) -> Result<Vec<String>, GaveUp> {
        let rows: Vec<Row<'_>> =
            self.others.iter().chain(&self.constant_rows).map(|cover| vec![cover]).collect();
        let mut search = Search { budget: &mut self.budget };
        let mut found = Vec::new();
        search.missing(&rows, &self.ty, max, &mut found)?;
        Ok(found)
    }
}

/// Patterns of one arm, the next column last.
type Row<'c> = Vec<&'c Cover>;

struct Search<'b> {
    budget: &'b mut usize,
}

/// How the values of a type are told apart.
enum Form<'t> {
    /// By these cases, each with the type of its content.
    Cases(Vec<(Case, &'t Type)>),
    Record(&'t Record),
    /// Endlessly many values.
    Open,
}

fn form(ty: &Type) -> Form<'_> {
    match ty {
        Type::Optional(content) => {
            Form::Cases(vec![(Case::None, &Type::Nothing), (Case::Some, content)])
        }
        Type::Union(union) => Form::Cases(
            (0..).zip(union.members()).map(|(at, m)| (Case::Member(at), &m.ty)).collect(),
        ),
        Type::Boolean => {
            Form::Cases([true, false].map(|value| (Case::Boolean(value), &Type::Nothing)).to_vec())
        }
        Type::Literal(text) => Form::Cases(vec![(Case::Constant(text.clone()), &Type::Nothing)]),
        Type::Record(record) => Form::Record(record),
        _ => Form::Open,
    }
}

impl Search<'_> {
    fn charge(&mut self, rows: usize, depth: usize) -> Result<(), GaveUp> {
        *self.budget = self.budget.checked_sub(rows + 1).ok_or(GaveUp)?;
        if depth > DEPTH_MAX { Err(GaveUp) } else { Ok(()) }
    }

    /// Whether `query` fits values that none of `rows` fits. Columns and types end with the next.
    fn is_useful(
        &mut self,
        rows: &[Row<'_>],
        query: &Row<'_>,
        types: &[&Type],
        depth: usize,
    ) -> Result<bool, GaveUp> {
        self.charge(rows.len(), depth)?;
        let (Some((&ty, types)), Some((&head, rest))) = (types.split_last(), query.split_last())
        else {
            return Ok(rows.is_empty());
        };
        if rows.is_empty() {
            return Ok(true);
        }
        if let Cover::Or(alternatives) = head {
            for alternative in alternatives {
                let query: Row<'_> = rest.iter().copied().chain([alternative]).collect();
                let all: Vec<&Type> = types.iter().copied().chain([ty]).collect();
                if self.is_useful(rows, &query, &all, depth + 1)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        let rows = self.flatten(rows)?;
        match (form(ty), head) {
            (Form::Record(record), _) => {
                let slots =
                    mentioned_slots(rows.iter().map(|row| row[row.len() - 1]).chain([head]));
                let rows: Vec<Row<'_>> = rows.iter().map(|row| open(row, &slots)).collect();
                let query = open(&rest.iter().copied().chain([head]).collect(), &slots);
                let types = with_slots(types, record, &slots);
                self.is_useful(&rows, &query, &types, depth + 1)
            }
            (Form::Cases(cases), Cover::Any) => {
                let groups = Groups::new(&rows);
                for (case, content) in &cases {
                    let rows = groups.of(case);
                    let query: Row<'_> = rest.iter().copied().chain([&Cover::Any]).collect();
                    let types: Vec<&Type> = types.iter().copied().chain([*content]).collect();
                    if self.is_useful(&rows, &query, &types, depth + 1)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (form, Cover::Case(case, inner)) => {
                let content = match &form {
                    Form::Cases(cases) => cases.iter().find(|(c, _)| c == case).map(|(_, ty)| *ty),
                    Form::Record(_) | Form::Open => None,
                };
                let rows = Groups::new(&rows).of(case);
                let query: Row<'_> = rest.iter().copied().chain([&**inner]).collect();
                let types: Vec<&Type> =
                    types.iter().copied().chain([content.unwrap_or(&Type::Nothing)]).collect();
                self.is_useful(&rows, &query, &types, depth + 1)
            }
            (_, _) => {
                let rows = Groups::new(&rows).wild();
                self.is_useful(&rows, &rest.to_vec(), types, depth + 1)
            }
        }
    }

    /// Splits alternatives in the next column into rows of their own.
    fn flatten<'c>(&mut self, rows: &[Row<'c>]) -> Result<Vec<Row<'c>>, GaveUp> {
        let mut flat = Vec::with_capacity(rows.len());
        for row in rows {
            self.flatten_row(row.clone(), &mut flat)?;
        }
        Ok(flat)
    }

    fn flatten_row<'c>(&mut self, mut row: Row<'c>, flat: &mut Vec<Row<'c>>) -> Result<(), GaveUp> {
        match row.last() {
            Some(Cover::Or(alternatives)) => {
                row.pop();
                for alternative in alternatives {
                    self.charge(row.len(), 0)?;
                    let row = row.iter().copied().chain([alternative]).collect();
                    self.flatten_row(row, flat)?;
                }
            }
            _ => flat.push(row),
        }
        Ok(())
    }

    /// Patterns at the top that are missing: one for each case that is left over.
    fn missing(
        &mut self,
        rows: &[Row<'_>],
        ty: &Type,
        max: usize,
        found: &mut Vec<String>,
    ) -> Result<(), GaveUp> {
        let Form::Cases(cases) = form(ty) else {
            found.extend(self.witness(rows, &[ty], 0)?.and_then(|mut names| names.pop()));
            return Ok(());
        };
        let rows = self.flatten(rows)?;
        let groups = Groups::new(&rows);
        for (case, content) in &cases {
            if found.len() >= max {
                break;
            }
            self.charge(1, 0)?;
            let mut inner = Vec::new();
            self.missing(&groups.of(case), content, max - found.len(), &mut inner)?;
            found.extend(inner.into_iter().map(|inner| name_case(case, ty, content, inner)));
        }
        Ok(())
    }

    /// One value that no row fits, as a pattern for each column.
    fn witness(
        &mut self,
        rows: &[Row<'_>],
        types: &[&Type],
        depth: usize,
    ) -> Result<Option<Vec<String>>, GaveUp> {
        self.charge(rows.len(), depth)?;
        let Some((&ty, rest)) = types.split_last() else {
            return Ok(rows.is_empty().then(Vec::new));
        };
        if rows.is_empty() {
            return Ok(Some(types.iter().map(|_| "_".to_string()).collect()));
        }
        let rows = self.flatten(rows)?;
        match form(ty) {
            Form::Cases(cases) => {
                let groups = Groups::new(&rows);
                for (case, content) in &cases {
                    let types: Vec<&Type> = rest.iter().copied().chain([*content]).collect();
                    if let Some(mut names) = self.witness(&groups.of(case), &types, depth + 1)? {
                        let inner = names.pop().unwrap_or_default();
                        names.push(name_case(case, ty, content, inner));
                        return Ok(Some(names));
                    }
                }
                Ok(None)
            }
            Form::Record(record) => {
                let slots = mentioned_slots(rows.iter().map(|row| row[row.len() - 1]));
                let rows: Vec<Row<'_>> = rows.iter().map(|row| open(row, &slots)).collect();
                let types = with_slots(rest, record, &slots);
                let names = self.witness(&rows, &types, depth + 1)?;
                Ok(names.map(|mut names| {
                    let inner = names.split_off(names.len() - slots.len());
                    names.push(name_record(record, &slots, &inner));
                    names
                }))
            }
            Form::Open => {
                let names = self.witness(&Groups::new(&rows).wild(), rest, depth + 1)?;
                Ok(names.map(|names| names.into_iter().chain(["_".to_string()]).collect()))
            }
        }
    }
}

/// Rows by the case in their next column; rows without one fit every case.
struct Groups<'r, 'c> {
    rows: &'r [Row<'c>],
    cases: HashMap<&'c Case, Vec<usize>>,
    wild: Vec<usize>,
}

impl<'r, 'c> Groups<'r, 'c> {
    fn new(rows: &'r [Row<'c>]) -> Groups<'r, 'c> {
        let mut groups = Groups { rows, cases: HashMap::new(), wild: Vec::new() };
        for (at, row) in rows.iter().enumerate() {
            match row.last() {
                Some(Cover::Case(case, _)) => groups.cases.entry(case).or_default().push(at),
                _ => groups.wild.push(at),
            }
        }
        groups
    }

    /// The rows that fit this case, with its content as the next column.
    fn of(&self, case: &Case) -> Vec<Row<'c>> {
        let own = self.cases.get(case).into_iter().flatten();
        let content = |at: &usize| {
            let mut row = self.rows[*at].clone();
            row.pop().into_iter().for_each(|head| match head {
                Cover::Case(_, inner) => row.push(inner),
                _ => row.push(&Cover::Any),
            });
            row
        };
        own.chain(&self.wild).map(content).collect()
    }

    /// The rows that fit whatever is in the next column, without it.
    fn wild(&self) -> Vec<Row<'c>> {
        let rest = |at: &usize| self.rows[*at][..self.rows[*at].len() - 1].to_vec();
        self.wild.iter().map(rest).collect()
    }
}

/// The slots that these record patterns look into.
fn mentioned_slots<'c>(heads: impl Iterator<Item = &'c Cover>) -> Vec<u32> {
    let mut slots: Vec<u32> = heads
        .filter_map(|head| match head {
            Cover::Record(fields) => Some(fields),
            _ => None,
        })
        .flatten()
        .filter(|(_, cover)| !matches!(cover, Cover::Any))
        .map(|(slot, _)| *slot)
        .collect();
    slots.sort_unstable();
    slots.dedup();
    slots
}

/// The row with the record in its next column replaced by these fields.
fn open<'c>(row: &Row<'c>, slots: &[u32]) -> Row<'c> {
    let mut row = row.clone();
    let head = row.pop();
    for slot in slots {
        let field = match head {
            Some(Cover::Record(fields)) => fields.iter().find(|(at, _)| at == slot),
            _ => None,
        };
        row.push(field.map_or(&Cover::Any, |(_, cover)| cover));
    }
    row
}

fn with_slots<'t>(types: &[&'t Type], record: &'t Record, slots: &[u32]) -> Vec<&'t Type> {
    let fields = slots.iter().map(|slot| &record.at_slot(*slot as usize).ty);
    types.iter().copied().chain(fields).collect()
}
