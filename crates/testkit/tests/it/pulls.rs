//! Who may pull what: a stage's token, what is held, and repositories in which many builds share their layers.

use std::collections::BTreeMap;

use api::{HoldRequest, PromotionRequest, ReleaseRequest, Source};
use domain::{Actor, Command, CommandKey, Digest, ProjectConfig, ProjectName, ReleaseId, Submission};
use engine::manifest;
use serde_json::{Value, json};
use testkit::World;

pub(super) const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// More manifests than are looked at on the way up from a layer.
const MANY: usize = 2_500;

/// A registry with one project, and its clients.
pub(super) struct Shop {
    pub world: World,
    pub http: reqwest::Client,
}

impl Shop {
    pub async fn begin() -> Self {
        Self::with_public(&json!({})).await
    }

    /// A registry of which anybody may pull something.
    pub async fn with_public(public: &Value) -> Self {
        let world = World::begin().await;
        let config: ProjectConfig = serde_json::from_value(json!({
            "project": "shop", "components": {"web": {}}, "stages": {"dev": {}, "prod": {}}, "roles": {"pusher": ["push"]},
            "public": public,
        }))
        .expect("a configuration");
        let request = api::ApplyRequest { config, expect: None };
        world.client().apply(&key("apply"), &request).await.expect("it is applied");
        let http = world.http();
        Self { world, http }
    }

    pub async fn token(&self, party: &str, grants: &[&str]) -> String {
        let request = api::TokenRequest {
            party: party.parse().expect("a party"),
            grants: grants.iter().map(|grant| grant.parse().expect("a grant")).collect(),
            expires: api::Ending::In(domain::Span::from_secs(3600)),
        };
        self.world.client().issue_token(&request).await.expect("the token is issued").token
    }

    pub async fn blob(&self, bytes: &str) -> Digest {
        let digest = Digest::sha256(bytes.as_bytes());
        let url = format!("{}/v2/shop/web/blobs/uploads/?digest={digest}", self.world.url);
        let request = self.http.post(url).bearer_auth(&self.world.admin).body(bytes.to_owned());
        assert_eq!(request.send().await.expect("the server answers").status(), 201, "the blob `{bytes}`");
        digest
    }

    pub async fn manifest(&self, body: &Value) -> Digest {
        let (bytes, kind) = (body.to_string(), body["mediaType"].as_str().expect("a media type"));
        let digest = Digest::sha256(bytes.as_bytes());
        let url = format!("{}/v2/shop/web/manifests/{digest}", self.world.url);
        let request = self.http.put(url).bearer_auth(&self.world.admin).header("content-type", kind).body(bytes);
        assert_eq!(request.send().await.expect("the server answers").status(), 201, "{body}");
        digest
    }

    /// An image of a configuration of its own and these layers.
    pub async fn image(&self, name: &str, layers: &[&str], subject: Option<&Digest>) -> Digest {
        for layer in layers {
            self.blob(layer).await;
        }
        self.blob(&format!("config of {name}")).await;
        self.manifest(&image(name, layers, subject)).await
    }

