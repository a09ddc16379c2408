//! Receipts: what they prove, that nothing else passes for one, and how they are attached.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{Digest, Key, ProjectConfig, ProjectName, StageName};
use engine::receipts::{EXTENSION, Made, NotAReceipt, Receipts, check};
use evidence::signed::{
    bundle::Bundle,
    dsse::{Envelope, Payload, pae},
    private::PrivateKey,
    statement,
};
use serde_json::{Value, json};
use tlog::{SignerKey, VerifierKey};

use super::pulls::{IMAGE, Shop};

const ORIGIN: &str = "example.org/ledger";

fn signer(seed: u8) -> PrivateKey {
    PrivateKey::from_secret(&[seed; 32]).expect("a key")
}

fn ledger(seed: u8) -> VerifierKey {
    SignerKey::from_seed(ORIGIN, [seed; 32]).expect("a key").verifier_key()
}

/// A shop whose stage `prod` attaches its receipts in these forms, and who makes them.
async fn attaching(forms: &[&str]) -> (Shop, Receipts) {
    let shop = Shop::begin().await;
    let config: ProjectConfig = serde_json::from_value(json!({
        "project": "shop", "components": {"web": {}}, "stages": {"dev": {}, "prod": {"receipts": forms}},
    }))
    .expect("a configuration");
    let request = api::ApplyRequest { config, expect: None };
    shop.world.client().apply(&"forms".parse().expect("a key"), &request).await.expect("it is applied");
    let receipts = Receipts::new(shop.world.engine.clone(), Arc::new(signer(3)), ORIGIN);
    (shop, receipts)
}

fn prod() -> (ProjectName, StageName) {
    ("shop".parse().expect("a project"), "prod".parse().expect("a stage"))
}

/// The entry by which `prod` has what it has.
async fn promotion(shop: &Shop) -> u64 {
    let (project, stage) = prod();
    let keys = [Key::Project(project.clone())];
    let current = shop.world.engine.read(&keys, |state| {
        state
            .project(&project)
            .and_then(|project| project.stage(&stage).current.as_ref().map(|current| current.mark.index))
    });
    current.await.expect("the state is read").expect("something is promoted")
}

async fn made(shop: &Shop, receipts: &Receipts) -> Vec<Made> {
    let (project, stage) = prod();
    receipts.make(&project, &stage, promotion(shop).await).await.expect("it is made").expect("it is a promotion")
}

/// What was signed in a receipt.
fn statement_in(receipt: &str) -> Value {
    let bundle: Value = serde_json::from_str(receipt).expect("JSON");
    let payload = bundle["dsseEnvelope"]["payload"].as_str().expect("a payload");
    serde_json::from_slice(&BASE64_STANDARD.decode(payload).expect("base64")).expect("JSON")
}

