//! Stages that deliver into another registry: settled only once every digest was read back there.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{
    between::{Between, Fate},
    copies::manifest,
    foreign::{Foreign, Image, digest},
};
use crate::{
    http,
    server::{Server, digest_in},
};

/// A server with a project whose `prod` delivers below `team/shop` of `registry`; `live` comes after it.
fn delivering_to(registry: &str, more: &[&str]) -> Server {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let server = Server::start_with(folder, data, more);
    server.write("selfsame.yaml", project(&format!("eu-registry: {{ registry: {registry}/team/shop }}")));
    server.done(&["apply", "selfsame.yaml", "--yes"]);
    server
}

fn project(targets: &str) -> String {
    format!(
        "project: shop\ncomponents:\n  web: {{}}\nstages:\n  dev: {{}}\n  prod:\n    after: dev\n    deliver:\n      {targets}\n  live:\n    after: prod\n"
    )
}

/// Has an image with evidence in every form in `shop/web`, and a release of it in `dev`; the image and the release.
#[track_caller]
fn release(server: &Server, from: &Foreign, tag: &str) -> (Image, String) {
    let image = from.image("team/app", tag, 150_000);
    server.done(&["copy", &format!("{}/team/app:{tag}", from.host), &format!("{}/shop/web:{tag}", server.host())]);
    let release = digest_in(&server.done(&["release", "create", "--component", &format!("web={}", image.index)]));
    server.done(&["promote", &release, "--to", "dev"]);
    (image, release)
}

/// What the board says of `prod`.
#[track_caller]
fn prod(server: &Server) -> Value {
    let ran = server.run(&server.admin(), &["status", "--project", "shop", "--json"]);
    let board: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let stages = board["stages"].as_array().expect("stages");
    stages.iter().find(|stage| stage["stage"] == "prod").expect("prod").clone()
}

