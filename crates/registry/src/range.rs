//! Ranges of bytes: `Range` of RFC 9110, one range only, and `Content-Range` as uploads have it.

use std::ops::RangeInclusive;

/// What a `Range` header asks of something with `size` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Everything: there is no header, or one that is not understood, which the specification says to ignore.
    Whole,
    /// These bytes.
    Part(RangeInclusive<u64>),
    /// Bytes that are not there.
    Nothing,
}

/// Reads a `Range` header.
pub(crate) fn asked(header: Option<&str>, size: u64) -> Asked {
    let Some(spec) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else { return Asked::Whole };
    let Some((first, last)) = spec.split_once('-').filter(|_| !spec.contains(',')) else { return Asked::Whole };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let part = match (first.trim(), last.trim()) {
        ("", "") => return Asked::Whole,
        ("", suffix) => match number(suffix) {
            Some(0) => return Asked::Nothing,
            Some(length) => size.saturating_sub(length)..=size.saturating_sub(1),
            None => return Asked::Whole,
        },
        (first, "") => match number(first) {
            Some(first) => first..=size.saturating_sub(1),
            None => return Asked::Whole,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first > last => return Asked::Nothing,
            (Some(first), Some(last)) => first..=last.min(size.saturating_sub(1)),
            _ => return Asked::Whole,
        },
    };
    if size == 0 || *part.start() >= size { Asked::Nothing } else { Asked::Part(part) }
}

/// Where the bytes of an upload's chunk begin and end, from `Content-Range: <first>-<last>`.
pub(crate) fn of_chunk(header: &str) -> Option<RangeInclusive<u64>> {
    let spec = header.trim().strip_prefix("bytes ").unwrap_or(header.trim());
    let spec = spec.split('/').next()?;
    let (first, last) = spec.split_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(first) || !digits(last) {
        return None;
    }
    let range = first.parse().ok()?..=last.parse().ok()?;
    (range.start() <= range.end()).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::{Asked, asked, of_chunk};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_range_is_beyond_the_end(header in "(bytes=)?[0-9]{0,20}-?[0-9]{0,20},?", size in any::<u64>()) {
            if let Asked::Part(part) = asked(Some(&header), size) {
                prop_assert!(part.start() <= part.end() && *part.end() < size, "{part:?} of {size}");
            }
        }

        #[test]
        fn any_header_is_read_or_ignored(header in ".{0,40}") {
            let _ = (asked(Some(&header), 10), of_chunk(&header));
        }

        #[test]
        fn ranges_are_read_back(first in any::<u64>(), more in 0..1_000_u64) {
            let range = first..=first.saturating_add(more);
            let text = format!("{}-{}", range.start(), range.end());
            prop_assert_eq!(of_chunk(&text), Some(range.clone()));
            if *range.end() < u64::MAX {
                prop_assert_eq!(asked(Some(&format!("bytes={text}")), u64::MAX), Asked::Part(range));
            }
        }
    }

    #[test]
    fn ranges_are_read_as_the_specification_says() {
        for (header, size, expected) in [
            (None, 10, Asked::Whole),
            (Some("bytes=0-3"), 10, Asked::Part(0..=3)),
            (Some("bytes=5-"), 10, Asked::Part(5..=9)),
            (Some("bytes=-4"), 10, Asked::Part(6..=9)),
            (Some("bytes=-40"), 10, Asked::Part(0..=9)),
            (Some("bytes=2-500"), 10, Asked::Part(2..=9)),
            (Some("bytes=10-"), 10, Asked::Nothing),
            (Some("bytes=3-1"), 10, Asked::Nothing),
            (Some("bytes=-0"), 10, Asked::Nothing),
            (Some("bytes=0-"), 0, Asked::Nothing),
            (Some("bytes=0-1,3-4"), 10, Asked::Whole),
            (Some("lines=0-1"), 10, Asked::Whole),
            (Some("bytes=a-b"), 10, Asked::Whole),
        ] {
            assert_eq!(asked(header, size), expected, "{header:?} of {size}");
        }
        assert_eq!(of_chunk("0-99"), Some(0..=99));
        assert_eq!(of_chunk("9-0"), None);
        assert_eq!(of_chunk("+1-2"), None);
    }
}