/// A receipt that says `statement`, signed as if we had said so.
fn signed(key: &PrivateKey, statement: &Value) -> String {
    let payload =
        Payload { payload_type: statement::PAYLOAD_TYPE.to_owned(), bytes: statement.to_string().into_bytes() };
    let signature = key.sign(&pae(&payload.payload_type, &payload.bytes));
    let envelope = Envelope::signed(payload, signature).expect("an envelope");
    Bundle::encode(envelope, key.public().id()).expect("a bundle")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_proves_its_promotion_with_the_right_keys_only() {
    let (shop, receipts) = attaching(&[]).await;
    let (amd, arm) = (shop.image("amd", &["a"], None).await, shop.image("arm", &["b"], None).await);
    let index = shop.index(&[&amd, &arm]).await;
    let release = shop.promote(&index).await;
    let [receipt] = made(&shop, &receipts).await.try_into().expect("one component");
    assert_eq!(receipt.subjects, [index.clone(), amd, arm]);
    let ours = [signer(3).public().clone()];
    let checked = check(receipt.bundle.as_bytes(), &ours, &[ledger(7)]).expect("it proves the promotion");
    assert_eq!((&checked.extension.release, &checked.extension.artifact), (&release, &index));
    assert_eq!(checked.subjects, receipt.subjects);
    assert_eq!(checked.proven.expect("the ledger says so").0, ORIGIN);
    let unproven = check(receipt.bundle.as_bytes(), &ours, &[]).expect("its key says so");
    assert_eq!(unproven.proven, None);

    let stranger = [signer(4).public().clone()];
    assert!(matches!(check(receipt.bundle.as_bytes(), &stranger, &[]), Err(NotAReceipt::NotVerified(_))));
    assert!(matches!(check(receipt.bundle.as_bytes(), &ours, &[ledger(8)]), Err(NotAReceipt::Contradicted(_))));
    // Whatever byte is changed, nothing else is proven than before.
    let bytes = receipt.bundle.as_bytes();
    for at in (0..bytes.len()).step_by(7) {
        for bit in [0x01, 0x20] {
            let mut changed = bytes.to_vec();
            changed[at] ^= bit;
            if let Ok(still) = check(&changed, &ours, &[ledger(7)]) {
                assert_eq!(still.extension, checked.extension, "byte {at}");
                assert_eq!((still.summary, still.subjects), (checked.summary.clone(), checked.subjects.clone()));
            }
        }
    }
    shop.world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_receipts_key_still_needs_the_ledger() {
    let (shop, receipts) = attaching(&[]).await;
    let (image, other) = (shop.image("web", &["a"], None).await, shop.image("other", &["b"], None).await);
    let first = shop.promote(&other).await;
    let elsewhere = promotion(&shop).await;
    shop.promote(&image).await;
    let [receipt] = made(&shop, &receipts).await.try_into().expect("one component");
    let key = signer(3);
    let ours = [key.public().clone()];
    let true_one = statement_in(&receipt.bundle);
    let again = signed(&key, &true_one);
    check(again.as_bytes(), &ours, &[ledger(7)]).expect("what is signed again is still so");
    let said = format!("/predicate/{EXTENSION}");
    for (path, value, because) in [
        ("/predicateType".to_owned(), json!("https://example.com/p"), "a statement of type `https://example.com/p`"),
        ("/predicate/verificationResult".into(), json!("FAILED"), "it does not say that the release passed"),
        ("/predicate/resourceUri".into(), json!("https://example.org/x"), "its `resourceUri` is that of something"),
        ("/predicate/timeVerified".into(), json!("2026-01-02T00:00:00Z"), "the time is another one"),
        ("/predicate/policy/digest/sha256".into(), json!(other.hex()), "the gate is another one"),
        ("/subject/0/digest/sha256".into(), json!(other.hex()), "it is not about the artifact that it names"),
        (format!("{said}/artifact"), json!(other), "it is not about the artifact that it names"),
        (format!("{said}/release"), json!(first), "the release is another one"),
        (format!("{said}/entry"), json!(elsewhere), "and the receipt names entry"),
        (format!("{said}/proof"), json!("c2sp.org/tlog-proof@v1\n"), "the ledger does not say what it says"),
        (said.clone(), json!({}), "missing field"),
    ] {
        let mut changed = true_one.clone();
        *changed.pointer_mut(&path).unwrap_or_else(|| panic!("{path} in {true_one}")) = value;
        let refused = check(signed(&key, &changed).as_bytes(), &ours, &[ledger(7)]).expect_err(&path);
        assert!(refused.to_string().contains(because), "{path}: {refused}");
    }
    // One that agrees with itself, about another stage: only the ledger knows better.
    let mut dev = true_one.clone();
    dev["predicate"][EXTENSION]["stage"] = json!("dev");
    let uri = true_one["predicate"]["resourceUri"].as_str().expect("a URI").replace("/stages/prod/", "/stages/dev/");
    dev["predicate"]["resourceUri"] = json!(uri);
    let dev = signed(&key, &dev);
    check(dev.as_bytes(), &ours, &[]).expect("the key alone says so");
    let refused = check(dev.as_bytes(), &ours, &[ledger(7)]).expect_err("the ledger does not");
    assert!(refused.to_string().contains("the stage is another one"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_attached_once_beside_what_others_attach() {
    let (shop, receipts) = attaching(&["referrer", "tag"]).await;
    let (amd, arm) = (shop.image("amd", &["a"], None).await, shop.image("arm", &["b"], None).await);
    let index = shop.index(&[&amd, &arm]).await;
    let tag = |digest: &Digest| format!("sha256-{}.att", digest.hex());
    shop.blob("somebody says so").await;
    shop.blob("config of others").await;
    let theirs = super::pulls::image("others", &["somebody says so"], None);
    put(&shop, &tag(&index), &theirs).await;
    shop.promote(&index).await;
    let ((project, stage), entry) = (prod(), promotion(&shop).await);
    receipts.attach(&project, &stage, entry).await.expect("it is attached");
    let after = shop.world.engine.size();
    receipts.attach(&project, &stage, entry).await.expect("it is attached already");
    assert_eq!(shop.world.engine.size(), after, "nothing is attached twice");
    for digest in [&index, &amd, &arm] {
        let referrers = get(&shop, &format!("referrers/{digest}")).await;
        let listed = referrers["manifests"].as_array().expect("descriptors");
        assert_eq!(listed.len(), 1, "{referrers}");
        assert_eq!(listed[0]["artifactType"], Bundle::MEDIA_TYPE);
        let layers = get(&shop, &format!("manifests/{}", tag(digest))).await["layers"].clone();
        let count = layers.as_array().expect("layers").len();
        assert_eq!(count, if *digest == index { 2 } else { 1 }, "{layers}");
    }
    let layers = get(&shop, &format!("manifests/{}", tag(&index))).await["layers"].clone();
    assert_eq!(layers[0], theirs["layers"][0], "what others have attached comes first, as it was");
    // Once more, by another promotion of the same: each has its receipt.
    let other = shop.image("other", &["c"], None).await;
    shop.promote(&other).await;
    let request = api::PromotionRequest { release: release_of(&index), reason: String::new(), dry_run: false };
    let again = "again".parse().expect("a key");
    shop.world.client().promote(&again, &project, &stage, &request).await.expect("it is promoted");
    receipts.attach(&project, &stage, promotion(&shop).await).await.expect("it is attached");
    let referrers = get(&shop, &format!("referrers/{index}")).await;
    assert_eq!(referrers["manifests"].as_array().expect("descriptors").len(), 2, "{referrers}");
    shop.world.audit().await;
}

fn release_of(artifact: &Digest) -> domain::ReleaseId {
    domain::Contents { components: [("web".parse().expect("a component"), artifact.clone())].into(), config: None }.id()
}

async fn put(shop: &Shop, tag: &str, body: &Value) {
    let url = format!("{}/v2/shop/web/manifests/{tag}", shop.world.url);
    let request = shop.http.put(url).bearer_auth(&shop.world.admin).header("content-type", IMAGE);
    assert_eq!(request.body(body.to_string()).send().await.expect("the server answers").status(), 201, "{tag}");
}

async fn get(shop: &Shop, path: &str) -> Value {
    let url = format!("{}/v2/shop/web/{path}", shop.world.url);
    let answer = shop.http.get(url).bearer_auth(&shop.world.admin).send().await.expect("the server answers");
    assert_eq!(answer.status(), 200, "{path}");
    serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_and_what_is_no_promotion_leave_no_receipt() {
    let (shop, receipts) = attaching(&["referrer"]).await;
    let (one, two) = (shop.image("one", &["a"], None).await, shop.image("two", &["b"], None).await);
    let [first, _] = [shop.promote(&one).await, shop.promote(&two).await];
    let (project, stage) = prod();
    let request = api::RollbackRequest { from: None, to: Some(first), reason: "it is slow".into() };
    let rolled = "rolled".parse().expect("a key");
    shop.world.client().roll_back(&rolled, &project, &stage, &request).await.expect("it is rolled back");
    let rollback = promotion(&shop).await;
    for entry in [0, rollback, shop.world.engine.size(), u64::MAX] {
        assert_eq!(receipts.make(&project, &stage, entry).await.expect("it is looked for"), None, "entry {entry}");
    }
    receipts.attach(&project, &stage, rollback).await.expect("there is nothing to attach");
    assert_eq!(get(&shop, &format!("referrers/{one}")).await["manifests"], json!([]));
    let dev = "dev".parse().expect("a stage");
    assert_eq!(receipts.make(&project, &dev, rollback - 1).await.expect("it is looked for"), None);
}
