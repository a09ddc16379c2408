//! What `after` asks for: having been current upstream, well, and for long enough.

use super::{Finding, Question, Status};
use crate::{Delivery, Presence, Span, StageName, config::Upstream};

const KIND: &str = "upstream";

pub(super) fn findings(upstream: &Upstream, question: &Question<'_>) -> Vec<Finding> {
    let soak = upstream.soak.unwrap_or(Span::ZERO);
    let mut findings: Vec<_> = upstream.all.iter().map(|stage| in_stage(stage, soak, question)).collect();
    findings.extend(any_of(&upstream.any, soak, question));
    findings
}

fn any_of(stages: &[StageName], soak: Span, question: &Question<'_>) -> Option<Finding> {
    let mut each: Vec<_> = stages.iter().map(|stage| in_stage(stage, soak, question)).collect();
    if let Some(met) = each.iter().position(|finding| finding.status == Status::Met) {
        return Some(each.swap_remove(met));
    }
    // The one that needs only time is the nearest; otherwise the first that was named.
    each.sort_by_key(|finding| (finding.met_at.is_none(), finding.met_at));
    let others: Vec<_> = each.iter().map(|finding| finding.because.clone()).collect();
    let nearest = each.into_iter().next()?;
    let because =
        if others.len() > 1 { format!("none of these holds: {}", others.join("; ")) } else { nearest.because.clone() };
    Some(Finding { because, ..nearest })
}

fn in_stage(stage: &StageName, soak: Span, question: &Question<'_>) -> Finding {
    let promote = || format!("selfsame promote {} --project {} --to {stage}", question.id, question.name);
    let Some(presence) = question.release.presence(stage) else {
        return Finding::unmet(KIND, format!("it has not been in `{stage}`"), promote());
    };
    if presence.left.as_ref().is_some_and(|left| left.rolled_back) {
        let because = format!("`{stage}` was rolled back from it");
        return Finding::unmet(KIND, because, format!("mend it and release anew, or {}", promote()))
            .by([presence.index]);
    }
    if presence.unsettled {
        return unsettled(stage, question, presence, promote());
    }
    let healthy = presence.healthy_time(question.now);
    if !presence.is_well() {
        let soaked = if soak == Span::ZERO {
            String::new()
        } else {
            format!(", after being well for {} of {soak}", seconds(healthy))
        };
        let (because, next) = match &presence.left {
            None => (
                format!("`{stage}` is reported unhealthy with it{soaked}"),
                format!("mend `{stage}` and report it healthy; soak time stands still until then"),
            ),
            Some(_) => (format!("`{stage}` was reported unhealthy with it when it left{soaked}"), promote()),
        };
        return Finding::unmet(KIND, because, next).by([presence.index]);
    }
    if healthy >= soak {
        let because = if soak == Span::ZERO {
            format!("it has been in `{stage}` since {}", presence.since)
        } else {
            format!("it has been well in `{stage}` for {}, {soak} required", seconds(healthy))
        };
        return Finding::met(KIND, because).by([presence.index]);
    }
    let missing = soak.saturating_sub(healthy);
    let because = format!("it has been well in `{stage}` for {} of {soak}", seconds(healthy));
    if presence.left.is_some() {
        Finding::unmet(KIND, format!("{because}, and it has left"), promote())
    } else {
        let met_at = question.now + missing;
        let next = format!("wait until {met_at} while `{stage}` stays healthy; `selfsame promote --wait` does that");
        Finding { met_at: Some(met_at), ..Finding::unmet(KIND, because, next) }
    }
    .by([presence.index])
}

/// It is there, or was, and not every target has it.
fn unsettled(stage: &StageName, question: &Question<'_>, presence: &Presence, promote: String) -> Finding {
    let entries = [presence.index];
    if presence.left.is_some() {
        let because = format!("it left `{stage}` before it was delivered everywhere");
        return Finding::unmet(KIND, because, promote).by(entries);
    }
    let Some(project) = question.state.project(question.name) else {
        return Finding::unmet(KIND, format!("`{stage}` is delivering it"), promote).by(entries);
    };
    let there = project.stage(stage);
    let missing = project.config.targets(stage).keys().filter(|target| !there.is_delivered(target));
    let each = missing.map(|target| match there.deliveries.get(target) {
        Some(Delivery::Failing { tries, reason, .. }) => format!("`{target}` (after {tries} tries: {reason})"),
        _ => format!("`{target}`"),
    });
    let because = format!("`{stage}` is still delivering it to {}", each.collect::<Vec<_>>().join(", "));
    let failing = there.deliveries.values().filter_map(|delivery| match delivery {
        Delivery::Failing { index, .. } => Some(*index),
        Delivery::Delivered { .. } => None,
    });
    let next = "wait until it is delivered: `selfsame status` shows how far that is; `selfsame promote --wait` waits";
    Finding::unmet(KIND, because, next.into()).by(entries.into_iter().chain(failing))
}

fn seconds(span: Span) -> Span {
    Span::from_millis(span.as_millis() - span.as_millis() % 1000)
}
