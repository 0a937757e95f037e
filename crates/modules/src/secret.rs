//! Texts that stand outside the manifest: `${env:NAME}` and `${file:PATH}`, read when the manifest
//! loads and shown to nobody afterwards.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use model::text::quote;

use crate::declaration::SourceDeclaration;
use crate::document::Words;
use crate::fault::ManifestFault;
use crate::limits::SECRET_BYTES_MAX;
use crate::manifest::read_text;

/// So many characters of a secret tell nothing.
const TOLD_MAX: usize = 3;

/// A text of which parts may be secret. It prints as `…`.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Expanded {
    text: String,
    secrets: Vec<String>,
}

/// Secret texts, to be hidden wherever foreign text is shown that might repeat them.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Expanded {
    /// The text of `words`, a value of `source` under `key`, with the secrets that it names.
    pub(crate) fn read(
        words: &Words,
        source: &SourceDeclaration<'_>,
        key: &str,
    ) -> Result<Expanded, Box<ManifestFault>> {
        let folder = source.file.path.parent().unwrap_or(Path::new(""));
        expand(&words.text, folder).map_err(|(part, message)| {
            let span = words.part(source.file, part);
            let help = "A secret is written `${env:NAME}` or `${file:PATH}`";
            Box::new(source.fault(span, key, message).help(help))
        })
    }

    /// All of it, for the one who is meant to see it.
    pub(crate) fn reveal(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Expanded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Secrets {
    /// Those of `texts`.
    pub(crate) fn of<'a>(texts: impl IntoIterator<Item = &'a Expanded>) -> Secrets {
        let all = texts.into_iter().flat_map(|text| text.secrets.iter().cloned());
        let mut secrets: Vec<String> = all.filter(|secret| !secret.is_empty()).collect();
        // One that holds another must go first, or a piece of it would stay.
        secrets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        secrets.dedup();
        Secrets(secrets)
    }

    /// `text` with `…` in the place of every secret, also where it was cut within one.
    pub(crate) fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            let whole = text.replace(secret, "…");
            let parts: Vec<&str> = whole.split('…').collect();
            let last = parts.len() - 1;
            let parts = parts.iter().enumerate();
            let shown = |(at, part): (usize, &&str)| {
                let end = if at < last { begun(part, secret) } else { part.len() };
                part[..end].to_owned()
            };
            parts.map(shown).collect::<Vec<_>>().join("…")
        })
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

/// Where the beginning of `secret` stands that ends `text`; the end of `text` if it is none, or one
/// too short to tell.
fn begun(text: &str, secret: &str) -> usize {
    let starts = text.char_indices().map(|(at, _)| at).rev().skip(TOLD_MAX);
    let is_begun = |at: &usize| secret.starts_with(&text[*at..]);
    starts.filter(is_begun).last().unwrap_or(text.len())
}

/// The text with every `${…}` replaced; else the guilty part and what is wrong with it.
fn expand(text: &str, folder: &Path) -> Result<Expanded, (Range<usize>, String)> {
    let mut expanded = Expanded::default();
    let mut at = 0;
    while let Some(found) = text[at..].find("${") {
        let start = at + found;
        expanded.text.push_str(&text[at..start]);
        let Some(length) = text[start..].find('}') else {
            return Err((start..text.len(), "`${` has no `}`".to_owned()));
        };
        let end = start + length + 1;
        let name = &text[start + 2..end - 1];
        let secret = look_up(name, folder).map_err(|message| (start..end, message))?;
        expanded.text.push_str(&secret);
        expanded.secrets.push(secret);
        at = end;
    }
    expanded.text.push_str(&text[at..]);
    Ok(expanded)
}

fn look_up(name: &str, folder: &Path) -> Result<String, String> {
    match name.split_once(':') {
        Some(("env", name)) if !name.is_empty() && !name.contains(['=', '\0']) => {
            match std::env::var(name) {
                Ok(value) => Ok(value),
                Err(std::env::VarError::NotPresent) => {
                    Err(format!("the environment has no variable `{}`", quote(name)))
                }
                Err(std::env::VarError::NotUnicode(_)) => {
                    Err(format!("the variable `{}` is not UTF-8", quote(name)))
                }
            }
        }
        Some(("file", path)) if !path.is_empty() => {
            let text = read_text(&folder.join(path), SECRET_BYTES_MAX)
                .map_err(|fault| format!("`{}` {fault}", quote(path)))?;
            let line = text.strip_suffix('\n').unwrap_or(&text);
            Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
        }
        _ => Err(format!("`${{{}}}` names no secret", quote(name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Result<String, (Range<usize>, String)> {
        expand(text, Path::new("")).map(|expanded| expanded.text)
    }

    #[test]
    fn parts_are_replaced_once() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "a${env:HOME}b\r\n").unwrap();
        let expanded = expand("Bearer ${file:token}!", folder.path()).unwrap();
        assert_eq!(expanded.reveal(), "Bearer a${env:HOME}b!");
        assert_eq!(format!("{expanded:?}"), "…");
        let path = std::env::var("PATH").unwrap();
        assert_eq!(text("x${env:PATH}y"), Ok(format!("x{path}y")));
        assert_eq!(text("plain $5 {x}"), Ok("plain $5 {x}".to_owned()));
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_place() {
        for (bad, part) in [
            ("a ${env:NO_SUCH_VARIABLE_HERE}", 2..30),
            ("${file:/no/such/file}", 0..21),
            ("${HOME}", 0..7),
            ("${env:}", 0..7),
            ("x${env:A", 1..8),
            ("${file:/}", 0..9),
        ] {
            assert_eq!(text(bad).unwrap_err().0, part, "{bad}");
        }
    }

    #[test]
    fn secrets_are_hidden_the_longest_first() {
        let expanded = Expanded {
            text: String::new(),
            secrets: vec!["abc".into(), "abcdef".into(), String::new()],
        };
        let secrets = Secrets::of([&expanded]);
        assert_eq!(secrets.hide("x abcdef abc ab"), "x … … ab");
        assert_eq!(secrets.hide("abcde… abcd…\" abc"), "… …\" …");
        assert_eq!(format!("{secrets:?}"), "2 secrets");
    }
}
