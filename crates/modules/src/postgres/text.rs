//! SQL text: named parameters as PostgreSQL's numbered ones.

use std::ops::Range;

/// A statement with `$1`, `$2` in place of `:name`, and the names in the order of their numbers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbered {
    pub(crate) sql: String,
    pub(crate) names: Vec<String>,
    /// Where each name stands first in the original.
    pub(crate) places: Vec<Range<usize>>,
}

/// Finds the parameters: outside of texts, quoted names, comments and casts.
pub(crate) fn number(sql: &str) -> Numbered {
    let bytes = sql.as_bytes();
    let mut numbered =
        Numbered { sql: String::with_capacity(sql.len()), names: Vec::new(), places: Vec::new() };
    let (mut at, mut copied) = (0, 0);
    while at < bytes.len() {
        let rest = &sql[at..];
        let skipped = match bytes[at] {
            b'\'' => quoted(rest, b'\'', has_escapes(&sql[..at])),
            b'"' => quoted(rest, b'"', false),
            b'-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => comment(rest),
            b'$' => dollar_quoted(rest),
            b':' if rest.starts_with("::") => 2,
            b':' => {
                let name = rest[1..].find(|c: char| !is_part(c)).unwrap_or(rest.len() - 1);
                if name > 0 && !rest.as_bytes()[1].is_ascii_digit() {
                    numbered.sql.push_str(&sql[copied..at]);
                    numbered.take(&rest[1..=name], at..at + 1 + name);
                    copied = at + 1 + name;
                }
                1 + name
            }
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
        at += skipped.max(1);
    }
    numbered.sql.push_str(&sql[copied..]);
    numbered
}

impl Numbered {
    fn take(&mut self, name: &str, place: Range<usize>) {
        let known = self.names.iter().position(|known| known == name);
        let index = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.places.push(place);
            self.names.len() - 1
        });
        self.sql.push_str(&format!("${}", index + 1));
    }
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Whether the text that begins here is an `E'..'`, in which a backslash escapes.
fn has_escapes(before: &str) -> bool {
    let mut characters = before.chars().rev();
    let is_e = characters.next().is_some_and(|c| c == 'e' || c == 'E');
    is_e && !characters.next().is_some_and(is_part)
}

fn quoted(rest: &str, quote: u8, has_escapes: bool) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if has_escapes => at += 1,
            byte if byte == quote && bytes.get(at + 1) == Some(&quote) => at += 1,
            byte if byte == quote => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Comments nest.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest.as_bytes()[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.as_bytes()[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// `$tag$ .. $tag$`
fn dollar_quoted(rest: &str) -> usize {
    let Some(length) = rest[1..].find(|c: char| !is_part(c)) else { return 1 };
    let tag = &rest[..length + 2];
    let is_tag = tag.ends_with('$') && !tag[1..].starts_with(|c: char| c.is_ascii_digit());
    if !is_tag {
        return 1;
    }
    rest[tag.len()..].find(tag).map_or(rest.len(), |end| tag.len() + end + tag.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_parameters_are_numbered() {
        for (sql, expected, names) in [
            ("select :a + :b - :a", "select $1 + $2 - $1", &["a", "b"][..]),
            (
                "select ':a', \":b\", E'\\':c', 'it''s :d'",
                "select ':a', \":b\", E'\\':c', 'it''s :d'",
                &[],
            ),
            (
                "select :a::text -- :b\n/* :c /* :d */ :e */, x[1:2]",
                "select $1::text -- :b\n/* :c /* :d */ :e */, x[1:2]",
                &["a"],
            ),
            ("select $$:a$$, $t$ :b $$ $t$, :c", "select $$:a$$, $t$ :b $$ $t$, $1", &["c"]),
            ("select 'ü' || :name_1", "select 'ü' || $1", &["name_1"]),
            ("select 'open :a", "select 'open :a", &[]),
            ("select :", "select :", &[]),
            ("$", "$", &[]),
        ] {
            let numbered = number(sql);
            assert_eq!(numbered.sql, expected);
            assert_eq!(numbered.names, names, "{sql}");
        }
        assert_eq!(number("a :b").places[0], 2..4);
    }
}
