//! Unmodified clients: skopeo, podman, buildah.

use super::server::{Server, digest_in, program, program_result};

/// A small image in an OCI layout, made by buildah from nothing but one file; its folder's name.
pub(super) fn image(server: &Server, name: &str, architecture: &str) {
    let folder = server.folder();
    std::fs::create_dir_all(folder.join("context")).expect("a folder");
    server.write("context/hello", format!("{name} on {architecture}"));
    server.write("context/Containerfile", "FROM scratch\nCOPY hello /hello\n");
    let tag = format!("localhost/{name}:{architecture}");
    let root = folder.join("storage").display().to_string();
    let run = folder.join("run").display().to_string();
    let storage = ["--root", root.as_str(), "--runroot", run.as_str()];
    program(
        folder,
        "buildah",
        &[&storage[..], &["bud", "--format", "oci", "--arch", architecture, "-t", &tag, "context"]].concat(),
    );
    let layout = format!("oci:{name}-{architecture}:1");
    program(folder, "buildah", &[&storage[..], &["push", "--quiet", &tag, &layout]].concat());
}

pub(super) fn skopeo(server: &Server, token: &str, arguments: &[&str]) -> super::server::Ran {
    let credentials = format!("selfsame:{token}");
    let mut all = vec!["copy", "--quiet", "--insecure-policy", "--src-tls-verify=false", "--dest-tls-verify=false"];
    for (argument, option) in arguments.iter().zip(["--src-creds", "--dest-creds"]) {
        if argument.starts_with("docker://") {
            all.extend([option, &credentials]);
        }
    }
    all.extend(arguments);
    program_result(server.folder(), "skopeo", &all)
}

#[test]
fn skopeo_and_buildah_push_and_pull_what_they_pushed() {
    let server = Server::start_on(super::COLUMN);
    server.apply_project();
    image(&server, "web", "amd64");
    let admin = server.admin();
    let there = format!("docker://{}/shop/web:1", server.host());
    let pushed = skopeo(&server, &admin, &["oci:web-amd64:1", &there]);
    assert_eq!(pushed.code, 0, "{pushed:?}");
    server.audit();
    let pulled = skopeo(&server, &admin, &[&there, "oci:pulled:1"]);
    assert_eq!(pulled.code, 0, "{pulled:?}");
    assert_eq!(layout_digest(&server, "pulled"), layout_digest(&server, "web-amd64"), "the digest is kept");
    let inspected = program(
        server.folder(),
        "skopeo",
        &["inspect", "--tls-verify=false", "--creds", &format!("x:{admin}"), &there],
    );
    assert!(inspected.contains(&layout_digest(&server, "web-amd64")), "{inspected}");
    let denied = skopeo(&server, "ss_0000000000000000_no", &[&there, "oci:denied:1"]);
    assert_ne!(denied.code, 0, "a wrong token pulls nothing");
}

#[test]
fn a_multi_platform_index_keeps_every_digest() {
    let server = Server::start_on(super::COLUMN);
    server.apply_project();
    let folder = server.folder();
    for architecture in ["amd64", "arm64"] {
        image(&server, "web", architecture);
    }
    let root = folder.join("storage").display().to_string();
    let run = folder.join("run").display().to_string();
    let storage = ["--root", root.as_str(), "--runroot", run.as_str()];
    let buildah = |arguments: &[&str]| program(folder, "buildah", &[&storage[..], arguments].concat());
    buildah(&["manifest", "create", "list"]);
    buildah(&["manifest", "add", "list", "containers-storage:localhost/web:amd64"]);
    buildah(&["manifest", "add", "--arch", "arm64", "list", "containers-storage:localhost/web:arm64"]);
    let there = format!("docker://{}/shop/web:multi", server.host());
    let credentials = format!("x:{}", server.admin());
    buildah(&[
        "manifest",
        "push",
        "--all",
        "--quiet",
        "--format",
        "oci",
        "--tls-verify=false",
        "--creds",
        &credentials,
        "list",
        &there,
    ]);
    server.audit();
    // An index that nobody promotes, of the same images and one more.
    buildah(&["manifest", "create", "wider"]);
    buildah(&["manifest", "add", "wider", "containers-storage:localhost/web:amd64"]);
    image(&server, "extra", "amd64");
    buildah(&["manifest", "add", "wider", "containers-storage:localhost/extra:amd64"]);
    let wider = there.replace("multi", "wider");
    buildah(&["manifest", "push", "--all", "--quiet", "--tls-verify=false", "--creds", &credentials, "wider", &wider]);
    let index = a_stage_pulls_the_index(&server, &there, &wider);
    server.audit();
    let all = ["--all", &there, "oci:pulled:multi"];
    let copied = program_result(
        folder,
        "skopeo",
        &[&["copy", "--quiet", "--insecure-policy", "--src-tls-verify=false", "--src-creds", &credentials][..], &all]
            .concat(),
    );
    assert_eq!(copied.code, 0, "{copied:?}");
    let raw = program(folder, "skopeo", &["inspect", "--raw", "--tls-verify=false", "--creds", &credentials, &there]);
    assert_eq!(domain::Digest::sha256(raw.as_bytes()).to_string(), index, "the index is kept byte by byte");
    assert_eq!(layout_digest(&server, "pulled"), index);
}

