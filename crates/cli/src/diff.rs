//! How two texts differ, line by line, in the unified form that people know from version control.

use model::text::cut;

use crate::terminal::{ERROR, GOOD, QUIET};

/// Lines around a change that are shown.
const CONTEXT: usize = 3;
/// Lines of a difference that are shown.
const LINES_SHOWN_MAX: usize = 200;
/// Characters of a line that are shown.
const LINE_SHOWN_MAX: usize = 500;
/// Pairs of lines that are compared. In larger texts, all between the first and the last change
/// counts as changed.
const PAIRS_MAX: usize = 4_000_000;

/// A line, and in which of the texts it is.
#[derive(Clone, Copy)]
enum Edit<'t> {
    Both(&'t str),
    Old(&'t str),
    New(&'t str),
}

/// What makes `new` of `old`; `name` is ready to be shown.
pub(crate) fn diff(name: &str, old: &str, new: &str) -> String {
    let old: Vec<&str> = old.split_inclusive('\n').collect();
    let new: Vec<&str> = new.split_inclusive('\n').collect();
    let edits = edits(&old, &new);
    let mut lines = vec![format!("--- {name}"), format!("+++ {name} (formatted)")];
    // The numbers of the next line in both texts.
    let (mut old_line, mut new_line) = (1, 1);
    let mut at = 0;
    while at < edits.len() {
        let end = end_of_hunk(&edits, at);
        if end == at {
            // Not shown, so it is in both.
            (at, old_line, new_line) = (at + 1, old_line + 1, new_line + 1);
            continue;
        }
        let (olds, news) = counts(&edits[at..end]);
        let header = format!("@@ -{old_line},{olds} +{new_line},{news} @@");
        lines.push(format!("{QUIET}{header}{QUIET:#}"));
        lines.extend(edits[at..end].iter().map(Edit::shown));
        (at, old_line, new_line) = (end, old_line + olds, new_line + news);
    }
    if lines.len() > LINES_SHOWN_MAX {
        let hidden = lines.len() - LINES_SHOWN_MAX;
        lines.truncate(LINES_SHOWN_MAX);
        lines.push(format!("… and {hidden} more lines"));
    }
    lines.join("\n") + "\n"
}

impl Edit<'_> {
    fn is_change(&self) -> bool {
        !matches!(self, Edit::Both(_))
    }

    fn shown(&self) -> String {
        let line = |line: &str| cut(line.strip_suffix('\n').unwrap_or(line), LINE_SHOWN_MAX);
        match self {
            Edit::Both(text) => format!(" {}", line(text)),
            Edit::Old(text) => format!("{ERROR}-{}{ERROR:#}{}", line(text), unended(text)),
            Edit::New(text) => format!("{GOOD}+{}{GOOD:#}{}", line(text), unended(text)),
        }
    }
}

fn unended(line: &str) -> &'static str {
    if line.ends_with('\n') { "" } else { "\n\\ no line break at the end" }
}

/// How many lines are in the old and in the new text.
fn counts(edits: &[Edit]) -> (usize, usize) {
    let olds = edits.iter().filter(|edit| !matches!(edit, Edit::New(_))).count();
    let news = edits.iter().filter(|edit| !matches!(edit, Edit::Old(_))).count();
    (olds, news)
}

/// The end of the hunk that begins at `at`: changes with their context, as long as the next change
/// is near. It is `at` itself where nothing is to be shown.
fn end_of_hunk(edits: &[Edit], at: usize) -> usize {
    let mut end = at;
    let mut reach = at + CONTEXT;
    for (ahead, edit) in edits.iter().enumerate().skip(at) {
        if ahead > reach {
            break;
        }
        if edit.is_change() {
            end = (ahead + CONTEXT + 1).min(edits.len());
            reach = ahead + 2 * CONTEXT + 1;
        }
    }
    end
}

/// The shortest way from one text to the other.
fn edits<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<Edit<'t>> {
    let start = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let equal = |(old, new): &(&&str, &&str)| old == new;
    let end = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(equal).count();
    let (old_middle, tail) = old_rest.split_at(old_rest.len() - end);
    let new_middle = &new_rest[..new_rest.len() - end];
    let mut edits: Vec<Edit> = old[..start].iter().map(|line| Edit::Both(line)).collect();
    edits.extend(middle(old_middle, new_middle));
    edits.extend(tail.iter().map(|line| Edit::Both(line)));
    edits
}

/// The same by the lengths of the longest common subsequences.
fn middle<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<Edit<'t>> {
    if old.len().saturating_mul(new.len()) > PAIRS_MAX {
        let gone = old.iter().map(|line| Edit::Old(line));
        return gone.chain(new.iter().map(|line| Edit::New(line))).collect();
    }
    // How many lines `old[o..]` and `new[n..]` have in common, at `o * width + n`.
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for o in (0..old.len()).rev() {
        for n in (0..new.len()).rev() {
            common[o * width + n] = if old[o] == new[n] {
                common[(o + 1) * width + n + 1] + 1
            } else {
                common[(o + 1) * width + n].max(common[o * width + n + 1])
            };
        }
    }
    let (mut o, mut n) = (0, 0);
    let mut edits = Vec::new();
    while o < old.len() || n < new.len() {
        if o < old.len() && n < new.len() && old[o] == new[n] {
            edits.push(Edit::Both(old[o]));
            (o, n) = (o + 1, n + 1);
        } else if o < old.len()
            && (n == new.len() || common[(o + 1) * width + n] >= common[o * width + n + 1])
        {
            edits.push(Edit::Old(old[o]));
            o += 1;
        } else {
            edits.push(Edit::New(new[n]));
            n += 1;
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn plain(old: &str, new: &str) -> String {
        anstream::adapter::strip_str(&diff("a", old, new)).to_string()
    }

    #[test]
    fn changes_have_their_context() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\nx\ny";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\ny\n";
        expect![[r"
            --- a
            +++ a (formatted)
            @@ -2,7 +2,7 @@
             2
             3
             4
            -5
            +five
             6
             7
             8
            @@ -13,5 +13,4 @@
             13
             14
             15
            -x
            -y
            \ no line break at the end
            +y
        "]]
        .assert_eq(&plain(old, new));
    }

    #[test]
    fn near_changes_are_one_hunk() {
        expect![[r#"
            --- a
            +++ a (formatted)
            @@ -1,7 +1,8 @@
            -a
            +A
             1
             2
             3
             4
             5
             6
            +b
        "#]]
        .assert_eq(&plain("a\n1\n2\n3\n4\n5\n6\n", "A\n1\n2\n3\n4\n5\n6\nb\n"));
    }

    #[test]
    fn large_texts_are_not_compared_pair_by_pair() {
        let old = "a\n".repeat(5_000) + "\u{1b}[2J\n";
        let new = "b\n".repeat(5_000);
        let shown = plain(&old, &new);
        assert_eq!(shown.lines().count(), LINES_SHOWN_MAX + 1);
        assert!(shown.ends_with("more lines\n"), "{shown}");
    }
}
