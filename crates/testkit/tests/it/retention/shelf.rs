//! [`Shelf`]: the system, what is done to it, and what is looked at.

use std::collections::{BTreeMap, BTreeSet};

use api::{HoldRequest, PromotionRequest, ReleaseRequest, RollbackRequest, Source};
use domain::{
    Actor, Command, CommandKey, Digest, Entry, Event, ProjectConfig, ProjectName, ReleaseId, RepositoryName, Span,
    StageName, Submission,
    retention::{Outcome, Plan},
};
use engine::{Collector, Error, Step};
use serde_json::json;
use testkit::{Column, World};

use super::model::{FRESH_HOURS, Model, PULLED_HOURS, RUNNING_HOURS, Thing};
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
    /// What that lets go.
    going: Vec<Digest>,
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

/// One of two who claim things.
fn claimant(number: usize) -> Actor {
    let party = ["machine:one", "machine:two"][number % 2];
    Actor { party: party.parse().expect("a party"), ..admin() }
}

fn stage_name(number: usize) -> StageName {
    ["dev", "prod"][number].parse().expect("a stage")
}

impl Shelf {
    pub async fn on(column: Column) -> Self {
        let world = World::on(column).await;
        let config: ProjectConfig = serde_json::from_value(json!({
            "project": "shop", "components": {"web": {}}, "stages": {"dev": {}, "prod": {}},
            "retention": {
                "keep": [{"tags": "v*"}, {"tags": "main-*", "pulled_within": format!("{PULLED_HOURS}h")}],
                "fresh": format!("{FRESH_HOURS}h"), "running": format!("{RUNNING_HOURS}h"), "open": "2h",
                "archive_after": "4h", "delete_after": "12h",
            },
        }))
        .expect("a configuration");
        let request = api::ApplyRequest { config, expect: None };
        world.client().apply(&"apply".parse().expect("a key"), &request).await.expect("it is applied");
        let client = world.client();
        // A server that answers before it has read a body closes the connection: no other request shall be on it.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client");
        let mut shelf = Self { world, http, client, collector: None, seen: 0, keys: 0, plan: None, going: Vec::new() };
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
                let needed = model.undeletable(self.world.engine.now());
                assert!(!needed.contains(&digest), "`{digest}` is deleted though something needs it");
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
        let name = stage_name(stage);
        if self.client.promote(&again, &shop(), &name, &request).await.is_ok() {
            model.settle(stage, &digest);
        }
    }

    fn is_whole(&self, model: &Model, digest: &Digest) -> bool {
        model.things[digest].children.iter().all(|child| model.present.contains(child))
    }

