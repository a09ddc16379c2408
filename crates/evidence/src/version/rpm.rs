//! rpm's order: `rpmvercmp`, over epoch, version and release.

use std::cmp::Ordering;

use super::{numbers, take, take_digits};

struct Version<'a> {
    epoch: &'a str,
    version: &'a str,
    release: Option<&'a str>,
}

pub fn compare(one: &str, other: &str) -> Ordering {
    let (one, other) = (parse(one), parse(other));
    numbers(one.epoch, other.epoch).then_with(|| parts(one.version, other.version)).then_with(|| {
        match (one.release, other.release) {
            (Some(one), Some(other)) => parts(one, other),
            (one, other) => one.is_some().cmp(&other.is_some()),
        }
    })
}

/// `epoch:version-release`, of which only the version must be there.
fn parse(text: &str) -> Version<'_> {
    let digits = |epoch: &str| epoch.bytes().all(|byte| byte.is_ascii_digit());
    let (epoch, rest) = text.split_once(':').filter(|(epoch, _)| digits(epoch)).unwrap_or(("", text));
    let (version, release) = rest.split_once('-').map_or((rest, None), |(version, release)| (version, Some(release)));
    Version { epoch, version, release }
}

fn parts(mut one: &str, mut other: &str) -> Ordering {
    loop {
        let separates = |c: char| !(c.is_ascii_alphanumeric() || c == '~' || c == '^');
        take(&mut one, separates);
        take(&mut other, separates);
        match (one.bytes().next(), other.bytes().next()) {
            (Some(b'~'), Some(b'~')) | (Some(b'^'), Some(b'^')) => {
                (one, other) = (&one[1..], &other[1..]);
                continue;
            }
            // What has a tilde comes before all else, even the end.
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            // What has a caret comes after the end, and before all else.
            (Some(b'^'), right) => return if right.is_none() { Ordering::Greater } else { Ordering::Less },
            (left, Some(b'^')) => return if left.is_none() { Ordering::Less } else { Ordering::Greater },
            (None, right) => return if right.is_none() { Ordering::Equal } else { Ordering::Less },
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => {
                let order = match (left.is_ascii_digit(), right.is_ascii_digit()) {
                    (true, true) => numbers(take_digits(&mut one), take_digits(&mut other)),
                    (false, false) => {
                        let letters = |c: char| c.is_ascii_alphabetic();
                        take(&mut one, letters).cmp(take(&mut other, letters))
                    }
                    (left, right) => left.cmp(&right),
                };
                if order.is_ne() {
                    return order;
                }
            }
        }
    }
}
