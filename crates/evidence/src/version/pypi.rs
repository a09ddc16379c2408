//! Python's order: PEP 440. Versions from before it come before all of its own, in the order that setuptools gave them.

use std::{cmp::Ordering, str::FromStr};

use pep440_rs::Version;

use super::{is_number, take, take_digits};

pub fn compare(one: &str, other: &str) -> Ordering {
    match (Version::from_str(one), Version::from_str(other)) {
        (Ok(one), Ok(other)) => one.cmp(&other),
        (Err(_), Err(_)) => legacy(one).cmp(&legacy(other)),
        (one, other) => one.is_ok().cmp(&other.is_ok()),
    }
}

/// What setuptools compared: words in the order of the alphabet, where a few are written differently, and numbers that are padded.
fn legacy(text: &str) -> String {
    let text = text.to_lowercase();
    let mut rest = text.as_str();
    let mut parts: Vec<String> = Vec::new();
    while !rest.is_empty() {
        let mut part = take_digits(&mut rest);
        if part.is_empty() {
            part = take(&mut rest, |c| c.is_ascii_lowercase());
        }
        if part.is_empty() {
            (part, rest) = rest.split_at(rest.chars().next().map_or(0, char::len_utf8));
        }
        push(&mut parts, part);
    }
    push(&mut parts, "final");
    parts.concat()
}

fn push(parts: &mut Vec<String>, part: &str) {
    let part = match part {
        number if is_number(number) => format!("{number:0>8}"),
        "pre" | "preview" | "rc" => "*c".to_owned(),
        "-" => "*final-".to_owned(),
        "dev" => "*@".to_owned(),
        word if word.bytes().all(|byte| byte.is_ascii_lowercase()) => format!("*{word}"),
        _ => return,
    };
    if part.starts_with('*') {
        while part.as_str() < "*final" && parts.last().is_some_and(|last| last == "*final-") {
            parts.pop();
        }
        while parts.last().is_some_and(|last| last == "00000000") {
            parts.pop();
        }
    }
    parts.push(part);
}
