//! A range of versions: events in the order of the ecosystem, as the schema evaluates them.

use std::cmp::Ordering;

use serde::Deserialize;

use crate::version::{InvalidVersion, Scheme};

/// Whether a version is affected. Ordered by how much it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Affects {
    /// It is not.
    No,
    /// It cannot be told: a version that its ecosystem's order says nothing about.
    Unknown,
    /// It is.
    Yes,
}

#[derive(Clone, Debug)]
pub(super) struct Range {
    events: Vec<Event>,
    limits: Vec<String>,
}

/// Versions from one on, or up to one.
#[derive(Clone, Debug)]
enum Event {
    /// From the first one on.
    IntroducedFirst,
    Introduced(String),
    Fixed(String),
    LastAffected(String),
}

#[derive(Deserialize)]
pub(super) struct RangeRecord {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    events: Vec<EventRecord>,
}

#[derive(Deserialize)]
struct EventRecord {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    limit: Option<String>,
}

impl Range {
    /// The range, unless it is about commits: packages have none.
    pub(super) fn from_record(record: RangeRecord) -> Option<Self> {
        if record.kind == "GIT" {
            return None;
        }
        let (mut events, mut limits) = (Vec::new(), Vec::new());
        for event in record.events {
            events.extend(event.introduced.map(|version| match version.as_str() {
                "0" => Event::IntroducedFirst,
                _ => Event::Introduced(version),
            }));
            events.extend(event.fixed.map(Event::Fixed));
            events.extend(event.last_affected.map(Event::LastAffected));
            limits.extend(event.limit);
        }
        Some(Self { events, limits })
    }

    pub(super) fn about(&self, scheme: Scheme, version: &str) -> Affects {
        match self.contains(scheme, version) {
            Ok(true) => Affects::Yes,
            Ok(false) => Affects::No,
            Err(_) => Affects::Unknown,
        }
    }

    /// The latest event at or before the version decides. So the events need not be sorted, and the newest that opens or ends a range is found in
    /// one pass.
    fn contains(&self, scheme: Scheme, version: &str) -> Result<bool, InvalidVersion> {
        if !self.is_before_limits(scheme, version)? {
            return Ok(false);
        }
        let mut latest: Option<&Event> = None;
        for event in &self.events {
            let passed = match event {
                Event::IntroducedFirst => true,
                Event::Introduced(at) | Event::Fixed(at) => scheme.compare(version, at)?.is_ge(),
                Event::LastAffected(at) => scheme.compare(version, at)?.is_gt(),
            };
            if passed && latest.map_or(Ok(true), |latest| event.is_not_before(latest, scheme))? {
                latest = Some(event);
            }
        }
        Ok(matches!(latest, Some(Event::IntroducedFirst | Event::Introduced(_))))
    }

    fn is_before_limits(&self, scheme: Scheme, version: &str) -> Result<bool, InvalidVersion> {
        let mut before = self.limits.is_empty();
        for limit in &self.limits {
            before |= limit == "*" || scheme.compare(version, limit)?.is_lt();
        }
        Ok(before)
    }

    /// The first version after `version` in which it is fixed.
    pub(super) fn fixed_after(&self, scheme: Scheme, version: &str) -> Option<String> {
        let later = self.events.iter().filter_map(|event| match event {
            Event::Fixed(at) if scheme.compare(at, version).is_ok_and(Ordering::is_gt) => Some(at),
            _ => None,
        });
        later.min_by(|one, other| scheme.compare(one, other).unwrap_or(Ordering::Equal)).cloned()
    }
}

impl Event {
    fn version(&self) -> Option<&str> {
        match self {
            Self::IntroducedFirst => None,
            Self::Introduced(at) | Self::Fixed(at) | Self::LastAffected(at) => Some(at),
        }
    }

    /// Of two at the same version, what ends a range counts: it was written for that version. A last affected version ends the range after itself.
    fn is_not_before(&self, other: &Self, scheme: Scheme) -> Result<bool, InvalidVersion> {
        let order = match (self.version(), other.version()) {
            (Some(one), Some(other)) => scheme.compare(one, other)?,
            (one, other) => one.is_some().cmp(&other.is_some()),
        };
        Ok(match order {
            Ordering::Equal => !matches!(self, Self::IntroducedFirst | Self::Introduced(_)),
            order => order.is_gt(),
        })
    }
}
