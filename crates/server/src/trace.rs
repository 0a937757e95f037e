//! The trace that a request belongs to, as W3C Trace Context names it in `traceparent`.

use hyper::HeaderMap;
use model::Text;

/// The caller's trace context, to be passed on to modules. One that is not well formed is no trace
/// at all, and nobody's mistake.
pub(crate) fn trace(headers: &HeaderMap) -> Option<Text> {
    let mut given = headers.get_all("traceparent").iter();
    let trace = given.next()?.to_str().ok().filter(|text| is_valid(text))?;
    given.next().is_none().then(|| trace.into())
}

/// `00-` + trace id + `-` + span id + `-` + flags, in lower-case hexadecimal digits; an id of zeros
/// is none.
fn is_valid(text: &str) -> bool {
    let is_hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_id = |part: &str, digits| is_hex(part, digits) && part.bytes().any(|b| b != b'0');
    let parts: Vec<&str> = text.splitn(5, '-').collect();
    matches!(parts[..], ["00", trace, span, flags]
        if is_id(trace, 32) && is_id(span, 16) && is_hex(flags, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_well_formed_is_no_trace() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(is_valid(good));
        for bad in [
            "",
            "00",
            &good.to_uppercase(),
            &good.replacen("00", "01", 1),
            &format!("{good}-x"),
            &good[..54],
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
        ] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