    pub async fn index(&self, children: &[&Digest]) -> Digest {
        let children: Vec<_> = children.iter().map(|digest| descriptor(IMAGE, digest)).collect();
        self.manifest(&json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children})).await
    }

    pub async fn promote(&self, artifact: &Digest) -> ReleaseId {
        let components = BTreeMap::from([("web".parse().expect("a component"), artifact.clone())]);
        let request = ReleaseRequest { components, config: None, source: Source::default() };
        let (client, name) = (self.world.client(), &artifact.hex()[..12]);
        let created = client.create_release(&key(&format!("create-{name}")), &shop(), &request).await;
        let release = created.expect("it is created").release;
        let request = PromotionRequest { release: release.clone(), reason: String::new(), dry_run: false };
        let prod = "prod".parse().expect("a stage");
        client.promote(&key(&format!("promote-{name}")), &shop(), &prod, &request).await.expect("prod has no gate");
        release
    }

    pub async fn hold(&self, digest: &Digest) {
        let request = HoldRequest { digest: digest.clone(), project: None, reason: "malware".into() };
        self.world.client().hold(&key(&format!("hold-{}", &digest.hex()[..12])), &request).await.expect("held");
    }

    /// What `GET` of each comes to: a status, and `held` or `not-promoted` where the rules say no.
    pub async fn pulls(&self, token: &str, what: &[(&str, Digest, &str)]) {
        for (path, digest, expected) in what {
            let (status, code) = self.ask("GET", token, &format!("{path}/{digest}")).await;
            let found = if code.is_empty() { status.to_string() } else { code };
            assert_eq!(found, *expected, "{path}/{digest}");
        }
    }

    pub async fn ask(&self, method: &str, token: &str, path: &str) -> (u16, String) {
        let url = format!("{}/v2/shop/web/{path}", self.world.url);
        let request = self.http.request(method.parse().expect("a method"), url).bearer_auth(token);
        let answer = request.send().await.expect("the server answers");
        let status = answer.status().as_u16();
        let body: Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).unwrap_or_default();
        (status, body["errors"][0]["detail"]["code"].as_str().unwrap_or_default().to_owned())
    }

    /// Pushes `count` more images that all have the layer `base`, past the wire.
    async fn crowd(&self, base: &str, count: usize) {
        self.blob(base).await;
        let repository = "shop/web".parse().expect("a repository");
        let actor = Actor {
            party: "person:admin".parse().expect("a party"),
            grants: vec!["admin@*".parse().expect("a grant")],
        };
        let mut pushes = tokio::task::JoinSet::new();
        for number in 0..count {
            let bytes = image(&format!("one of many {number}"), &[base], None).to_string();
            let digest = Digest::sha256(bytes.as_bytes());
            let record = manifest::parse(&repository, &digest, IMAGE, bytes.as_bytes()).expect("a manifest");
            let (media_type, size, tags) = (IMAGE.to_owned(), record.size, Vec::new());
            let repository = record.repository.clone();
            let command = Command::PushManifest { repository, digest, media_type, size, subject: None, tags };
            let (engine, actor) = (self.world.engine.clone(), actor.clone());
            pushes.spawn(async move { engine.submit_manifest(Submission { actor, key: None, command }, record).await });
            if pushes.len() == 200 {
                pushes.join_next().await.expect("a push").expect("it ends").expect("it is pushed");
            }
        }
        pushes.join_all().await.into_iter().for_each(|pushed| drop(pushed.expect("it is pushed")));
    }
}

fn key(text: &str) -> CommandKey {
    text.parse().expect("a key")
}

fn shop() -> ProjectName {
    "shop".parse().expect("a project")
}

pub(super) fn descriptor(media_type: &str, digest: &Digest) -> Value {
    json!({"mediaType": media_type, "digest": digest, "size": 7})
}

pub(super) fn image(name: &str, layers: &[&str], subject: Option<&Digest>) -> Value {
    let layer = |layer: &&str| descriptor("application/octet-stream", &of(layer));
    let mut body = json!({
        "schemaVersion": 2, "mediaType": IMAGE,
        "config": descriptor("application/vnd.test", &of(&format!("config of {name}"))),
        "layers": layers.iter().map(layer).collect::<Vec<_>>(),
    });
    if let Some(subject) = subject {
        body["subject"] = descriptor(IMAGE, subject);
    }
    body
}

