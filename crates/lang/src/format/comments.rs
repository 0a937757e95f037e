//! Comments, found in the gaps between tokens: everything there is white space or a comment.

/// What stands between two tokens.
#[derive(Default)]
pub(super) struct Gap<'a> {
    /// Behind the token before, on its line; runs to the end of the line.
    pub(super) trailing: Option<&'a str>,
    /// On lines of their own.
    pub(super) own: Vec<Comment<'a>>,
    /// Whether an empty line stands before the token behind the gap.
    pub(super) has_blank: bool,
}

/// A comment on a line of its own.
pub(super) struct Comment<'a> {
    /// Its text, from `#`, without white space at its end.
    pub(super) text: &'a str,
    /// Whether an empty line stands before it.
    pub(super) has_blank: bool,
}

impl<'a> Gap<'a> {
    /// Reads the text between two tokens, or before the first if `is_first`.
    pub(super) fn read(text: &'a str, is_first: bool) -> Gap<'a> {
        let mut gap = Gap::default();
        let mut rest = text;
        let mut begins_line = is_first;
        loop {
            let comment = rest.find('#').unwrap_or(rest.len());
            let breaks = rest[..comment].matches('\n').count();
            let has_blank = breaks > 1;
            begins_line |= breaks > 0;
            rest = &rest[comment..];
            if rest.is_empty() {
                gap.has_blank = has_blank;
                return gap;
            }
            let end = rest.find('\n').unwrap_or(rest.len());
            let text = rest[..end].trim_end();
            rest = &rest[end..];
            if begins_line {
                gap.own.push(Comment { text, has_blank });
            } else {
                gap.trailing = Some(text);
            }
        }
    }

    /// Whether an empty line stands at its begin, before all comments on own lines.
    pub(super) fn begins_blank(&self) -> bool {
        self.own.first().map_or(self.has_blank, |comment| comment.has_blank)
    }
}
