//! From an answer to the words of a story.

use super::World;
use crate::{Decision, Event, Refusal, RoleName};

impl World {
    /// What events and refusals say, with the stories' own names for digests.
    pub(super) fn describe(&self, outcome: &Result<Vec<Event>, Refusal>) -> String {
        self.relabel(match outcome {
            Ok(events) if events.is_empty() => "nothing".into(),
            Ok(events) => events.iter().map(event).collect::<Vec<_>>().join(", "),
            Err(refusal) if refusal.hint().is_empty() => panic!("`{}` gives no hint", refusal.code()),
            Err(refusal) => format!("refused {}: {refusal}", refusal.code()),
        })
    }

    /// What a gate says: everything when it is open, what is missing when it is closed.
    pub(super) fn describe_decision(&self, decision: &Decision) -> String {
        let open = decision.lets_in();
        let said = decision.findings.iter().filter(|finding| open || !finding.status.lets_in());
        let because = said.map(|finding| finding.because.clone()).collect::<Vec<_>>().join("; ");
        let opens = decision.opens_at().filter(|_| !open).map(|at| format!("; opens in {}", at.since(decision.at)));
        self.relabel(format!("{}: {because}{}", if open { "open" } else { "closed" }, opens.unwrap_or_default()))
    }

    fn relabel(&self, mut text: String) -> String {
        for (digest, label) in &self.labels {
            text = text.replace(digest.as_str(), label).replace(digest.short(), label);
        }
        text
    }
}

fn event(event: &Event) -> String {
    match event {
        Event::Promoted { stage, release, replaces, .. } => {
            let replacing = replaces.as_ref().map(|replaced| format!(", replacing {replaced}"));
            format!("promoted {release} to {stage}{}", replacing.unwrap_or_default())
        }
        Event::RolledBack { stage, release, from, .. } => format!("rolled back {stage} from {from} to {release}"),
        Event::Approved { roles, .. } => {
            format!("approved as {}", roles.iter().map(RoleName::to_string).collect::<Vec<_>>().join(" and "))
        }
        other => other.name().into(),
    }
}
