use proptest::prelude::*;

use super::{MAX_SPAN_MS, RANGE_MS, Span, Timestamp};

fn time(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|invalid| panic!("{invalid}"))
}

#[test]
fn timestamps_are_written_one_way() {
    for (text, written) in [
        ("2026-11-24T09:30:00Z", "2026-11-24T09:30:00.000Z"),
        ("2026-11-24T09:30:00.1239Z", "2026-11-24T09:30:00.123Z"),
        ("2026-11-24T09:30:00+02:00", "2026-11-24T07:30:00.000Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"),
        ("9999-12-30T22:00:00Z", "9999-12-30T22:00:00.000Z"),
    ] {
        assert_eq!(time(text).to_string(), written);
    }
    for text in [
        "",
        "now",
        "2026-11-24",
        "2026-11-24T09:30:00",
        "2026-13-24T09:30:00Z",
        "-000001-01-01T00:00:00Z",
        "12026-01-01T00:00:00Z",
    ] {
        let invalid = text.parse::<Timestamp>().expect_err(text);
        assert!(invalid.to_string().contains(&format!("`{text}`")), "{invalid}");
    }
}

#[test]
fn spans_are_written_as_people_write_them() {
    for (text, ms, written) in [
        ("0s", 0, "0s"),
        ("0d0h", 0, "0s"),
        ("90s", 90_000, "1m30s"),
        ("10m", 600_000, "10m"),
        ("36h", 129_600_000, "1d12h"),
        ("7d", 604_800_000, "7d"),
        ("1h30m", 5_400_000, "1h30m"),
        ("1s5ms", 1005, "1s5ms"),
        ("3660000d", MAX_SPAN_MS, "3660000d"),
    ] {
        let span: Span = text.parse().unwrap_or_else(|invalid| panic!("{invalid}"));
        assert_eq!((span.as_millis(), span.to_string().as_str()), (ms, written));
    }
    for text in [
        "",
        "1",
        "s",
        "1 m",
        "-1s",
        "1.5h",
        "1m1h",
        "1m1m",
        "1w",
        "1H",
        "3660000d1ms",
        "99999999999999999999d",
        "1٣m",
        "é",
    ] {
        assert!(text.parse::<Span>().is_err(), "{text}");
    }
}

#[test]
fn time_goes_by() {
    let (early, late) = (time("2026-01-01T00:00:00Z"), time("2026-01-01T01:00:00Z"));
    assert_eq!(late.since(early), Span::from_secs(3600));
    assert_eq!(early.since(late), Span::ZERO);
    assert_eq!(early + Span::from_secs(3600), late);
    assert_eq!(Span::from_secs(3).saturating_sub(Span::from_secs(5)), Span::ZERO);
    assert_eq!(Span::from_secs(u64::MAX).plus(Span::from_secs(1)), Span::from_millis(u64::MAX));
    assert!(
        Timestamp::from_millis(i64::MAX).since(Timestamp::from_millis(i64::MIN)) < Span::from_millis(u64::MAX),
        "no time is longer than a span"
    );
}

proptest! {
    #[test]
    fn timestamps_are_read_as_they_are_written(ms in prop_oneof![any::<i64>(), RANGE_MS, -10_000i64..10_000]) {
        let time = Timestamp::from_millis(ms);
        let text = time.to_string();
        prop_assert_eq!(text.len(), "2026-11-24T09:30:00.000Z".len());
        prop_assert_eq!(text.parse(), Ok(time));
    }

    #[test]
    fn timestamps_sort_as_their_texts(one in RANGE_MS, other in RANGE_MS) {
        let (one, other) = (Timestamp::from_millis(one), Timestamp::from_millis(other));
        prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
    }

    #[test]
    fn measured_spans_can_be_read_again(from: i64, to: i64, more: u64) {
        let measured = Timestamp::from_millis(to).since(Timestamp::from_millis(from));
        for span in [measured, Span::from_millis(more), measured.plus(Span::from_millis(more))] {
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }
    }

    #[test]
    fn no_text_makes_parsing_panic(text in "\\PC{0,40}|[0-9dhms]{0,30}|[0-9TZ:.+-]{0,40}") {
        if let Ok(span) = text.parse::<Span>() {
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }
        if let Ok(time) = text.parse::<Timestamp>() {
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }
    }
}
