//! [`Time`]: when something was said, to be compared.

use std::{fmt, str::FromStr};

/// A point in time, as documents tell it: RFC 3339 in any offset, printed in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(jiff::Timestamp);

/// A text that is no point in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time of RFC 3339")]
pub struct InvalidTime(String);

impl FromStr for Time {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        text.parse().map(Self).map_err(|_| InvalidTime(text.chars().take(100).collect()))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Time {
    /// The time that a report tells of itself, if it tells one: Go's programs write the year 1 where they know none.
    pub(crate) fn told(text: Option<&str>) -> Option<Self> {
        text.filter(|text| !text.starts_with("0001-01-01")).and_then(|text| text.parse().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn times_are_compared_whatever_their_offset() {
        for (text, expected) in [
            ("2023-07-17T18:28:47.696004345-06:00", Some("2023-07-18T00:28:47.696004345Z")),
            ("2022-03-03T00:00:00Z", Some("2022-03-03T00:00:00Z")),
            ("2022-03-03", None),
            ("0001-01-01T00:00:00Z", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(Time::told(Some(text)).map(|time| time.to_string()).as_deref(), expected, "{text}");
        }
        assert_eq!(Time::told(None), None);
        let time = |text: &str| text.parse::<Time>().expect("a time");
        assert!(time("2022-12-22T20:56:05-05:00") > time("2022-12-22T23:00:00Z"), "the offset counts");
        assert_eq!("x".parse::<Time>().expect_err("no time").to_string(), "`x` is no time of RFC 3339");
    }
}
