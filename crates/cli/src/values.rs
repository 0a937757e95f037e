//! Values on the command line: `name=value`, `name:=json`, `name=@file`, and `--inputs FILE`,
//! brought together as one JSON object.
//!
//! How `name=value` is read depends on the declared type alone, never on what the value looks
//! like: text for String and string literals (and Optionals of them), JSON for all other types.
//! Whether the values fit their types is decided where they are used, by the engine.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use model::Type;
use model::json;
use model::text::{cut, did_you_mean, quote};
use serde_json::value::RawValue;

use crate::args::Values;
use crate::exit::Refusal;
use crate::limits::VALUES_BYTES_MAX;
use crate::{hint, source};

/// One `name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    name: String,
    given: Given,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Given {
    /// `name=value`
    Typed(String),
    /// `name:=json`
    Json(String),
    /// `name=@file`
    File(PathBuf),
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Assignment, String> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let given = if let Some(json) = rest.strip_prefix(":=") {
            Given::Json(json.to_owned())
        } else if let Some(path) = rest.strip_prefix("=@") {
            Given::File(path.into())
        } else if let Some(value) = rest.strip_prefix('=') {
            Given::Typed(value.to_owned())
        } else {
            return Err("it is none of `name=value`, `name:=json` and `name=@file`".to_owned());
        };
        if name.is_empty() {
            return Err("the name before `=` is missing".to_owned());
        }
        Ok(Assignment { name: name.to_owned(), given })
    }
}

impl Assignment {
    /// The input that it is for.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Assignment {
    /// As it was typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.given {
            Given::Typed(value) => write!(f, "{name}={value}"),
            Given::Json(json) => write!(f, "{name}:={json}"),
            Given::File(path) => write!(f, "{name}=@{}", path.display()),
        }
    }
}

/// The inputs that a command line gives, as a JSON object, for a pipeline with these inputs.
/// Reads files.
pub(crate) fn object(values: &Values, types: &BTreeMap<String, Type>) -> Result<String, Refusal> {
    let file = values.inputs.as_deref().map(|path| Ok((path, read(path)?))).transpose()?;
    let mut members = Vec::new();
    if let Some((path, text)) = &file {
        let shown = quote(&path.to_string_lossy());
        let entries = json::entries(text).map_err(|error| {
            let reason = quote(&error.to_string());
            Refusal::usage(format!("`{shown}` holds no JSON object: {reason}"))
                .help("Write one member for each input, such as { \"orderId\": \"ORD-1\" }")
        })?;
        members.extend(entries.into_iter().map(|(name, raw)| (name, raw.get().to_owned())));
    }
    for Assignment { name, given } in &values.assignments {
        if members.iter().any(|(known, _)| known == name) {
            return Err(Refusal::usage(format!("the input `{name}` is given twice"))
                .help("Leave one of the two values out"));
        }
        let ty = types.get(name).ok_or_else(|| unknown(name, types))?;
        members.push((name.as_str().into(), given.read(name, ty)?));
    }
    let members = members.iter().map(|(name, json)| format!("{}:{json}", hint::json_string(name)));
    Ok(format!("{{{}}}", members.collect::<Vec<_>>().join(",")))
}

impl Given {
    /// The JSON that is meant.
    fn read(&self, name: &str, ty: &Type) -> Result<String, Refusal> {
        match self {
            Given::Typed(text) => typed(name, ty, text),
            Given::Json(text) if is_json(text) => Ok(text.clone()),
            Given::Json(text) => Err(Refusal::usage(format!(
                "the input `{name}` is not given as JSON: `{}`",
                quote(text)
            ))
            .help(format!("For a text that stands for itself, write {name}=…"))),
            Given::File(path) => {
                let text = read(path)?;
                typed(name, ty, &text)
            }
        }
    }
}

fn typed(name: &str, ty: &Type, text: &str) -> Result<String, Refusal> {
    if hint::is_text(ty) {
        return Ok(hint::json_string(text));
    }
    if is_json(text) {
        return Ok(text.to_owned());
    }
    if ty.is_optional() && text == "none" {
        return Ok("null".to_owned());
    }
    let message = format!(
        "the input `{name}` is of type `{}`, and `{}` is no value of it",
        quote(&ty.to_string()),
        quote(text)
    );
    Err(Refusal::usage(message)
        .help(format!("Write it as JSON, such as {}", hint::assignment(name, ty, None))))
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

fn unknown(name: &str, types: &BTreeMap<String, Type>) -> Refusal {
    let refusal = Refusal::usage(format!("there is no input `{name}`"));
    let names: Vec<&str> = types.keys().map(String::as_str).collect();
    if let Some(help) = did_you_mean(name, names.iter().copied()) {
        return refusal.help(help);
    }
    let listed: Vec<String> = names.iter().map(|name| format!("`{}`", quote(name))).collect();
    match listed.is_empty() {
        true => refusal.help("No inputs can be given here"),
        false => refusal.help(cut(&format!("The inputs are {}", listed.join(", ")), 500)),
    }
}

/// The text of a file with values, or of standard input.
fn read(path: &Path) -> Result<String, Refusal> {
    let unreadable = |error: io::Error| {
        let shown = quote(&path.to_string_lossy());
        Refusal::usage(format!("cannot read `{shown}`: {error}"))
    };
    let mut bytes = Vec::new();
    let limit = VALUES_BYTES_MAX as u64 + 1;
    if source::is_stdin(path) {
        io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let file = File::open(path).map_err(unreadable)?;
        file.take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    if bytes.len() > VALUES_BYTES_MAX {
        let message = format!("it is larger than {VALUES_BYTES_MAX} bytes");
        return Err(unreadable(io::Error::new(io::ErrorKind::FileTooLarge, message)));
    }
    String::from_utf8(bytes)
        .map_err(|_| unreadable(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(assignment: &str, ty: &Type) -> Result<String, String> {
        let Assignment { name, given } = assignment.parse()?;
        let plain = |refusal: Refusal| anstream::adapter::strip_str(&refusal.text).to_string();
        given.read(&name, ty).map_err(plain)
    }

    #[test]
    fn the_type_decides_how_a_value_is_read() {
        let optional = Type::optional(Type::String);
        assert_eq!(given("id=42", &Type::String), Ok("\"42\"".to_owned()));
        assert_eq!(given("id=none", &optional), Ok("\"none\"".to_owned()));
        assert_eq!(given("id:=null", &optional), Ok("null".to_owned()));
        assert_eq!(given("tier=gold", &Type::Literal("gold".into())), Ok("\"gold\"".to_owned()));
        assert_eq!(given("n=42", &Type::Int), Ok("42".to_owned()));
        assert_eq!(given("n=none", &Type::optional(Type::Int)), Ok("null".to_owned()));
        assert_eq!(given("n=[1, 2]", &Type::list(Type::Int)), Ok("[1, 2]".to_owned()));
        assert_eq!(given("x=a=b:=c", &Type::String), Ok("\"a=b:=c\"".to_owned()));
    }

    #[test]
    fn what_is_no_json_is_refused_with_an_example() {
        assert_eq!(
            given("n=many", &Type::Int),
            Err("error: the input `n` is of type `Int`, and `many` is no value of it\n  \
                 help: Write it as JSON, such as n=1\n"
                .to_owned())
        );
        assert!(given("n:=many", &Type::Int).is_err());
        assert!(given("n", &Type::Int).is_err());
        assert!(given("=1", &Type::Int).is_err());
    }
}
