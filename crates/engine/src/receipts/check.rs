//! Whether a file is a receipt, and what it proves: a pure function of the file and the keys that its reader believes.

use domain::{Digest, Entry, Event};
use evidence::signed::{
    NotVerified,
    bundle::Bundle,
    key::PublicKey,
    statement::Statement,
    summary::{self, Summary},
    trust::Trust,
};
use tlog::{TlogProof, VerifierKey};

use super::{EXTENSION, Extension, digest_set, resource_uri, verifier_id};

/// What a receipt says, once somebody whom the reader believes has signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What it says of the promotion.
    pub extension: Extension,
    /// The verification summary.
    pub summary: Summary,
    /// Every artifact that it is about: the component's, and the manifests that an index names.
    pub subjects: Vec<Digest>,
    /// The ledger that holds the entry, and of how many entries; `None` where no key of a ledger was given.
    pub proven: Option<(String, u64)>,
}

/// Why a file is no receipt that proves anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAReceipt {
    /// It is not signed by a key that the reader gave, or is not what it should be.
    #[error(transparent)]
    NotVerified(#[from] NotVerified),
    /// It is signed, and is another statement.
    #[error("it is no receipt, but a statement of type `{predicate_type}`")]
    Other {
        /// Of which type.
        predicate_type: String,
    },
    /// It is signed, and is no receipt in one of its parts.
    #[error("it is no receipt: {0}")]
    Malformed(String),
    /// It is signed, and says something else than the ledger.
    #[error("the ledger does not say what it says: {0}")]
    Contradicted(String),
}

/// Checks a receipt with the public keys of receipts and, if any are given, of ledgers.
///
/// # Errors
/// [`NotAReceipt`] says why it proves nothing.
pub fn check(receipt: &[u8], keys: &[PublicKey], ledgers: &[VerifierKey]) -> Result<Checked, NotAReceipt> {
    let bundle = Bundle::parse(receipt).map_err(NotVerified::from)?;
    let statement = Statement::open(bundle.open_envelope(Trust::in_keys(keys))?)?.into_content();
    if statement.predicate_type() != summary::PREDICATE_TYPE {
        return Err(NotAReceipt::Other { predicate_type: statement.predicate_type().to_owned() });
    }
    let mut summary = Summary::parse(statement.predicate()).map_err(NotAReceipt::Malformed)?;
    let malformed = |problem: &str| NotAReceipt::Malformed(problem.to_owned());
    let extension = summary.extensions.remove(EXTENSION).ok_or_else(|| malformed("it names no promotion"))?;
    let extension: Extension =
        serde_json::from_value(extension).map_err(|error| NotAReceipt::Malformed(error.to_string()))?;
    if summary.verification_result != summary::PASSED {
        return Err(malformed("it does not say that the release passed"));
    }
    if summary.resource_uri != resource_uri(&summary.verifier.id, &extension) {
        return Err(malformed("its `resourceUri` is that of something else than it says"));
    }
    let subjects: Vec<Digest> = statement
        .subjects()
        .iter()
        .flat_map(|subject| &subject.digests)
        .filter_map(|digest| digest.to_string().parse().ok())
        .collect();
    if !subjects.contains(&extension.artifact) {
        return Err(malformed("it is not about the artifact that it names"));
    }
    let proven = if ledgers.is_empty() { None } else { Some(prove(&extension, &summary, ledgers)?) };
    Ok(Checked { extension, summary, subjects, proven })
}

/// The ledger that says so, and of how many entries.
fn prove(said: &Extension, summary: &Summary, ledgers: &[VerifierKey]) -> Result<(String, u64), NotAReceipt> {
    let unproven = |problem: String| NotAReceipt::Contradicted(problem);
    let proof = TlogProof::parse(said.proof.as_bytes()).map_err(|error| unproven(error.to_string()))?;
    let entry = proof.unauthenticated_extra().ok_or_else(|| unproven("the proof holds no entry".into()))?;
    let verified = proof.verify(entry, ledgers).map_err(|error| unproven(error.to_string()))?;
    let entry = Entry::decode(entry).map_err(|error| unproven(error.to_string()))?;
    if verified.index() != said.entry {
        return Err(unproven(format!(
            "it proves entry {}, and the receipt names entry {}",
            verified.index(),
            said.entry
        )));
    }
    let Event::Promoted { project, stage, release, contents, decision, .. } = &entry.event else {
        return Err(unproven(format!("entry {} is no promotion", said.entry)));
    };
    let origin = verified.checkpoint().origin();
    let agree = [
        ("the project", *project == said.project),
        ("the stage", *stage == said.stage),
        ("the release", *release == said.release),
        ("the artifact", contents.components.get(&said.component) == Some(&said.artifact)),
        ("the time", summary.time_verified.as_deref() == Some(entry.at.to_string().as_str())),
        ("the gate", summary.policy.digest == digest_set(&decision.gate)),
        ("the ledger", summary.verifier.id == verifier_id(origin)),
    ];
    match agree.into_iter().find(|(_, agrees)| !agrees) {
        Some((what, _)) => Err(unproven(format!("{what} is another one"))),
        None => Ok((origin.to_owned(), verified.checkpoint().size())),
    }
}
