//! PHP's order: `version_compare`, after Composer took a leading `v` away.

use std::cmp::Ordering;

use super::{first_difference, is_number, numbers, take, take_digits};

pub fn compare(one: &str, other: &str) -> Ordering {
    let (one, other) = (parts(one), parts(other));
    let common = one.iter().zip(&other).map(|(one, other)| match (is_number(one), is_number(other)) {
        (true, true) => numbers(one, other),
        _ => weight(one).cmp(&weight(other)),
    });
    first_difference(common).then_with(|| rest(one.get(other.len()..)).cmp(&rest(other.get(one.len()..))))
}

/// How a version with these parts more is to the one without them.
fn rest(more: Option<&[&str]>) -> Ordering {
    let order = |part: &&str| if is_number(part) { Ordering::Greater } else { weight(part).cmp(&NUMBER) };
    first_difference(more.unwrap_or_default().iter().map(order))
}

/// The weight of a number, and of the sign that stands for any.
const NUMBER: u8 = 4;

/// `dev < alpha < beta < rc < a number < pl`, and any other word before all of these.
fn weight(part: &str) -> u8 {
    if is_number(part) {
        return NUMBER;
    }
    ["dev", "a", "b", "rc", "#", "p"]
        .iter()
        .position(|word| part.starts_with(word) || (*word == "rc" && part.starts_with("RC")))
        .map_or(0, |position| position as u8)
}

fn parts(text: &str) -> Vec<&str> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let text = text.strip_prefix('V').unwrap_or(text);
    let mut parts = Vec::new();
    for mut part in text.split(['.', '-', '_', '+']) {
        if part.is_empty() {
            parts.push(part);
        }
        while !part.is_empty() {
            let digits = take_digits(&mut part);
            let taken = if digits.is_empty() { take(&mut part, |c| !c.is_ascii_digit()) } else { digits };
            parts.push(taken);
        }
    }
    parts
}