/// Waits until the board says so, and audits then.
#[track_caller]
fn wait_until(server: &Server, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let prod = prod(server);
        if is_so(&prod) {
            server.audit();
            return prod;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it never comes to this: {what}: {prod}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_settled(prod: &Value) -> bool {
    prod["current"].is_object() && prod["current"]["unsettled"].is_null()
}

fn tries(prod: &Value) -> u64 {
    prod["deliveries"][0]["tries"].as_u64().unwrap_or(0)
}

/// All of the image is there, under the tag, with what refers to it.
#[track_caller]
fn is_there(registry: &Foreign, image: &Image, tag: &str) {
    for digest in &image.manifests {
        manifest(&registry.host, "", "team/shop/web", digest);
    }
    let (_, bytes) = manifest(&registry.host, "", "team/shop/web", tag);
    assert_eq!(domain::Digest::sha256(&bytes).as_str(), image.index);
    manifest(&registry.host, "", "team/shop/web", &image.cosign_tag);
    let (_, index) = manifest(&registry.host, "", "team/shop/web", &image.index.replace(':', "-"));
    let index: Value = serde_json::from_slice(&index).expect("an index");
    let listed: Vec<_> = index["manifests"].as_array().expect("descriptors").iter().map(digest).collect();
    assert_eq!(listed, std::slice::from_ref(&image.signature));
}

/// The names of the entries about the release, in their order.
fn events(server: &Server, release: &str) -> Vec<String> {
    let ran = server.run(&server.admin(), &["trace", release, "--json"]);
    let trace: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let entries = trace["entries"].as_array().expect("entries").iter();
    entries.map(|entry| entry["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn what_is_promoted_arrives_with_its_evidence_and_a_rollback_brings_the_older_one_back() {
    let (from, to) = (Foreign::start(), Foreign::start());
    let server = delivering_to(&to.host, &[]);
    let (first, one) = release(&server, &from, "1");
    server.done(&["promote", &one, "--to", "prod"]);
    let settled = wait_until(&server, "settled", is_settled);
    assert_eq!(
        (&settled["deliveries"][0]["state"], &settled["deliveries"][0]["target"]),
        (&"delivered".into(), &"eu-registry".into())
    );
    is_there(&to, &first, "prod");
    assert_eq!(events(&server, &one), ["release-created", "promoted", "promoted", "delivered", "settled"]);
    let shown = server.done(&["status", "--project", "shop"]);
    assert!(shown.contains("delivered to eu-registry") && !shown.contains("DELIVERING"), "{shown}");
    let (second, two) = release(&server, &from, "2");
    server.done(&["promote", &two, "--to", "prod"]);
    wait_until(&server, "settled", |prod| prod["current"]["release"] == two.as_str() && is_settled(prod));
    is_there(&to, &second, "prod");
    server.done(&["rollback", "prod", "--reason", "it is slow"]);
    wait_until(&server, "settled", |prod| prod["current"]["release"] == one.as_str() && is_settled(prod));
    is_there(&to, &first, "prod");
    assert!(
        !server.data().join("deliveries").read_dir().is_ok_and(|mut files| files.next().is_some()),
        "plans are left"
    );
}

#[test]
fn a_registry_that_is_down_keeps_the_next_stage_closed_until_it_is_back() {
    let (from, to) = (Foreign::start(), Foreign::start());
    let between = Between::before(&to.host, |_| Fate::Answer("503 Service Unavailable".into(), "{}".into()));
    let server = delivering_to(&between.host, &[]);
    let (image, one) = release(&server, &from, "1");
    server.done(&["promote", &one, "--to", "prod"]);
    let failing = wait_until(&server, "tried three times", |prod| tries(prod) >= 3);
    assert_eq!(failing["current"]["unsettled"], true, "{failing}");
    assert_eq!(failing["deliveries"][0]["state"], "failing", "{failing}");
    let shown = server.done(&["status", "--project", "shop"]);
    assert!(shown.contains("DELIVERING") && shown.contains("503 Service Unavailable"), "{shown}");
    let refused = server.refused(&server.admin(), "gate-unmet", &["promote", &one, "--to", "live"]);
    assert!(refused.stderr.contains("`prod` is still delivering it to `eu-registry` (after 3 tries"), "{refused:?}");
    let known = server.done(&["trace", &one]);
    assert!(known.contains("not delivered everywhere") && known.contains("target `eu-registry`"), "{known}");
    wait_until(&server, "tried once more", |prod| tries(prod) >= 4);
    let failures = events(&server, &one).iter().filter(|name| *name == "delivery-failed").count();
    assert_eq!(failures, 1, "a target that is down makes few entries");
    // Promoted over: it was never delivered, so nothing goes back to it.
    let (_, two) = release(&server, &from, "2");
    server.done(&["promote", &two, "--to", "prod"]);
    server.refused(&server.admin(), "never-settled", &["rollback", "prod", "--to", &one, "--reason", "no"]);
    server.refused(&server.admin(), "nothing-earlier", &["rollback", "prod", "--reason", "no"]);
    server.done(&["promote", &one, "--to", "prod"]);
    // It comes back, here by another name.
    server.write(
        "selfsame.yaml",
        project(&format!("eu-registry: {{ registry: {}/team/shop, tags: [stable] }}", to.host)),
    );
    server.done(&["apply", "selfsame.yaml", "--yes"]);
    wait_until(&server, "settled", is_settled);
    is_there(&to, &image, "stable");
    server.done(&["promote", &one, "--to", "live"]);
}

#[test]
fn a_registry_that_comes_back_gets_it_without_anybody_asking() {
    let from = Foreign::start();
    let mut to = Foreign::start();
    let server = delivering_to(&to.host, &[]);
    let (image, one) = release(&server, &from, "1");
    to.stop();
    server.done(&["promote", &one, "--to", "prod"]);
    wait_until(&server, "tried", |prod| tries(prod) >= 2);
    to.start_again();
    wait_until(&server, "settled", is_settled);
    is_there(&to, &image, "prod");
}

#[test]
fn a_server_that_is_killed_in_the_middle_goes_on_where_it_was() {
    let (from, to) = (Foreign::start(), Foreign::start());
    // The tag is what comes last: it is held up, until all else is there.
    let between =
        Between::before(&to.host, |asked| match asked.method == "PUT" && asked.path.ends_with("/manifests/prod") {
            true => Fate::Hold,
            false => Fate::Through,
        });
    let mut server = delivering_to(&between.host, &[]);
    let (image, one) = release(&server, &from, "1");
    server.done(&["promote", &one, "--to", "prod"]);
    let begun = Instant::now();
    while between.count("PUT", "/manifests/prod") == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not get as far as the tag");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(prod(&server)["current"]["unsettled"], true, "without its tag it is not there");
    server.kill();
    between.let_go();
    server.restart();
    wait_until(&server, "settled", is_settled);
    is_there(&to, &image, "prod");
    let begun: Vec<_> = between.asked().into_iter().filter(|asked| asked.method == "POST").collect();
    assert_eq!(begun.len(), 7, "no blob is sent twice: {begun:?}");
}

#[test]
fn a_registry_that_serves_other_bytes_is_never_settled() {
    let (from, to) = (Foreign::start(), Foreign::start());
    let between =
        Between::before(&to.host, |asked| match asked.method == "GET" && asked.path.ends_with("/manifests/prod") {
            true => Fate::Answer("200 OK\r\nContent-Type: application/vnd.oci.image.index.v1+json".into(), "{}".into()),
            false => Fate::Through,
        });
    let server = delivering_to(&between.host, &[]);
    let (_, one) = release(&server, &from, "1");
    server.done(&["promote", &one, "--to", "prod"]);
    let failing = wait_until(&server, "tried three times", |prod| tries(prod) >= 3);
    assert_eq!(failing["current"]["unsettled"], true, "{failing}");
    let reason = failing["deliveries"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("was put as") && reason.contains("it answers with"), "{reason}");
    assert!(!events(&server, &one).iter().any(|name| name == "settled" || name == "delivered"));
    // And one whose manifests are other bytes than their digests say.
    to.corrupt(&digest_in(&one_of(&server)));
    let failing = wait_until(&server, "tried again", |prod| {
        prod["deliveries"][0]["reason"].as_str().is_some_and(|reason| reason.contains("arrived with the digest"))
    });
    assert_eq!(failing["current"]["unsettled"], true, "{failing}");
}

/// What `prod` has of `web`.
fn one_of(server: &Server) -> String {
    prod(server)["current"]["components"]["web"].as_str().expect("a digest").to_owned()
}

#[test]
fn what_is_held_is_not_delivered_and_a_server_delivers_where_it_may() {
    let (from, to) = (Foreign::start(), Foreign::start());
    let server = delivering_to(&to.host, &["--deliver-to", "registry.invalid"]);
    let (image, one) = release(&server, &from, "1");
    server.done(&["promote", &one, "--to", "prod"]);
    let failing = wait_until(&server, "tried", |prod| tries(prod) >= 1);
    assert!(
        failing["deliveries"][0]["reason"].as_str().is_some_and(|reason| reason.contains("--deliver-to")),
        "{failing}"
    );
    server.done(&["hold", &image.blobs[0], "--reason", "a leak"]);
    let held = wait_until(&server, "held", |prod| {
        prod["deliveries"][0]["reason"].as_str().is_some_and(|reason| reason.contains("is held: a leak"))
    });
    assert_eq!((tries(&held), &held["deliveries"][0]["next"]), (0, &Value::Null), "{held}");
    server.done(&["unhold", &image.blobs[0], "--reason", "no leak"]);
    wait_until(&server, "tried", |prod| tries(prod) >= 1);
    let there = http::send(&to.host, "", "GET", "/v2/_catalog", &[], b"").expect("an answer");
    assert_eq!(there.json()["repositories"], serde_json::json!([]));
}
