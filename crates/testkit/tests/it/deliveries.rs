//! Deliveries by a courier that does as a test says: what is tried again, what is broken off, and what the ledger is told.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use domain::{Command, ComponentName, Contents, Digest, Due, Entry, Event, Key, ProjectConfig, ReleaseId, Source};
use engine::{
    Attempt, Attempts, Deliverer, Engine, Ports,
    ports::{Courier, ManifestRecord, Undelivered},
};
use tokio::{sync::Notify, task::JoinHandle};

use super::engine::{clock, ports, root, start, submit};

/// What becomes of an attempt.
enum Fate {
    /// The target has it then.
    Arrives,
    /// The target has something else then.
    Differs,
    Fails(&'static str),
    Elsewhere,
    /// It never ends.
    Hangs,
}

/// Does as it is told, in that order; and what is due arrives once nothing more was told.
#[derive(Default)]
struct Script {
    fates: Mutex<VecDeque<Fate>>,
    log: Mutex<Vec<String>>,
    said: Notify,
}

/// An attempt that does not end by itself.
struct Hanging<'a>(&'a Script, &'a Due);

impl Drop for Hanging<'_> {
    fn drop(&mut self) {
        self.0.say(format!("broken off {}", self.1.release.short()));
    }
}

impl Script {
    fn of(fates: impl IntoIterator<Item = Fate>) -> Arc<Self> {
        Arc::new(Self { fates: Mutex::new(fates.into_iter().collect()), ..Self::default() })
    }

    fn say(&self, what: String) {
        self.log.lock().expect("nobody panics with it").push(what);
        self.said.notify_one();
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().expect("nobody panics with it").clone()
    }
}

#[async_trait]
impl Courier for Script {
    async fn deliver(&self, due: &Due) -> Result<BTreeMap<ComponentName, Digest>, Undelivered> {
        self.say(format!("asked for {}", due.release.short()));
        let fate = self.fates.lock().expect("nobody panics with it").pop_front().unwrap_or(Fate::Arrives);
        let found = due.artifacts.iter().map(|(component, (_, digest))| (component.clone(), digest.clone()));
        match fate {
            Fate::Arrives => Ok(found.collect()),
            Fate::Differs => Ok(found.map(|(component, _)| (component, Digest::sha256(b"other"))).collect()),
            Fate::Fails(why) => Err(Undelivered::Failed(why.into())),
            Fate::Elsewhere => Err(Undelivered::Elsewhere),
            Fate::Hangs => {
                let _broken_off = Hanging(self, due);
                std::future::pending().await
            }
        }
    }
}

fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a name")
}

/// A project whose only stage delivers to `eu`, and two releases of it.
async fn two_releases(engine: &Engine) -> [ReleaseId; 2] {
    let config =
        r#"{"project":"shop","components":{"web":{}},"stages":{"dev":{"deliver":{"eu":{"registry":"r.example"}}}}}"#;
    let config: ProjectConfig = serde_json::from_str(config).expect("a configuration");
    submit(engine, Command::ApplyConfig { config: Box::new(config), expect: None }).await.expect("it is applied");
    let mut releases = Vec::new();
    for bytes in [&b"one"[..], b"two"] {
        let (digest, repository) = (Digest::sha256(bytes), name("shop/web"));
        let media_type = "application/vnd.oci.image.manifest.v1+json".to_owned();
        let record = ManifestRecord {
            repository,
            digest: digest.clone(),
            media_type: media_type.clone(),
            size: 3,
            subject: None,
            artifact_type: None,
            annotations: Default::default(),
            parts: Vec::new(),
        };
        let (repository, tags) = (record.repository.clone(), Vec::new());
        let command =
            Command::PushManifest { repository, digest: digest.clone(), media_type, size: 3, subject: None, tags };
        let pushed = domain::Submission { actor: root(), key: None, command };
        engine.submit_manifest(pushed, record).await.expect("it is pushed");
        let contents = Contents { components: [(name("web"), digest)].into(), config: None };
        releases.push(contents.id());
        let command = Command::CreateRelease { project: name("shop"), contents, source: Source::default() };
        submit(engine, command).await.expect("it is created");
    }
    releases.try_into().expect("two")
}

async fn promote(engine: &Engine, release: &ReleaseId) {
    let (project, stage, release) = (name("shop"), name("dev"), release.clone());
    let command = Command::Promote { project, stage, release, reason: String::new() };
    submit(engine, command).await.expect("it is promoted");
}

fn deliver(engine: &Engine, script: &Arc<Script>) -> JoinHandle<()> {
    tokio::spawn(Deliverer::new(engine.clone(), script.clone()).run())
}

