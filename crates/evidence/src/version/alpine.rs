//! Alpine's order: apk-package(5), as apk-tools implements it.

use std::cmp::Ordering;

use super::{first_difference, numbers, pairs, take, take_digits};

/// The suffixes in their order; nothing stands between those of before a release and those of after it.
const SUFFIXES: [&str; 10] = ["alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"];
const NONE: (usize, &str) = (4, "0");

/// `number{.number}...{letter}{_suffix{number}}...{~hash}{-r#}`. The hash has no order.
struct Version<'a> {
    text: &'a str,
    numbers: Vec<&'a str>,
    letter: &'a str,
    suffixes: Vec<(usize, &'a str)>,
    build: &'a str,
    /// What is not understood.
    rest: &'a str,
    valid: bool,
}

pub fn compare(one: &str, other: &str) -> Ordering {
    let (one, other) = (parse(one), parse(other));
    if !one.valid && !other.valid {
        return one.text.cmp(other.text);
    }
    all_numbers(&one.numbers, &other.numbers)
        .then_with(|| one.letter.cmp(other.letter))
        .then_with(|| suffixes(&one.suffixes, &other.suffixes))
        .then_with(|| numbers(one.build, other.build))
        .then_with(|| one.rest.is_empty().cmp(&other.rest.is_empty()))
}

fn parse(text: &str) -> Version<'_> {
    let mut rest = text;
    let mut numbers = Vec::new();
    loop {
        let digits = take_digits(&mut rest);
        if digits.is_empty() {
            break;
        }
        numbers.push(digits);
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    let letter = match rest.bytes().next() {
        Some(b'a'..=b'z') => &rest[..1],
        _ => "",
    };
    rest = &rest[letter.len()..];
    let mut suffixes = Vec::new();
    while let Some((suffix, after)) = suffix(rest) {
        rest = after;
        suffixes.push((suffix, take_digits(&mut rest)));
    }
    if let Some(mut hash) = rest.strip_prefix('~')
        && !take(&mut hash, |c| matches!(c, '0'..='9' | 'a'..='f')).is_empty()
    {
        rest = hash;
    }
    let (mut build, mut valid) = ("", rest.is_empty());
    if let Some(mut after) = rest.strip_prefix("-r") {
        build = take_digits(&mut after);
        (rest, valid) = (after, true);
    }
    Version { text, numbers, letter, suffixes, build, rest, valid }
}

/// The suffix at the start of `text`, and what comes after it.
fn suffix(text: &str) -> Option<(usize, &str)> {
    let text = text.strip_prefix('_')?;
    let named = SUFFIXES.iter().enumerate().filter(|(_, name)| !name.is_empty());
    named.filter_map(|(weight, name)| Some((weight, text.strip_prefix(name)?))).min_by_key(|(_, after)| after.len())
}

/// A number with a zero in front is a fraction, unless it is the first.
fn all_numbers(one: &[&str], other: &[&str]) -> Ordering {
    first_difference(pairs(one, other).enumerate().map(|(index, pair)| match pair {
        (Some(left), Some(right)) if index > 0 && (left.starts_with('0') || right.starts_with('0')) => left.cmp(right),
        (left, right) => numbers(left.unwrap_or(&"0"), right.unwrap_or(&"0")),
    }))
}

fn suffixes(one: &[(usize, &str)], other: &[(usize, &str)]) -> Ordering {
    first_difference(pairs(one, other).map(|(left, right)| {
        let (left, right) = (left.unwrap_or(&NONE), right.unwrap_or(&NONE));
        left.0.cmp(&right.0).then_with(|| numbers(left.1, right.1))
    }))
}
