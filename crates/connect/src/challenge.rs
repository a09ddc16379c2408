//! [`Challenge`]: how a registry says that it wants to know who asks (RFC 9110, 11.6.1).

/// How long a header may be to be read at all.
const HEADER_MAX: usize = 8192;

/// What a registry asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A name and a password with each request.
    Basic,
    /// A token, which somebody else issues.
    Bearer {
        /// Where.
        realm: String,
        /// For what.
        service: Option<String>,
    },
}

impl Challenge {
    /// What the headers ask for; a token rather than a password, where both would do.
    pub fn of<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut found = None;
        for header in headers.filter(|header| header.len() <= HEADER_MAX) {
            for (scheme, parameters) in challenges(header) {
                if scheme.eq_ignore_ascii_case("basic") {
                    found.get_or_insert(Self::Basic);
                } else if scheme.eq_ignore_ascii_case("bearer") {
                    let of = |name: &str| {
                        parameters
                            .iter()
                            .find(|(key, _)| key.eq_ignore_ascii_case(name))
                            .map(|(_, value)| value.clone())
                    };
                    if let Some(realm) = of("realm") {
                        return Some(Self::Bearer { realm, service: of("service") });
                    }
                }
            }
        }
        found
    }
}

type Parameters = Vec<(String, String)>;

/// Splits `Scheme key="value", key=value, Scheme ...`. What is not understood is passed over.
fn challenges(header: &str) -> Vec<(String, Parameters)> {
    let mut found: Vec<(String, Parameters)> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() {
            // A stray `=`: go past it, so that this ends.
            let Some(next) = rest.get(1..) else { return found };
            rest = next;
            continue;
        }
        match after.strip_prefix('=') {
            Some(value) => {
                let (value, next) = value_of(value);
                if let Some((_, parameters)) = found.last_mut() {
                    parameters.push((word.to_owned(), value));
                }
                rest = next;
            }
            None => {
                found.push((word.to_owned(), Vec::new()));
                rest = after;
            }
        }
    }
}

/// A word or a quoted text, and what stands behind it.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::Challenge;
    use proptest::prelude::*;

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer { realm: realm.into(), service: service.map(Into::into) })
        };
        for (headers, expected) in [
            (&["Basic realm=\"x\""][..], Some(Challenge::Basic)),
            (&["basic"], Some(Challenge::Basic)),
            (
                &["Bearer realm=\"https://a.example/token\",service=\"r\",scope=\"repository:a/b:pull,push\""],
                bearer("https://a.example/token", Some("r")),
            ),
            (&["bearer realm=https://a.example/t , service=r"], bearer("https://a.example/t", Some("r"))),
            (&["Basic realm=\"a, Bearer realm=b\", Bearer realm=\"c\""], bearer("c", None)),
            (&["Basic realm=x", "Bearer realm=\"c\\\"d\""], bearer("c\"d", None)),
            (&["Bearer service=\"no realm\""], None),
            (&["Negotiate", "Digest realm=\"x\""], None),
            (&["=", "\"", ",,,", ""], None),
            (&[], None),
        ] {
            assert_eq!(Challenge::of(headers.iter().copied()), expected, "{headers:?}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read_to_its_end(header in ".{0,200}", near in "(Bearer|Basic|realm|service|=|\"|,| |\\\\|x){0,30}") {
            let _ = Challenge::of([header.as_str(), near.as_str()].into_iter());
        }
    }
}
