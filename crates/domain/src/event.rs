//! [`Event`]: a fact. The ledger keeps it for ever, so a variant may be added but never changed.

mod about;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    CommandKey, ComponentName, Contents, Digest, EvidenceKind, EvidenceName, Grant, Party, ProjectConfig, ProjectName,
    ReleaseId, RepositoryName, RoleName, Source, StageName, Statement, TagName, TargetName, Timestamp, TokenId,
    canonical, canonical::NotCanonical, gate::DecisionRecord,
};

/// How many bytes an encoded [`Entry`] has at most: the limit of a tlog-tiles entry bundle (a 16-bit length).
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// How many bytes the canonical form of an [`Event`] has at most: what stands around it in an [`Entry`] (who, when, the request) needs
/// less than the rest.
pub const EVENT_BYTES_MAX: usize = ENTRY_BYTES_MAX - 1024;

/// One entry of the ledger: who made which fact true, and when. Its canonical JSON (RFC 8785) is the leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Who asked for it.
    pub actor: Party,
    /// When the writer accepted it; never earlier than the entry before.
    pub at: Timestamp,
    /// What became true.
    pub event: Event,
    /// The request that it answers, where the caller gave an idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// The version of this form.
    pub v: Version,
}

/// The version of the entry's form; there is one so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Version;

/// What makes asking twice safe: the caller's key, and the digest of the command that it was used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The digest of the canonical form of the command.
    pub command: Digest,
    /// The caller's key.
    pub key: CommandKey,
}

