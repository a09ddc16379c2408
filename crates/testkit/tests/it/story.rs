//! What a team does, through the HTTP client, with time that goes by when the test says so.

use std::{collections::BTreeMap, sync::Arc};

use api::{
    ApprovalRequest, Client, ClientError, EvidenceRequest, GateQuery, HealthRequest, HistoryQuery, HoldRequest,
    PromotionRequest, ReleaseRequest, RollbackRequest, Source, SteeringRequest,
};
use domain::{CommandKey, Digest, EvidenceResult, ProjectConfig, ProjectName, ReleaseId, Span, StageName, Steering};
use serde_json::json;
use testkit::World;

pub fn key(text: &str) -> CommandKey {
    text.parse().expect("a key")
}

pub fn shop() -> ProjectName {
    "shop".parse().expect("a project")
}

pub fn stage(name: &str) -> StageName {
    name.parse().expect("a stage")
}

pub fn config() -> ProjectConfig {
    let text = json!({
        "project": "shop",
        "components": {"web": {}},
        "stages": {
            "dev": {},
            "staging": {"after": "dev", "gate": [{"evidence": {"kind": "tests", "name": "unit", "max_age": "1d"}}]},
            "prod": {"after": {"all": ["staging"], "soak": "10m"}, "gate": [{"approvals": {"count": 1, "role": "approver", "expires": "7d"}}]},
        },
    });
    serde_json::from_value(text).expect("a configuration")
}

/// Applies the project and makes a release of some bytes; its artifact and its id.
pub async fn release(world: &World, client: &Client, bytes: &str) -> (Digest, ReleaseId) {
    client
        .apply(&key(&format!("apply-{bytes}")), &api::ApplyRequest { config: config(), expect: None })
        .await
        .expect("it is applied");
    let artifact = push(world, bytes).await;
    let components = BTreeMap::from([("web".parse().expect("a component"), artifact.clone())]);
    let request = ReleaseRequest {
        components,
        config: None,
        source: Source { commit: Some("1a2b3c".into()), ..Source::default() },
    };
    let created =
        client.create_release(&key(&format!("release-{bytes}")), &shop(), &request).await.expect("it is created");
    (artifact, created.release)
}

/// Pushes bytes as an OCI artifact, as any client does.
pub async fn push(world: &World, bytes: &str) -> Digest {
    let http = world.http();
    let empty = Digest::sha256(b"{}");
    let layer = Digest::sha256(bytes.as_bytes());
    for (digest, body) in [(&empty, "{}"), (&layer, bytes)] {
        let url = format!("{}/v2/shop/web/blobs/uploads/?digest={digest}", world.url);
        let pushed =
            http.post(url).bearer_auth(&world.admin).body(body.to_owned()).send().await.expect("the server answers");
        assert_eq!(pushed.status(), 201);
    }
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type, "artifactType": "application/vnd.test",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": 2},
        "layers": [{"mediaType": "application/octet-stream", "digest": layer, "size": bytes.len()}],
    })
    .to_string();
    let digest = Digest::sha256(manifest.as_bytes());
    let url = format!("{}/v2/shop/web/manifests/{digest}", world.url);
    let put = http
        .put(url)
        .bearer_auth(&world.admin)
        .header("content-type", media_type)
        .body(manifest)
        .send()
        .await
        .expect("the server answers");
    assert_eq!(put.status(), 201);
    digest
}

async fn promote(client: &Client, to: &str, release: &ReleaseId, why: &str) -> Result<api::Receipt, String> {
    let request = PromotionRequest { release: release.clone(), reason: why.into(), dry_run: false };
    let promoted = client.promote(&key(&format!("promote-{to}-{why}")), &shop(), &stage(to), &request).await;
    promoted.map_err(|error| match error {
        ClientError::Refused(problem) => problem.code,
        other => panic!("{other}"),
    })
}

