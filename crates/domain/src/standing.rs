//! [`Standing`]: how a release stands in a stage, in one word and with the answer to "why".

#[cfg(test)]
pub(crate) mod tests;

use serde::{Deserialize, Serialize};

use crate::{Decision, Party, ProjectName, Refusal, ReleaseId, StageName, State, Timestamp, gate};

/// How a release stands in a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is what the stage has.
    Current,
    /// It is what the stage had just before.
    Previous,
    /// The stage had it, or went past it: a release created later is there.
    Superseded,
    /// The gate lets it in.
    Eligible,
    /// The gate does not let it in yet.
    Blocked,
    /// It may never enter.
    Vetoed,
    /// Nobody may use it, anywhere.
    Held,
}

/// How a release stands in a stage, and the gate's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// In one word.
    pub standing: Standing,
    /// The gate's answer, which says what is missing.
    pub decision: Decision,
}

/// How `id` stands in `stage` for `asker` at `now`. What [`State::gate_needs`] names must be loaded, and the current release if it shall be
/// told from a superseded one.
pub fn standing(
    state: &State,
    name: &ProjectName,
    stage: &StageName,
    id: &ReleaseId,
    asker: &Party,
    now: Timestamp,
) -> Result<Place, Refusal> {
    let decision = gate::evaluate(state, name, stage, id, asker, now)?;
    let unknown = || Refusal::ReleaseUnknown { project: name.clone(), release: id.clone() };
    let release = state.release(name, id).ok_or_else(unknown)?;
    let there = state.project(name).map(|project| project.stage(stage));
    let current = there.and_then(|there| there.current.as_ref()).map(|tenure| &tenure.release);
    let previous = there.and_then(|there| there.previous()).map(|tenure| &tenure.release);
    let newer_is_current = current
        .and_then(|current| state.release(name, current))
        .is_some_and(|current| current.created.index > release.created.index);
    let standing = if state.held_in(name, id, release).is_some() {
        Standing::Held
    } else if release.in_stage(stage).is_some_and(|there| there.veto.is_some()) {
        Standing::Vetoed
    } else if current == Some(id) {
        Standing::Current
    } else if previous == Some(id) {
        Standing::Previous
    } else if release.presence(stage).is_some() || newer_is_current {
        Standing::Superseded
    } else if decision.lets_in() {
        Standing::Eligible
    } else {
        Standing::Blocked
    };
    Ok(Place { standing, decision })
}
