//! The engine on storage in memory: what only a look behind HTTP can arrange.

use std::{sync::Arc, time::Duration};

use domain::{
    Actor, Command, Contents, Digest, Event, Key, ProjectConfig, ReleaseId, Source, Span, Standing, Submission,
};
use engine::{Engine, Error, Opening, Options, Ports, Receipt, ports::ManifestRecord};
use store::memory::Memory;
use testkit::FakeClock;
use tlog::SignerKey;

/// More aggregates than are kept in memory.
const MANY: usize = 20_100;

pub fn ports() -> Ports {
    let memory = Arc::new(Memory::new());
    Ports {
        ledger: memory.clone(),
        catalog: memory.clone(),
        blobs: memory.clone(),
        views: memory.clone(),
        tiles: memory,
    }
}

pub async fn start(ports: &Ports, clock: &FakeClock) -> Result<Engine, Error> {
    let signer = SignerKey::from_seed("example.org/ledger", [7; 32]).expect("a key");
    let opening = Opening { token: "0123456789abcdef".parse().expect("an id"), hash: Digest::sha256(b"secret") };
    let options = Options { clock: Box::new(clock.clone()), ..Options::new(signer, Some(opening)) };
    Engine::start(ports.clone(), options).await
}

pub fn clock() -> FakeClock {
    FakeClock::at("2026-01-01T00:00:00Z".parse().expect("a time"))
}

pub fn root() -> Actor {
    Actor { party: "person:root".parse().expect("a party"), grants: vec!["admin@*".parse().expect("a grant")] }
}

pub async fn submit(engine: &Engine, command: Command) -> Result<Receipt, Error> {
    engine.submit(Submission { actor: root(), key: None, command }).await
}

fn hold(number: usize, everywhere: bool) -> Command {
    Command::Hold {
        digest: Digest::sha256(&number.to_le_bytes()),
        project: (!everywhere).then(|| "shop".parse().expect("a name")),
        reason: "a test".into(),
    }
}

