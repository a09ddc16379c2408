//! [`Shelf`]: the system, what is done to it, and what is looked at.

use std::collections::BTreeMap;

use api::{HoldRequest, PromotionRequest, ReleaseRequest, RollbackRequest, Source};
use domain::{
    Actor, Command, CommandKey, Digest, Entry, Event, ProjectConfig, ProjectName, ReleaseId, RepositoryName, Span,
    Submission,
    retention::{Outcome, Plan},
};
use engine::{Collector, Error, Step};
use serde_json::json;
use testkit::{Column, World};

use super::model::{FRESH_HOURS, Model, Thing};
use crate::pulls::{IMAGE, INDEX, image, of};

/// How long the trash keeps what is in it.
const TRASH: Span = Span::DAY;

pub struct Shelf {
    pub world: World,
    http: reqwest::Client,
    client: api::Client,
    collector: Option<Collector>,
    /// Up to which entry the model has followed.
    seen: u64,
    keys: u64,
    plan: Option<Digest>,
}

fn shop() -> ProjectName {
    "shop".parse().expect("a name")
}

fn web() -> RepositoryName {
    "shop/web".parse().expect("a name")
}

fn admin() -> Actor {
    Actor { party: "person:admin".parse().expect("a party"), grants: vec!["admin@*".parse().expect("a grant")] }
}

impl Shelf {
    pub async fn on(column: Column) -> Self {
        let world = World::on(column).await;
        let config: ProjectConfig = serde_json::from_value(json!({
            "project": "shop", "components": {"web": {}}, "stages": {"dev": {}, "prod": {}},
            "retention": {
                "keep": [{"tags": "v*"}], "fresh": format!("{FRESH_HOURS}h"), "open": "2h",
                "archive_after": "4h", "delete_after": "12h",
            },
        }))
        .expect("a configuration");
        let request = api::ApplyRequest { config, expect: None };
        world.client().apply(&"apply".parse().expect("a key"), &request).await.expect("it is applied");
        let client = world.client();
        // A server that answers before it has read a body closes the connection: no other request shall be on it.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client");
        let mut shelf = Self { world, http, client, collector: None, seen: 0, keys: 0, plan: None };
        shelf.collector = Some(shelf.new_collector());
        shelf
    }

    fn new_collector(&self) -> Collector {
        Collector::new(self.world.engine.clone(), TRASH)
    }

    /// Ends everything in the middle of whatever it does, and opens it again.
    pub async fn crash(mut self) -> Self {
        self.collector = None;
        self.world = self.world.restart().await;
        self.client = self.world.client();
        self.collector = Some(self.new_collector());
        self
    }

    fn key(&mut self) -> CommandKey {
        self.keys += 1;
        format!("key-{}", self.keys).parse().expect("a key")
    }

    async fn send(&self, method: &str, path: &str, kind: &str, body: String) -> u16 {
        let url = format!("{}/v2/shop/web/{path}", self.world.url);
        let request = self.http.request(method.parse().expect("a method"), url).bearer_auth(&self.world.admin);
        let answer = request.header("content-type", kind).body(body).send().await.expect("the server answers");
        answer.status().as_u16()
    }

    /// A client's way: it asks what is there, and sends the rest.
    async fn push(&self, model: &mut Model, thing: Thing, tag: Option<&str>) {
        for (digest, bytes) in &thing.blobs {
            if self.send("HEAD", &format!("blobs/{digest}"), "", String::new()).await == 404 {
                let path = format!("blobs/uploads/?digest={digest}");
                assert_eq!(self.send("POST", &path, "application/octet-stream", bytes.clone()).await, 201);
            }
        }
        let digest = Digest::sha256(thing.bytes.as_bytes());
        let path = format!("manifests/{}", tag.unwrap_or(digest.as_str()));
        let status = self.send("PUT", &path, thing.kind, thing.bytes.clone()).await;
        let whole = thing.children.iter().all(|child| model.present.contains(child));
        assert_eq!(status, if whole { 201 } else { 404 }, "push of `{}`", thing.bytes);
        if whole {
            model.things.insert(digest.clone(), thing);
            model.present.insert(digest.clone());
            model.deleted.remove(&digest);
            let repeated = model.touched.get(&digest).copied();
            let now = self.world.engine.now();
            // A push of what is there already renews it only once half of its time is over.
            let renewed = repeated.is_none_or(|at| now.since(at).as_millis() >= FRESH_HOURS * 1_800_000);
            if renewed || tag.is_some() {
                model.touched.insert(digest.clone(), now);
            }
            if let Some(tag) = tag {
                model.tags.insert(tag.to_owned(), digest);
            }
        }
    }

