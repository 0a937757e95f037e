//! The `Prefer` header (RFC 7240): when to be answered.

use std::time::Duration;

use engine::limits::WAIT_DEFAULT;
use hyper::HeaderMap;
use model::text::quote;

use crate::limits::WAIT_MAX;
use crate::wire::{Problem, ProblemKind};

/// When the caller wants an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefer {
    /// At once, as soon as the execution is stored.
    pub(crate) respond_async: bool,
    /// At the latest after this time.
    pub(crate) wait: Duration,
}

impl Prefer {
    /// What the caller prefers. Preferences that are not ours are left alone, as the RFC asks for.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Prefer, Problem> {
        let mut respond_async = false;
        let mut wait = None;
        for value in headers.get_all("prefer") {
            let value = String::from_utf8_lossy(value.as_bytes());
            for preference in value.split(',') {
                let token = preference.split(';').next().unwrap_or_default();
                let (name, value) = token.split_once('=').unwrap_or((token, ""));
                let (name, value) = (name.trim(), value.trim().trim_matches('"'));
                if name.eq_ignore_ascii_case("respond-async") {
                    respond_async = true;
                } else if name.eq_ignore_ascii_case("wait") {
                    wait = Some(seconds(value)?);
                }
            }
        }
        let unsaid = if respond_async { Duration::ZERO } else { WAIT_DEFAULT };
        Ok(Prefer { respond_async, wait: wait.unwrap_or(unsaid) })
    }
}

/// A number of seconds that can be waited: whoever asks for more gets the most.
pub(crate) fn clamped(seconds: &str) -> Option<Duration> {
    let is_number = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
    let asked = || seconds.parse().map_or(WAIT_MAX, Duration::from_secs);
    is_number.then(|| asked().min(WAIT_MAX))
}

fn seconds(text: &str) -> Result<Duration, Problem> {
    clamped(text).ok_or_else(|| {
        let detail = format!(
            "`Prefer: wait={}` is no whole number of seconds; write it like `Prefer: wait=10`",
            quote(text)
        );
        Problem::new(ProblemKind::MalformedRequest, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefer(value: &'static str) -> Result<(bool, u64), String> {
        let headers = HeaderMap::from_iter([(
            hyper::header::HeaderName::from_static("prefer"),
            hyper::header::HeaderValue::from_static(value),
        )]);
        let prefer = Prefer::of(&headers).map_err(|problem| problem.detail)?;
        Ok((prefer.respond_async, prefer.wait.as_secs()))
    }

    #[test]
    fn preferences_are_read_and_foreign_ones_left_alone() {
        assert_eq!(prefer("return=minimal"), Ok((false, 60)));
        assert_eq!(prefer("respond-async"), Ok((true, 0)));
        assert_eq!(prefer("Respond-Async, wait=\"5\""), Ok((true, 5)));
        assert_eq!(prefer("wait=99999999; x=1"), Ok((false, 600)));
        assert_eq!(prefer("wait=99999999999999999999"), Ok((false, 600)));
        assert!(prefer("wait=+1").is_err());
        assert!(prefer("wait=soon").is_err_and(|detail| detail.contains("`Prefer: wait=soon`")));
    }
}
