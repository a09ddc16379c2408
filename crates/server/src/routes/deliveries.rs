//! How deliveries stand: what the ledger says, and what this server knows beside it.

use api::{Delivery, DeliveryState};
use domain::{Project, StageName};
use engine::Slot;

use crate::App;

/// How it stands with each target of `stage`; nothing while the stage has no release.
pub(super) fn of_stage(app: &App, project: &Project, stage: &StageName) -> Vec<Delivery> {
    let there = project.stage(stage);
    let Some(current) = &there.current else { return Vec::new() };
    let attempts = app.deliveries.borrow();
    let each = project.config.targets(stage).iter().map(|(target, to)| {
        let slot = Slot { project: project.config.project.clone(), stage: stage.clone(), target: target.clone() };
        let attempt = attempts.get(&slot).filter(|attempt| attempt.promotion == current.mark.index);
        let mut delivery = Delivery {
            target: target.clone(),
            place: to.place().to_owned(),
            state: DeliveryState::Delivering,
            at: None,
            entry: None,
            tries: 0,
            reason: String::new(),
            next: attempt.and_then(|attempt| attempt.next),
        };
        match there.deliveries.get(target) {
            Some(domain::Delivery::Delivered { at, index }) => {
                let state = DeliveryState::Delivered;
                return Delivery { state, at: Some(*at), entry: Some(*index), next: None, ..delivery };
            }
            Some(domain::Delivery::Failing { at, index, tries, reason }) => {
                (delivery.at, delivery.entry) = (Some(*at), Some(*index));
                (delivery.state, delivery.tries) = (DeliveryState::Failing, *tries);
                delivery.reason.clone_from(reason);
            }
            None => {}
        }
        // What this server saw is newer than what was recorded.
        if let Some(attempt) = attempt.filter(|attempt| !attempt.reason.is_empty()) {
            (delivery.state, delivery.tries) = (DeliveryState::Failing, attempt.tries);
            delivery.reason.clone_from(&attempt.reason);
        }
        delivery
    });
    each.collect()
}
