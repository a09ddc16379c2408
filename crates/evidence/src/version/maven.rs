//! Maven's order: the version order specification of the POM reference, as `ComparableVersion` implements it.

use std::cmp::Ordering;

use super::{first_difference, is_number, numbers, pairs, take, take_digits};

/// The qualifiers that have a place of their own. All others come after them, in the order of the alphabet.
const QUALIFIERS: [&str; 7] = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"];

/// A part of a version, and the separator before it. A change between digits and letters separates like a hyphen.
struct Token {
    separator: char,
    value: String,
}

pub fn compare(one: &str, other: &str) -> Ordering {
    let (one, other) = (tokens(one), tokens(other));
    first_difference(pairs(&one, &other).map(|pair| match pair {
        (Some(one), Some(other)) => one.compare(other),
        (Some(longer), None) => longer.compare_with_nothing(),
        (None, longer) => longer.map_or(Ordering::Equal, Token::compare_with_nothing).reverse(),
    }))
}

impl Token {
    fn compare(&self, other: &Self) -> Ordering {
        if self.separator != other.separator {
            return self.place().cmp(&other.place());
        }
        match (is_number(&self.value), is_number(&other.value)) {
            (true, true) => numbers(&self.value, &other.value),
            (false, false) => qualifiers(&self.value, &other.value),
            (one, other) => one.cmp(&other),
        }
    }

    /// Where the other version has ended: after a dot that counts as zero, after a hyphen as the release itself.
    fn compare_with_nothing(&self) -> Ordering {
        if !is_number(&self.value) {
            return qualifiers(&self.value, "");
        }
        // Numbers come after the release, even zero after a hyphen.
        if self.separator == '.' { numbers(&self.value, "0") } else { Ordering::Greater }
    }

    /// `.qualifier < -qualifier < -number < .number`
    fn place(&self) -> u8 {
        match (self.separator, is_number(&self.value)) {
            ('-', true) => 2,
            (_, true) => 3,
            ('-', false) => 1,
            (_, false) => 0,
        }
    }

    /// Whether it says nothing where it stands at the end.
    fn is_null(&self) -> bool {
        self.value.is_empty() || self.value == "0"
    }
}

fn qualifiers(one: &str, other: &str) -> Ordering {
    let place = |qualifier| QUALIFIERS.iter().position(|known| *known == qualifier).unwrap_or(QUALIFIERS.len());
    let unknown = || if place(one) == QUALIFIERS.len() { one.cmp(other) } else { Ordering::Equal };
    place(one).cmp(&place(other)).then_with(unknown)
}

fn tokens(text: &str) -> Vec<Token> {
    let text = text.to_lowercase();
    let mut tokens = Vec::new();
    let mut separator = '.';
    let mut rest = text.as_str();
    loop {
        let digits = take_digits(&mut rest);
        let part =
            if digits.is_empty() { take(&mut rest, |c| !c.is_ascii_digit() && c != '.' && c != '-') } else { digits };
        let before_digit = rest.starts_with(|c: char| c.is_ascii_digit());
        tokens.push(Token { separator, value: normal(part, before_digit).to_owned() });
        let Some(next) = rest.chars().next() else { break };
        separator = if next == '.' { '.' } else { '-' };
        if matches!(next, '.' | '-') {
            rest = &rest[1..];
        }
    }
    trim(&mut tokens);
    tokens
}

/// The one spelling of what has several. A letter that stands for a word does so only right before a number.
fn normal(part: &str, before_digit: bool) -> &str {
    match part {
        "" => "0",
        "cr" => "rc",
        "final" | "ga" | "release" => "",
        "a" if before_digit => "alpha",
        "b" if before_digit => "beta",
        "m" if before_digit => "milestone",
        number if is_number(number) => match number.trim_start_matches('0') {
            "" => "0",
            number => number,
        },
        other => other,
    }
}

/// Takes away what says nothing at the end, and before each hyphen.
fn trim(tokens: &mut Vec<Token>) {
    let mut end = tokens.len();
    while end > 1 {
        if tokens[end - 1].is_null() {
            tokens.remove(end - 1);
            end -= 1;
            continue;
        }
        match tokens[..end].iter().rposition(|token| token.separator == '-') {
            Some(hyphen) => end = hyphen,
            None => return,
        }
    }
}
