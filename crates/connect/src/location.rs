//! [`Location`]: where an artifact lies, as people write it: `registry.example.org/team/app:1.4` or `...@sha256:...`.

use std::{fmt, net::IpAddr, str::FromStr};

use domain::{Digest, RepositoryName, TagName};
use reqwest::Url;

/// How long a text may be to be read at all.
const TEXT_MAX: usize = 1000;
/// Docker Hub, as images name it; what its API and its credentials are called is another matter.
const DOCKER: &str = "docker.io";

/// A registry: host and perhaps port, and whether it is spoken to without TLS.
///
/// Plain HTTP is for loopback addresses, and for hosts that were written with `http://` in front.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host {
    name: String,
    plain: bool,
}

/// A repository of a registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The registry.
    pub host: Host,
    /// The repository there.
    pub repository: RepositoryName,
}

/// A tag or a digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    /// A label, which may point elsewhere tomorrow.
    Tag(TagName),
    /// The identity.
    Digest(Digest),
}

/// A repository of a registry, and perhaps what is meant there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Where.
    pub place: Place,
    /// What; nothing where the whole repository is meant, or the place is a destination.
    pub reference: Option<Reference>,
}

/// Why a text is no [`Location`], [`Place`] or [`Host`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no place in a registry: {rule}")]
pub struct InvalidLocation {
    /// The text, cut to 200 characters.
    pub text: String,
    /// What is wrong, and what is allowed.
    pub rule: String,
}

impl InvalidLocation {
    fn new(text: &str, rule: impl Into<String>) -> Self {
        Self { text: text.chars().take(200).collect(), rule: rule.into() }
    }
}

impl Host {
    /// Host and port, as written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is spoken to without TLS.
    pub fn is_plain(&self) -> bool {
        self.plain
    }

    /// The address that its API begins at.
    pub(crate) fn base(&self) -> Url {
        let host = if self.name == DOCKER { "registry-1.docker.io" } else { &self.name };
        let scheme = if self.plain { "http" } else { "https" };
        Url::parse(&format!("{scheme}://{host}/")).expect("a host was checked when it was read")
    }

    /// What it is called where credentials are kept.
    pub(crate) fn in_credentials(&self) -> &str {
        if self.name == DOCKER { "index.docker.io" } else { &self.name }
    }
}

/// Whether a host without its port means this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl FromStr for Host {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, InvalidLocation> {
        let (scheme, name) = text.split_once("://").map_or((None, text), |(scheme, name)| (Some(scheme), name));
        let rule = "a host is letters, digits, `.` and `-`, perhaps with a port, such as `registry.example.org` or `localhost:5000`";
        let invalid = || InvalidLocation::new(text, rule);
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | ':' | '[' | ']');
        if name.is_empty() || name.len() > 255 || !name.chars().all(allowed) {
            return Err(invalid());
        }
        // What the address parser makes of it must be what was written: no other spelling of an address, no hidden part.
        let url = Url::parse(&format!("http://{name}/")).map_err(|_| invalid())?;
        let host = url.host_str().ok_or_else(invalid)?;
        let spelled = match name.strip_prefix(host) {
            Some("") => true,
            Some(port) => port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0)),
            None => false,
        };
        let named = host.contains('.') || host.starts_with('[') || host == "localhost" || name.contains(':');
        if !spelled || !(named || scheme.is_some()) {
            return Err(invalid());
        }
        let plain = match scheme {
            None => is_loopback(host),
            Some("https") => false,
            Some("http") => true,
            Some(_) => return Err(InvalidLocation::new(text, "a registry is spoken to by `https://` or `http://`")),
        };
        Ok(Self { name: name.to_owned(), plain })
    }
}

