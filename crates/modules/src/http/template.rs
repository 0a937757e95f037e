//! Texts with `{placeholders}`: paths, queries and headers of requests. An argument is encoded by the
//! place where it stands, so that it can never become more than a value there.

use std::ops::Range;

use model::text::{did_you_mean, quote};
use model::{Code, Signature, Type, Value};

use crate::document::Words;

/// A text with arguments in it.
#[derive(Debug, Default)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Literal(String),
    /// A parameter of the module.
    Argument(usize),
}

/// How an argument is written where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    Path,
    Query,
    Header,
}

/// What is wrong with a template: which part, what, and what to do.
pub(crate) type Wrong = (Range<usize>, String, Option<String>);

/// Why an argument cannot be sent; its failure is R011.
pub(crate) type Unusable = String;

impl Template {
    /// Reads a text whose placeholders name parameters. `offset` is where it begins in `words`.
    pub(crate) fn read(
        text: &str,
        offset: usize,
        signature: &Signature,
    ) -> Result<Template, Wrong> {
        let mut parts = Vec::new();
        let mut rest = 0;
        while let Some(found) = text[rest..].find(['{', '}']) {
            let start = rest + found;
            let whole = |end: usize| offset + start..offset + end;
            if text.as_bytes()[start] == b'}' {
                return Err((whole(start + 1), "`}` has no `{`".to_owned(), None));
            }
            let Some(length) = text[start..].find('}') else {
                return Err((whole(text.len()), "`{` has no `}`".to_owned(), None));
            };
            let end = start + length + 1;
            let name = &text[start + 1..end - 1];
            let parameters = signature.parameters.iter();
            let Some(at) = parameters.clone().position(|parameter| parameter.name == name) else {
                let message = format!("`{}` is no parameter", quote(name));
                let is_secret = text[..start].ends_with('$') && name.contains(':');
                let help = match is_secret {
                    true => Some("A secret stands in the `headers` of the source".to_owned()),
                    false => did_you_mean(name, parameters.map(|it| it.name.as_str())),
                };
                return Err((whole(end), message, help));
            };
            let ty = &signature.parameters[at].ty;
            if !is_scalar(ty) {
                let message = format!("`{}` is a `{ty}`, and cannot stand in a text", quote(name));
                let help = "Only texts, numbers, Booleans and Optionals of them can".to_owned();
                return Err((whole(end), message, Some(help)));
            }
            if start > rest {
                parts.push(Part::Literal(text[rest..start].to_owned()));
            }
            parts.push(Part::Argument(at));
            rest = end;
        }
        if rest < text.len() {
            parts.push(Part::Literal(text[rest..].to_owned()));
        }
        Ok(Template { parts })
    }

    /// The same of a whole value of a manifest.
    pub(crate) fn of(words: &Words, signature: &Signature) -> Result<Template, Wrong> {
        Template::read(&words.text, 0, signature)
    }

    /// The same for a place in a URL: what is written out is encoded too.
    pub(crate) fn encoded(self) -> Template {
        let encoded = |part| match part {
            Part::Literal(literal) => Part::Literal(encoded(&literal)),
            argument @ Part::Argument(_) => argument,
        };
        Template { parts: self.parts.into_iter().map(encoded).collect() }
    }

    /// The parameters that it uses.
    pub(crate) fn uses(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Argument(at) => Some(*at),
        })
    }

    /// The text with the arguments; `None` if one of them is `none`. What is written out stays as it
    /// is.
    pub(crate) fn fill(
        &self,
        arguments: &[Value],
        position: Position,
    ) -> Result<Option<String>, Unusable> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Argument(at) => {
                    let Some(value) = written(&arguments[*at]) else { return Ok(None) };
                    match position {
                        Position::Header => {
                            if value.chars().any(char::is_control) {
                                return Err("a header cannot hold control characters".to_owned());
                            }
                            text.push_str(&value);
                        }
                        Position::Path if value.is_empty() => {
                            return Err("an argument in the path is empty".to_owned());
                        }
                        Position::Query | Position::Path => encode(&value, &mut text),
                    }
                }
            }
        }
        Ok(Some(text))
    }
}

pub(crate) fn is_scalar(ty: &Type) -> bool {
    match ty.content() {
        Type::String | Type::Int | Type::Float | Type::Boolean | Type::Literal(_) => true,
        Type::Union(union) => union
            .members()
            .iter()
            .all(|member| matches!(member.ty, Type::String | Type::Int | Type::Literal(_))),
        _ => false,
    }
}

/// A scalar as text; `None` for `none`.
fn written(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(text) => text.to_string(),
        Value::Int(int) => int.to_string(),
        Value::Boolean(value) => value.to_string(),
        Value::Float(_) => model::json::to_string(&Type::Float, value),
        _ => return None,
    })
}

/// A text in which nothing has a meaning for a URL.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    encode(text, &mut out);
    out
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
fn encode(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// The code of an argument that cannot be sent.
pub(crate) const UNUSABLE: Code = Code::R011;
