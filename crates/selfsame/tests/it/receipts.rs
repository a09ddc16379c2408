//! What a promotion leaves convinces others: this program without a server, and cosign, old and new.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    elsewhere::foreign::{Foreign, MANIFEST},
    http,
    installed::{docker_config, is_installed},
    server::{Ran, Server, digest_in, program_result},
};

const SUMMARY: &str = "https://slsa.dev/verification_summary/v1";

/// A project whose `prod` attaches its receipts, and delivers to a registry if one is given.
fn project(server: &Server, registry: Option<&str>) {
    let deliver = registry.map(|registry| format!("    deliver: {{ eu: {{ registry: {registry}/team/shop }} }}\n"));
    let text = format!(
        "project: shop\ncomponents: {{ web: {{}} }}\nstages:\n  dev: {{}}\n  prod:\n    receipts: [referrer, tag]\n{}",
        deliver.unwrap_or_default()
    );
    server.write("selfsame.yaml", text);
    server.done(&["apply", "selfsame.yaml", "--yes"]);
}

/// Waits until everything under `tag` at `host` has a receipt in both forms.
#[track_caller]
fn wait_until_attached(host: &str, token: &str, repository: &str, digest: &str) {
    let begun = Instant::now();
    let tag = format!("/v2/{repository}/manifests/{}.att", digest.replace(':', "-"));
    let ask = || http::send(host, token, "GET", &tag, &[("Accept", MANIFEST)], b"").expect("an answer");
    while ask().status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no receipt is attached to {digest} at {host}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn cosign(server: &Server, version: &str, config: &str, arguments: &[&str]) -> Ran {
    let config = format!("DOCKER_CONFIG={config}");
    program_result(server.folder(), "env", &[&["COSIGN_PASSWORD=pw", &config, version], arguments].concat())
}

/// Gets the keys, and the receipt of what `prod` has.
fn fetch(server: &Server) {
    server.done(&["receipt", "key", "-o", "receipts.pub"]);
    server.done(&["receipt", "get", "prod", "--component", "web", "-o", "web.json"]);
    fs::copy(server.data().join("keys/ledger.pub"), server.folder().join("ledger.pub")).expect("the ledger's key");
}

#[test]
fn others_verify_what_was_promoted_and_where_it_was_delivered() {
    if !is_installed("cosign-2", &["version"]) || !is_installed("cosign-3", &["version"]) {
        return;
    }
    let (from, to) = (Foreign::start(), Foreign::start());
    let server = Server::start();
    project(&server, Some(&to.host));
    let image = from.image("team/app", "1", 1000);
    let (host, admin) = (server.host(), server.admin());
    server.done(&["copy", &format!("{}/team/app:1", from.host), &format!("{host}/shop/web:1")]);
    let release = digest_in(&server.done(&["release", "create", "--component", &format!("web={}", image.index)]));
    server.done(&["promote", &release, "--to", "dev"]);
    let (ours, nobody) = (docker_config(&server, Some(&admin)), docker_config(&server, None));
    let (index, child) = (image.manifests[0].as_str(), image.manifests[1].as_str());
    let about = |host: &str, repository: &str, digest: &str| format!("{host}/{repository}@{digest}");
    let offline = ["--insecure-ignore-tlog", "--allow-http-registry"];
    let attestation =
        |key: &'static str| [&["verify-attestation", "--type", SUMMARY, "--key", key], &offline[..]].concat();
    server.done(&["receipt", "key", "-o", "receipts.pub"]);
    for version in ["cosign-2", "cosign-3"] {
        let subject = about(&host, "shop/web", index);
        let ran = cosign(&server, version, &ours, &[&attestation("receipts.pub")[..], &[&subject]].concat());
        assert_ne!(ran.code, 0, "nothing is said of what was not promoted: {ran:?}");
    }

    server.done(&["promote", &release, "--to", "prod"]);
    for digest in [index, child] {
        wait_until_attached(&host, &admin, "shop/web", digest);
        wait_until_attached(&to.host, "", "team/shop/web", digest);
    }
    server.audit();
    fetch(&server);
    let other = ["generate-key-pair", "--output-key-prefix", "other"];
    assert_eq!(cosign(&server, "cosign-3", &nobody, &other).code, 0);
    for version in ["cosign-2", "cosign-3"] {
        for (subject, config) in [
            (about(&host, "shop/web", index), &ours),
            (about(&host, "shop/web", child), &ours),
            (about(&to.host, "team/shop/web", index), &nobody),
            (about(&to.host, "team/shop/web", child), &nobody),
        ] {
            let ran = cosign(&server, version, config, &[&attestation("receipts.pub")[..], &[&subject]].concat());
            assert_eq!(ran.code, 0, "{version}: {subject}: {ran:?}");
            let ran = cosign(&server, version, config, &[&attestation("other.pub")[..], &[&subject]].concat());
            assert_ne!(ran.code, 0, "{version} believes a stranger: {ran:?}");
        }
    }
    // The new form is one that cosign takes for a signature of the image, too: so it is attached only where a stage asks for it.
    let subject = about(&host, "shop/web", index);
    let verify = [&["verify", "--key", "receipts.pub"], &offline[..], &[&subject]].concat();
    assert_eq!(cosign(&server, "cosign-3", &ours, &verify).code, 0);
    // As a file, about the bytes of the manifest.
    let manifest = http::send(&host, &admin, "GET", &format!("/v2/shop/web/manifests/{index}"), &[], b"");
    server.write("manifest.json", manifest.expect("the manifest").body);
    server.write("other.json", "{}");
    let blob = ["verify-blob-attestation", "--key", "receipts.pub", "--bundle", "web.json", "--type", SUMMARY];
    let blob = [&blob[..], &["--insecure-ignore-tlog"]].concat();
    assert_eq!(cosign(&server, "cosign-3", &ours, &[&blob[..], &["manifest.json"]].concat()).code, 0);
    assert_ne!(cosign(&server, "cosign-3", &ours, &[&blob[..], &["other.json"]].concat()).code, 0);
}

#[test]
fn a_receipt_is_verified_without_a_server_and_nothing_else_is() {
    let mut server = Server::start();
    project(&server, None);
    let (artifact, release) = server.release("a build");
    server.done(&["promote", &release, "--to", "dev"]);
    server.done(&["promote", &release, "--to", "prod"]);
    wait_until_attached(&server.host(), &server.admin(), "shop/web", &artifact);
    fetch(&server);
    let mut keys = server.run_alone(&["keys", "create", "--to", "strangers", "--origin", "example.org/other"]);
    assert_eq!(keys.code, 0, "{keys:?}");
    server.stop();

    let verify = ["verify", "web.json", "--key", "receipts.pub", "--ledger-key", "ledger.pub"];
    for more in [&[][..], &["--project", "shop", "--stage", "prod"], &["--artifact", &artifact]] {
        let ran = server.run_alone(&[&verify[..], more].concat());
        assert_eq!(ran.code, 0, "{more:?}: {ran:?}");
        assert!(ran.stdout.contains("`web` of `shop` was promoted to `prod`"), "{ran:?}");
    }
    let shown = server.run_alone(&[&verify[..], &["--json"]].concat());
    let shown: Value = serde_json::from_str(&shown.stdout).expect("JSON");
    assert_eq!((&shown["release"], &shown["artifact"]), (&release.as_str().into(), &artifact.as_str().into()));
    let alone = server.run_alone(&verify[..4]);
    assert!(alone.code == 0 && alone.stderr.contains("only the receipts' key says so"), "{alone:?}");

    let good = fs::read_to_string(server.folder().join("web.json")).expect("the receipt");
    let digit = good.find("\"payload\":\"").expect("a payload") + 40;
    let changed = if &good[digit..=digit] == "A" { "B" } else { "A" };
    server.write("changed.json", [&good[..digit], changed, &good[digit + 1..]].concat());
    server.write("empty.json", "");
    for (file, key, ledger, more, because) in [
        ("changed.json", "receipts.pub", "ledger.pub", &[][..], "proves nothing"),
        ("empty.json", "receipts.pub", "ledger.pub", &[], "proves nothing"),
        ("web.json", "strangers/receipts.pub", "ledger.pub", &[], "proves nothing"),
        ("web.json", "receipts.pub", "strangers/ledger.pub", &[], "the ledger does not say what it says"),
        ("web.json", "receipts.pub", "ledger.pub", &["--stage", "dev"], "about stage `prod`, and not about `dev`"),
        ("web.json", "receipts.pub", "ledger.pub", &["--project", "x"], "about project `shop`, and not about `x`"),
        ("web.json", "receipts.pub", "ledger.pub", &["--artifact", &release], "and not about"),
    ] {
        let ran = server.run_alone(&[&["verify", file, "--key", key, "--ledger-key", ledger], more].concat());
        assert!(ran.code == 1 && ran.stderr.contains(because), "{file} {key} {ledger} {more:?}: {ran:?}");
        assert!(ran.stderr.contains("receipt-invalid"), "{ran:?}");
    }
    let missing = server.run_alone(&["verify", "web.json", "--key", "web.json"]);
    assert!(missing.code == 64 && missing.stderr.contains("holds no public key"), "{missing:?}");

    // Keys that were made before there were receipts: the server says so, and one is added.
    keys = server.run_alone(&["keys", "add-receipts", "--to", "strangers"]);
    assert!(keys.code == 64 && keys.stderr.contains("is there already"), "{keys:?}");
    for name in ["receipts.key", "receipts.pub"] {
        fs::remove_file(server.folder().join("strangers").join(name)).expect("the key was there");
    }
    keys = server.run_alone(&["keys", "add-receipts", "--to", "strangers"]);
    assert!(keys.code == 0 && keys.stdout.contains("BEGIN PUBLIC KEY"), "{keys:?}");
}
