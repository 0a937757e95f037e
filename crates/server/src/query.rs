//! Query parameters and percent-encoding (RFC 3986).

use model::text::{did_you_mean, quote};

use crate::wire::{Problem, ProblemKind};

/// The parameters of a query. Empty ones count as absent.
#[derive(Debug, Default)]
pub(crate) struct Query {
    parameters: Vec<(&'static str, String)>,
}

impl Query {
    /// Reads a query. Other parameters than `known` are a problem, and so are repeated ones.
    pub(crate) fn read(query: Option<&str>, known: &[&'static str]) -> Result<Query, Problem> {
        let mut parameters: Vec<(&'static str, String)> = Vec::new();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name =
                known.iter().find(|one| **one == name).ok_or_else(|| unknown(name, known))?;
            let value = decode(&value.replace('+', " ")).ok_or_else(|| {
                malformed(format!("the query parameter `{name}` is not percent-encoded UTF-8"))
            })?;
            if parameters.iter().any(|(one, _)| one == name) {
                return Err(malformed(format!("the query parameter `{name}` is there twice")));
            }
            parameters.push((name, value));
        }
        Ok(Query { parameters })
    }

    /// The value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(one, _)| *one == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

/// A value of a query parameter that cannot be used.
pub(crate) fn unusable(name: &str, value: &str, expected: &str) -> Problem {
    malformed(format!("the query parameter `{name}` is `{}`; it must be {expected}", quote(value)))
}

fn malformed(detail: String) -> Problem {
    Problem::new(ProblemKind::MalformedRequest, detail)
}

fn unknown(name: &str, known: &[&'static str]) -> Problem {
    let help = did_you_mean(name, known.iter().copied()).unwrap_or_else(|| match known {
        [] => "There are none here.".to_owned(),
        known => {
            let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            format!("There are {}.", names.join(", "))
        }
    });
    malformed(format!("the query parameter `{}` is not known here. {help}", quote(name)))
}

/// Text behind percent-encoding, if it is UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => 16 * digit(bytes.next()?)? + digit(bytes.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_or_refuses() {
        assert_eq!(decode("sha256%3Aab%40").as_deref(), Some("sha256:ab@"));
        for bad in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn parameters_are_known_and_given_once() {
        let known = &["status", "limit"][..];
        let detail = |query| Query::read(Some(query), known).map(drop).map_err(|p| p.detail);
        assert_eq!(detail("status=&limit=5"), Ok(()));
        assert!(detail("statsu=x").is_err_and(|detail| detail.contains("Did you mean `status`?")));
        assert!(detail("limit=1&limit=1").is_err_and(|detail| detail.contains("twice")));
    }
}
