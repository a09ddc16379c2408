//! [`Policy`]: what a project's file says about retention.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{RepositoryName, Span, TagName, state::OBSERVATION_LASTS_MAX};

/// How many rules a policy has at most.
const RULES_MAX: usize = 50;
/// How long ago a pull is at most that a rule asks for.
const PULLED_WITHIN_MAX: Span = Span::from_days(365);

/// What stays though nothing roots it, and how long what was promoted stays at hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Rules, each of which keeps images. None keeps none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<KeepRule>,
    /// How long whatever was pushed stays, rules or none, so that a release can be made of it; 24 hours unless it says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh: Option<Span>,
    /// How long a release is an open promotion after the last thing that happened to it; 30 days unless it says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Span>,
    /// How long after a release left its last stage its bytes go into the archive; never, unless it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive_after: Option<Span>,
    /// How long after a release left its last stage nothing of it is kept any more; for ever, unless it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_after: Option<Span>,
    /// How long an observation keeps what runs; 7 days unless it says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Span>,
    /// How often the server makes a plan and applies it by itself; never, unless it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
}

/// A rule that keeps images: those of its repository and its tags, for as long as one of its limits holds, or always if it has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeepRule {
    /// In this repository only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<RepositoryName>,
    /// Only images that have a tag like this; without it, untagged ones too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Pattern>,
    /// As long as they were pushed or tagged so recently.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed_within: Option<Span>,
    /// As long as they, or a manifest that they consist of, were pulled so recently; days count whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulled_within: Option<Span>,
    /// As long as they are among so many newest of their repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<u32>,
}

/// A pattern of tags: `*` stands for any number of characters, everything else for itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

/// Why a text is no [`Pattern`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no pattern of tags: write letters, digits, `_`, `.`, `-`, and `*` for any characters, at most 128, for example `v*`"
)]
pub struct InvalidPattern(String);

impl Policy {
    /// How long whatever was pushed stays.
    pub fn fresh(&self) -> Span {
        self.fresh.unwrap_or(Self::FRESH)
    }

    /// How long a release is an open promotion after the last thing that happened to it.
    pub fn open(&self) -> Span {
        self.open.unwrap_or(Span::from_secs(30 * 24 * 3600))
    }

    /// How long an observation keeps what runs.
    pub fn running(&self) -> Span {
        self.running.unwrap_or(Self::RUNNING)
    }

    /// Whether a rule asks when something was last pulled.
    pub fn asks_for_pulls(&self) -> bool {
        self.keep.iter().any(|rule| rule.pulled_within.is_some())
    }

    /// How long whatever was pushed stays where no policy says otherwise.
    pub const FRESH: Span = Span::DAY;
    /// How long an observation keeps what runs where no policy says otherwise.
    pub const RUNNING: Span = Span::from_days(7);

    /// What is wrong with the policy as a whole: the members that lead to the place, and the problem.
    pub(crate) fn check(&self) -> Result<(), (Vec<String>, String)> {
        let at = |path: &[&str]| path.iter().map(ToString::to_string).collect();
        if self.keep.len() > RULES_MAX {
            return Err((at(&["keep"]), format!("a policy has at most {RULES_MAX} rules")));
        }
        if let (Some(archive), Some(delete)) = (self.archive_after, self.delete_after)
            && delete <= archive
        {
            let problem = format!("`delete_after` ({delete}) must be longer than `archive_after` ({archive})");
            return Err((at(&["delete_after"]), problem));
        }
        if self.running.is_some_and(|running| running > OBSERVATION_LASTS_MAX) {
            return Err((at(&["running"]), format!("`running` is at most `{OBSERVATION_LASTS_MAX}`")));
        }
        if self.every.is_some_and(|every| every < Span::from_secs(60)) {
            return Err((at(&["every"]), "`every` is at least `1m`".into()));
        }
        let too_long = |rule: &KeepRule| rule.pulled_within.is_some_and(|span| span > PULLED_WITHIN_MAX);
        if let Some(rule) = self.keep.iter().position(too_long) {
            let problem = format!("`pulled_within` is at most `{PULLED_WITHIN_MAX}`: older pulls are not known");
            return Err((at(&["keep", &rule.to_string(), "pulled_within"]), problem));
        }
        match self.keep.iter().position(|rule| rule.latest == Some(0)) {
            Some(rule) => Err((at(&["keep", &rule.to_string(), "latest"]), "`latest` is at least 1".into())),
            None => Ok(()),
        }
    }
}

impl Pattern {
    /// Whether `tag` is like this.
    pub fn matches(&self, tag: &TagName) -> bool {
        let mut rest = tag.as_str();
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(after) = rest.strip_prefix(first) else { return false };
        rest = after;
        let mut last = None;
        for part in parts {
            if let Some(part) = last.replace(part) {
                // The earliest place leaves the most for what follows.
                let Some(found) = rest.find(part) else { return false };
                rest = &rest[found + part.len()..];
            }
        }
        last.map_or(rest.is_empty(), |last| rest.ends_with(last))
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-*".contains(&b);
        if !text.is_empty() && text.len() <= 128 && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidPattern(text.chars().take(200).collect()))
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = InvalidPattern;

    fn try_from(text: String) -> Result<Self, InvalidPattern> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
