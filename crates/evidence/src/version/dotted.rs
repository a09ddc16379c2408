//! Orders of numbers between dots, with or without something after them: Semantic Versioning and what is like it.

use std::cmp::Ordering;

use super::{InvalidVersion, Scheme, first_difference, is_number, numbers, pairs, take_digits};

/// Numbers, and what comes after them: `-beta.1+build`.
struct Version<'a> {
    numbers: Vec<&'a str>,
    rest: &'a str,
}

impl<'a> Version<'a> {
    /// Reads at most `most` numbers; whatever follows is the rest.
    fn parse(text: &'a str, most: usize) -> Self {
        let mut rest = text.strip_prefix('v').unwrap_or(text);
        let mut numbers = Vec::new();
        loop {
            let before = rest;
            let digits = take_digits(&mut rest);
            if !digits.is_empty() && numbers.len() == most {
                rest = before;
                break;
            }
            if !digits.is_empty() {
                numbers.push(digits);
            }
            match rest.strip_prefix('.') {
                Some(next) => rest = next,
                None => break,
            }
        }
        Self { numbers, rest }
    }

    /// What says that this comes before the release: without the hyphen, and without what was said of the build.
    fn prerelease(&self) -> &'a str {
        let before = self.rest.split_once('+').map_or(self.rest, |(before, _)| before);
        before.strip_prefix('-').unwrap_or(before)
    }

    fn build(&self) -> &'a str {
        self.rest.split_once('+').map_or("", |(_, build)| build)
    }
}

pub fn semver(one: &str, other: &str) -> Ordering {
    let (one, other) = (Version::parse(one, 3), Version::parse(other, 3));
    all_numbers(&one.numbers, &other.numbers).then_with(|| prereleases(one.prerelease(), other.prerelease()))
}

pub fn nuget(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.to_lowercase(), other.to_lowercase());
    let (one, other) = (Version::parse(&one, 4), Version::parse(&other, 4));
    all_numbers(&one.numbers, &other.numbers).then_with(|| prereleases(one.prerelease(), other.prerelease()))
}

pub fn r#pub(one: &str, other: &str) -> Ordering {
    let (left, right) = (Version::parse(one, 3), Version::parse(other, 3));
    semver(one, other).then_with(|| left.build().cmp(right.build()))
}

pub fn hackage(one: &str, other: &str) -> Result<Ordering, InvalidVersion> {
    let (one, other) = (hackage_numbers(one)?, hackage_numbers(other)?);
    Ok(all_numbers(&one, &other).then_with(|| one.len().cmp(&other.len())))
}

fn hackage_numbers(text: &str) -> Result<Vec<&str>, InvalidVersion> {
    let version = Version::parse(text, usize::MAX);
    if version.rest.is_empty() {
        return Ok(version.numbers);
    }
    Err(Scheme::Hackage.invalid(text, "it is numbers between dots"))
}

pub fn cran(one: &str, other: &str) -> Result<Ordering, InvalidVersion> {
    let (one, other) = (cran_numbers(one)?, cran_numbers(other)?);
    Ok(all_numbers(&one, &other).then_with(|| one.len().cmp(&other.len())))
}

fn cran_numbers(text: &str) -> Result<Vec<&str>, InvalidVersion> {
    let numbers: Vec<_> = text.split(['.', '-']).collect();
    if numbers.iter().all(|number| is_number(number)) {
        return Ok(numbers);
    }
    Err(Scheme::Cran.invalid(text, "it is numbers between dots and dashes"))
}

/// A number that is missing is zero.
fn all_numbers(one: &[&str], other: &[&str]) -> Ordering {
    first_difference(pairs(one, other).map(|(left, right)| numbers(left.unwrap_or(&"0"), right.unwrap_or(&"0"))))
}

/// Section 11 of Semantic Versioning.
fn prereleases(one: &str, other: &str) -> Ordering {
    if one.is_empty() || other.is_empty() {
        return one.is_empty().cmp(&other.is_empty());
    }
    let (one, other): (Vec<_>, Vec<_>) = (one.split('.').collect(), other.split('.').collect());
    first_difference(pairs(&one, &other).map(|pair| match pair {
        (Some(one), Some(other)) => match (is_number(one), is_number(other)) {
            (true, true) => numbers(one, other),
            (false, false) => one.cmp(other),
            (one, other) => other.cmp(&one),
        },
        (one, other) => one.is_some().cmp(&other.is_some()),
    }))
}