    fn image_of(name: &str, layers: &[&str], about: Option<&Digest>) -> Thing {
        let body = image(name, layers, about);
        let config = format!("config of {name}");
        let blobs = layers.iter().map(|layer| (*layer).to_owned()).chain([config]);
        Thing {
            bytes: body.to_string(),
            kind: IMAGE,
            children: Vec::new(),
            blobs: blobs.map(|bytes| (of(&bytes), bytes)).collect(),
            about: about.cloned(),
        }
    }

    pub async fn image(&mut self, model: &mut Model, number: usize) {
        let own = format!("layer of {number}");
        let thing = Self::image_of(&format!("image {number}"), &["base", &own], None);
        self.push(model, thing, None).await;
    }

    pub async fn index(&mut self, model: &mut Model, number: usize) {
        let is_image = |thing: &Thing| thing.kind == IMAGE && thing.about.is_none();
        let (Some(one), Some(two)) = (model.pick(number, is_image), model.pick(number + 1, is_image)) else { return };
        let descriptor =
            |digest: &Digest| json!({"mediaType": IMAGE, "digest": digest, "size": model.things[digest].bytes.len()});
        let body = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(&one), descriptor(&two)]});
        let (bytes, children) = (body.to_string(), vec![one, two]);
        let thing = Thing { bytes, kind: INDEX, children, blobs: Vec::new(), about: None };
        self.push(model, thing, None).await;
    }

    pub async fn referrer(&mut self, model: &mut Model, number: usize) {
        let Some(subject) = model.pick(number, |_| true) else { return };
        let thing = Self::image_of(&format!("referrer of {subject}"), &["a scan"], Some(&subject));
        self.push(model, thing, None).await;
    }

    /// As cosign does it: a tag that names the digest.
    pub async fn signature(&mut self, model: &mut Model, number: usize) {
        let Some(subject) = model.pick(number, |thing| thing.about.is_none()) else { return };
        let mut thing = Self::image_of(&format!("signature of {subject}"), &["a signature"], None);
        thing.about = Some(subject.clone());
        self.push(model, thing, Some(&format!("sha256-{}.sig", subject.hex()))).await;
    }

    pub async fn tag(&mut self, model: &mut Model, number: usize, tag: usize) {
        let Some(digest) = model.pick(number, |thing| thing.about.is_none()) else { return };
        let thing = model.things[&digest].clone();
        let tag = if tag.is_multiple_of(2) { format!("v{tag}") } else { format!("main-{tag}") };
        self.push(model, thing, Some(&tag)).await;
    }

    pub async fn untag(&mut self, model: &mut Model, number: usize) {
        let tags: Vec<_> = model.tags.keys().filter(|tag| !tag.ends_with(".sig")).cloned().collect();
        let Some(tag) = tags.get(number % tags.len().max(1)) else { return };
        assert_eq!(self.send("DELETE", &format!("manifests/{tag}"), "", String::new()).await, 202);
        model.tags.remove(tag);
    }

    pub async fn delete(&mut self, model: &mut Model, number: usize) {
        let Some(digest) = model.pick(number, |_| true) else { return };
        match self.send("DELETE", &format!("manifests/{digest}"), "", String::new()).await {
            202 => {
                assert!(!model.is_rooted_by_hand(&digest), "`{digest}` is deleted though something needs it");
                model.present.remove(&digest);
                model.deleted.insert(digest.clone());
                model.tags.retain(|_, target| *target != digest);
            }
            status => assert!(matches!(status, 403..=405), "{status}"),
        }
    }

    pub async fn promote(&mut self, model: &mut Model, number: usize, stage: usize) {
        let Some(digest) = model.pick(number, |thing| thing.about.is_none()) else { return };
        let components = BTreeMap::from([("web".parse().expect("a component"), digest.clone())]);
        let request = ReleaseRequest { components, config: None, source: Source::default() };
        let (key, again) = (self.key(), self.key());
        let Ok(created) = self.client.create_release(&key, &shop(), &request).await else {
            assert!(!model.present.contains(&digest) || !self.is_whole(model, &digest), "no release of `{digest}`");
            return;
        };
        if created.receipt.count > 0 {
            model.touched.insert(digest.clone(), self.world.engine.now());
        }
        model.releases.insert(created.release.clone(), digest.clone());
        let request = PromotionRequest { release: created.release, reason: String::new(), dry_run: false };
        let name = ["dev", "prod"][stage].parse().expect("a stage");
        if self.client.promote(&again, &shop(), &name, &request).await.is_ok() {
            model.settle(stage, &digest);
        }
    }

    fn is_whole(&self, model: &Model, digest: &Digest) -> bool {
        model.things[digest].children.iter().all(|child| model.present.contains(child))
    }

    pub async fn roll_back(&mut self, model: &mut Model, stage: usize) {
        let request = RollbackRequest { from: None, to: None, reason: String::new() };
        let name = ["dev", "prod"][stage].parse().expect("a stage");
        let key = self.key();
        if let Ok(receipt) = self.client.roll_back(&key, &shop(), &name, &request).await {
            let release: ReleaseId = serde_json::from_value(receipt.events[0]["release"].clone()).expect("a release");
            let digest = model.releases[&release].clone();
            model.settle(stage, &digest);
        }
    }

    pub async fn hold(&mut self, model: &mut Model, number: usize) {
        let Some(digest) = model.pick(number, |_| true) else { return };
        let request = HoldRequest { digest: digest.clone(), project: Some(shop()), reason: "malware".into() };
        let key = self.key();
        self.client.hold(&key, &request).await.expect("it is held");
        model.held.insert(digest);
    }

    pub async fn unhold(&mut self, model: &mut Model, number: usize) {
        let Some(digest) = model.held.iter().nth(number % model.held.len().max(1)).cloned() else { return };
        self.submit(Command::Unhold { digest: digest.clone(), project: Some(shop()), reason: String::new() }).await;
        model.held.remove(&digest);
    }

    pub async fn keep(&mut self, model: &mut Model, number: usize) {
        let Some(digest) = model.pick(number, |_| true) else { return };
        self.submit(Command::Keep { project: shop(), digest: digest.clone(), reason: "lawsuit".into() }).await;
        model.kept.insert(digest);
    }

    pub async fn unkeep(&mut self, model: &mut Model, number: usize) {
        let Some(digest) = model.kept.iter().nth(number % model.kept.len().max(1)).cloned() else { return };
        self.submit(Command::Unkeep { project: shop(), digest: digest.clone(), reason: String::new() }).await;
        model.kept.remove(&digest);
    }

    async fn submit(&self, command: Command) {
        self.world.engine.submit(Submission { actor: admin(), key: None, command }).await.expect("it is done");
    }

    pub async fn restore(&mut self, model: &mut Model, number: usize) {
        let gone = |digest: &Digest| !model.present.contains(digest) && !model.deleted.contains(digest);
        let gone: Vec<_> = model.things.keys().filter(|digest| gone(digest)).cloned().collect();
        let Some(digest) = gone.get(number % gone.len().max(1)) else { return };
        match self.world.engine.restore(&admin(), &shop(), digest).await {
            Ok(restored) => model.restored += restored.manifests.len(),
            Err(Error::Refused(refusal)) => assert_eq!(refusal.code(), "not-in-trash"),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn plan(&mut self) {
        match self.world.engine.record_plan(admin(), &shop()).await {
            Ok((_, digest, _)) => self.plan = Some(digest),
            Err(Error::Refused(refusal)) => assert_eq!(refusal.code(), "retention-running"),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn apply(&mut self) {
        let Some(plan) = self.plan.clone() else { return };
        let command = Command::ApplyRetention { project: shop(), plan };
        match self.world.engine.submit(Submission { actor: admin(), key: None, command }).await {
            Ok(_) => {}
            Err(Error::Refused(refusal)) => assert_eq!(refusal.code(), "retention-plan-stale"),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn step(&mut self, limit: usize) -> Step {
        let collector = self.collector.as_mut().expect("there is one");
        collector.step(&shop(), limit).await.expect("a step")
    }

    pub async fn empty_trash(&mut self) {
        let collector = self.collector.as_mut().expect("there is one");
        while collector.empty_trash(3).await.expect("a step") == Step::More {}
    }

    /// Tells the model what the ledger says went or came back, after a look at whether it may have gone.
    pub async fn follow(&mut self, model: &mut Model) {
        let entries = self.world.engine.ports().ledger.read(self.seen, 10_000).await.expect("entries");
        self.seen += entries.len() as u64;
        let needed = model.must_be_there(self.world.engine.now());
        for bytes in entries {
            let entry = Entry::decode(&bytes).expect("an entry");
            match entry.event {
                Event::ManifestCollected { digest, .. } => {
                    assert!(!needed.contains(&digest), "`{digest}` was collected though it is needed");
                    model.present.remove(&digest);
                    model.tags.retain(|_, target| *target != digest);
                    model.collected += 1;
                }
                Event::ManifestPushed { digest, tags, .. } if model.things.contains_key(&digest) => {
                    model.touched.insert(digest.clone(), entry.at);
                    model.tags.extend(tags.into_iter().map(|tag| (tag.to_string(), digest.clone())));
                    model.present.insert(digest);
                }
                _ => {}
            }
        }
    }

    /// Everything that is needed can be pulled, and is what it was; and nothing is there in halves.
    pub async fn check(&self, model: &Model) {
        let catalog = &self.world.engine.ports().catalog;
        for digest in model.must_be_there(self.world.engine.now()) {
            let thing = &model.things[&digest];
            self.check_pull(model, &format!("manifests/{digest}"), &digest, &thing.bytes).await;
            for (blob, bytes) in &thing.blobs {
                self.check_pull(model, &format!("blobs/{blob}"), blob, bytes).await;
            }
        }
        for digest in &model.present {
            assert!(catalog.manifest(&web(), digest).await.expect("the catalog").is_some(), "`{digest}` is lost");
            for child in model.things[digest].children.iter().filter(|child| !model.deleted.contains(*child)) {
                let there = catalog.manifest(&web(), child).await.expect("the catalog").is_some();
                assert!(there, "`{child}` went before `{digest}`, which consists of it");
            }
        }
    }

    async fn check_pull(&self, model: &Model, path: &str, digest: &Digest, bytes: &str) {
        if !model.held.is_empty() {
            // Nobody pulls what is held, and it is there all the same.
            let size = self.world.engine.size_anywhere(digest).await.expect("storage");
            assert_eq!(size, Some(bytes.len() as u64), "{path}");
            return;
        }
        let url = format!("{}/v2/shop/web/{path}", self.world.url);
        let answer = self.http.get(url).bearer_auth(&self.world.admin).send().await.expect("the server answers");
        assert_eq!(answer.status(), 200, "{path} cannot be pulled");
        assert_eq!(answer.text().await.expect("a body"), bytes, "{path}");
    }

    /// Whatever went is in a plan that was recorded and applied before, as something that goes.
    pub async fn check_plans(&self) {
        let ledger = &self.world.engine.ports().ledger;
        let entries = ledger.read(0, 100_000).await.expect("entries");
        let (mut applied, mut recorded) = (Vec::new(), BTreeMap::<Digest, Plan>::new());
        for bytes in entries {
            match Entry::decode(&bytes).expect("an entry").event {
                Event::RetentionPlanned { plan, .. } => {
                    let made = self.world.engine.recorded_plan(&plan).await.expect("the plan is there");
                    assert_eq!(Digest::sha256(&made.document()), plan);
                    recorded.insert(plan, made);
                }
                Event::RetentionApplied { plan, .. } => applied.push(plan),
                Event::ManifestCollected { digest, plan, .. } => {
                    assert!(applied.contains(&plan), "`{digest}` went by a plan that nobody applied");
                    let goes = recorded[&plan]
                        .items
                        .iter()
                        .any(|item| item.digest == digest && item.outcome == Outcome::Trash && item.because.is_empty());
                    assert!(goes, "`{digest}` went, and its plan does not say so");
                }
                _ => {}
            }
        }
    }
}
