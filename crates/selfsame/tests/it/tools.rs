//! crane, regctl and `skopeo sync` as people use them to move images about: every digest stays what it was.

use super::{
    clients::{image, layout_digest},
    installed::{docker_config, is_installed},
    server::{Ran, Server, digest_in, program, program_result},
};

/// A project whose stage `dev` anybody may pull from.
pub(super) const OPEN: &str = "\
project: shop
components:
  web: {}
stages:
  dev: {}
public: { stages: [dev] }
";

fn crane(server: &Server, arguments: &[&str]) -> String {
    program(server.folder(), "crane", &[&["--insecure"], arguments].concat())
}

/// Pushes an index of two platforms with crane; what it is called, and its digest.
fn push_index(server: &Server) -> (String, String) {
    let there = format!("{}/shop/web", server.host());
    let mut made = vec!["index".to_owned(), "append".to_owned(), "-t".to_owned(), format!("{there}:multi")];
    for platform in ["amd64", "arm64"] {
        image(server, "web", platform);
        let (layout, tag) = (format!("web-{platform}"), format!("{there}:{platform}"));
        crane(server, &["push", &layout, &tag]);
        assert_eq!(crane(server, &["digest", &tag]).trim(), layout_digest(server, &layout), "crane keeps the digest");
        made.extend(["-m".to_owned(), tag]);
    }
    crane(server, &made.iter().map(String::as_str).collect::<Vec<_>>());
    let digest = digest_in(&crane(server, &["digest", &format!("{there}:multi")]));
    (format!("{there}:multi"), digest)
}

#[test]
fn crane_regctl_and_skopeo_move_an_index_without_changing_a_byte() {
    if !is_installed("crane", &["version"]) || !is_installed("regctl", &["version"]) {
        return;
    }
    let server = Server::start();
    server.apply_project();
    docker_config(&server, Some(&server.admin()));
    let (there, index) = push_index(&server);
    server.audit();
    crane(&server, &["pull", "--format=oci", &there, "pulled"]);
    assert_eq!(layout_digest(&server, "pulled"), index, "crane pulls what it pushed");
    let host = server.host();
    let copies = [format!("{host}/shop/crane:1"), format!("{host}/shop/regctl:1")];
    crane(&server, &["copy", &there, &copies[0]]);
    let regctl = |arguments: &[&str]| program(server.folder(), "regctl", arguments);
    regctl(&["registry", "set", "--tls", "disabled", &host]);
    server.write("bill.json", "[]");
    let put = ["artifact", "put", "--artifact-type", "application/vnd.bill", "--subject", &there, "-f", "bill.json"];
    regctl(&put);
    let bill = digest_in(&regctl(&["artifact", "list", "--format", "{{(index .Descriptors 0).Digest}}", &there]));
    regctl(&["image", "copy", "--referrers", "--digest-tags", &there, &copies[1]]);
    let credentials = format!("x:{}", server.admin());
    let login = [
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        "--src-creds",
        &credentials,
        "--dest-creds",
        &credentials,
    ];
    let skopeo = |arguments: &[&str]| program(server.folder(), "skopeo", &[&["--insecure-policy"], arguments].concat());
    // One image: the skopeo of Debian 12 cannot leave an index as it is that it would have written in another way.
    let (one, place) = (there.replace("multi", "amd64"), format!("{host}/shop/sync"));
    skopeo(&[&["sync", "--all", "--src", "docker", "--dest", "docker"], &login[..], &[&one, &place]].concat());
    assert_eq!(crane(&server, &["digest", &format!("{place}/web:amd64")]), crane(&server, &["digest", &one]));
    let bytes = crane(&server, &["manifest", &there]);
    for copy in &copies {
        assert_eq!(crane(&server, &["manifest", copy]), bytes, "{copy} is byte by byte the same");
    }
    assert!(regctl(&["artifact", "tree", &copies[1]]).contains(&bill), "what is attached came along");
    server.audit();
}

#[test]
fn nobody_in_particular_pulls_what_is_public() {
    if !is_installed("crane", &["version"]) {
        return;
    }
    let server = Server::start();
    server.write("selfsame.yaml", OPEN);
    let plan = server.run(&server.admin(), &["apply", "selfsame.yaml", "--dry-run"]);
    assert!(plan.stdout.contains("public"), "the plan says what is opened: {plan:?}");
    server.done(&["apply", "selfsame.yaml", "--yes"]);
    docker_config(&server, Some(&server.admin()));
    let (there, index) = push_index(&server);
    let release = digest_in(&server.done(&["release", "create", "--component", &format!("web={index}")]));
    server.done(&["promote", &release, "--to", "dev"]);
    image(&server, "extra", "amd64");
    crane(&server, &["push", "extra-amd64", &there.replace("multi", "extra")]);
    let nobody = format!("DOCKER_CONFIG={}", docker_config(&server, None));
    let repository = format!("{}/shop/web", server.host());
    let by_crane = |reference: &str| -> Ran {
        program_result(server.folder(), "env", &[&nobody, "crane", "--insecure", "manifest", reference])
    };
    let by_skopeo = |reference: &str| -> Ran {
        let place = format!("docker://{reference}");
        program_result(server.folder(), "skopeo", &["inspect", "--raw", "--no-creds", "--tls-verify=false", &place])
    };
    for (reference, may) in [
        (format!("{repository}:dev"), true),
        (format!("{repository}@{index}"), true),
        (there.clone(), true),
        (there.replace("multi", "extra"), false),
        (format!("{}/other/web:1", server.host()), false),
    ] {
        for ran in [by_crane(&reference), by_skopeo(&reference)] {
            assert_eq!(ran.code == 0, may, "{reference}: {ran:?}");
        }
    }
    let cannot = program_result(
        server.folder(),
        "env",
        &[&nobody, "crane", "--insecure", "tag", &format!("{repository}:dev"), "mine"],
    );
    assert!(cannot.code != 0 && cannot.stderr.contains("UNAUTHORIZED"), "{cannot:?}");
}
