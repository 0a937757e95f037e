//! Texts, and what is read from them.

use std::cell::RefCell;

use model::{Code, Failure, Text, Type, Value};
use regex::{Regex, RegexBuilder};
use rustc_hash::FxHashMap;

use super::arguments::{at, int, list, text, within_bytes, within_length};
use crate::limits::{REGEX_BYTES_MAX, REGEXES_CACHED_MAX};
use crate::operators::broken;

type Result<T = Value> = std::result::Result<T, Failure>;

fn bounded(text: String) -> Result {
    within_bytes(text.len())?;
    Ok(Value::string(text))
}

pub(super) fn concat(args: &[Value]) -> Result {
    bounded([text(args, 0)?.as_str(), text(args, 1)?].concat())
}

pub(super) fn length(args: &[Value]) -> Result {
    Ok(Value::Int(text(args, 0)?.chars().count() as i64))
}

pub(super) fn join(args: &[Value]) -> Result {
    let part = |item: &Value| match item {
        Value::String(text) => Ok(text.clone()),
        _ => Err(broken()),
    };
    let parts: Vec<Text> = list(args, 0)?.iter().map(part).collect::<Result<_>>()?;
    let separator = text(args, 1)?;
    let length = parts.iter().map(|part| part.len()).sum::<usize>()
        + separator.len() * parts.len().saturating_sub(1);
    within_bytes(length)?;
    Ok(Value::string(parts.join(separator)))
}

pub(super) fn split(args: &[Value]) -> Result {
    let (value, separator) = (text(args, 0)?, text(args, 1)?);
    let parts: Vec<Value> = match separator.as_str() {
        // Each character, then the empty rest.
        "" => {
            value.chars().map(|c| Value::string(c.to_string())).chain([Value::string("")]).collect()
        }
        separator => value.split(separator).map(Value::string).collect(),
    };
    within_length(parts.len())?;
    Ok(Value::List(parts.into()))
}

pub(super) fn trim(args: &[Value]) -> Result {
    Ok(Value::string(text(args, 0)?.trim_matches(|c| c <= ' ')))
}

pub(super) fn replace(args: &[Value]) -> Result {
    let (value, target, by) = (text(args, 0)?, text(args, 1)?, text(args, 2)?);
    let occurrences = value.matches(target.as_str()).count();
    within_bytes(value.len() + occurrences * by.len())?;
    Ok(Value::string(value.replace(target.as_str(), by)))
}

pub(super) fn upper(args: &[Value]) -> Result {
    bounded(text(args, 0)?.to_uppercase())
}

pub(super) fn lower(args: &[Value]) -> Result {
    bounded(text(args, 0)?.to_lowercase())
}

pub(super) fn starts_with(args: &[Value]) -> Result {
    Ok(Value::Boolean(text(args, 0)?.starts_with(text(args, 1)?.as_str())))
}

pub(super) fn ends_with(args: &[Value]) -> Result {
    Ok(Value::Boolean(text(args, 0)?.ends_with(text(args, 1)?.as_str())))
}

pub(super) fn substring(args: &[Value]) -> Result {
    let (value, start, end) = (text(args, 0)?, int(args, 1)?, int(args, 2)?);
    let position = |at: i64| usize::try_from(at).unwrap_or(0);
    let count = position(end).saturating_sub(position(start));
    Ok(Value::string(value.chars().skip(position(start)).take(count).collect::<String>()))
}

pub(super) fn is_blank(args: &[Value]) -> Result {
    Ok(Value::Boolean(text(args, 0)?.chars().all(char::is_whitespace)))
}

pub(super) fn pad_left(args: &[Value]) -> Result {
    bounded(padding(args)? + text(args, 0)?)
}

pub(super) fn pad_right(args: &[Value]) -> Result {
    bounded(text(args, 0)?.to_string() + &padding(args)?)
}

/// The fill that a padded text lacks.
fn padding(args: &[Value]) -> Result<String> {
    let (value, width, fill) = (text(args, 0)?, int(args, 1)?, text(args, 2)?);
    if fill.chars().count() != 1 {
        let message = format!("`fill` must be one character, not \"{}\"", model::text::quote(fill));
        return Err(Failure::new(Code::R011, message));
    }
    let lacking = usize::try_from(width).unwrap_or(0).saturating_sub(value.chars().count());
    within_bytes(lacking.saturating_mul(fill.len()))?;
    Ok(fill.repeat(lacking))
}

