//! Debian's order: deb-version(7).

use std::cmp::Ordering;

use super::{InvalidVersion, Scheme, is_number, numbers, take, take_digits};

struct Version<'a> {
    epoch: &'a str,
    upstream: &'a str,
    revision: &'a str,
}

pub fn compare(one: &str, other: &str) -> Result<Ordering, InvalidVersion> {
    let (one, other) = (parse(one)?, parse(other)?);
    Ok(numbers(one.epoch, other.epoch)
        .then_with(|| parts(one.upstream, other.upstream))
        .then_with(|| parts(one.revision, other.revision)))
}

fn parse(text: &str) -> Result<Version<'_>, InvalidVersion> {
    let trimmed = text.trim();
    let (epoch, rest) = trimmed.split_once(':').unwrap_or(("0", trimmed));
    if !is_number(epoch) {
        return Err(Scheme::Debian.invalid(text, "what stands before the colon is a number"));
    }
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
    Ok(Version { epoch, upstream, revision })
}

/// Compares runs of what is no digit and runs of digits by turns.
fn parts(mut one: &str, mut other: &str) -> Ordering {
    while !one.is_empty() || !other.is_empty() {
        let (left, right) = (take(&mut one, |c| !c.is_ascii_digit()), take(&mut other, |c| !c.is_ascii_digit()));
        let order =
            weights(left).cmp(weights(right)).then_with(|| numbers(take_digits(&mut one), take_digits(&mut other)));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// A tilde comes before the end, the end before letters, and letters before all else.
fn weights(run: &str) -> impl Iterator<Item = u32> {
    let weigh = |byte: u8| match byte {
        b'~' => 0,
        letter if letter.is_ascii_alphabetic() => 2 + u32::from(letter),
        other => 1000 + u32::from(other),
    };
    run.bytes().map(weigh).chain([1])
}
