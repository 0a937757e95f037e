//! Text for people: nearest names, bounded and harmless quotations of foreign text.

/// Names close to `wanted`: edit distance at most 2 ignoring case, nearest first, at most three.
pub fn suggestions<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    // Distances of very long names cost their product; nobody misspells those by two letters.
    const LENGTH_MAX: usize = 256;
    if wanted.len() > LENGTH_MAX {
        return Vec::new();
    }
    let folded = wanted.to_lowercase();
    let mut near: Vec<(usize, &str)> = names
        .into_iter()
        .filter(|name| *name != wanted && name.len().abs_diff(wanted.len()) <= 8)
        .map(|name| (strsim::levenshtein(&folded, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 2 && *distance < name.chars().count())
        .collect();
    near.sort_unstable();
    near.dedup();
    near.truncate(3);
    near.into_iter().map(|(_, name)| name).collect()
}

/// `Did you mean …?` for the nearest of `names`, if any is near.
pub fn did_you_mean<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near = suggestions(wanted, names);
    let quoted: Vec<String> = near.iter().map(|name| format!("`{}`", quote(name))).collect();
    match quoted.as_slice() {
        [] => None,
        [one] => Some(format!("Did you mean {one}?")),
        [most @ .., last] => Some(format!("Did you mean {} or {last}?", most.join(", "))),
    }
}

/// Foreign text made safe to show: at most 200 characters, control characters escaped.
pub fn quote(text: &str) -> String {
    cut(text, 200)
}

/// Foreign text made safe to show: at most `max` characters, control characters escaped.
pub fn cut(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    for (count, character) in text.chars().enumerate() {
        if count == max {
            out.push('…');
            break;
        }
        if is_hidden(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

/// Control characters, and those that reorder what a terminal shows.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_by_case_and_distance() {
        assert_eq!(suggestions("userID", ["userId", "userName"]), ["userId"]);
        assert_eq!(suggestions("x", ["yy", "z"]), Vec::<&str>::new());
    }

    #[test]
    fn hides_control_characters_and_cuts() {
        assert_eq!(quote("a\u{1b}[2J"), "a\\u{1b}[2J");
        assert_eq!(cut("abcdef", 3), "abc…");
    }
}
