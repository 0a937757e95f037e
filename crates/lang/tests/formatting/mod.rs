//! What must hold of everything that is formatted.

use tidegate_lang as lang;

/// The formatted text, after all that must hold for it was checked.
#[track_caller]
pub(crate) fn formatted(source: &str) -> String {
    let text = lang::format(source).unwrap_or_else(|errors| {
        panic!("{}\n{source}", crate::common::render(source, &errors));
    });
    let again = lang::format(&text).unwrap_or_else(|errors| {
        panic!("{}\n{source}\n--- formatted\n{text}", crate::common::render(&text, &errors));
    });
    assert_eq!(text, again, "formatting is idempotent\n{source}");
    assert_eq!(tree(source), tree(&text), "the tree stays\n{source}\n--- formatted\n{text}");
    assert_eq!(comments(source), comments(&text), "comments stay\n{source}\n--- formatted\n{text}");
    text
}

/// The syntax tree without places, and documentation comments with it.
fn tree(source: &str) -> String {
    let text = format!("{:?}", lang::parser::parse(source).0);
    let mut parts = text.split("Span { start: ");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
    first + &rest.collect::<String>()
}

/// All comments in order, as one text: two of one line may become one.
fn comments(source: &str) -> String {
    let mut found: Vec<&str> = Vec::new();
    // Braces of interpolations, innermost last; none in a string.
    let mut strings: Vec<Option<usize>> = Vec::new();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        match (strings.last_mut(), c) {
            (Some(None), '"') => drop(strings.pop()),
            (Some(None), '\\') => length += rest[1..].chars().next().map_or(0, char::len_utf8),
            (Some(inside @ None), '$') if rest[1..].starts_with('{') => {
                *inside = Some(0);
                length = 2;
            }
            (Some(None), _) => {}
            (Some(Some(braces)), '{') => *braces += 1,
            (Some(inside), '}') => *inside = inside.and_then(|braces| braces.checked_sub(1)),
            (_, '"') => strings.push(None),
            (_, '#') => {
                length = rest.find('\n').unwrap_or(rest.len());
                found.push(rest[..length].trim_end());
            }
            _ => {}
        }
        rest = &rest[length..];
    }
    found.join(" ")
}
