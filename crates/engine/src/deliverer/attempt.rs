//! One delivery, tried until it succeeds.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{
    Command, DeliveryReport, Due, ProjectName, Span, StageName, Submission, TEXT_BYTES_MAX, TargetName, Timestamp,
};
use tokio::sync::{Semaphore, watch};

use crate::{
    Engine, Error,
    engine::itself,
    ports::{Courier, Undelivered},
};

/// The first pause before trying again; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// How long to leave to another replica what that is at.
const ELSEWHERE: Duration = Duration::from_secs(2);
/// How long to wait where the ledger does not take a report.
const PATIENCE: Duration = Duration::from_secs(1);

/// One target of one stage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// The project.
    pub project: ProjectName,
    /// The stage.
    pub stage: StageName,
    /// The target.
    pub target: TargetName,
}

/// How a delivery goes that has not succeeded yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The entry that made the release current which is delivered.
    pub promotion: u64,
    /// How often it was tried since this server began with it.
    pub tries: u64,
    /// Why it did not succeed the last time; empty before.
    pub reason: String,
    /// When it is tried again; `None` while it is being tried, or may not be.
    pub next: Option<Timestamp>,
}

/// How each delivery goes that has not succeeded yet.
pub type Attempts = BTreeMap<Slot, Attempt>;

impl Slot {
    pub(super) fn of(due: &Due) -> Self {
        Self { project: due.project.clone(), stage: due.stage.clone(), target: due.target.clone() }
    }
}

/// Tries until it is delivered and that is recorded, or until nobody wants it any more, which is for the caller to know.
pub(super) async fn until_delivered(
    engine: Engine,
    courier: Arc<dyn Courier>,
    turns: Arc<Semaphore>,
    shown: Arc<watch::Sender<Attempts>>,
    due: Due,
) {
    let show = |tries: u64, reason: &str, next: Option<Timestamp>| {
        let attempt = Attempt { promotion: due.promotion, tries, reason: reason.to_owned(), next };
        shown.send_modify(|shown| drop(shown.insert(Slot::of(&due), attempt)));
    };
    let (mut tries, mut reason) = (0, String::new());
    loop {
        show(tries, &reason, None);
        let outcome = match turns.acquire().await {
            Ok(_turn) => courier.deliver(&due).await,
            Err(_) => return,
        };
        let failure = match outcome {
            Ok(found) => match due.difference(&found) {
                None => return report(&engine, &due, tries + 1, DeliveryReport::Found(found)).await,
                difference => difference,
            },
            Err(Undelivered::Failed(why)) => Some(why),
            Err(Undelivered::Elsewhere) => None,
        };
        let pause = match failure {
            None => ELSEWHERE,
            Some(why) => {
                tries += 1;
                reason = shortened(why);
                let Slot { project, stage, target } = Slot::of(&due);
                tracing::warn!(%project, %stage, %target, tries, reason, "A delivery did not succeed");
                report(&engine, &due, tries, DeliveryReport::Failed(reason.clone())).await;
                pause_after(tries)
            }
        };
        let wait = Span::from_millis(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
        show(tries, &reason, Some(engine.now() + wait));
        tokio::time::sleep(pause).await;
    }
}

/// Tells the ledger, however long that takes: an answer that is lost would have the target asked again.
async fn report(engine: &Engine, due: &Due, tries: u64, report: DeliveryReport) {
    let Due { project, stage, promotion, target, to, .. } = due.clone();
    let command = Command::ReportDelivery { project, stage, promotion, target, to, tries, report };
    loop {
        match engine.submit(Submission { actor: itself(), key: None, command: command.clone() }).await {
            Ok(_) => return,
            Err(Error::Refused(refusal)) => {
                return tracing::error!(%refusal, "What came of a delivery cannot be recorded");
            }
            Err(error) => {
                tracing::warn!(%error, "What came of a delivery is not recorded yet");
                tokio::time::sleep(PATIENCE).await;
            }
        }
    }
}

fn pause_after(tries: u64) -> Duration {
    let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX);
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_PAUSE)
}

/// As much of a reason as the ledger takes.
fn shortened(mut reason: String) -> String {
    reason.truncate(reason.floor_char_boundary(TEXT_BYTES_MAX));
    reason
}
