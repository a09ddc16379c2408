//! Equal replicas on one PostgreSQL: what one wrote, another knows.

use std::time::{Duration, Instant};

use api::{HistoryQuery, HoldRequest, PromotionRequest};
use domain::Digest;
use testkit::{Column, World};

use crate::story::{key, release, shop, stage};

async fn three() -> [World; 3] {
    let first = World::on(Column::postgres()).await;
    let (second, third) = (first.replica().await, first.replica().await);
    [first, second, third]
}

/// Under one key, a command is done once, whichever replica is asked, and however many at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_answered_once_on_all_replicas() {
    let worlds = three().await;
    let (_, first) = release(&worlds[0], &worlds[0].client(), "first").await;
    let (_, second) = release(&worlds[1], &worlds[1].client(), "second").await;
    for round in 0..8 {
        let release = if round % 2 == 0 { &first } else { &second };
        let request = PromotionRequest { release: release.clone(), reason: String::new(), dry_run: false };
        let unique = key(&format!("round-{round}"));
        let asked =
            worlds.iter().map(async |world| world.client().promote(&unique, &shop(), &stage("dev"), &request).await);
        let answers = futures::future::join_all(asked).await;
        let answers: Vec<_> = answers.into_iter().map(|answer| answer.expect("it is promoted")).collect();
        assert!(answers.iter().all(|answer| answer.index == answers[0].index), "round {round}: {answers:?}");
    }
    for world in &worlds {
        world.engine.wait_past(worlds[0].engine.size() - 1, Duration::from_secs(5)).await;
        world.audit().await;
    }
}

/// What somebody was answered, they find on another replica if they name it; what nobody names is known there a moment later.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_replica_wrote_another_shows() {
    let worlds = three().await;
    let (artifact, release) = release(&worlds[0], &worlds[0].client(), "first").await;
    let request = PromotionRequest { release: release.clone(), reason: String::new(), dry_run: false };
    let promoted = worlds[1].client().promote(&key("dev"), &shop(), &stage("dev"), &request).await.expect("promoted");
    let here = worlds[2].client().waiting_for(promoted.as_of);
    let history = here.history(&shop(), &HistoryQuery::default()).await.expect("a history");
    assert_eq!(history.items.first().map(|row| row.index), Some(promoted.index), "{history:?}");
    let request = HoldRequest { digest: artifact.clone(), project: None, reason: "a test".into() };
    worlds[0].client().hold(&key("hold"), &request).await.expect("held");
    let begun = Instant::now();
    while !is_held(&worlds[2], &artifact).await {
        assert!(begun.elapsed() < Duration::from_secs(2), "a hold is not known on another replica");
    }
    worlds[2].audit().await;
}

async fn is_held(world: &World, artifact: &Digest) -> bool {
    let held = world.engine.read(&[domain::Key::System], |state| state.system().holds.contains_key(artifact));
    held.await.expect("the state can be read")
}