/// A fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// The ledger began. Always the first entry and never another.
    LedgerOpened {
        /// The origin line of the ledger's checkpoints.
        origin: String,
    },
    /// A project's configuration was put in force.
    ConfigApplied {
        /// The whole configuration.
        config: Box<ProjectConfig>,
    },
    /// An access token was issued. The ledger holds a hash of its secret, never the secret.
    TokenIssued {
        /// The id of the token.
        token: TokenId,
        /// The SHA-256 digest of the secret.
        hash: Digest,
        /// Who acts with it.
        party: Party,
        /// What it allows.
        grants: Vec<Grant>,
        /// When it ends.
        expires: Timestamp,
    },
    /// An access token was revoked.
    TokenRevoked {
        /// The id of the token.
        token: TokenId,
        /// Why.
        reason: String,
    },
    /// A manifest or index was pushed, perhaps under tags.
    ManifestPushed {
        /// Where to.
        repository: RepositoryName,
        /// The digest of its bytes.
        digest: Digest,
        /// Its media type.
        media_type: String,
        /// Its size in bytes.
        size: u64,
        /// The manifest that it is about, if it is a referrer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<Digest>,
        /// The tags that point to it from now on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tags: Vec<TagName>,
    },
    /// A manifest was deleted, with its tags.
    ManifestDeleted {
        /// Where.
        repository: RepositoryName,
        /// Its digest.
        digest: Digest,
    },
    /// A tag was deleted; the manifest stays.
    TagDeleted {
        /// Where.
        repository: RepositoryName,
        /// The tag.
        tag: TagName,
    },
    /// Evidence about a digest was recorded.
    EvidenceRecorded {
        /// The project in which it counts.
        project: ProjectName,
        /// The artifact or release that it is about.
        subject: Digest,
        /// What it is.
        kind: EvidenceKind,
        /// Which one of the kind.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<EvidenceName>,
        /// What it says.
        result: EvidenceResult,
        /// More that it says, for people and for search.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        attributes: BTreeMap<String, String>,
        /// The blob that holds the whole of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        document: Option<Digest>,
        /// What of it was signed, if it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        statement: Option<Statement>,
    },
    /// A release was created.
    ReleaseCreated {
        /// In which project.
        project: ProjectName,
        /// Its id, the digest of its contents.
        release: ReleaseId,
        /// What it is made of.
        contents: Contents,
        /// Where that comes from.
        #[serde(default)]
        source: Source,
    },
    /// A release entered a stage and became current there.
    Promoted {
        /// In which project.
        project: ProjectName,
        /// Into which stage.
        stage: StageName,
        /// Which release.
        release: ReleaseId,
        /// The release that was current before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaces: Option<ReleaseId>,
        /// What it is made of, so that the entry proves which bytes without another.
        contents: Contents,
        /// The gate's answer that let it in.
        decision: DecisionRecord,
        /// Why, in the words of whoever asked.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// An earlier release of a stage became current again.
    RolledBack {
        /// In which project.
        project: ProjectName,
        /// Which stage.
        stage: StageName,
        /// The release that is current now.
        release: ReleaseId,
        /// The release that was current before.
        from: ReleaseId,
        /// What it is made of.
        contents: Contents,
        /// Why.
        reason: String,
    },
    /// A person said yes to a release for a stage, as its gate is now.
    Approved {
        /// In which project.
        project: ProjectName,
        /// For which stage.
        stage: StageName,
        /// Which release.
        release: ReleaseId,
        /// The digest of the gate that the person saw.
        gate: Digest,
        /// The roles that the person had.
        roles: Vec<RoleName>,
        /// What the person said.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        comment: String,
    },
    /// A digest was held: nobody may use it.
    Held {
        /// An artifact, a configuration or a release.
        digest: Digest,
        /// In one project, or everywhere.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        project: Option<ProjectName>,
        /// Why.
        reason: String,
    },
    /// A hold ended.
    Unheld {
        /// The digest.
        digest: Digest,
        /// The project, as in the hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        project: Option<ProjectName>,
        /// Why.
        reason: String,
    },
    /// A release may never enter a stage.
    Vetoed {
        /// In which project.
        project: ProjectName,
        /// Which stage.
        stage: StageName,
        /// Which release.
        release: ReleaseId,
        /// Why.
        reason: String,
    },
    /// A veto was lifted.
    Unvetoed {
        /// In which project.
        project: ProjectName,
        /// Which stage.
        stage: StageName,
        /// Which release.
        release: ReleaseId,
        /// Why.
        reason: String,
    },
    /// The stage's steering changed.
    Steered {
        /// In which project.
        project: ProjectName,
        /// Which stage.
        stage: StageName,
        /// What changed.
        change: Steering,
        /// Why.
        reason: String,
    },
    /// It became known how the current release of a stage does.
    HealthReported {
        /// In which project.
        project: ProjectName,
        /// Which stage.
        stage: StageName,
        /// The release that was current.
        release: ReleaseId,
        /// Whether it does well.
        healthy: bool,
        /// What was seen.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// A target has what the stage has: every digest was read back there.
    Delivered {
        /// In which project.
        project: ProjectName,
        /// Of which stage.
        stage: StageName,
        /// The release that was current.
        release: ReleaseId,
        /// The target.
        target: TargetName,
        /// Where that is.
        place: String,
        /// What was read back there.
        found: BTreeMap<ComponentName, Digest>,
    },
    /// A delivery was tried several times and did not succeed; it is tried again. Recorded now and then, not for each attempt.
    DeliveryFailed {
        /// In which project.
        project: ProjectName,
        /// Of which stage.
        stage: StageName,
        /// The release that was current.
        release: ReleaseId,
        /// The target.
        target: TargetName,
        /// How often it was tried without a break.
        tries: u64,
        /// Why it did not succeed the last time.
        reason: String,
    },
    /// Every target of the stage has its current release. Where a stage has no targets, a release is settled as it enters, without this.
    Settled {
        /// In which project.
        project: ProjectName,
        /// In which stage.
        stage: StageName,
        /// The release.
        release: ReleaseId,
    },
    /// A retention plan was recorded.
    RetentionPlanned {
        /// Of which project.
        project: ProjectName,
        /// The digest of its document: what becomes of each object, and why.
        plan: Digest,
        /// How many ledger entries it takes into account.
        as_of: u64,
        /// How many objects stay as they are.
        kept: u64,
        /// How many lie in the archive.
        archived: u64,
        /// How many go.
        trashed: u64,
        /// How many bytes are free at hand then.
        frees: u64,
    },
    /// Somebody has the plan carried out.
    RetentionApplied {
        /// Of which project.
        project: ProjectName,
        /// The digest of its document.
        plan: Digest,
    },
    /// A manifest went, with its tags, as a plan says.
    ManifestCollected {
        /// From where.
        repository: RepositoryName,
        /// Its digest.
        digest: Digest,
        /// The digest of the plan's document.
        plan: Digest,
        /// The tags that pointed to it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tags: Vec<TagName>,
    },
    /// All of a retention plan is done.
    RetentionEnded {
        /// Of which project.
        project: ProjectName,
        /// The digest of its document.
        plan: Digest,
        /// How many manifests went.
        collected: u64,
        /// How many stay that were to go, because something happened to them since.
        saved: u64,
    },
    /// A digest is kept whatever the policy says: a legal hold.
    Kept {
        /// In which project.
        project: ProjectName,
        /// An artifact or a release.
        digest: Digest,
        /// Why.
        reason: String,
    },
    /// A keep ended.
    Unkept {
        /// In which project.
        project: ProjectName,
        /// The digest.
        digest: Digest,
        /// Why.
        reason: String,
    },
    /// Somebody saw what runs in a stage.
    Observed {
        /// In which project.
        project: ProjectName,
        /// In which stage.
        stage: StageName,
        /// What runs there; none where nothing does.
        digests: BTreeSet<Digest>,
    },
    /// Somebody claims a digest for a while.
    Leased {
        /// In which project.
        project: ProjectName,
        /// What is claimed.
        digest: Digest,
        /// The stage whose tokens may pull it for as long.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stage: Option<StageName>,
        /// When it ends.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// The leases that a party had of a digest ended before their time.
    Unleased {
        /// In which project.
        project: ProjectName,
        /// The digest.
        digest: Digest,
        /// Whose leases.
        party: Party,
    },
}

/// What evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceResult {
    /// All is well.
    Passed,
    /// Well enough, with remarks.
    Warned,
    /// Not well.
    Failed,
}

/// How a stage is steered by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Steering {
    /// The stage stays on what it has: nothing enters, not even by rollback.
    Pinned,
    /// The pin is taken away.
    Unpinned,
    /// No promotions for now; rollback stays open.
    Paused,
    /// Promotions go on.
    Resumed,
}

impl Entry {
    /// The canonical bytes: the leaf.
    pub fn encode(&self) -> Vec<u8> {
        canonical::to_vec(self)
    }

    /// Reads a leaf. Any other spelling of the same entry is refused, so that a leaf has one meaning and a meaning one leaf.
    pub fn decode(bytes: &[u8]) -> Result<Self, NotCanonical> {
        canonical::from_slice(bytes)
    }
}

impl std::fmt::Display for EvidenceResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Warned => "warned",
            Self::Failed => "failed",
        })
    }
}

impl TryFrom<u32> for Version {
    type Error = String;

    fn try_from(version: u32) -> Result<Self, String> {
        if version == 1 {
            Ok(Self)
        } else {
            Err(format!("entry version {version} is unknown: this program reads version 1"))
        }
    }
}

impl From<Version> for u32 {
    fn from(Version: Version) -> Self {
        1
    }
}
