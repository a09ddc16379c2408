//! Who may not, learns nothing; and a dry run is refused like the real thing.

use std::collections::BTreeMap;

use api::{
    ApplyRequest, Client, ClientError, Document, EvidenceRequest, HoldRequest, PageQuery, PromotionRequest,
    SteeringRequest,
};
use domain::{Digest, EvidenceResult, ReleaseId, Steering};
use testkit::World;

use crate::story::{attest, config, key, release, shop, stage};

/// The code of a refusal, or `done`.
fn code<T>(answer: Result<T, ClientError>) -> String {
    match answer {
        Ok(_) => "done".into(),
        Err(ClientError::Refused(problem)) => problem.code,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_is_refused_like_the_real_thing() {
    let world = World::begin().await;
    let ada = world.client();
    let ben = world.client_for("person:ben", &["approver@shop"]).await;
    let (artifact, first) = release(&world, &ada, "first").await;
    let steer = async |change, key_text: &str| {
        let request = SteeringRequest { change, reason: "sale".into() };
        ada.steer(&key(key_text), &shop(), &stage("dev"), &request).await.expect("steered");
    };
    let unknown: ReleaseId = Digest::sha256(b"unknown").to_string().parse().expect("a release");
    expect(&world, &ben, "dev", &first, "permission-missing").await;
    expect(&world, &ada, "dev", &unknown, "release-unknown").await;
    expect(&world, &ada, "nowhere", &first, "stage-unknown").await;
    expect(&world, &ada, "staging", &first, "gate-unmet").await;
    steer(Steering::Paused, "pause").await;
    expect(&world, &ada, "dev", &first, "stage-paused").await;
    steer(Steering::Resumed, "resume").await;
    steer(Steering::Pinned, "pin").await;
    expect(&world, &ada, "dev", &first, "stage-pinned").await;
    steer(Steering::Unpinned, "unpin").await;
    expect(&world, &ada, "dev", &first, "done").await;
    expect(&world, &ada, "dev", &first, "already-current").await;
    attest(&ada, &artifact, EvidenceResult::Passed, "tests").await;
    expect(&world, &ada, "staging", &first, "done").await;
    world.audit().await;
}

/// Asks twice for a promotion, rehearsed and in earnest: both come to `expected`, and the rehearsal writes nothing.
async fn expect(world: &World, client: &Client, to: &str, release: &ReleaseId, expected: &str) {
    let request = PromotionRequest { release: release.clone(), reason: String::new(), dry_run: false };
    let before = world.engine.size();
    let rehearsed = client.rehearse_promotion(&shop(), &stage(to), &request).await;
    assert!(rehearsed.as_ref().map_or(true, |answer| answer.lets_in), "{rehearsed:?}");
    assert_eq!(code(rehearsed), expected, "rehearsed into `{to}`");
    assert_eq!(world.engine.size(), before, "a rehearsal writes nothing");
    let unique = key(&format!("{to}-{before}"));
    assert_eq!(code(client.promote(&unique, &shop(), &stage(to), &request).await), expected, "promoted into `{to}`");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_learns_nothing() {
    let world = World::begin().await;
    let ada = world.client();
    let (artifact, _) = release(&world, &ada, "first").await;
    let eve = world.client_for("person:eve", &["admin@other"]).await;
    let plan = |project: &str| {
        let mut config = config();
        config.project = project.parse().expect("a project");
        ApplyRequest { config, expect: None }
    };
    for project in ["shop", "unheard-of"] {
        assert_eq!(code(eve.plan(&plan(project)).await), "permission-missing", "{project}");
    }
    assert_eq!(code(eve.plan(&plan("other")).await), "done", "who may apply may plan");
    for document in [artifact.clone(), Digest::sha256(b"no such blob")] {
        let request = EvidenceRequest {
            subject: artifact.clone(),
            kind: "tests".parse().expect("a kind"),
            name: None,
            result: EvidenceResult::Passed,
            attributes: BTreeMap::new(),
            document: Some(Document::Digest(document.clone())),
        };
        let told = code(eve.record_evidence(&key("blob"), &shop(), &request).await);
        assert_eq!(told, "permission-missing", "{document}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_shows_what_belongs_to_it_to_whoever_may_read_it() {
    let world = World::begin().await;
    let ada = world.client();
    let (artifact, first) = release(&world, &ada, "first").await;
    attest(&ada, &artifact, EvidenceResult::Passed, "of-artifact").await;
    attest(&ada, first.digest(), EvidenceResult::Warned, "of-release").await;
    for (number, project) in [Some("shop"), None].into_iter().enumerate() {
        let project = project.map(|name| name.parse().expect("a project"));
        let request = HoldRequest { digest: artifact.clone(), project, reason: "a secret".into() };
        ada.hold(&key(&format!("hold-{number}")), &request).await.expect("held");
    }
    let ben = world.client_for("person:ben", &["approver@shop"]).await;
    let eve = world.client_for("person:eve", &["admin@other"]).await;
    for (name, client, digest, evidence, holds) in [
        ("ada", &ada, &artifact, 2, 2),
        ("ada", &ada, first.digest(), 2, 0),
        ("ben", &ben, &artifact, 2, 2),
        ("eve", &eve, &artifact, 0, 0),
    ] {
        let trace = client.trace(digest, &PageQuery::default()).await.expect("a trace");
        assert_eq!((trace.evidence.len(), trace.holds.len()), (evidence, holds), "{name} about {digest}: {trace:?}");
        let subjects: Vec<_> = trace.evidence.iter().filter_map(|one| one.subject.as_ref()).collect();
        assert_eq!(subjects, [&artifact, first.digest()][..evidence], "oldest first, each with what it is about");
    }
}