/// Waits until the script has said so much.
async fn said(script: &Script, count: usize) -> Vec<String> {
    let wait = async {
        while script.log().len() < count {
            script.said.notified().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap_or_else(|_| panic!("only {:?}", script.log()));
    script.log()
}

/// Waits until what `dev` has is settled; the names of the entries about deliveries.
async fn settled(engine: &Engine, release: &ReleaseId) -> Vec<&'static str> {
    loop {
        let size = engine.size();
        let is_so = |state: &domain::State| {
            let current = state.project(&name("shop"))?.stage(&name("dev")).current.clone()?;
            Some(current.release == *release && !current.unsettled)
        };
        if engine.read(&[Key::Project(name("shop"))], is_so).await.expect("the state is readable") == Some(true) {
            return told(engine.ports()).await;
        }
        assert!(engine.wait_past(size, Duration::from_secs(60)).await, "it is not settled");
    }
}

async fn told(ports: &Ports) -> Vec<&'static str> {
    let entries = ports.ledger.read(0, 1000).await.expect("entries are readable");
    let events = entries.iter().map(|bytes| Entry::decode(bytes).expect("an entry").event);
    let of_deliveries =
        |event: &Event| matches!(event, Event::Delivered { .. } | Event::DeliveryFailed { .. } | Event::Settled { .. });
    events.filter(of_deliveries).map(|event| event.name()).collect()
}

#[tokio::test]
async fn it_is_tried_until_the_target_has_what_it_should() {
    let engine = start(&ports(), &clock()).await.expect("the engine starts");
    let [one, _] = two_releases(&engine).await;
    let script = Script::of([Fate::Elsewhere, Fate::Fails("down"), Fate::Differs, Fate::Fails("down")]);
    let deliverer = Deliverer::new(engine.clone(), script.clone());
    let mut shown = deliverer.watch();
    let running = tokio::spawn(deliverer.run());
    promote(&engine, &one).await;
    // What another replica does is no try.
    let differs = |attempt: &Attempt| attempt.tries == 2 && attempt.reason.starts_with("of `web` it has `sha256:");
    shown.wait_for(|shown| shown.values().any(differs)).await.expect("it is shown");
    assert_eq!(settled(&engine, &one).await, ["delivery-failed", "delivered", "settled"], "two failures are not told");
    assert_eq!(script.log().len(), 5);
    running.abort();
}

#[tokio::test]
async fn another_release_breaks_off_what_is_under_way() {
    let engine = start(&ports(), &clock()).await.expect("the engine starts");
    let [one, two] = two_releases(&engine).await;
    promote(&engine, &one).await;
    let script = Script::of([Fate::Hangs]);
    let running = deliver(&engine, &script);
    said(&script, 1).await;
    promote(&engine, &two).await;
    assert_eq!(settled(&engine, &two).await, ["delivered", "settled"]);
    let (one, two) = (one.short(), two.short());
    assert_eq!(script.log(), [format!("asked for {one}"), format!("broken off {one}"), format!("asked for {two}")]);
    running.abort();
}

#[tokio::test]
async fn it_goes_on_after_a_restart_and_of_two_replicas_one_is_heard() {
    let (ports, clock) = (ports(), clock());
    let engine = start(&ports, &clock).await.expect("the engine starts");
    let [one, _] = two_releases(&engine).await;
    promote(&engine, &one).await;
    let script = Script::of([Fate::Hangs]);
    let running = deliver(&engine, &script);
    said(&script, 1).await;
    running.abort();
    assert!(running.await.is_err());
    assert_eq!(said(&script, 2).await[1], format!("broken off {}", one.short()), "nothing goes on without its server");
    drop(engine);
    let engine = start(&ports, &clock).await.expect("the engine starts again");
    let replicas = [Script::of([]), Script::of([])];
    let running = replicas.each_ref().map(|script| deliver(&engine, script));
    assert_eq!(settled(&engine, &one).await, ["delivered", "settled"]);
    running.iter().for_each(JoinHandle::abort);
}

#[tokio::test]
async fn what_is_held_is_broken_off() {
    let engine = start(&ports(), &clock()).await.expect("the engine starts");
    let [one, _] = two_releases(&engine).await;
    promote(&engine, &one).await;
    let script = Script::of([Fate::Hangs]);
    let deliverer = Deliverer::new(engine.clone(), script.clone());
    let shown = deliverer.watch();
    let running = tokio::spawn(deliverer.run());
    said(&script, 1).await;
    let (digest, reason) = (Digest::sha256(b"one"), "a leak".to_owned());
    submit(&engine, Command::Hold { digest: digest.clone(), project: None, reason: reason.clone() })
        .await
        .expect("held");
    said(&script, 2).await;
    let is_shown = |shown: &Attempts| shown.values().any(|attempt| attempt.reason.ends_with("is held: a leak"));
    assert!(shown.clone().wait_for(is_shown).await.is_ok());
    submit(&engine, Command::Unhold { digest, project: None, reason }).await.expect("let go");
    assert_eq!(settled(&engine, &one).await, ["delivered", "settled"]);
    running.abort();
}
