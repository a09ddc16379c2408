//! Claims that end by themselves: leases, what was seen running, and what was pulled a while ago.

use std::collections::BTreeSet;

use api::{LeaseRequest, ObservationRequest, RetentionOutcome, RetentionPlanRequest};
use domain::{CommandKey, Digest, ProjectConfig, ProjectName, Span};
use serde_json::json;

use crate::pulls::{Shop, of};

fn shop() -> ProjectName {
    "shop".parse().expect("a project")
}

fn key(text: &str) -> CommandKey {
    text.parse().expect("a key")
}

fn minutes(count: u64) -> Span {
    Span::from_secs(60 * count)
}

async fn lease(shop: &Shop, digest: &Digest, stage: Option<&str>, lasts: Span) {
    let stage = stage.map(|stage| stage.parse().expect("a stage"));
    let request = LeaseRequest { digest: digest.clone(), stage, lasts, reason: "delivery".into() };
    let name = key(&format!("lease-{}", &digest.hex()[..12]));
    shop.world.client().lease(&name, &self::shop(), &request).await.expect("it is leased");
}

/// A stage that moved on, further than it could roll back: its tokens pull what is leased for it until the lease ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_keeps_the_right_to_pull() {
    let shop = Shop::begin().await;
    let cluster = shop.token("machine:cluster", &["puller@shop/prod"]).await;
    let (first, other) = (shop.image("first", &["base"], None).await, shop.image("other", &["other"], None).await);
    let signature = shop.image("signature", &["signed"], Some(&first)).await;
    shop.promote(&first).await;
    shop.promote(&other).await;
    lease(&shop, &first, Some("prod"), minutes(30)).await;
    lease(&shop, &other, None, minutes(30)).await;
    for number in 0..6 {
        let next = shop.image(&format!("next {number}"), &["base"], None).await;
        shop.promote(&next).await;
    }
    let pulls = |leased, unleased| {
        [
            ("manifests", first.clone(), leased),
            ("blobs", of("base"), "200"),
            ("blobs", of("config of first"), leased),
            ("manifests", signature.clone(), leased),
            ("manifests", other.clone(), unleased),
        ]
    };
    // A lease for no stage gives no stage's token anything.
    shop.pulls(&cluster, &pulls("200", "not-promoted")).await;
    shop.world.clock.advance(minutes(29));
    shop.pulls(&cluster, &pulls("200", "not-promoted")).await;
    shop.world.clock.advance(minutes(2));
    shop.pulls(&cluster, &pulls("not-promoted", "not-promoted")).await;
    shop.world.audit().await;
}

/// What no release has cannot be deleted while it is leased or runs, nor what belongs to it.
#[tokio::test(flavor = "multi_thread")]
async fn claims_stand_in_the_way_of_deletion() {
    let shop = Shop::begin().await;
    let admin = shop.world.admin.clone();
    let (leased, runs) = (shop.image("leased", &["base"], None).await, shop.image("runs", &["base"], None).await);
    let index = shop.index(&[&leased]).await;
    let signature = shop.image("signature", &["signed"], Some(&leased)).await;
    lease(&shop, &index, None, minutes(30)).await;
    let request = ObservationRequest { digests: [runs.clone()].into() };
    let dev = "dev".parse().expect("a stage");
    shop.world.client().observe(&key("running"), &self::shop(), &dev, &request).await.expect("it is recorded");
    let deletions = async |expected: [(&Digest, u16, &str); 4]| {
        for (digest, status, code) in expected {
            let answer = shop.ask("DELETE", &admin, &format!("manifests/{digest}")).await;
            assert_eq!(answer, (status, code.to_owned()), "{digest}");
        }
    };
    let before =
        [(&signature, 403, "leased"), (&leased, 403, "leased"), (&index, 403, "leased"), (&runs, 403, "running")];
    deletions(before).await;
    shop.world.clock.advance(minutes(31));
    deletions([(&leased, 405, "index-names"), (&signature, 202, ""), (&index, 202, ""), (&runs, 403, "running")]).await;
    shop.world.clock.advance(Span::from_days(7));
    deletions([(&leased, 202, ""), (&leased, 404, ""), (&runs, 202, ""), (&runs, 404, "")]).await;
    shop.world.audit().await;
}

/// A rule that asks for pulls keeps what was pulled, day by day; and what it says nothing about yet.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_pulled_stays() {
    let shop = Shop::begin().await;
    let config: ProjectConfig = serde_json::from_value(json!({
        "project": "shop", "components": {"web": {}}, "stages": {"dev": {}, "prod": {}}, "roles": {"pusher": ["push"]},
        "retention": {"fresh": "1h", "keep": [{"pulled_within": "5d"}]},
    }))
    .expect("a configuration");
    let request = api::ApplyRequest { config, expect: None };
    shop.world.client().apply(&key("with-retention"), &request).await.expect("it is applied");
    let (pulled, other) = (shop.image("pulled", &["base"], None).await, shop.image("other", &["base"], None).await);
    let admin = shop.world.admin.clone();
    let goes = async |expected: &[&Digest]| {
        let (client, request) = (shop.world.client(), RetentionPlanRequest { dry_run: true });
        let items = client.plan_retention(&self::shop(), &request).await.expect("a plan").items;
        let gone = items.into_iter().filter(|item| item.outcome == RetentionOutcome::Trash);
        let gone: BTreeSet<_> = gone.map(|item| item.digest).collect();
        assert_eq!(gone, expected.iter().map(|digest| (*digest).clone()).collect());
    };
    shop.pulls(&admin, &[("manifests", pulled.clone(), "200")]).await;
    shop.world.clock.advance(Span::from_days(2));
    goes(&[]).await;
    shop.world.clock.advance(Span::from_days(3));
    goes(&[&other]).await;
    shop.world.clock.advance(Span::from_days(2));
    goes(&[&pulled, &other]).await;
    shop.pulls(&admin, &[("manifests", other.clone(), "200")]).await;
    goes(&[&pulled]).await;
    shop.world.audit().await;
}
