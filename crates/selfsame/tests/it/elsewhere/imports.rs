//! Imports: of a registry's repositories, and of what promoter manifests name.

use serde_json::Value;

use super::{copies::manifest, foreign::Foreign};
use crate::server::{Server, digest_in};

#[test]
fn the_repositories_of_a_registry_come_with_their_evidence() {
    let (server, from) = (Server::start(), Foreign::start());
    server.apply_project();
    let (web, api) = (from.image("team/web", "1.0", 1000), from.image("api", "2.0", 1000));
    from.image("api", "2.0-rc1", 1000);
    let destination = format!("{}/shop", server.host());
    server.done(&["import", "registry", &from.host, &destination, "--tags", "*.0"]);
    let tag = |repository: &str, tag: &str| {
        domain::Digest::sha256(&manifest(&server.host(), &server.admin(), repository, tag).1).to_string()
    };
    assert_eq!((tag("shop/team/web", "1.0"), tag("shop/api", "2.0")), (web.index, api.index));
    manifest(&server.host(), &server.admin(), "shop/api", &api.cosign_tag);
    let again = server.done(&["import", "registry", &from.host, &destination, "--repository", "api", "--json"]);
    let again: Value = serde_json::from_str(&again).expect("JSON");
    assert_eq!(again["images"][0]["tags"].as_object().map(serde_json::Map::len), Some(2), "{again}");
}

#[test]
fn promoter_manifests_are_imported_whole_or_not_at_all() {
    let (server, from) = (Server::start(), Foreign::start());
    server.apply_project();
    let image = from.image("staging/app", "build-7", 1000);
    let destination = format!("{}/shop", server.host());
    let lost = format!("sha256:{}", "0".repeat(64));
    let manifest_of = |more: &str| {
        format!(
            "registries:\n- name: {}/staging\n  src: true\n- name: r.example/prod\nimages:\n- name: app\n  dmap:\n    \"{}\": [\"1.4\", \"latest\"]\n{more}",
            from.host, image.index
        )
    };
    let other_lost = format!("sha256:{}", "1".repeat(64));
    server.write(
        "lost.yaml",
        manifest_of(&format!("    \"{lost}\": [\"1.3\"]\n- name: gone\n  dmap:\n    \"{other_lost}\": []\n")),
    );
    let refused = server.refused(&server.admin(), "missing", &["import", "promoter", "lost.yaml", &destination]);
    assert!(
        refused.stderr.contains(&lost) && refused.stderr.contains(&other_lost),
        "all that is missing is told: {refused:?}"
    );
    let nothing = server.run(&server.admin(), &["pull", "shop/app:1.4", "--output", "nothing"]);
    assert_eq!(nothing.code, 1, "nothing was imported: {nothing:?}");
    server.write("promoter.yaml", manifest_of(""));
    server.done(&["import", "promoter", "promoter.yaml", &destination, "--dry-run"]);
    server.done(&["import", "promoter", "promoter.yaml", &destination]);
    for tag in ["1.4", "latest", &image.index] {
        manifest(&server.host(), &server.admin(), "shop/app", tag);
    }
    // A tag that points elsewhere does not move.
    let other = from.image("staging/app", "build-8", 1000);
    server.write("moved.yaml", manifest_of("").replace(&image.index, &other.index));
    server.refused(&server.admin(), "conflict", &["import", "promoter", "moved.yaml", &destination]);

    let files = format!(
        "filestores:\n- base: gs://staging\n  src: true\nfiles:\n- name: tool\n  sha256: {}\n",
        &domain::Digest::sha256(b"a tool").as_str()[7..]
    );
    server.write("files.yaml", files);
    server.write("tool", "another tool");
    let into = format!("{destination}/files");
    server.refused(&server.admin(), "missing", &["import", "promoter", "files.yaml", &into, "--files", "."]);
    server.write("tool", "a tool");
    let ran = server.run(&server.admin(), &["import", "promoter", "files.yaml", &into, "--files", "."]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let artifact = digest_in(&ran.stdout);
    server.done(&["pull", &format!("shop/files@{artifact}"), "--output", "pulled"]);
    assert_eq!(std::fs::read(server.folder().join("pulled/tool")).expect("the file"), b"a tool");
    server.audit();
}
