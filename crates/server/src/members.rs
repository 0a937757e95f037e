//! The members of a request body: which there may be, and what they must be.
//!
//! Only the outermost object is taken apart here. What is inside stays JSON text until a type is
//! known for it.

use std::borrow::Cow;
use std::collections::HashSet;

use model::text::{did_you_mean, quote};
use model::{Span, Type, Value, json};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::error::malformed;
use crate::wire::{Entry, Problem};

/// A member: its key, and the JSON of its value.
pub(crate) type Member<'a> = (Cow<'a, str>, &'a RawValue);

/// The members of a JSON object.
pub(crate) struct Members<'a> {
    text: &'a str,
    members: Vec<Member<'a>>,
}

impl<'a> Members<'a> {
    /// Takes a body apart. Other members than `known` are a problem, and so are repeated ones.
    pub(crate) fn read(body: &'a [u8], known: &[&str]) -> Result<Members<'a>, Problem> {
        let members = Members::read_open(body)?;
        for (key, value) in &members.members {
            if !known.contains(&key.as_ref()) {
                let message = format!("the body has the unknown field `{}`", quote(key));
                return Err(members.problem(
                    &pointer("", key),
                    value,
                    message,
                    known_fields(key, known),
                ));
            }
        }
        Ok(members)
    }

    /// Takes a body apart that may have other members than ours.
    pub(crate) fn read_open(body: &'a [u8]) -> Result<Members<'a>, Problem> {
        let text = std::str::from_utf8(body).map_err(|error| {
            let place = error.valid_up_to();
            malformed("", format!("the body is not UTF-8 at its byte {place}"), None)
        })?;
        let members = json::entries(text).map_err(|error| not_an_object(&error))?;
        let members = Members { text, members };
        members.refuse_repeated(&members.members, "")?;
        Ok(members)
    }

    /// The string `name`.
    pub(crate) fn string(&self, name: &str) -> Result<Option<String>, Problem> {
        self.typed(name, "a string")
    }

    /// The string `name`, which must be there.
    pub(crate) fn required_string(&self, name: &str) -> Result<String, Problem> {
        self.required(name, "a string")
    }

    /// The text `name`, which must be there: a string, or what else `shape` says that the caller
    /// has looked for before.
    pub(crate) fn required(&self, name: &str, shape: &str) -> Result<String, Problem> {
        self.typed(name, shape)?.ok_or_else(|| lacks(name, shape))
    }

    /// The whole number `name`, if it is one: also `3.0`, as everywhere.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        match json::read(&Type::Int, self.get(name)?.get()) {
            Ok(Value::Int(number)) => Some(number),
            _ => None,
        }
    }

    /// The number `name` of something that is counted from 1.
    pub(crate) fn ordinal(&self, name: &str) -> Result<Option<u32>, Problem> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = self.integer(name).and_then(|number| u32::try_from(number).ok());
        let number = number.filter(|number| *number > 0);
        let shape = format!("a whole number from 1 to {}", u32::MAX);
        number.map(Some).ok_or_else(|| self.wrong_shape(name, value, &shape))
    }

    /// The JSON text of `name`.
    pub(crate) fn json(&self, name: &str) -> Option<&'a str> {
        self.get(name).map(RawValue::get)
    }

    /// The JSON text of `name`, which must be there.
    pub(crate) fn required_json(&self, name: &str) -> Result<&'a str, Problem> {
        self.json(name).ok_or_else(|| lacks(name, "any JSON"))
    }

    /// The Boolean `name`; false where it is absent.
    pub(crate) fn boolean(&self, name: &str) -> Result<bool, Problem> {
        Ok(self.typed(name, "true or false")?.unwrap_or(false))
    }

    /// The members of the object `name`; none where it is absent.
    pub(crate) fn object(&self, name: &str) -> Result<Vec<Member<'a>>, Problem> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let members = json::entries(value.get()).map_err(|_| {
            self.wrong_shape(name, value, "an object with one member for each name")
        })?;
        self.refuse_repeated(&members, &pointer("", name))?;
        Ok(members)
    }

    fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.members.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    fn typed<T>(&self, name: &str, shape: &str) -> Result<Option<T>, Problem>
    where
        T: for<'de> serde::Deserialize<'de>,
    {
        let Some(value) = self.get(name) else { return Ok(None) };
        let typed = serde_json::from_str(value.get());
        typed.map(Some).map_err(|_| self.wrong_shape(name, value, shape))
    }

    fn wrong_shape(&self, name: &str, value: &RawValue, shape: &str) -> Problem {
        let message = format!("the field `{name}` must be {shape}");
        let help =
            (value.get() == "null").then(|| format!("leave `{name}` out where there is none"));
        self.problem(&pointer("", name), value, message, help)
    }

    fn refuse_repeated(&self, members: &[Member<'_>], parent: &str) -> Result<(), Problem> {
        let Some((key, value)) = repeated(members) else { return Ok(()) };
        let message = format!("the key `{}` is there twice", quote(key));
        Err(self.problem(
            &pointer(parent, key),
            value,
            message,
            Some("leave one of them out".to_owned()),
        ))
    }

    /// A problem with a value that is part of this text.
    fn problem(
        &self,
        pointer: &str,
        value: &RawValue,
        message: String,
        help: Option<String>,
    ) -> Problem {
        // The value is a piece of the text, so their addresses tell where it begins.
        let offset = (value.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let place = Span::new(offset, offset).locate(self.text);
        placed(malformed(pointer, message, help), place.line as usize, place.column as usize)
    }
}

fn lacks(name: &str, shape: &str) -> Problem {
    let help = format!("add `{name}`, {shape}");
    malformed("", format!("the body lacks the field `{name}`"), Some(help))
}

/// The pointer of a member.
fn pointer(parent: &str, key: &str) -> String {
    // Keys that nobody wrote by hand would only make the answer long.
    format!("{parent}/{}", quote(&json::escape_pointer(key)))
}

/// The first member whose key was there before.
fn repeated<'m, 'a>(members: &'m [Member<'a>]) -> Option<&'m Member<'a>> {
    const FEW: usize = 16;
    if members.len() <= FEW {
        let is_repeated = |at: &usize| members[..*at].iter().any(|known| known.0 == members[*at].0);
        return (0..members.len()).find(is_repeated).map(|at| &members[at]);
    }
    let mut seen = HashSet::with_capacity(members.len());
    members.iter().find(|(key, _)| !seen.insert(key.as_ref()))
}

fn known_fields(key: &str, known: &[&str]) -> Option<String> {
    did_you_mean(key, known.iter().copied()).or_else(|| {
        let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        Some(format!("it may have {}", names.join(", ")))
    })
}

/// The text is no JSON, or no object.
fn not_an_object(error: &serde_json::Error) -> Problem {
    let (message, help) = match error.classify() {
        Category::Eof => ("the body ends in the middle of its JSON".to_owned(), None),
        Category::Data => {
            let help = "send an object: `{ … }`".to_owned();
            ("the body is JSON, but not an object".to_owned(), Some(help))
        }
        Category::Syntax | Category::Io => {
            // The place is told beside it.
            let reason = error.to_string();
            let reason = reason.split(" at line ").next().unwrap_or_default();
            (format!("the body is not JSON: {}", quote(reason)), None)
        }
    };
    placed(malformed("", message, help), error.line(), error.column().max(1))
}

fn placed(mut problem: Problem, line: usize, column: usize) -> Problem {
    for entry in &mut problem.errors {
        if let Entry::Data { place, .. } = entry {
            *place = Some((line, column));
        }
    }
    problem
}
