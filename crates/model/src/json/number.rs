//! Numbers by their text, since a float in between would not be exact.

/// The whole number that a JSON number is, if it is one in 64 bits: also `3.0` and `1e3`.
pub(super) fn integer(number: &str) -> Option<i64> {
    if let Ok(int) = number.parse() {
        return Some(int);
    }
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction}");
    if digits.bytes().all(|digit| matches!(digit, b'0' | b'-')) {
        return Some(0);
    }
    let shift = exponent.parse::<i64>().ok()?.checked_sub(fraction.len() as i64)?;
    match shift {
        // One digit and 19 zeros are already beyond 64 bits.
        20.. => None,
        0.. => format!("{digits}{}", "0".repeat(shift as usize)).parse().ok(),
        // What is shifted out must be zeros.
        _ => {
            let lost = usize::try_from(shift.checked_neg()?).ok()?;
            let (kept, lost) = digits.split_at(digits.len().checked_sub(lost)?);
            lost.bytes().all(|digit| digit == b'0').then(|| kept.parse().ok()).flatten()
        }
    }
}

/// The number, if a Float can hold it.
pub(super) fn float(number: &str) -> Option<f64> {
    number.parse().ok().filter(|float: &f64| float.is_finite())
}

/// Whether a number is written without fraction and exponent.
pub(super) fn is_whole(number: &str) -> bool {
    !number.contains(['.', 'e', 'E'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_exact() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("-0.0", Some(0)),
            ("0e99999999999999999999", Some(0)),
            ("0.000E-99999999999999999999", Some(0)),
            ("3.0", Some(3)),
            ("1e3", Some(1000)),
            ("1E+3", Some(1000)),
            ("1.50e1", Some(15)),
            ("120e-1", Some(12)),
            ("-120e-1", Some(-12)),
            ("0.00001e5", Some(1)),
            ("0.0000000000000000000000000001e28", Some(1)),
            ("1000000000000000000000e-21", Some(1)),
            ("9007199254740993.0", Some(9_007_199_254_740_993)),
            ("9223372036854775807", Some(i64::MAX)),
            ("922337203685477580.7e1", Some(i64::MAX)),
            ("-9223372036854775808.00", Some(i64::MIN)),
            ("-9223372036854775808e0", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("9223372036854775808.0", None),
            ("-9223372036854775809", None),
            ("3.5", None),
            ("-5e-1", None),
            ("12e-1", None),
            ("1e-3", None),
            ("1e19", None),
            ("1e20", None),
            ("1e400", None),
            ("1e99999999999999999999", None),
            ("1e-99999999999999999999", None),
            ("1e-9223372036854775808", None),
            ("1.5e-9223372036854775808", None),
        ] {
            assert_eq!(integer(text), expected, "{text}");
        }
    }

    #[test]
    fn floats_are_finite() {
        assert_eq!(float("1e400"), None);
        assert_eq!(float("-1e400"), None);
        assert_eq!(float("1.7976931348623157e308"), Some(f64::MAX));
        assert_eq!(float("9007199254740993"), Some(9_007_199_254_740_992.0));
        assert_eq!(float("1e-400"), Some(0.0));
    }
}
