//! [`replay`]: decides again what was decided, from the entries alone.

#[cfg(test)]
mod tests;

use domain::{Entry, Event, ProjectName, ReleaseId, StageName, Timestamp, gate};
use serde::Serialize;
use tlog::{Frontier, VerifiedCheckpoint, bundles_for, leaf_hash};

use super::{Source, fold::Fold};
use crate::outcome::{Failure, Outcome};

/// What deciding again came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// The same answer, byte by byte.
    Same,
    /// The same answer for each requirement from the same entries, in other words: another version of this program decided.
    Reworded,
    /// Another answer than the entry says.
    Differs,
}

/// A decision that was made again.
#[derive(Clone, Debug, Serialize)]
pub struct Replayed {
    /// The promotion's entry.
    pub entry: u64,
    /// When it was.
    pub at: Timestamp,
    /// The project.
    pub project: ProjectName,
    /// The stage.
    pub stage: StageName,
    /// The release.
    pub release: ReleaseId,
    /// The digest that the entry has of the decision.
    pub recorded: domain::Digest,
    /// What came of it.
    pub comparison: Comparison,
    /// The whole decision, as it is made now.
    pub decision: Option<gate::Decision>,
    /// Why there is none, or what of it is another than the entry says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Decides again each promotion that `wanted` names, or every one where it names none, from the entries that the checkpoint covers. All of them are
/// read, since the hash of each is needed for the signed root.
///
/// # Errors
/// If the entries cannot be read, or do not lead to the signed root: then nothing of this proves anything.
pub async fn replay(
    source: &Source,
    checkpoint: &VerifiedCheckpoint,
    wanted: &[u64],
    progress: impl Fn(u64),
) -> Outcome<Vec<Replayed>> {
    let (mut fold, mut frontier, mut replayed) = (Fold::default(), Frontier::default(), Vec::new());
    for bundle in bundles_for(0, checkpoint.size()) {
        let missing = || Failure::broken(format!("`{bundle}` is missing"));
        let bytes = source.bundle(&bundle).await?.ok_or_else(missing)?;
        let entries = bundle.decode(&bytes).map_err(|error| Failure::broken(error.to_string()))?;
        for (index, bytes) in (bundle.first_entry()..).zip(entries) {
            if wanted.is_empty() || wanted.contains(&index) {
                replayed.extend(decide_again(&fold, index, bytes));
            }
            frontier.append(leaf_hash(bytes));
            fold.take(index, bytes, checkpoint.origin()).map_err(|finding| Failure::broken(finding.to_string()))?;
        }
        progress(bundle.first_entry() + u64::from(bundle.width()));
    }
    if frontier.root() != checkpoint.root() {
        let text = "the entries do not lead to the signed root, so what follows from them proves nothing";
        let hint = "`selfsame audit verify` says which entry was changed";
        return Err(Failure::refused("checkpoint-not-believed", text, Some(hint.into())));
    }
    Ok(replayed)
}

/// Decides again at the state before the entry; `None` if it is no promotion.
fn decide_again(fold: &Fold, index: u64, bytes: &[u8]) -> Option<Replayed> {
    let entry = Entry::decode(bytes).ok()?;
    let Event::Promoted { project, stage, release, decision: recorded, .. } = &entry.event else { return None };
    let now = gate::evaluate(&fold.state, project, stage, release, &entry.actor, entry.at);
    let (comparison, decision, problem) = match now {
        Err(refusal) => (Comparison::Differs, None, Some(refusal.to_string())),
        Ok(decision) => {
            let again = decision.record();
            let (comparison, problem) = if again.gate != recorded.gate {
                (Comparison::Differs, Some(format!("the gate was {}, and is {}", recorded.gate, again.gate)))
            } else if again.findings != recorded.findings {
                (Comparison::Differs, Some("a requirement stands otherwise, or on other entries".into()))
            } else if !decision.lets_in() {
                (Comparison::Differs, Some("the gate was not met".into()))
            } else if again.digest == recorded.digest {
                (Comparison::Same, None)
            } else {
                (Comparison::Reworded, None)
            };
            (comparison, Some(decision), problem)
        }
    };
    Some(Replayed {
        entry: index,
        at: entry.at,
        project: project.clone(),
        stage: stage.clone(),
        release: release.clone(),
        recorded: recorded.digest.clone(),
        comparison,
        decision,
        problem,
    })
}
