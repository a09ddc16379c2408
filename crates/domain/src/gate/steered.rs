//! Always required: nobody has closed the stage by hand, to everything or to this release.

use super::{Finding, Question};

/// A finding for each thing in the way; none where there is nothing, since an open stage needs no explanation.
pub(super) fn findings(question: &Question<'_>) -> Vec<Finding> {
    let (name, stage, id) = (question.name, question.stage, question.id);
    let there = question.state.project(name).map(|project| project.stage(stage));
    let pinned = there.and_then(|there| there.pinned.as_ref()).map(|pin| {
        let because = format!("`{stage}` is pinned to what it has by {}: {}", pin.by, pin.reason);
        Finding::unmet("not-pinned", because, format!("selfsame unpin {stage} --project {name}")).by([pin.index])
    });
    let paused = there.and_then(|there| there.paused.as_ref()).map(|pause| {
        let because = format!("`{stage}` is paused by {}: {}", pause.by, pause.reason);
        Finding::unmet("not-paused", because, format!("selfsame resume {stage} --project {name}")).by([pause.index])
    });
    let vetoed = question.release.in_stage(stage).and_then(|there| there.veto.as_ref()).map(|veto| {
        let because = format!("the release is vetoed for `{stage}` by {}: {}", veto.by, veto.reason);
        let next = format!("promote another, or selfsame unveto {id} --project {name} --stage {stage} --reason ...");
        Finding::unmet("not-vetoed", because, next).by([veto.index])
    });
    pinned.into_iter().chain(paused).chain(vetoed).collect()
}
