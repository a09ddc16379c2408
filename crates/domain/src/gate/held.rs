//! Always required: nothing that the release is made of is held.

use super::{Finding, Question, Status};
use crate::PARTS_MAX;

const KIND: &str = "not-held";

pub(super) fn finding(question: &Question<'_>) -> Finding {
    if let Some((digest, hold)) = question.state.held_in(question.name, question.id, question.release) {
        let named = question.release.contents.digests().any(|part| part == digest) || digest == question.id.digest();
        let what = if named { String::new() } else { ", a part of it,".into() };
        return Finding::unmet(
            KIND,
            format!("`{digest}`{what} is held by {}: {}", hold.mark.by, hold.mark.reason),
            format!("find out why; `selfsame unhold {digest} --reason ...` lets it go"),
        )
        .by([hold.mark.index]);
    }
    let cut = question.release.contents.components.iter().find(|(component, digest)| {
        question.state.artifact(question.name, component, digest).is_some_and(|artifact| artifact.cut)
    });
    match cut {
        None => Finding::met(KIND, "nothing in the release is held".into()),
        Some((component, _)) => Finding {
            next_step: Some("split the artifact".into()),
            ..Finding::new(
                KIND,
                Status::Unknown,
                format!("`{component}` has more than {PARTS_MAX} parts: whether one of them is held cannot be told"),
            )
        },
    }
}
