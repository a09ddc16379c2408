//! [`Reason`]: why something stays.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Digest, ReleaseId, StageName, Timestamp};

/// Why something stays.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Reason {
    /// A stage has it.
    StageHead {
        /// The stage.
        stage: StageName,
        /// The release.
        release: ReleaseId,
    },
    /// A stage could roll back to it.
    RollbackWindow {
        /// The stage.
        stage: StageName,
        /// The release.
        release: ReleaseId,
    },
    /// Its release may still be promoted.
    OpenPromotion {
        /// The release.
        release: ReleaseId,
    },
    /// Its release was promoted once.
    Release {
        /// The release.
        release: ReleaseId,
    },
    /// It, its release, or something that it names is held, so that somebody can look into it.
    Held {
        /// What is held.
        digest: Digest,
    },
    /// Somebody keeps it, or its release, by hand: a legal hold.
    Kept {
        /// What is kept.
        digest: Digest,
    },
    /// It was seen running.
    Running {
        /// Where.
        stage: StageName,
    },
    /// Somebody claims it for a while.
    Leased {
        /// For how long.
        until: Timestamp,
    },
    /// It was pushed, tagged or put into a release a moment ago.
    Fresh,
    /// When it was pushed is not known; `selfsame rebuild` finds out.
    AgeUnknown,
    /// A rule of the policy keeps it.
    Rule {
        /// Which one, counted from 1.
        number: u64,
    },
    /// Something that stays consists of it.
    PartOf {
        /// What stays.
        digest: Digest,
    },
    /// It is about something that stays.
    About {
        /// What stays.
        digest: Digest,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StageHead { stage, release } => write!(f, "stage `{stage}` has it, in release {}", release.short()),
            Self::RollbackWindow { stage, release } => {
                write!(f, "stage `{stage}` can roll back to it, in release {}", release.short())
            }
            Self::OpenPromotion { release } => write!(f, "release {} may still be promoted", release.short()),
            Self::Release { release } => write!(f, "release {} was promoted", release.short()),
            Self::Held { digest } => write!(f, "{} is held", digest.short()),
            Self::Kept { digest } => write!(f, "{} is kept by hand", digest.short()),
            Self::Running { stage } => write!(f, "it was seen running in `{stage}`"),
            Self::Leased { until } => write!(f, "it is leased until {until}"),
            Self::Fresh => f.write_str("it is new"),
            Self::AgeUnknown => f.write_str("when it was pushed is not known; `selfsame rebuild` finds out"),
            Self::Rule { number } => write!(f, "rule {number} of the policy keeps it"),
            Self::PartOf { digest } => write!(f, "{} consists of it", digest.short()),
            Self::About { digest } => write!(f, "it is about {}", digest.short()),
        }
    }
}