pub(super) fn of(bytes: &str) -> Digest {
    Digest::sha256(bytes.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_pulls_what_it_has_and_nothing_else() {
    let shop = Shop::begin().await;
    let cluster = shop.token("machine:cluster", &["puller@shop/prod"]).await;
    let (amd, arm) = (shop.image("amd", &["base", "a"], None).await, shop.image("arm", &["base", "b"], None).await);
    let index = shop.index(&[&amd, &arm]).await;
    let other = shop.image("other", &["base", "c"], None).await;
    let bill = shop.image("bill", &["parts"], Some(&amd)).await;
    let signature = shop.image("signature", &["signed"], Some(&bill)).await;
    let other_bill = shop.image("other bill", &["other parts"], Some(&other)).await;
    let around = shop.index(&[&index, &other]).await;
    shop.promote(&index).await;
    shop.world.audit().await;
    let (ok, no) = ("200", "not-promoted");
    let before = [
        ("manifests", index.clone(), ok),
        ("manifests", amd.clone(), ok),
        ("blobs", of("config of arm"), ok),
        ("blobs", of("base"), ok),
        ("blobs", of("b"), ok),
        ("manifests", bill.clone(), ok),
        ("blobs", of("parts"), ok),
        ("manifests", signature, ok),
        ("blobs", of("signed"), ok),
        ("manifests", other.clone(), no),
        ("blobs", of("c"), no),
        ("blobs", of("config of other"), no),
        ("manifests", other_bill, no),
        ("blobs", of("other parts"), no),
        ("manifests", around.clone(), no),
        ("blobs", of("nowhere"), no),
        // The configuration that all artifacts without one share is nobody's, and it was not pushed here.
        ("blobs", Digest::sha256(b"{}"), "404"),
        ("blobs", Digest::sha512(b"{}"), "404"),
    ];
    shop.pulls(&cluster, &before).await;
    shop.crowd("base", MANY).await;
    shop.pulls(&cluster, &before).await;
    shop.hold(&amd).await;
    let held = [
        ("manifests", index.clone(), ok),
        ("manifests", amd.clone(), "held"),
        ("blobs", of("a"), "held"),
        ("blobs", of("base"), ok),
        ("blobs", of("b"), ok),
        ("manifests", bill.clone(), "held"),
        ("blobs", of("c"), no),
    ];
    shop.pulls(&cluster, &held).await;
    shop.hold(&index).await;
    let all = [("manifests", index, "held"), ("manifests", arm, "held"), ("blobs", of("b"), "held")];
    shop.pulls(&cluster, &all).await;
    shop.pulls(&cluster, &[("blobs", of("base"), "held")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_pulls_what_belongs_only_to_what_is_held() {
    let shop = Shop::begin().await;
    let admin = shop.world.admin.clone();
    let bad = shop.image("bad", &["base", "bad layer"], None).await;
    let bill = shop.image("bill", &["parts"], Some(&bad)).await;
    let alone = shop.blob("in no manifest").await;
    shop.hold(&bad).await;
    let mut expected = vec![
        ("manifests", bad.clone(), "held"),
        ("blobs", of("bad layer"), "held"),
        ("blobs", of("base"), "held"),
        ("manifests", bill, "held"),
        ("blobs", of("parts"), "held"),
        ("blobs", alone, "200"),
    ];
    shop.pulls(&admin, &expected).await;
    shop.crowd("base", MANY).await;
    expected[2].2 = "200";
    shop.pulls(&admin, &expected).await;
    let around = shop.index(&[&bad]).await;
    expected[1].2 = "held";
    expected.push(("manifests", around, "200"));
    shop.pulls(&admin, &expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_push_may_ask_what_is_there() {
    let shop = Shop::begin().await;
    let pusher = shop.token("machine:ci", &["pusher@shop"]).await;
    let image = shop.image("image", &["layer"], None).await;
    for (method, path, expected) in [
        ("HEAD", format!("manifests/{image}"), 200),
        ("HEAD", format!("blobs/{}", of("layer")), 200),
        ("HEAD", format!("blobs/{}", of("none")), 404),
        ("HEAD", "manifests/none".to_owned(), 404),
        // What no tag can be is not there; it is wrong only where it should become one.
        ("GET", "manifests/.INVALID_MANIFEST_NAME".to_owned(), 404),
        ("HEAD", "manifests/.INVALID_MANIFEST_NAME".to_owned(), 404),
        ("PUT", "manifests/.INVALID_MANIFEST_NAME".to_owned(), 400),
    ] {
        let (found, _) = shop.ask(method, &pusher, &path).await;
        assert_eq!(found, expected, "{method} {path}");
    }
}
