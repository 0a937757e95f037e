//! How users name a pipeline.

use std::fmt;
use std::str::FromStr;

use model::{Digest, Text};

/// A reference to an image: `order-lookup`, `order-lookup@3`, `sha256:…` or the bare 64
/// hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// Where an alias points now, or pointed at a version.
    Alias(PipelineName, Option<u32>),
    /// An image.
    Digest(Digest),
}

impl FromStr for Reference {
    type Err = ();

    fn from_str(text: &str) -> Result<Reference, ()> {
        if let Ok(digest) = text.parse() {
            return Ok(Reference::Digest(digest));
        }
        match text.split_once('@') {
            Some((name, version)) => {
                Ok(Reference::Alias(name.parse()?, Some(version.parse().map_err(|_| ())?)))
            }
            None => Ok(Reference::Alias(text.parse()?, None)),
        }
    }
}

/// The name of an alias: 1–128 of `a-z 0-9 . _ -`, beginning with a letter or digit, neither
/// beginning with `sha256` nor 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PipelineName(Text);

impl PipelineName {
    /// The name.
    pub fn as_text(&self) -> &Text {
        &self.0
    }
}

impl FromStr for PipelineName {
    type Err = ();

    fn from_str(text: &str) -> Result<PipelineName, ()> {
        let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let is_name = (1..=128).contains(&text.len())
            && text.bytes().all(|b| alphanumeric(b) || matches!(b, b'.' | b'_' | b'-'))
            && text.bytes().next().is_some_and(alphanumeric)
            && !text.starts_with("sha256")
            && text.parse::<Digest>().is_err();
        is_name.then(|| PipelineName(text.into())).ok_or(())
    }
}

impl fmt::Display for PipelineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_digests_never_mix() {
        let digits = "ab".repeat(32);
        assert!(matches!(digits.parse(), Ok(Reference::Digest(_))));
        assert!(matches!("a@2".parse(), Ok(Reference::Alias(_, Some(2)))));
        for bad in ["", "A", "-a", "sha256x", "a b", "a@", "a@-1", &"a".repeat(129)] {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
    }
}