pub async fn attest(client: &Client, subject: &Digest, result: EvidenceResult, key_text: &str) {
    let request = EvidenceRequest {
        subject: subject.clone(),
        kind: "tests".parse().expect("a kind"),
        name: Some("unit".parse().expect("a name")),
        result,
        attributes: BTreeMap::new(),
        document: None,
    };
    client.record_evidence(&key(key_text), &shop(), &request).await.expect("it is recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn from_build_to_production_and_back() {
    let world = World::begin().await;
    let (ada, ben) = (world.client(), world.client_for("person:ben", &["approver@shop"]).await);
    let (artifact, first) = release(&world, &ada, "first").await;
    promote(&ada, "dev", &first, "one").await.expect("dev has no gate");
    world.audit().await;
    assert_eq!(promote(&ada, "staging", &first, "one").await.expect_err("there are no tests"), "gate-unmet");
    attest(&ada, &artifact, EvidenceResult::Passed, "passed").await;
    world.clock.advance(Span::from_secs(25 * 3600));
    assert_eq!(promote(&ada, "staging", &first, "two").await.expect_err("the tests are too old"), "gate-unmet");
    attest(&ada, &artifact, EvidenceResult::Passed, "passed-again").await;
    promote(&ada, "staging", &first, "three").await.expect("fresh tests");
    world.audit().await;
    let now = GateQuery { release: first.digest().to_string(), ..GateQuery::default() };
    let answer = ada.gate(&shop(), &stage("prod"), &now).await.expect("an answer");
    assert!(
        !answer.lets_in && answer.opens_at.is_none(),
        "an approval is missing, which time does not bring: {answer:?}"
    );
    let approval =
        ApprovalRequest { release: first.clone(), gate: Some(answer.decision.gate.clone()), comment: String::new() };
    ben.approve(&key("approve"), &shop(), &stage("prod"), &approval).await.expect("it is approved");
    let answer = ada.gate(&shop(), &stage("prod"), &now).await.expect("an answer");
    assert_eq!(answer.opens_at, Some(world.engine.now() + Span::from_secs(600)), "only soak time is missing");
    let health = |healthy| HealthRequest { release: None, healthy, reason: "seen".into() };
    world.clock.advance(Span::from_secs(300));
    ada.report_health(&key("ill"), &shop(), &stage("staging"), &health(false)).await.expect("reported");
    world.clock.advance(Span::from_secs(3600));
    ada.report_health(&key("well"), &shop(), &stage("staging"), &health(true)).await.expect("reported");
    world.clock.advance(Span::from_secs(299));
    assert_eq!(promote(&ada, "prod", &first, "one").await.expect_err("299 s and 300 s are not 10 m"), "gate-unmet");
    world.clock.advance(Span::from_secs(1));
    let before = world.engine.now();
    promote(&ada, "prod", &first, "two").await.expect("healthy time counts, and nothing else");
    world.audit().await;
    let world = world.restart().await;
    let ada = world.client();
    let there =
        ada.history(&shop(), &HistoryQuery { at: Some(before), ..HistoryQuery::default() }).await.expect("an answer");
    assert_eq!(there.items.len(), 3, "each stage had something by then: {there:?}");
    let then = GateQuery { at: Some(before), ..now };
    world.clock.advance(Span::from_secs(60));
    let past = ada.gate(&shop(), &stage("prod"), &then).await.expect("an answer");
    assert!(past.lets_in, "as the ledger stood then, the gate was open: {past:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stages_are_steered_and_releases_held() {
    let world = World::begin().await;
    let ada = world.client();
    let (artifact, first) = release(&world, &ada, "first").await;
    let (_, second) = release(&world, &ada, "second").await;
    promote(&ada, "dev", &first, "a").await.expect("dev has no gate");
    promote(&ada, "dev", &second, "b").await.expect("dev has no gate");
    let steer = |change| SteeringRequest { change, reason: "sale".into() };
    let back = RollbackRequest { from: None, to: None, reason: "bad".into() };
    ada.steer(&key("pin"), &shop(), &stage("dev"), &steer(Steering::Pinned)).await.expect("pinned");
    let pinned = ada.roll_back(&key("back1"), &shop(), &stage("dev"), &back).await;
    assert!(matches!(pinned, Err(ClientError::Refused(problem)) if problem.code == "stage-pinned"));
    ada.steer(&key("unpin"), &shop(), &stage("dev"), &steer(Steering::Unpinned)).await.expect("unpinned");
    ada.steer(&key("pause"), &shop(), &stage("dev"), &steer(Steering::Paused)).await.expect("paused");
    ada.roll_back(&key("back2"), &shop(), &stage("dev"), &back).await.expect("rollback stays open");
    assert_eq!(promote(&ada, "dev", &second, "c").await.expect_err("paused"), "stage-paused");
    let hold = HoldRequest { digest: artifact.clone(), project: None, reason: "malware".into() };
    ada.hold(&key("hold"), &hold).await.expect("held");
    world.audit().await;
    let board = ada.board(&shop()).await.expect("a board");
    let dev = board.stages.iter().find(|one| one.stage == stage("dev")).expect("dev is on the board");
    assert_eq!(dev.current.as_ref().map(|current| &current.release), Some(&first));
    assert!(dev.paused.is_some() && dev.pinned.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_good_for_one_command() {
    let world = Arc::new(World::begin().await);
    let ada = world.client();
    let (_, first) = release(&world, &ada, "first").await;
    let request = PromotionRequest { release: first.clone(), reason: String::new(), dry_run: false };
    let mut asked = Vec::new();
    for _ in 0..8 {
        let (client, request) = (world.client(), request.clone());
        asked.push(tokio::spawn(async move { client.promote(&key("once"), &shop(), &stage("dev"), &request).await }));
    }
    let mut indices = std::collections::BTreeSet::new();
    for answer in asked {
        indices.insert(answer.await.expect("no panic").expect("every asking is answered").index);
    }
    assert_eq!(indices.len(), 1, "asking eight times at once makes one entry");
    let other = PromotionRequest { reason: "another".into(), ..request };
    let reused = ada.promote(&key("once"), &shop(), &stage("dev"), &other).await;
    assert!(matches!(reused, Err(ClientError::Refused(problem)) if problem.code == "key-reused"));
    world.audit().await;
}