    pub async fn roll_back(&mut self, model: &mut Model, stage: usize) {
        let request = RollbackRequest { from: None, to: None, reason: String::new() };
        let name = stage_name(stage);
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

    /// What somebody claims or pulls: of what the last plan lets go, where there is any left, or of all that is there.
    fn pick(&self, model: &Model, number: usize) -> Option<Digest> {
        let going: Vec<_> = self.going.iter().filter(|digest| model.present.contains(*digest)).collect();
        match going.get(number % going.len().max(1)) {
            Some(digest) if !number.is_multiple_of(3) => Some((*digest).clone()),
            _ => model.pick_present(number),
        }
    }

    /// Claims a manifest, or a part of one, for so many hours; perhaps for a stage, which must have it then.
    pub async fn lease(&mut self, model: &mut Model, number: usize, other: usize, hours: u64) {
        let Some(mut digest) = self.pick(model, number) else { return };
        if other.is_multiple_of(4) {
            // The configuration, which nothing else has.
            digest = model.things[&digest].blobs.last().map_or(digest, |(config, _)| config.clone());
        }
        let stage = (other % 3 == 1).then_some(number % 2);
        let (actor, lasts) = (claimant(other), Span::from_secs(hours * 3600));
        let (name, reason) = (stage.map(stage_name), "delivery".into());
        let command = Command::Lease { project: shop(), digest: digest.clone(), stage: name, lasts, reason };
        let party = actor.party.clone();
        match self.world.engine.submit(Submission { actor, key: None, command }).await {
            Ok(_) => {
                let until = model.leases.entry((party, digest, stage)).or_default();
                *until = (*until).max(self.world.engine.now() + lasts);
            }
            Err(Error::Refused(refusal)) => match refusal.code() {
                "held" => assert!(model.held.contains(&digest), "{refusal}"),
                "not-promoted" => assert!(stage.is_some(), "{refusal}"),
                _ => panic!("{refusal}"),
            },
            Err(error) => panic!("{error}"),
        }
    }

    /// Ends what one of the two leases of something.
    pub async fn unlease(&mut self, model: &mut Model, number: usize) {
        let now = self.world.engine.now();
        let lasting = model.leases.iter().filter(|(_, until)| **until > now).map(|(lease, _)| lease);
        let lasting: Vec<_> = lasting.collect();
        let Some((party, digest, _)) = lasting.get(number % lasting.len().max(1)).map(|lease| (*lease).clone()) else {
            return;
        };
        let whose = Some(party.clone());
        self.submit(Command::Unlease { project: shop(), digest: digest.clone(), party: whose }).await;
        model.leases.retain(|(whose, what, _), _| (whose, what) != (&party, &digest));
    }

    /// Reports what runs in a stage: two things, one, or none.
    pub async fn observe(&mut self, model: &mut Model, number: usize, other: usize) {
        let seen = if number % 4 == 3 { Vec::new() } else { vec![number, other] };
        let digests: BTreeSet<Digest> = seen.into_iter().filter_map(|one| self.pick(model, one)).collect();
        let (actor, stage) = (claimant(other), other % 2);
        let command = Command::Observe { project: shop(), stage: stage_name(stage), digests: digests.clone() };
        let party = actor.party.clone();
        let submission = Submission { actor, key: None, command };
        let receipt = self.world.engine.submit(submission).await.expect("it is recorded");
        // The same again within an hour is no news.
        if receipt.count > 0 {
            model.running.insert((party, stage), (self.world.engine.now(), digests));
        }
    }

    /// Pulls something, or a part of it.
    pub async fn pull(&mut self, model: &mut Model, number: usize) {
        let Some(digest) = self.pick(model, number) else { return };
        let digest = model.things[&digest].children.get(number % 2).cloned().unwrap_or(digest);
        match self.send("GET", &format!("manifests/{digest}"), "", String::new()).await {
            200 => model.pull(&digest, self.world.engine.now()),
            403 => assert!(!model.held.is_empty(), "`{digest}` cannot be pulled"),
            404 => assert!(!model.present.contains(&digest), "`{digest}` is lost"),
            status => panic!("{status}"),
        }
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

    pub async fn plan(&mut self, model: &mut Model) {
        match self.world.engine.record_plan(admin(), &shop()).await {
            Ok((plan, digest, _)) => {
                model.plan();
                let now = self.world.engine.now();
                let needed = model.must_be_there(now);
                model.claimed += needed.difference(&model.must_be_there_unclaimed(now)).count();
                model.used += needed.difference(&model.must_be_there_unpulled(now)).count();
                let mut goes = plan.items.iter().filter(|item| item.outcome == Outcome::Trash);
                self.going = goes.clone().map(|item| item.digest.clone()).collect();
                let wrong = goes.find(|item| needed.contains(&item.digest));
                assert!(wrong.is_none(), "a plan lets go what is needed: {wrong:?}");
                self.plan = Some(digest);
            }
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

    /// Everything that is needed is there, and is what it was; and nothing is there in halves. Of manifests it is asked, and they are not pulled: what
    /// is pulled stays.
    pub async fn check(&self, model: &Model) {
        let ports = self.world.engine.ports();
        for digest in model.must_be_there(self.world.engine.now()) {
            let (thing, path) = (&model.things[&digest], format!("manifests/{digest}"));
            let status = self.send("HEAD", &path, "", String::new()).await;
            assert!(status == 200 || status == 403 && !model.held.is_empty(), "{path} is lost: {status}");
            let bytes = ports.blobs.read(&digest, 1 << 20).await.expect("storage");
            assert_eq!(bytes.as_deref(), Some(thing.bytes.as_bytes()), "{path}");
            for (blob, bytes) in &thing.blobs {
                self.check_pull(model, &format!("blobs/{blob}"), blob, bytes).await;
            }
        }
        let catalog = &ports.catalog;
        for digest in &model.present {
            assert!(catalog.manifest(&web(), digest).await.expect("the catalog").is_some(), "`{digest}` is lost");
            for child in model.things[digest].children.iter().filter(|child| !model.deleted.contains(*child)) {
                let there = catalog.manifest(&web(), child).await.expect("the catalog").is_some();
                assert!(there, "`{child}` went before `{digest}`, which consists of it");
            }
        }
    }

    /// Everything that is needed can be pulled. From then on it stays because of that.
    pub async fn check_pulls(&self, model: &Model) {
        for digest in model.must_be_there(self.world.engine.now()) {
            self.check_pull(model, &format!("manifests/{digest}"), &digest, &model.things[&digest].bytes).await;
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
