//! Decimal numbers as C2SP writes them: ASCII digits, no sign, no leading zero.

/// Reads a canonical decimal, or `None` when `text` is anything else or does not fit a `u64`.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let canonical = match text.as_bytes() {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if canonical { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn only_canonical_decimals_are_read() {
        let cases = [
            ("0", Some(0)),
            ("7", Some(7)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("", None),
            ("00", None),
            ("01", None),
            ("+1", None),
            ("-1", None),
            (" 1", None),
            ("1 ", None),
            ("1a", None),
            ("١", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse(text), wanted, "`{text}`");
        }
    }
}