impl FromStr for Location {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, InvalidLocation> {
        if text.len() > TEXT_MAX {
            return Err(InvalidLocation::new(text, format!("it has more than {TEXT_MAX} bytes")));
        }
        let from = text.find("://").map_or(0, |at| at + 3);
        let Some(slash) = text[from..].find('/').map(|at| at + from) else {
            return Err(InvalidLocation::new(
                text,
                "write `HOST/REPOSITORY`, `HOST/REPOSITORY:TAG` or `HOST/REPOSITORY@DIGEST`",
            ));
        };
        let host = text[..slash].parse().map_err(|error: InvalidLocation| InvalidLocation::new(text, error.rule))?;
        let rest = &text[slash + 1..];
        let (name, reference) = match (rest.split_once('@'), rest.split_once(':')) {
            (Some((name, _)), _) if name.contains(':') => {
                return Err(InvalidLocation::new(
                    text,
                    "it names a tag and a digest: leave the tag out, for the digest says it all",
                ));
            }
            (Some((name, digest)), _) => {
                let digest = digest.parse().map_err(|error| InvalidLocation::new(text, format!("{error}")))?;
                (name, Some(Reference::Digest(digest)))
            }
            (None, Some((name, tag))) => {
                let tag = tag.parse().map_err(|error| InvalidLocation::new(text, format!("{error}")))?;
                (name, Some(Reference::Tag(tag)))
            }
            (None, None) => (rest, None),
        };
        let repository = name.parse().map_err(|error| InvalidLocation::new(text, format!("{error}")))?;
        Ok(Self { place: Place { host, repository }, reference })
    }
}

impl FromStr for Place {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, InvalidLocation> {
        let Location { place, reference } = text.parse()?;
        match reference {
            None => Ok(place),
            Some(_) => Err(InvalidLocation::new(text, "a repository is meant here: leave the tag or digest out")),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whatever is read without a scheme as what it is needs none.
        if self.name.parse::<Self>().is_ok_and(|same| same == *self) {
            return f.write_str(&self.name);
        }
        write!(f, "{}://{}", if self.plain { "http" } else { "https" }, self.name)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.repository)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reference {
            None => self.place.fmt(f),
            Some(Reference::Tag(tag)) => write!(f, "{}:{tag}", self.place),
            Some(Reference::Digest(digest)) => write!(f, "{}@{digest}", self.place),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Host, Location};
    use proptest::prelude::*;

    #[test]
    fn locations_are_read_in_one_spelling() {
        let digest = domain::Digest::sha256(b"");
        let whole = format!("r.example/a@{digest}");
        let both = format!("r.example/a:1@{digest}");
        let upper = format!("r.example/a@sha256:{}", digest.hex().to_uppercase());
        for (text, expected) in [
            ("r.example/a", "https r.example/a"),
            ("r.example/a/b:1.4", "https r.example/a/b:1.4"),
            ("r.example:5000/a", "https r.example:5000/a"),
            ("localhost/a", "http localhost/a"),
            ("localhost:5000/a:x", "http localhost:5000/a:x"),
            ("127.0.0.1:5000/a", "http 127.0.0.1:5000/a"),
            ("[::1]:5000/a", "http [::1]:5000/a"),
            ("http://r.example/a", "http http://r.example/a"),
            ("https://localhost:5000/a", "https https://localhost:5000/a"),
            ("docker.io/library/x:1", "https docker.io/library/x:1"),
            (&whole, &format!("https {whole}")),
            (&both, "no"),
            (&upper, "no"),
            ("app:1", "no"),
            ("library/x:1", "no"),
            ("R.example/a", "no"),
            ("user@r.example/a", "no"),
            ("r.example:0/a", "no"),
            ("r.example:99999/a", "no"),
            ("2130706433:80/a", "no"),
            ("0x7f.1/a", "no"),
            ("https://r/a", "https https://r/a"),
            ("ftp://r.example/a", "no"),
            ("r.example/A", "no"),
            ("r.example/a:", "no"),
            ("r.example/", "no"),
            ("r.example/../a", "no"),
            ("", "no"),
        ] {
            let found = text.parse::<Location>();
            let found = found.map_or("no".to_owned(), |found| format!("{} {found}", found.place.host.base().scheme()));
            assert_eq!(found, expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_and_read_back(text in "(https?://)?[a-z0-9.:\\[\\]-]{1,20}/[a-z0-9/._-]{1,20}([:@][a-zA-Z0-9:._-]{0,80})?", any in ".{0,60}") {
            let _ = (any.parse::<Location>(), any.parse::<Host>());
            if let Ok(found) = text.parse::<Location>() {
                prop_assert_eq!(found.to_string().parse::<Location>(), Ok(found));
            }
        }
    }
}