/// A project with one stage, an artifact and a release of it.
async fn release(engine: &Engine) -> (Digest, ReleaseId) {
    let config = r#"{"project":"shop","components":{"web":{}},"stages":{"dev":{}}}"#;
    let config: ProjectConfig = serde_json::from_str(config).expect("a configuration");
    submit(engine, Command::ApplyConfig { config: Box::new(config), expect: None }).await.expect("it is applied");
    let digest = Digest::sha256(b"manifest");
    let record = ManifestRecord {
        repository: "shop/web".parse().expect("a repository"),
        digest: digest.clone(),
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        size: 8,
        subject: None,
        artifact_type: None,
        annotations: Default::default(),
        parts: Vec::new(),
    };
    let command = Command::PushManifest {
        repository: record.repository.clone(),
        digest: digest.clone(),
        media_type: record.media_type.clone(),
        size: record.size,
        subject: None,
        tags: Vec::new(),
    };
    let pushed = Submission { actor: root(), key: None, command };
    engine.submit_manifest(pushed, record).await.expect("it is pushed");
    let components = [("web".parse().expect("a name"), digest.clone())].into();
    let contents = Contents { components, config: None };
    let id = contents.id();
    let project = "shop".parse().expect("a name");
    submit(engine, Command::CreateRelease { project, contents, source: Source::default() }).await.expect("created");
    (digest, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_did_not_end_is_not_served() {
    let (ports, clock) = (ports(), clock());
    let engine = start(&ports, &clock).await.expect("a new ledger opens");
    submit(&engine, hold(1, true)).await.expect("it is held");
    drop(engine);
    ports.ledger.clear_derived().await.expect("it begins");
    let refused = start(&ports, &clock).await.err().expect("rows are missing").to_string();
    assert!(refused.contains("selfsame rebuild"), "{refused}");
    engine::rebuild(&ports, |_| ()).await.expect("it ends");
    let engine = start(&ports, &clock).await.expect("everything is there again");
    let held = engine.read(&[], |state| state.system().holds.len()).await.expect("the state is readable");
    assert_eq!(held, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_on_one_ledger_never_fork_it_and_lose_nothing() {
    let (ports, clock) = (ports(), clock());
    let engines = [start(&ports, &clock).await.expect("it opens"), start(&ports, &clock).await.expect("it opens")];
    let before = ports.ledger.head().await.expect("the head").frontier.size();
    let tasks = (0..100).map(|number| {
        let engine = engines[number % 2].clone();
        tokio::spawn(async move {
            loop {
                match submit(&engine, hold(number, true)).await {
                    Ok(receipt) => return receipt,
                    Err(Error::Busy { .. }) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error}"),
                }
            }
        })
    });
    let mut indices = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        let receipt = task.await.expect("a command is answered");
        assert_eq!(receipt.count, 1);
        indices.push(receipt.index);
    }
    indices.sort_unstable();
    assert_eq!(indices, (before..before + 100).collect::<Vec<_>>(), "each has an entry of its own");
    submit(&engines[0], hold(1000, true)).await.expect("it catches up");
    let held = engines[0].read(&[], |state| state.system().holds.len()).await.expect("the state is readable");
    assert_eq!(held, 101, "whoever wrote last knows of everything");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_nobody_made_do_not_keep_gates_from_answering() {
    let (ports, clock) = (ports(), clock());
    let engine = start(&ports, &clock).await.expect("it opens");
    let (_, id) = release(&engine).await;
    let shop: domain::ProjectName = "shop".parse().expect("a name");
    for chunk in (0..MANY).collect::<Vec<_>>().chunks(1000) {
        let made_up = chunk.iter().flat_map(|number| {
            let project = format!("made-up-{number}").parse().expect("a name");
            [Key::Project(project), Key::Subject(shop.clone(), Digest::sha256(&number.to_le_bytes()))]
        });
        engine.read(&made_up.collect::<Vec<_>>(), |_| ()).await.expect("there are none");
    }
    let (stage, asker) = ("dev".parse().expect("a name"), root().party);
    for _ in 0..100 {
        let place = tokio::time::timeout(Duration::from_secs(10), engine.place(&shop, &stage, &id, &asker, None));
        let place = place.await.expect("it answers").expect("there is an answer");
        assert_eq!(place.standing, Standing::Eligible);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_knows_every_hold_of_its_time_and_none_after() {
    let (ports, clock) = (ports(), clock());
    let engine = start(&ports, &clock).await.expect("it opens");
    let (artifact, id) = release(&engine).await;
    let hour = |hours: u64| Span::from_secs(hours * 3600);
    let dawn = engine.now();
    for everywhere in [true, false] {
        clock.advance(hour(1));
        let project = (!everywhere).then(|| "shop".parse().expect("a name"));
        let held = Command::Hold { digest: artifact.clone(), project: project.clone(), reason: "a test".into() };
        submit(&engine, held).await.expect("it is held");
        clock.advance(hour(1));
        let unheld = Command::Unhold { digest: artifact.clone(), project, reason: "it is fine".into() };
        submit(&engine, unheld).await.expect("it is let go");
    }
    clock.advance(hour(1));
    let project = "shop".parse().expect("a name");
    let stage: domain::StageName = "dev".parse().expect("a name");
    let promote = Command::Promote { project, stage: stage.clone(), release: id.clone(), reason: String::new() };
    let promoted = submit(&engine, promote).await.expect("it is promoted");
    assert!(matches!(promoted.events[..], [Event::Promoted { .. }]));
    clock.advance(hour(1));
    let minutes = |minutes: u64| dawn + Span::from_secs(minutes * 60);
    for (at, standing, lets_in) in [
        (minutes(30), Standing::Eligible, true),
        (minutes(90), Standing::Held, false),
        (minutes(150), Standing::Eligible, true),
        (minutes(210), Standing::Held, false),
        (minutes(270), Standing::Eligible, true),
        (minutes(330), Standing::Current, true),
    ] {
        let shop = "shop".parse().expect("a name");
        let place = engine.place(&shop, &stage, &id, &root().party, Some(at)).await.expect("an answer");
        assert_eq!((place.standing, place.decision.lets_in()), (standing, lets_in), "{at}");
        assert_eq!(place.decision.at, at);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_answered_once_whatever_has_happened_since() {
    let (ports, clock) = (ports(), clock());
    let engine = start(&ports, &clock).await.expect("it opens");
    let (_, id) = release(&engine).await;
    let keyed = |key: &str, command: Command| {
        let key = Some(key.parse().expect("a key"));
        let (engine, submission) = (engine.clone(), Submission { actor: root(), key, command });
        async move { engine.submit(submission).await }
    };
    let unhold = |number: usize| Command::Unhold {
        digest: Digest::sha256(&number.to_le_bytes()),
        project: None,
        reason: "a test".into(),
    };
    let promote = || Command::Promote {
        project: "shop".parse().expect("a name"),
        stage: "dev".parse().expect("a name"),
        release: id.clone(),
        reason: String::new(),
    };
    let held = keyed("hold", hold(1, true)).await.expect("it is held");
    let promoted = keyed("promote", promote()).await.expect("it is promoted");
    keyed("unhold", unhold(1)).await.expect("it is let go");
    let size = engine.size();
    for (key, command, index) in [
        // It would make an entry; it would be refused; it would be refused, too, and by another rule.
        ("hold", hold(1, true), held.index),
        ("promote", promote(), promoted.index),
        ("unhold", unhold(1), promoted.index + 1),
    ] {
        let again = keyed(key, command).await.expect("it is answered");
        assert_eq!((again.index, again.count, again.repeated), (index, 1, true), "{key}");
    }
    for command in [hold(2, true), unhold(2), promote()] {
        let reused = keyed("hold", command).await.expect_err("the key is taken");
        assert!(reused.to_string().contains("idempotency key `hold` was used before"), "{reused}");
    }
    assert_eq!(engine.size(), size, "nothing was done twice");
}
