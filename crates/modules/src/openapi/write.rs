//! Text of a document as TOML, so that it stays text: never another key or table, whatever it holds.

use serde_json::Value as Json;

/// A TOML basic string. JSON's escapes are TOML's too.
pub(super) fn text(text: &str) -> String {
    Json::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// A table of texts on one line.
pub(super) fn inline_table(entries: &[(String, String)]) -> String {
    let entries: Vec<String> =
        entries.iter().map(|(key, value)| format!("{} = {}", text(key), text(value))).collect();
    format!("{{ {} }}", entries.join(", "))
}

/// A line that is a comment.
pub(super) fn comment(line: &str) -> String {
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("# {}\n", line.trim_end())
}
