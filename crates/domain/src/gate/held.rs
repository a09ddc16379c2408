//! Always required: nothing that the release is made of is held.

use super::{Finding, Question};

pub(super) fn finding(question: &Question<'_>) -> Finding {
    let held = question
        .release
        .contents
        .digests()
        .chain([question.id.digest()])
        .find_map(|digest| question.state.system().hold_on(digest, question.name).map(|hold| (digest, hold)));
    match held {
        None => Finding::met("not-held", "nothing in the release is held".into()),
        Some((digest, hold)) => Finding::unmet(
            "not-held",
            format!("`{digest}` is held by {}: {}", hold.mark.by, hold.mark.reason),
            format!("find out why; `selfsame unhold {digest} --reason ...` lets it go"),
        )
        .by([hold.mark.index]),
    }
}
