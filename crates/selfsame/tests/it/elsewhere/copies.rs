//! Copies between registries: whole, in order, and the same bytes.

use std::fs;

use serde_json::Value;

use super::foreign::{Foreign, Image};
use crate::{
    http,
    server::{Ran, Server},
};

/// Copies as the administrator.
pub fn copy(server: &Server, arguments: &[&str]) -> Ran {
    server.run(&server.admin(), &[&["copy"], arguments].concat())
}

/// A manifest as a registry serves it, by its digest or tag: its type and its bytes.
#[track_caller]
pub fn manifest(host: &str, token: &str, repository: &str, reference: &str) -> (String, Vec<u8>) {
    let accept = [super::foreign::MANIFEST, super::foreign::INDEX].join(", ");
    let path = format!("/v2/{repository}/manifests/{reference}");
    let answer = http::send(host, token, "GET", &path, &[("Accept", &accept)], b"").expect("an answer");
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    (answer.header("content-type").expect("a type").to_owned(), answer.body)
}

#[track_caller]
fn same_everywhere(image: &Image, first: (&str, &str, &str), second: (&str, &str, &str)) {
    for digest in &image.manifests {
        let (host, token, repository) = first;
        let here = manifest(host, token, repository, digest);
        let (host, token, repository) = second;
        assert_eq!(here, manifest(host, token, repository, digest), "{digest}");
    }
}

#[track_caller]
fn referrers(index: &[u8]) -> Vec<(String, Value)> {
    let index: Value = serde_json::from_slice(index).expect("an index");
    let manifests = index["manifests"].as_array().expect("descriptors");
    manifests.iter().map(|one| (super::foreign::digest(one), one["annotations"]["says"].clone())).collect()
}

#[test]
fn an_index_goes_from_registry_to_registry_with_all_that_belongs_to_it() {
    let (server, from, to) = (Server::start(), Foreign::start(), Foreign::start());
    server.apply_project();
    let admin = server.admin();
    let image = from.image("team/app", "1.4", 200_000);
    let source = format!("{}/team/app:1.4", from.host);
    let ours = format!("{}/shop/web", server.host());
    let dry = copy(&server, &[&source, &ours, "--dry-run", "--json"]);
    assert_eq!(dry.code, 0, "{dry:?}");
    let dry: Value = serde_json::from_str(&dry.stdout).expect("JSON");
    assert_eq!((&dry["manifests"], &dry["blobs"], &dry["blobsSent"]), (&7.into(), &7.into(), &7.into()), "{dry}");
    let nothing = http::send(&server.host(), &admin, "GET", "/v2/shop/web/manifests/1.4", &[], b"").expect("an answer");
    assert_eq!(nothing.status, 404, "a dry run copies nothing");

    let ran = server.done(&["copy", &source, &ours]);
    assert!(ran.contains(&image.index) && ran.contains("7 manifests and 7 blobs"), "{ran}");
    same_everywhere(&image, (&from.host, "", "team/app"), (&server.host(), &admin, "shop/web"));
    assert_eq!(manifest(&server.host(), &admin, "shop/web", "1.4").1, manifest(&from.host, "", "team/app", "1.4").1);
    for (subject, referrer) in [(&image.index, &image.signature), (&image.manifests[1], &image.signature_of_child)] {
        let path = format!("/v2/shop/web/referrers/{subject}");
        let listed = http::send(&server.host(), &admin, "GET", &path, &[], b"").expect("an answer");
        let listed = referrers(&listed.body);
        assert_eq!(listed.iter().map(|(digest, _)| digest).collect::<Vec<_>>(), [referrer]);
    }
    manifest(&server.host(), &admin, "shop/web", &image.cosign_tag);

    // And on to one that does not list referrers: there the tag that the specification has for that does, with annotations.
    let away = server.done(&["copy", &ours, &format!("{}/mirror/app", to.host), "--all-tags"]);
    assert!(away.contains("7 manifests"), "{away}");
    same_everywhere(&image, (&from.host, "", "team/app"), (&to.host, "", "mirror/app"));
    let listed = referrers(&manifest(&to.host, "", "mirror/app", &image.index.replace(':', "-")).1);
    assert_eq!(listed, [(image.signature.clone(), "signature of the index".into())]);
    manifest(&to.host, "", "mirror/app", &image.cosign_tag);
    let again = server.done(&["copy", &ours, &format!("{}/mirror/app", to.host), "--all-tags", "--json"]);
    let again: Value = serde_json::from_str(&again).expect("JSON");
    assert_eq!(again["bytesSent"], 0, "nothing is sent twice: {again}");
    let near = server.done(&["copy", &ours, &format!("{}/shop/other", server.host()), "--tags", "1.*", "--json"]);
    let near: Value = serde_json::from_str(&near).expect("JSON");
    assert_eq!((&near["blobsMounted"], &near["bytesSent"]), (&7.into(), &0.into()), "{near}");
    assert!(!server.folder().join("state/selfsame/copies").read_dir().is_ok_and(|mut files| files.next().is_some()));
}

