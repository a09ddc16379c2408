//! Equal replicas on one PostgreSQL: what one wrote, another knows.

use std::time::{Duration, Instant};

use api::{HistoryQuery, HoldRequest, PromotionRequest};
use domain::{Actor, Command, Digest, Key, ProjectConfig, Span, Submission};
use engine::{Collector, Engine, Turn};
use serde_json::json;
use testkit::{Column, World};

use crate::{
    pulls::Shop,
    story::{key, release, shop, stage},
};

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
    let held = world.engine.read(&[Key::System], |state| state.system().holds.contains_key(artifact));
    held.await.expect("the state can be read")
}

/// Pushes an image, lets it become old, and has it collected: waits until somebody has done so.
async fn collected(shop: &Shop, name: &str) {
    let image = shop.image(name, &[name], None).await;
    shop.world.clock.advance(Span::from_secs(2 * 3600));
    let engine = &shop.world.engine;
    let (_, plan, _) = engine.record_plan(admin(), &self::shop()).await.expect("a plan");
    let command = Command::ApplyRetention { project: self::shop(), plan };
    engine.submit(Submission { actor: admin(), key: None, command }).await.expect("it is applied");
    let begun = Instant::now();
    let ended = |state: &domain::State| {
        state.retention(&self::shop()).and_then(|known| known.plan.as_ref()).is_some_and(|plan| plan.ended.is_some())
    };
    while !engine.read(&[Key::Retention(self::shop())], ended).await.expect("the state can be read") {
        assert!(begun.elapsed() < Duration::from_secs(60), "nobody collects `{name}`");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let there = engine.ports().catalog.manifest(&"shop/web".parse().expect("a repository"), &image).await;
    assert_eq!(there.expect("the catalog"), None);
}

/// One replica collects at a time; another goes on once that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn another_collects_once_the_first_is_gone() {
    let world = World::on(Column::postgres()).await;
    let second = world.replica().await;
    let lasts = Duration::from_secs(2);
    let collect = |engine: &Engine| {
        let (turn, engine) = (Turn::at(engine, "retention").lasting(lasts), engine.clone());
        tokio::spawn(async move { Collector::new(engine, Span::DAY).run(&turn).await })
    };
    let config: ProjectConfig = serde_json::from_value(json!({
        "project": "shop", "components": {"web": {}}, "stages": {"dev": {}}, "retention": {"fresh": "1h"},
    }))
    .expect("a configuration");
    world.client().apply(&key("apply"), &api::ApplyRequest { config, expect: None }).await.expect("it is applied");
    let http = world.http();
    let shop = Shop { world, http };
    let first = collect(&shop.world.engine);
    collected(&shop, "one").await;
    assert_eq!(second.engine.ports().ledger.take_turn("retention", lasts).await.expect("an answer"), None);
    let next = collect(&second.engine);
    collected(&shop, "two").await;
    first.abort();
    collected(&shop, "three").await;
    assert!(second.engine.ports().ledger.take_turn("retention", lasts).await.expect("an answer") > Some(1));
    // Both at once do no harm either.
    let step = async |engine: &Engine| {
        let mut collector = Collector::new(engine.clone(), Span::DAY);
        for _ in 0..20 {
            collector.round().await.expect("a step");
        }
    };
    tokio::join!(collected(&shop, "four"), step(&shop.world.engine), step(&second.engine));
    next.abort();
    shop.world.audit().await;
    second.audit().await;
}

fn admin() -> Actor {
    Actor { party: "person:admin".parse().expect("a party"), grants: vec!["admin@*".parse().expect("a grant")] }
}
