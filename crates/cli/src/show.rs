//! Names, values and times in columns.

use std::collections::{BTreeMap, HashMap};

use model::text::cut;
use serde_json::value::RawValue;

use crate::limits::{VALUE_LINE_MAX, VALUE_LINES_MAX};
use crate::terminal::NAME;

/// Names and values, a line each: `total  16.0`. Strings stand for themselves where nothing in them
/// is hidden; a value that is too long for a line is laid out on several.
pub(crate) fn members(members: &BTreeMap<String, Box<RawValue>>, indent: &str) -> String {
    let rows = members.iter().map(|(name, raw)| {
        let name = cut(name, 200);
        [format!("{NAME}{name}{NAME:#}"), value(raw.get())]
    });
    self::rows(rows.collect(), indent)
}

/// Aligned columns, two spaces apart. A cell of the last column may have several lines.
pub(crate) fn rows<const N: usize>(rows: Vec<[String; N]>, indent: &str) -> String {
    let width = |column: usize| rows.iter().map(|row| visible(&row[column])).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        let mut line = indent.to_owned();
        let mut start = visible(indent);
        for (column, cell) in row.iter().enumerate() {
            if column + 1 < N {
                let gap = widths[column] - visible(cell) + 2;
                line.push_str(cell);
                line.push_str(&" ".repeat(gap));
                start += widths[column] + 2;
            } else {
                line.push_str(&cell.replace('\n', &format!("\n{}", " ".repeat(start))));
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Milliseconds to three digits that matter.
pub(crate) fn millis(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.2} ms"),
        ms if ms < 1_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.2} s", ms / 1_000.0),
    }
}

/// A JSON value for people.
pub(crate) fn value(json: &str) -> String {
    if let Ok(text) = serde_json::from_str::<String>(json)
        && !text.is_empty()
        && cut(&text, usize::MAX) == text
    {
        return text;
    }
    let compact = compact(json);
    let text = if compact.len() <= VALUE_LINE_MAX { compact } else { lay_out(&compact) };
    // The line breaks of the layout stay, whatever else is hidden is escaped.
    let mut lines: Vec<String> = text.split('\n').map(|line| cut(line, usize::MAX)).collect();
    if let Some(more @ 2..) = (lines.len() + 1).checked_sub(VALUE_LINES_MAX) {
        lines.truncate(VALUE_LINES_MAX - 1);
        lines.push(format!("… {more} more lines; `--json` shows all"));
    }
    lines.join("\n")
}

/// Valid JSON on one line, with spaces as people write it.
fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 4);
    let mut string = Inside::default();
    for token in json.chars() {
        let is_key = !string.is_string && out.ends_with('{');
        if string.holds(token) {
            if is_key {
                out.push(' ');
            }
            out.push(token);
            continue;
        }
        let is_after_opening = out.ends_with(['{', '[']);
        match token {
            ' ' | '\t' | '\r' | '\n' => {}
            '}' if !is_after_opening => out.push_str(" }"),
            ',' => out.push_str(", "),
            ':' => out.push_str(": "),
            token => out.push(token),
        }
    }
    out
}

/// Compact JSON on several lines: what does not fit a line has a line for each member.
fn lay_out(compact: &str) -> String {
    let ends = closings(compact);
    let mut out = String::with_capacity(2 * compact.len());
    let mut string = Inside::default();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(token) = compact[at..].chars().next() {
        let mut next = at + token.len_utf8();
        match token {
            _ if string.holds(token) => out.push(token),
            '{' | '[' => {
                let end = ends.get(&at).copied().unwrap_or(compact.len());
                if end - at + 2 * depth <= VALUE_LINE_MAX {
                    out.push_str(&compact[at..end]);
                    next = end;
                } else {
                    out.push(token);
                    depth += 1;
                    break_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                break_line(&mut out, depth);
                out.push(token);
            }
            ',' => {
                out.push(token);
                break_line(&mut out, depth);
            }
            ' ' if !out.ends_with(':') => {}
            token => out.push(token),
        }
        at = next;
    }
    out
}

/// For each opening bracket, where the text behind its closing one begins.
fn closings(compact: &str) -> HashMap<usize, usize> {
    let mut ends = HashMap::new();
    let mut open = Vec::new();
    let mut string = Inside::default();
    for (at, token) in compact.char_indices() {
        match token {
            _ if string.holds(token) => {}
            '{' | '[' => open.push(at),
            '}' | ']' => {
                ends.extend(open.pop().map(|start| (start, at + 1)));
            }
            _ => {}
        }
    }
    ends
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}

/// Whether the reader of JSON is inside a string.
#[derive(Default)]
struct Inside {
    is_string: bool,
    is_escaped: bool,
}

impl Inside {
    /// Reads on, and says whether `token` belongs to a string.
    fn holds(&mut self, token: char) -> bool {
        if !self.is_string {
            self.is_string = token == '"';
            return self.is_string;
        }
        self.is_string = self.is_escaped || token != '"';
        self.is_escaped = !self.is_escaped && token == '\\';
        true
    }
}

/// Characters that a terminal shows of a styled text.
fn visible(text: &str) -> usize {
    anstream::adapter::strip_str(text).map(|part| part.chars().count()).sum()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn strings_stand_for_themselves_unless_something_is_hidden() {
        assert_eq!(value("\"Alice\""), "Alice");
        assert_eq!(value("\"\""), "\"\"");
        assert_eq!(value("\"a\\nb\""), "\"a\\nb\"");
        assert_eq!(value("\"a\u{202e}b\""), "\"a\\u{202e}b\"");
        assert_eq!(
            value("{\"a\":[1,{}, []],\"b\":\"{x,\\\"\"}"),
            r#"{ "a": [1, {}, []], "b": "{x,\"" }"#
        );
    }

    #[test]
    fn long_values_are_laid_out_below_each_other() {
        let json = format!(r#"{{"id":"{}","n":[{{"a":1}},{{"a":2}}],"e":{{ }}}}"#, "x".repeat(80));
        let raw =
            RawValue::from_string(json).map(|raw| BTreeMap::from([("order".to_owned(), raw)]));
        let shown = raw.map(|raw| members(&raw, "")).unwrap_or_default();
        expect![[r#"
              order  {
                       "id": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                       "n": [{ "a": 1 }, { "a": 2 }],
                       "e": {}
                     }
        "#]].assert_eq(&anstream::adapter::strip_str(&shown).to_string());
    }

    #[test]
    fn times_have_three_digits() {
        assert_eq!([0.0841, 12.3, 61_500.0].map(millis), ["0.08 ms", "12 ms", "61.50 s"]);
    }
}