#[test]
fn a_changed_byte_is_found_and_goes_nowhere() {
    let (server, wrong, right) = (Server::start(), Foreign::start(), Foreign::start());
    server.apply_project();
    let image = wrong.image("team/app", "1", 300_000);
    right.image("team/app", "1", 300_000);
    wrong.corrupt(&image.blobs[0]);
    let source = format!("{}/team/app:1", wrong.host);
    let ours = format!("{}/shop/web", server.host());
    let ran = copy(&server, &[&source, &ours]);
    assert!(ran.code == 2 && ran.stderr.contains("arrived with the digest"), "{ran:?}");
    for path in [format!("blobs/{}", image.blobs[0]), "manifests/1".into(), format!("manifests/{}", image.index)] {
        let path = format!("/v2/shop/web/{path}");
        let answer = http::send(&server.host(), &server.admin(), "HEAD", &path, &[], b"").expect("an answer");
        assert_eq!(answer.status, 404, "{path}");
    }
    server.audit();
    // The plan goes on with a source that has the right bytes.
    server.done(&["copy", &source, &ours, "--from", &format!("{}/team/app", right.host)]);
    same_everywhere(&image, (&right.host, "", "team/app"), (&server.host(), &server.admin(), "shop/web"));
    wrong.corrupt(&image.manifests[1]);
    let ran = copy(&server, &[&source, &format!("{}/shop/other", server.host())]);
    assert!(ran.code == 2 && ran.stderr.contains("arrived with the digest"), "{ran:?}");
}

#[test]
fn what_the_destination_would_lose_is_refused() {
    let (server, from, to) = (Server::start(), Foreign::start(), Foreign::start());
    let image = from.image("team/app", "1", 1000);
    let config = to.put_blob("team/app", b"{}");
    let layer = to.put_blob("team/app", b"somebody else's signature");
    let other = serde_json::json!({"schemaVersion": 2, "mediaType": super::foreign::MANIFEST, "config": config, "layers": [layer]});
    to.put_manifest("team/app", Some(&image.cosign_tag), super::foreign::MANIFEST, &other);
    let (source, destination) = (format!("{}/team/app:1", from.host), format!("{}/team/app", to.host));
    server.refused("", "conflict", &["copy", &source, &destination]);
    let nowhere = format!("{}/team/none:1", from.host);
    server.refused("", "missing", &["copy", &nowhere, &destination]);
    for wrong in [
        &["copy", "team/app:1", &destination][..],
        &["copy", &destination, &destination],
        &["copy", &source, &destination, "--all-tags"],
        &["copy", &source, &format!("{destination}@{}", image.blobs[0])],
    ] {
        let ran = server.run("", wrong);
        assert_eq!(ran.code, 64, "{wrong:?}: {ran:?}");
    }
    let plan = server.folder().join("other.plan");
    fs::write(&plan, "not a plan\n").expect("a file of the test can be written");
    server.refused(
        "",
        "conflict",
        &["copy", &source, &format!("{}/team/new", to.host), "--plan", plan.to_str().expect("a path")],
    );
}
