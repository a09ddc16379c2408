//! What clients sign counts in gates: attached by cosign, old and new, or handed over as a file; by keys that the project trusts, and for as long as it does.

use std::fs;

use super::{
    clients::{image, layout_digest, skopeo},
    installed::{docker_config, is_installed},
    server::{Server, digest_in, program_result},
};

const PREDICATE: &str = "https://slsa.dev/provenance/v1";
const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";

/// A project that wants to know who built what it promotes, and trusts one key with that.
fn project(server: &Server, more: &str) -> String {
    let key = fs::read_to_string(server.folder().join("ci.pub")).expect("a public key");
    let key: String = key.lines().map(|line| format!("        {line}\n")).collect();
    format!(
        "project: shop
components: {{ web: {{}} }}
trust:
  keys:
    ci:
      key: |
{key}      attests: [{PREDICATE}, {SIGNATURE}]
{more}stages:
  dev:
    gate:
      - attestation: {{ type: \"{PREDICATE}\", by: [ci], where: {{ builder: https://ci.example, source: https://git.example/* }} }}
"
    )
}

fn apply(server: &Server, more: &str) {
    server.write("selfsame.yaml", project(server, more));
    server.done(&["apply", "selfsame.yaml", "--yes"]);
}

struct Signing<'a> {
    server: &'a Server,
    config: String,
}

impl Signing<'_> {
    #[track_caller]
    fn cosign(&self, version: &str, arguments: &[&str]) {
        let config = format!("DOCKER_CONFIG={}", self.config);
        let words = [&["COSIGN_PASSWORD=pw", &config, version], arguments].concat();
        let ran = program_result(self.server.folder(), "env", &words);
        assert_eq!(ran.code, 0, "`{version} {}`: {ran:?}", arguments.join(" "));
    }

    /// Attaches what `key` says of who built it.
    fn attest(&self, version: &str, key: &str, builder: &str, subject: &str) {
        self.predicate(builder);
        let file = format!("{key}.key");
        let attest =
            ["attest", "--key", &file, "--type", PREDICATE, "--predicate", "build.json", "-y", "--allow-http-registry"];
        let offline: &[&str] = match version {
            "cosign-2" => &["--tlog-upload=false"],
            _ => &["--signing-config", "signing.json"],
        };
        self.cosign(version, &[&attest[..], offline, &[subject]].concat());
    }

    fn predicate(&self, builder: &str) {
        let build = serde_json::json!({
            "buildDefinition": {
                "buildType": "https://builds.example/make",
                "externalParameters": {"workflow": {"repository": "https://git.example/web"}},
            },
            "runDetails": {"builder": {"id": builder}},
        });
        self.server.write("build.json", build.to_string());
    }

    fn key(&self, name: &str) {
        self.cosign("cosign-3", &["generate-key-pair", "--output-key-prefix", name]);
    }
}

#[test]
fn what_clients_sign_opens_gates() {
    if !is_installed("cosign-2", &["version"]) || !is_installed("cosign-3", &["version"]) {
        return;
    }
    let server = Server::start();
    let (admin, host) = (server.admin(), server.host());
    let signing = Signing { server: &server, config: docker_config(&server, Some(&admin)) };
    signing.key("ci");
    signing.key("mallory");
    signing.cosign("cosign-3", &["signing-config", "create", "--out", "signing.json"]);
    apply(&server, "");
    image(&server, "web", "amd64");
    assert_eq!(skopeo(&server, &admin, &["oci:web-amd64:1", &format!("docker://{host}/shop/web:1")]).code, 0);
    let digest = layout_digest(&server, "web-amd64");
    let release = digest_in(&server.done(&["release", "create", "--component", &format!("web={digest}")]));
    let subject = format!("{host}/shop/web@{digest}");
    let gate = ["gate", "check", &release, "--to", "dev"];
    #[track_caller]
    fn closed(server: &Server, gate: &[&str], because: &str) {
        let ran = server.run(&server.admin(), gate);
        assert!(ran.code == 1 && ran.stdout.contains(because), "{because}: {ran:?}");
        server.audit();
    }
    closed(&server, &gate, "there is no `https://slsa.dev/provenance/v1` of `web`");
    // A stranger may attach what he likes.
    signing.attest("cosign-3", "mallory", "https://ci.example", &subject);
    closed(&server, &gate, "there is no `https://slsa.dev/provenance/v1` of `web`");
    signing.attest("cosign-2", "ci", "https://laptop.example", &subject);
    closed(&server, &gate, "its `builder` is `https://laptop.example`, and `https://ci.example` is required");
    signing.attest("cosign-3", "ci", "https://ci.example", &subject);
    server.done(&gate);
    // A signature of the image alone, in the old form, is known as that.
    let sign = ["sign", "--key", "ci.key", "--tlog-upload=false", "-y", "--allow-http-registry", &subject];
    signing.cosign("cosign-2", &sign);
    let known = server.done(&["trace", &digest, "--json"]);
    assert!(known.contains(SIGNATURE), "{known}");
    server.done(&["promote", &release, "--to", "dev"]);
    server.audit();

    // The same as a file, about another artifact.
    let (other, second) = server.release("another build");
    let manifest = super::http::send(&host, &admin, "GET", &format!("/v2/shop/web/manifests/{other}"), &[], b"");
    server.write("manifest.json", manifest.expect("the manifest").body);
    signing.predicate("https://ci.example");
    let blob = ["attest-blob", "manifest.json", "--type", PREDICATE, "--predicate", "build.json", "-y"];
    for (key, bundle) in [("ci.key", "good.json"), ("mallory.key", "bad.json")] {
        let more = ["--key", key, "--bundle", bundle, "--signing-config", "signing.json"];
        signing.cosign("cosign-3", &[&blob[..], &more].concat());
    }
    let untrusted = "statement-untrusted";
    server.refused(&admin, untrusted, &["attest", &other, "--signed", "bad.json"]);
    server.refused(&admin, untrusted, &["attest", &digest, "--signed", "good.json"]);
    server.refused(&admin, untrusted, &["attest", &other, "--signed", "build.json"]);
    let gate = ["gate", "check", &second, "--to", "dev"];
    closed(&server, &gate, "there is no `https://slsa.dev/provenance/v1` of `web`");
    server.done(&["attest", &other, "--signed", "good.json"]);
    server.done(&gate);

    // A key that is revoked takes with it what it has said since then.
    apply(&server, "      revoked: 2026-01-01T00:00:00Z\n");
    closed(&server, &gate, "the key `ci` is revoked since 2026-01-01T00:00:00.000Z");
    server.refused(&admin, untrusted, &["attest", &other, "--signed", "good.json"]);
    server.refused(&admin, "gate-unmet", &["promote", &second, "--to", "dev"]);
    server.audit();
}

#[test]
fn a_key_that_is_none_is_refused_where_it_stands() {
    let server = Server::start();
    server.write("ci.pub", "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n");
    server.write("selfsame.yaml", project(&server, ""));
    let ran = server.run(&server.admin(), &["apply", "selfsame.yaml", "--yes"]);
    assert!(ran.code == 64 && ran.stderr.contains("selfsame.yaml:7:9: it is no public key"), "{ran:?}");
}
