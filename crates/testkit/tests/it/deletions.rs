//! Deletions beside pushes and releases, in every order in which they can reach the writer: whatever is there is whole, and nobody loses what
//! a release is made of or what is attached to it.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Actor, Command, Contents, Digest, Entry, Event, ProjectConfig, RepositoryName, Source, Submission};
use engine::{
    Engine, Error,
    ports::{ManifestRecord, Part, PartKind},
};
use testkit::{Column, World};

/// What is asked for at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ask {
    PushIndex,
    DeleteChild,
    Release,
    PushSignature,
    DeleteSignature,
}

const ASKS: [Ask; 5] = [Ask::PushIndex, Ask::DeleteChild, Ask::Release, Ask::PushSignature, Ask::DeleteSignature];

/// Manifests that nobody else has: a child, an index of it, a signature of the child.
struct Round {
    child: ManifestRecord,
    index: ManifestRecord,
    signature: ManifestRecord,
}

fn root() -> Actor {
    Actor { party: "person:root".parse().expect("a party"), grants: vec!["admin@*".parse().expect("a grant")] }
}

fn web() -> RepositoryName {
    "shop/web".parse().expect("a repository")
}

fn record(name: &str, children: &[&Digest], subject: Option<&Digest>) -> ManifestRecord {
    let part = |digest: &&Digest| Part {
        kind: PartKind::Child,
        digest: (*digest).clone(),
        size: 8,
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
    };
    ManifestRecord {
        repository: web(),
        digest: Digest::sha256(name.as_bytes()),
        media_type: "application/vnd.oci.image.index.v1+json".into(),
        size: 8,
        subject: subject.cloned(),
        artifact_type: None,
        annotations: BTreeMap::new(),
        parts: children.iter().map(part).collect(),
    }
}

impl Round {
    fn new(name: &str) -> Self {
        let child = record(&format!("child {name}"), &[], None);
        let index = record(&format!("index {name}"), &[&child.digest], None);
        let signature = record(&format!("signature {name}"), &[], Some(&child.digest));
        Self { child, index, signature }
    }

    async fn ask(&self, engine: &Engine, ask: Ask) -> Result<(), Error> {
        match ask {
            Ask::PushIndex => push(engine, &self.index).await,
            Ask::PushSignature => push(engine, &self.signature).await,
            Ask::DeleteChild => delete(engine, &self.child).await,
            Ask::DeleteSignature => delete(engine, &self.signature).await,
            Ask::Release => {
                let components = [("web".parse().expect("a name"), self.index.digest.clone())].into();
                let contents = Contents { components, config: None };
                let project = "shop".parse().expect("a name");
                submit(engine, Command::CreateRelease { project, contents, source: Source::default() }).await
            }
        }
    }
}

async fn submit(engine: &Engine, command: Command) -> Result<(), Error> {
    engine.submit(Submission { actor: root(), key: None, command }).await.map(drop)
}

async fn delete(engine: &Engine, record: &ManifestRecord) -> Result<(), Error> {
    submit(engine, Command::DeleteManifest { repository: web(), digest: record.digest.clone() }).await
}

async fn push(engine: &Engine, record: &ManifestRecord) -> Result<(), Error> {
    let command = Command::PushManifest {
        repository: web(),
        digest: record.digest.clone(),
        media_type: record.media_type.clone(),
        size: record.size,
        subject: record.subject.clone(),
        tags: Vec::new(),
    };
    engine.submit_manifest(Submission { actor: root(), key: None, command }, record.clone()).await.map(drop)
}

fn orders(asks: &[Ask]) -> Vec<Vec<Ask>> {
    if asks.is_empty() {
        return vec![Vec::new()];
    }
    let first = |at: usize| {
        let rest: Vec<_> = asks.iter().copied().filter(|ask| *ask != asks[at]).collect();
        orders(&rest).into_iter().map(move |order| [vec![asks[at]], order].concat())
    };
    (0..asks.len()).flat_map(first).collect()
}

/// Follows the ledger, and looks at each deletion whether anything needed what went.
fn follow(entries: &[Entry], known: &BTreeMap<Digest, ManifestRecord>) -> BTreeSet<&'static str> {
    let (mut present, mut released, mut met) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for entry in entries {
        match &entry.event {
            Event::ManifestPushed { digest, .. } => {
                let mut children = known[digest].parts.iter();
                assert!(children.all(|child| present.contains(&child.digest)), "`{digest}` is pushed in halves");
                present.insert(digest.clone());
            }
            Event::ReleaseCreated { contents, .. } => {
                for digest in contents.digests() {
                    assert!(present.contains(digest), "a release of `{digest}`, which is not there");
                    released.insert(digest.clone());
                    released.extend(known[digest].parts.iter().map(|part| part.digest.clone()));
                }
            }
            Event::ManifestDeleted { digest, .. } => {
                assert!(present.remove(digest), "`{digest}` is deleted twice");
                let names = |other: &&Digest| known[*other].parts.iter().any(|part| part.digest == *digest);
                assert_eq!(present.iter().find(names), None, "an index loses `{digest}`");
                let subject = known[digest].subject.as_ref();
                assert!(!released.contains(digest), "a release loses `{digest}`");
                assert!(!subject.is_some_and(|subject| released.contains(subject)), "a release loses its signature");
                met.insert(if subject.is_some() { "a signature went" } else { "a child went" });
            }
            _ => {}
        }
    }
    met.extend((!released.is_empty()).then_some("a release came"));
    met
}

async fn in_all_orders(world: &World, engines: &[&Engine]) {
    let config: ProjectConfig =
        serde_json::from_str(r#"{"project":"shop","components":{"web":{}},"stages":{"dev":{}}}"#)
            .expect("a configuration");
    submit(engines[0], Command::ApplyConfig { config: Box::new(config), expect: None }).await.expect("it is applied");
    let mut known = BTreeMap::new();
    for (number, order) in orders(&ASKS).into_iter().enumerate() {
        let round = Round::new(&number.to_string());
        for record in [&round.child, &round.index, &round.signature] {
            known.insert(record.digest.clone(), record.clone());
        }
        push(engines[0], &round.child).await.expect("nothing is in its way");
        // Each is in the queue before the next; none is answered before all are.
        let asked = order.iter().enumerate();
        let asked = asked.map(|(at, ask)| round.ask(engines[(number + at) % engines.len()], *ask));
        for (ask, answer) in order.iter().zip(futures::future::join_all(asked).await) {
            if let Err(error) = answer {
                let Error::Refused(refusal) = error else { panic!("{ask:?} in {order:?}: {error}") };
                let known =
                    ["artifact-in-use", "artifact-unknown", "artifact-incomplete", "index-names", "part-missing"];
                assert!(known.contains(&refusal.code()), "{ask:?} in {order:?}: {refusal}");
            }
        }
    }
    let bytes = world.engine.ports().ledger.read(0, 100_000).await.expect("entries");
    let entries: Vec<_> = bytes.iter().map(|bytes| Entry::decode(bytes).expect("an entry")).collect();
    let met = follow(&entries, &known);
    assert_eq!(met.into_iter().collect::<Vec<_>>(), ["a child went", "a release came", "a signature went"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_there_is_whole_in_every_order() {
    let world = World::begin().await;
    in_all_orders(&world, &[&world.engine]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn and_so_it_is_where_two_replicas_write() {
    let world = World::on(Column::postgres()).await;
    let other = world.replica().await;
    in_all_orders(&world, &[&world.engine, &other.engine]).await;
}
