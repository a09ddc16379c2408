//! cosign, old and new: version 2 attaches by tags, version 3 by the manifest's subject. Both sign, and both find what they signed.

use super::{
    clients::{image, layout_digest, skopeo},
    installed::{docker_config, is_installed},
    server::{Ran, Server, digest_in, program_result},
};

fn cosign(server: &Server, version: &str, config: &str, arguments: &[&str]) -> Ran {
    let config = format!("DOCKER_CONFIG={config}");
    program_result(server.folder(), "env", &[&["COSIGN_PASSWORD=pw", &config, version], arguments].concat())
}

#[track_caller]
fn done(server: &Server, version: &str, config: &str, arguments: &[&str]) {
    let ran = cosign(server, version, config, arguments);
    assert_eq!(ran.code, 0, "`{version} {}`: {ran:?}", arguments.join(" "));
}

#[test]
fn signatures_of_every_kind_go_with_what_they_sign() {
    let (old, new) = ("cosign-2", "cosign-3");
    if !is_installed(old, &["version"]) || !is_installed(new, &["version"]) {
        return;
    }
    let server = Server::start();
    server.apply_project();
    image(&server, "web", "amd64");
    let (admin, host) = (server.admin(), server.host());
    assert_eq!(skopeo(&server, &admin, &["oci:web-amd64:1", &format!("docker://{host}/shop/web:1")]).code, 0);
    let digest = layout_digest(&server, "web-amd64");
    let config = docker_config(&server, Some(&admin));
    let subject = format!("{host}/shop/web@{digest}");
    let http = "--allow-http-registry";
    server.write("predicate.json", "{}");
    done(&server, old, &config, &["generate-key-pair"]);
    done(&server, old, &config, &["sign", "--key", "cosign.key", "--tlog-upload=false", "-y", http, &subject]);
    let attest = ["attest", "--key", "cosign.key", "--type", "custom", "--predicate", "predicate.json", "-y", http];
    done(&server, old, &config, &[&attest[..], &["--tlog-upload=false", &subject]].concat());
    done(&server, new, &config, &["signing-config", "create", "--out", "signing.json"]);
    let offline = ["--signing-config", "signing.json", subject.as_str()];
    done(&server, new, &config, &[&["sign", "--key", "cosign.key", "-y", http], &offline[..]].concat());
    // Version 3 looks at attestations of its own kind only, once there is one of them or a signature.
    done(&server, new, &config, &[&attest[..], &offline[..]].concat());
    server.audit();

    let trace = server.run(&admin, &["trace", &digest, "--json"]);
    let trace: serde_json::Value = serde_json::from_str(&trace.stdout).expect("JSON");
    let attached = trace["attached"].as_array().expect("what is attached");
    let of = |refers: bool| attached.iter().filter(|one| one["refers"] == refers).count();
    assert_eq!((of(true), of(false)), (2, 2), "a signature and an attestation of each kind: {attached:?}");

    let release = digest_in(&server.done(&["release", "create", "--component", &format!("web={digest}")]));
    server.done(&["promote", &release, "--to", "dev"]);
    // Whoever runs the stage verifies with the stage's own token, by its tag.
    let config = docker_config(&server, Some(&server.token("machine:cluster", &["puller@shop/dev"])));
    let running = format!("{host}/shop/web:dev");
    let key = ["--key", "cosign.pub", "--insecure-ignore-tlog", http, &running];
    for version in [old, new] {
        done(&server, version, &config, &[&["verify"], &key[..]].concat());
        done(&server, version, &config, &[&["verify-attestation", "--type", "custom"], &key[..]].concat());
    }
    for one in attached {
        let manifest = format!("/v2/shop/web/manifests/{}", one["digest"].as_str().expect("a digest"));
        let refused = super::http::send(&host, &admin, "DELETE", &manifest, &[], b"").expect("an answer");
        assert_eq!((refused.status, &refused.json()["errors"][0]["detail"]["code"]), (403, &"artifact-in-use".into()));
    }
    server.done(&["hold", &digest, "--reason", "malware"]);
    let held = cosign(&server, new, &config, &[&["verify"], &key[..]].concat());
    assert!(held.code != 0 && held.stderr.contains("held"), "{held:?}");
    server.audit();
}
