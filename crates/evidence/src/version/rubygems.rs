//! Ruby's order: `Gem::Version`.

use std::cmp::Ordering;

use super::{first_difference, is_number, numbers, pairs, take, take_digits};

pub fn compare(one: &str, other: &str) -> Ordering {
    let (one, other) = (segments(one), segments(other));
    first_difference(pairs(&one, &other).map(|(one, other)| segment(one.unwrap_or(&"0"), other.unwrap_or(&"0"))))
}

/// A word makes a prerelease, so it comes before any number.
fn segment(one: &str, other: &str) -> Ordering {
    match (is_number(one), is_number(other)) {
        (true, true) => numbers(one, other),
        (false, false) => one.cmp(other),
        (one, other) => one.cmp(&other),
    }
}

/// Numbers and words, without zeros at the end of the numbers in front, nor at the end of all.
fn segments(text: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    for mut part in text.split('.') {
        if part.is_empty() {
            segments.push(part);
        }
        while !part.is_empty() {
            let digits = take_digits(&mut part);
            let taken = if digits.is_empty() { take(&mut part, |c| !c.is_ascii_digit()) } else { digits };
            segments.push(taken);
        }
    }
    let words = segments.iter().position(|segment| !is_number(segment)).unwrap_or(segments.len());
    let mut rest = segments.split_off(words);
    for run in [&mut segments, &mut rest] {
        while run.last() == Some(&"0") {
            run.pop();
        }
    }
    segments.append(&mut rest);
    segments
}
