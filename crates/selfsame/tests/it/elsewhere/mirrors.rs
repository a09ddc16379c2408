//! Pull-through mirrors: the upstream's bytes or none, fetched once, and there when the upstream is not.

use std::time::{Duration, Instant};

use super::{
    between::{Between, Fate},
    foreign::{Foreign, INDEX, MANIFEST},
};
use crate::{
    http::{self, Answer},
    server::Server,
};

/// A server on which `hub/...` is a mirror of `upstream`'s `team/...`.
fn mirror_of(upstream: &str, tag_age: &str) -> Server {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, file) = (folder.path().join("data"), folder.path().join("mirrors.yaml"));
    let text = format!("mirrors:\n- repositories: hub\n  upstream: {upstream}/team\n  tag-age: {tag_age}\n");
    std::fs::write(&file, text).expect("a file of the test can be written");
    Server::start_with(folder, data, &["--mirrors", file.to_str().expect("a path")])
}

fn get(server: &Server, path: &str) -> Answer {
    let accept = format!("{INDEX}, {MANIFEST}");
    let path = format!("/v2/hub/app/{path}");
    http::send(&server.host(), &server.admin(), "GET", &path, &[("Accept", &accept)], b"").expect("an answer")
}

/// Waits until the tag is in the catalog: then all of it is.
#[track_caller]
fn wait_until_whole(server: &Server, tag: &str) {
    let begun = Instant::now();
    loop {
        let listed =
            http::send(&server.host(), &server.admin(), "GET", "/v2/hub/app/tags/list", &[], b"").expect("an answer");
        if String::from_utf8_lossy(&listed.body).contains(&format!("\"{tag}\"")) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "the mirror does not get all of `{tag}`: {listed:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn many_who_pull_at_once_make_one_fetch_and_the_upstream_may_go() {
    let upstream = Foreign::start();
    let image = upstream.image("team/app", "1", 500_000);
    let blob = image.blobs[0].clone();
    let slow = {
        let blob = blob.clone();
        Between::before(&upstream.host, move |asked| match asked.path.contains(&blob) {
            true => Fate::Hold,
            false => Fate::Through,
        })
    };
    let mut server = mirror_of(&slow.host, "1h");
    let first = get(&server, "manifests/1");
    assert_eq!(first.header("docker-content-digest"), Some(image.index.as_str()), "{first:?}");
    std::thread::scope(|scope| {
        let pulls: Vec<_> = (0..8).map(|_| scope.spawn(|| get(&server, &format!("blobs/{blob}")))).collect();
        let begun = Instant::now();
        while slow.count("GET", &blob) == 0 && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(5));
        }
        slow.let_go();
        for pull in pulls {
            let pulled = pull.join().expect("an answer");
            assert_eq!((pulled.status, domain::Digest::sha256(&pulled.body).to_string()), (200, blob.clone()));
        }
    });
    assert_eq!(slow.count("GET", &blob), 1, "one fetch is enough for all");
    wait_until_whole(&server, &image.cosign_tag);
    server.audit();
    let pushed =
        http::send(&server.host(), &server.admin(), "POST", "/v2/hub/app/blobs/uploads/", &[], b"").expect("an answer");
    assert_eq!(pushed.status, 405, "a mirror takes no pushes");

    slow.set_down(true);
    let check = |server: &Server| {
        for digest in &image.manifests {
            let answer = get(server, &format!("manifests/{digest}"));
            assert_eq!((answer.status, domain::Digest::sha256(&answer.body).to_string()), (200, digest.clone()));
        }
        for digest in &image.blobs {
            assert_eq!(get(server, &format!("blobs/{digest}")).status, 200);
        }
        let referrers = get(server, &format!("referrers/{}", image.index));
        assert!(String::from_utf8_lossy(&referrers.body).contains(&image.signature), "{referrers:?}");
        let unknown = get(server, "manifests/2");
        assert_eq!(unknown.status, 502, "{unknown:?}");
    };
    check(&server);
    assert_eq!(get(&server, "manifests/1").header("warning"), None, "it was asked within the hour");
    server.kill();
    server.restart();
    let known = get(&server, "manifests/1");
    assert!(known.header("warning").is_some_and(|warning| warning.contains("cannot be asked")), "{known:?}");
    check(&server);
    server.audit();
}

#[test]
fn a_byte_that_was_changed_upstream_is_never_served() {
    let upstream = Foreign::start();
    let image = upstream.image("team/app", "1", 300_000);
    upstream.corrupt(&image.blobs[0]);
    upstream.corrupt(&image.manifests[2]);
    let server = mirror_of(&upstream.host, "1h");
    assert_eq!(get(&server, "manifests/1").status, 200);
    for path in [format!("blobs/{}", image.blobs[0]), format!("manifests/{}", image.manifests[2])] {
        let answer = get(&server, &path);
        assert_eq!(answer.status, 502, "{path}: {answer:?}");
    }
    let hex = image.blobs[0].trim_start_matches("sha256:");
    assert!(
        !server.data().join(format!("blobs/sha256/{}/{hex}", &hex[..2])).exists(),
        "nothing is stored under its name"
    );
    assert_eq!(get(&server, &format!("blobs/{}", image.blobs[1])).status, 200, "the others are as they were");
    server.audit();
}

#[test]
fn tags_are_asked_for_again_and_strangers_fetch_nothing() {
    let upstream = Foreign::start();
    let first = upstream.image("team/app", "1", 1000);
    let counted = Between::before(&upstream.host, |_| Fate::Through);
    let server = mirror_of(&counted.host, "1s");
    assert_eq!(get(&server, "manifests/1").header("docker-content-digest"), Some(first.index.as_str()));
    wait_until_whole(&server, &first.cosign_tag);
    let config = upstream.put_blob("team/app", b"{}");
    let other = serde_json::json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []});
    let other = super::foreign::digest(&upstream.put_manifest("team/app", Some("1"), MANIFEST, &other));
    let begun = Instant::now();
    while get(&server, "manifests/1").header("docker-content-digest") != Some(&other) {
        assert!(begun.elapsed() < Duration::from_secs(20), "the tag does not move");
        std::thread::sleep(Duration::from_millis(50));
    }
    let stranger = server.token("machine:stranger", &["reader@elsewhere"]);
    let before = counted.asked().len();
    for path in ["/v2/hub/app/manifests/1", "/v2/hub/app/manifests/2", "/v2/hub/other/manifests/1"] {
        let answer = http::send(&server.host(), &stranger, "GET", path, &[], b"").expect("an answer");
        assert_eq!(answer.status, 403, "{path}");
    }
    assert_eq!(counted.asked().len(), before, "nothing is fetched for whoever may not pull it");
    assert_eq!(get(&server, "manifests/none").status, 404);
    let asked = counted.asked().len();
    assert_eq!(get(&server, "manifests/none").status, 404);
    assert!(counted.asked().len() <= asked + 1, "what is not there is remembered for a while");
}
