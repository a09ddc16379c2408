//! [`Timestamp`] and [`Span`]: time is always an argument here, never asked for.

#[cfg(test)]
mod tests;

use std::{fmt, ops, str::FromStr};

use serde::{Deserialize, Serialize};

/// A point in time, in whole milliseconds, written as RFC 3339 in UTC with three decimals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// A length of time, in whole milliseconds, never negative and never longer than time itself: see [`Timestamp`]. Written as people write it: `90s`, `10m`, `36h`, `7d`, `1h30m`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(u64);

/// Why a text is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTime {
    /// Not a point in time.
    #[error("`{0}` is no time: write it as RFC 3339, for example `2026-11-24T09:30:00Z`")]
    Timestamp(String),
    /// Not a length of time.
    #[error(
        "`{0}` is no length of time: write whole numbers with `ms`, `s`, `m`, `h` or `d`, for example `10m`, `1h30m`, `7d`, at most 3660000d"
    )]
    Span(String),
}

/// The years 0000 to 9999, so that every timestamp prints with the same width.
const RANGE_MS: ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_207_200_000;
/// Longer than from the first timestamp to the last, so that no time ever measured is too long to be written and read again.
const MAX_SPAN_MS: u64 = 3_660_000 * DAY;
const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl Timestamp {
    /// The time `ms` milliseconds after 1970-01-01T00:00:00Z, brought into the years 0000 to 9999.
    pub fn from_millis(ms: i64) -> Self {
        Self(ms.clamp(*RANGE_MS.start(), *RANGE_MS.end()))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// How long ago `earlier` was, zero if it was later.
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }
}

impl ops::Add<Span> for Timestamp {
    type Output = Self;

    fn add(self, span: Span) -> Self {
        Self::from_millis(self.0.saturating_add_unsigned(span.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// A day.
    pub const DAY: Self = Self::from_days(1);

    /// A span of so many days.
    pub const fn from_days(days: u16) -> Self {
        Self(days as u64 * DAY)
    }

    /// A span of `ms` milliseconds, at most 3,660,000 days.
    pub fn from_millis(ms: u64) -> Self {
        Self(ms.min(MAX_SPAN_MS))
    }

    /// A span of `seconds`, at most 3,660,000 days.
    pub fn from_secs(seconds: u64) -> Self {
        Self::from_millis(seconds.saturating_mul(SECOND))
    }

    /// Milliseconds.
    pub fn as_millis(self) -> u64 {
        self.0
    }

    /// What is left when `other` is taken away, never below zero.
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Both together, at most 3,660,000 days.
    pub fn plus(self, other: Self) -> Self {
        Self::from_millis(self.0.saturating_add(other.0))
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let invalid = || InvalidTime::Timestamp(text.chars().take(100).collect());
        let parsed: jiff::Timestamp = text.parse().map_err(|_| invalid())?;
        let ms = parsed.as_millisecond();
        if RANGE_MS.contains(&ms) { Ok(Self(ms)) } else { Err(invalid()) }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timestamp = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        write!(f, "{timestamp:.3}")
    }
}

impl FromStr for Span {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        parse_span(text).map(Self).ok_or_else(|| InvalidTime::Span(text.chars().take(100).collect()))
    }
}

fn parse_span(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total: u64 = 0;
    let mut last_unit = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let letters = rest[digits..].bytes().take_while(u8::is_ascii_lowercase).count();
        let unit = match &rest[digits..digits + letters] {
            "ms" => 1,
            "s" => SECOND,
            "m" => MINUTE,
            "h" => HOUR,
            "d" => DAY,
            _ => return None,
        };
        if digits == 0 || unit >= last_unit {
            return None;
        }
        let number: u64 = rest[..digits].parse().ok()?;
        total = total.checked_add(number.checked_mul(unit)?)?;
        last_unit = unit;
        rest = &rest[digits + letters..];
    }
    (!text.is_empty() && total <= MAX_SPAN_MS).then_some(total)
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, letter) in [(DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"), (1, "ms")] {
            if rest >= unit {
                write!(f, "{}{letter}", rest / unit)?;
                rest %= unit;
            }
        }
        Ok(())
    }
}

macro_rules! as_text {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = InvalidTime;

            fn try_from(text: String) -> Result<Self, InvalidTime> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

as_text!(Timestamp, Span);
