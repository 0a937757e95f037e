//! Which stored pipelines a source may call, told from its tokens: whoever has them looks them up
//! before the source is compiled.

use std::collections::BTreeSet;

use model::catalog::PIPELINES;
use model::{Span, Text};

use crate::lexer::{Kind, Token, lex};

/// The aliases of stored pipelines that `source` may call; also those that do not exist.
pub fn called_pipelines(source: &str) -> BTreeSet<Text> {
    // Most sources call none, and need no second look.
    if !source.contains(PIPELINES) {
        return BTreeSet::new();
    }
    let tokens = lex(source, &mut Vec::new()).tokens;
    let text = |span: Span| &source[span.start as usize..span.end as usize];
    let word = |token: &Token| (token.kind == Kind::Word).then(|| text(token.span));
    let is_sign = |token: &Token, sign| token.kind == Kind::Sign(sign);
    let mut namespaces = BTreeSet::from([PIPELINES]);
    let mut is_used_plainly = false;
    for tokens in tokens.windows(4) {
        if word(&tokens[0]) == Some("use") && word(&tokens[1]) == Some(PIPELINES) {
            match (word(&tokens[2]), word(&tokens[3])) {
                (Some("as"), Some(alias)) => drop(namespaces.insert(alias)),
                _ => is_used_plainly = true,
            }
        }
    }
    let mut called = BTreeSet::new();
    for tokens in tokens.windows(3) {
        match (word(&tokens[0]), word(&tokens[2])) {
            (Some(namespace), Some(name))
                if is_sign(&tokens[1], ".") && namespaces.contains(namespace) =>
            {
                called.insert(name.into());
            }
            _ => {}
        }
        if let (true, Some(name)) = (is_used_plainly && is_sign(&tokens[1], "("), word(&tokens[0]))
        {
            called.insert(name.into());
        }
    }
    called
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found_through_every_kind_of_use() {
        let called = |source| called_pipelines(source).into_iter().collect::<Vec<Text>>();
        assert_eq!(called("out a = F(1)"), [""; 0]);
        assert_eq!(called("out a = pipeline.b-c({}) + pipeline.a({})"), ["a", "b-c"]);
        assert_eq!(called("use pipeline as p\nout a = p.x({ y: q.z })"), ["x"]);
        assert_eq!(called("use pipeline\nout a = x({}) + pipeline.y({})"), ["x", "y"]);
        assert_eq!(called("out a = \"pipeline.a ${pipeline.b({})}\""), ["b"]);
        assert_eq!(called("pipeline"), [""; 0]);
    }
}