/// Promotes the index `there`, and pulls it, its children and their layers with a token for the stage; `wider` stays out.
fn a_stage_pulls_the_index(server: &Server, there: &str, wider: &str) -> String {
    let raw = |reference: &str| {
        let credentials = format!("x:{}", server.admin());
        program(
            server.folder(),
            "skopeo",
            &["inspect", "--raw", "--tls-verify=false", "--creds", &credentials, reference],
        )
    };
    let index = domain::Digest::sha256(raw(there).as_bytes()).to_string();
    let release = digest_in(&server.done(&["release", "create", "--component", &format!("web={index}")]));
    server.done(&["promote", &release, "--to", "dev"]);
    let cluster = server.token("machine:cluster", &["puller@shop/dev"]);
    let repository = format!("docker://{}/shop/web", server.host());
    let copy = |reference: &str, layout: &str| {
        let credentials = format!("x:{cluster}");
        let options = ["copy", "--all", "--quiet", "--insecure-policy", "--src-tls-verify=false", "--src-creds"];
        let places = [credentials.as_str(), reference, layout];
        program_result(server.folder(), "skopeo", &[&options[..], &places[..]].concat())
    };
    for (reference, layout) in [
        (format!("{repository}@{index}"), "oci:index-by-digest:1"),
        (format!("{repository}:dev"), "oci:index-by-tag:1"),
    ] {
        let ran = copy(&reference, layout);
        assert_eq!(ran.code, 0, "{reference}: {ran:?}");
    }
    assert_eq!(layout_digest(server, "index-by-tag"), index, "every child and layer came along");
    let unpromoted = domain::Digest::sha256(raw(wider).as_bytes());
    for reference in [format!("{repository}@{unpromoted}"), wider.to_owned()] {
        let denied = copy(&reference, "oci:denied:1");
        assert!(denied.code != 0 && denied.stderr.contains("not promoted"), "{reference}: {denied:?}");
    }
    index
}

#[test]
fn production_pulls_only_what_production_has() {
    let server = Server::start_on(super::COLUMN);
    server.apply_project();
    image(&server, "web", "amd64");
    image(&server, "other", "amd64");
    let admin = server.admin();
    let repository = format!("docker://{}/shop/web", server.host());
    assert_eq!(skopeo(&server, &admin, &["oci:web-amd64:1", &format!("{repository}:1")]).code, 0);
    assert_eq!(skopeo(&server, &admin, &["oci:other-amd64:1", &format!("{repository}:2")]).code, 0);
    let refused = skopeo(&server, &admin, &["oci:other-amd64:1", &format!("{repository}:dev")]);
    assert!(refused.code != 0 && refused.stderr.contains("denied"), "a stage's tag cannot be pushed: {refused:?}");
    let artifact = layout_digest(&server, "web-amd64");
    let release = digest_in(&server.done(&["release", "create", "--component", &format!("web={artifact}")]));
    server.done(&["promote", &release, "--to", "dev"]);
    let cluster = server.token("machine:cluster", &["puller@shop/dev"]);
    let by_tag = skopeo(&server, &cluster, &[&format!("{repository}:dev"), "oci:by-tag:1"]);
    assert_eq!(by_tag.code, 0, "{by_tag:?}");
    assert_eq!(layout_digest(&server, "by-tag"), artifact);
    let by_digest = skopeo(&server, &cluster, &[&format!("{repository}@{artifact}"), "oci:by-digest:1"]);
    assert_eq!(by_digest.code, 0, "{by_digest:?}");
    let unpromoted = format!("{repository}@{}", layout_digest(&server, "other-amd64"));
    for reference in [&unpromoted, &format!("{repository}:2")] {
        let denied = skopeo(&server, &cluster, &[reference, "oci:denied:1"]);
        assert!(denied.code != 0 && denied.stderr.contains("not promoted"), "{reference}: {denied:?}");
    }
    server.done(&["hold", &artifact, "--reason", "malware"]);
    let held = skopeo(&server, &cluster, &[&format!("{repository}:dev"), "oci:held:1"]);
    assert!(held.code != 0 && held.stderr.contains("held"), "{held:?}");
    server.audit();
}

#[test]
fn podman_logs_in_pulls_and_pushes() {
    let server = Server::start_on(super::COLUMN);
    server.apply_project();
    image(&server, "web", "amd64");
    let admin = server.admin();
    assert_eq!(
        skopeo(&server, &admin, &["oci:web-amd64:1", &format!("docker://{}/shop/web:1", server.host())]).code,
        0
    );
    let folder = server.folder();
    let root = folder.join("podman").display().to_string();
    let run = folder.join("podman-run").display().to_string();
    let podman = |arguments: &[&str]| {
        program(
            folder,
            "podman",
            &[&["--root", &root, "--runroot", &run, "--storage-driver", "vfs"][..], arguments].concat(),
        )
    };
    podman(&["login", "--tls-verify=false", "-u", "anything", "-p", &admin, &server.host()]);
    let reference = format!("{}/shop/web:1", server.host());
    podman(&["pull", "--quiet", "--tls-verify=false", &reference]);
    let digest = podman(&["image", "inspect", "--format", "{{.Digest}}", &reference]);
    assert_eq!(digest.trim(), layout_digest(&server, "web-amd64"));
    let again = format!("{}/shop/web:again", server.host());
    podman(&["push", "--quiet", "--tls-verify=false", &reference, &format!("docker://{again}")]);
    server.audit();
}

/// The digest of the only manifest of an OCI layout.
#[track_caller]
pub(super) fn layout_digest(server: &Server, layout: &str) -> String {
    let index = std::fs::read_to_string(server.folder().join(layout).join("index.json")).expect("an OCI layout");
    digest_in(&index)
}