thread_local! {
    /// Compiled patterns: most programs match many texts with few of them.
    static PATTERNS: RefCell<FxHashMap<Text, Pattern>> = RefCell::default();
}

#[derive(Clone)]
struct Pattern {
    regex: Regex,
    /// Steps for each 64 bytes that are searched.
    weight: u64,
}

/// Sizes of compiled patterns, and the steps for each 64 bytes searched: a search takes time in
/// proportion to the text and, where the pattern is hostile, to the compiled pattern too.
const SIZES: [(usize, u64); 3] = [(32 << 10, 16), (256 << 10, 128), (REGEX_BYTES_MAX, 512)];

/// Searches in linear time: the patterns have neither look-around nor back-references.
pub(super) fn matches(args: &[Value]) -> Result {
    let value = text(args, 0)?;
    Ok(Value::Boolean(pattern(text(args, 1)?)?.regex.is_match(value)))
}

pub(super) fn search_steps(args: &[Value]) -> u64 {
    match (text(args, 0), text(args, 1).and_then(pattern)) {
        (Ok(value), Ok(pattern)) => (value.len() as u64 / 64 + 1) * pattern.weight,
        // The call itself says what is wrong.
        _ => 1,
    }
}

pub(super) fn pattern_fault(text: &str) -> Option<Failure> {
    pattern(&text.into()).err()
}

fn pattern(pattern: &Text) -> Result<Pattern> {
    PATTERNS.with_borrow_mut(|patterns| {
        if let Some(known) = patterns.get(pattern) {
            return Ok(known.clone());
        }
        let compiled = compile(pattern)?;
        if patterns.len() >= REGEXES_CACHED_MAX {
            patterns.clear();
        }
        patterns.insert(pattern.clone(), compiled.clone());
        Ok(compiled)
    })
}

fn compile(pattern: &str) -> Result<Pattern> {
    let (mut code, mut reason) = (Code::R009, String::new());
    for (bytes, weight) in SIZES {
        match RegexBuilder::new(pattern).size_limit(bytes).build() {
            Ok(regex) => return Ok(Pattern { regex, weight }),
            Err(regex::Error::CompiledTooBig(_)) => {
                reason = format!(
                    "compiled, it is larger than {REGEX_BYTES_MAX} bytes (`max_regex_bytes`)"
                );
            }
            Err(other) => {
                // The last line says what is wrong, those before it draw the place.
                let drawn = other.to_string();
                let last = drawn.lines().last().unwrap_or_default();
                (code, reason) = (Code::R011, last.trim_start_matches("error: ").to_owned());
                break;
            }
        }
    }
    let (shown, reason) = (model::text::quote(pattern), model::text::quote(&reason));
    let message = format!("the pattern \"{shown}\" cannot be used: {reason}");
    Err(Failure::new(code, message))
}

pub(super) fn to_string(args: &[Value]) -> Result {
    let value = at(args, 0)?;
    let ty = match value {
        Value::Boolean(_) => Type::Boolean,
        Value::Int(_) => Type::Int,
        Value::Float(_) => Type::Float,
        Value::String(_) => return Ok(value.clone()),
        _ => return Err(broken()),
    };
    let mut text = String::new();
    model::print::print(&ty, value, &mut text);
    Ok(Value::string(text))
}

/// Rust's own parser takes exactly `[+-]?[0-9]+` in range.
pub(super) fn parse_int(args: &[Value]) -> Result {
    Ok(text(args, 0)?.parse().map_or(Value::None, Value::Int))
}

/// Rust also reads names such as `inf`; a number has only digits, signs, a point and an exponent.
pub(super) fn parse_float(args: &[Value]) -> Result {
    let value = text(args, 0)?;
    let is_number = value.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    let parsed = value.parse().ok().filter(|float: &f64| is_number && float.is_finite());
    Ok(parsed.map_or(Value::None, Value::Float))
}
