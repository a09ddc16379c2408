//! oras, unmodified: files, images, and what is about them.

use super::{
    clients::{image, layout_digest, skopeo},
    installed::is_installed,
    server::{Ran, Server, digest_in, program_result},
};

fn run(server: &Server, token: &str, arguments: &[&str]) -> Ran {
    let login = ["--plain-http", "--username", "x", "--password", token];
    let whole: Vec<&str> = arguments.iter().copied().chain(login).collect();
    program_result(server.folder(), "oras", &whole)
}

#[track_caller]
fn done(server: &Server, token: &str, arguments: &[&str]) -> String {
    let ran = run(server, token, arguments);
    assert_eq!(ran.code, 0, "`oras {}`: {ran:?}", arguments.join(" "));
    ran.stdout
}

#[test]
fn files_and_what_is_about_them_are_pushed_attached_and_found() {
    if !is_installed("oras", &["version"]) {
        return;
    }
    let server = Server::start();
    server.apply_project();
    let (admin, there) = (server.admin(), format!("{}/shop/web", server.host()));
    server.write("build.txt", "a build");
    server.write("bill.json", "[]");
    server.write("scan.json", "{}");
    server.write("other.txt", "another build");
    let push = |file: &str, tag: &str| {
        digest_in(&done(
            &server,
            &admin,
            &["push", "--artifact-type", "application/vnd.build", &format!("{there}:{tag}"), file],
        ))
    };
    let (artifact, other) = (push("build.txt", "1"), push("other.txt", "2"));
    let attach = |kind: &str, subject: &str, file: &str| {
        let subject = format!("{there}@{subject}");
        digest_in(&done(&server, &admin, &["attach", "--artifact-type", kind, &subject, file, "--format", "json"]))
    };
    let bill = attach("application/vnd.bill", &artifact, "bill.json");
    let scan = attach("application/vnd.scan", &bill, "scan.json");
    let other_bill = attach("application/vnd.bill", &other, "bill.json");
    server.audit();
    let found = done(&server, &admin, &["discover", "--format", "json", &format!("{there}@{artifact}")]);
    assert!(found.contains(&bill) && found.contains(&scan) && !found.contains(&other_bill), "{found}");
    let kind = ["discover", "--format", "json", "--artifact-type", "application/vnd.none"];
    let none = done(&server, &admin, &[&kind[..], &[&format!("{there}@{artifact}")]].concat());
    assert!(!none.contains(&bill), "{none}");

    let release = digest_in(&server.done(&["release", "create", "--component", &format!("web={artifact}")]));
    server.done(&["promote", &release, "--to", "dev"]);
    let cluster = server.token("machine:cluster", &["puller@shop/dev"]);
    for (reference, file, text) in [
        (format!("{there}:dev"), "build.txt", "a build"),
        (format!("{there}@{bill}"), "bill.json", "[]"),
        (format!("{there}@{scan}"), "scan.json", "{}"),
    ] {
        let folder = format!("pulled-{file}");
        done(&server, &cluster, &["pull", &reference, "--output", &folder]);
        let pulled = std::fs::read_to_string(server.folder().join(folder).join(file)).expect("the file");
        assert_eq!(pulled, text, "{reference}");
    }
    for digest in [&other, &other_bill] {
        let denied = run(&server, &cluster, &["pull", &format!("{there}@{digest}"), "--output", "denied"]);
        assert!(denied.code != 0 && denied.stderr.contains("not promoted"), "{digest}: {denied:?}");
    }
    server.audit();
}

#[test]
fn images_are_copied_between_repositories_with_their_referrers() {
    if !is_installed("oras", &["version"]) {
        return;
    }
    let server = Server::start();
    server.apply_project();
    image(&server, "web", "amd64");
    let (admin, host) = (server.admin(), server.host());
    let pushed = skopeo(&server, &admin, &["oci:web-amd64:1", &format!("docker://{host}/shop/web:1")]);
    assert_eq!(pushed.code, 0, "{pushed:?}");
    let digest = layout_digest(&server, "web-amd64");
    server.write("bill.json", "[]");
    let subject = format!("{host}/shop/web@{digest}");
    let bill = digest_in(&done(
        &server,
        &admin,
        &["attach", "--artifact-type", "application/vnd.bill", &subject, "bill.json", "--format", "json"],
    ));
    let login = |side: &str| {
        [format!("--{side}-plain-http"), format!("--{side}-username=x"), format!("--{side}-password={admin}")]
    };
    let options: Vec<String> = login("from").into_iter().chain(login("to")).collect();
    let there = format!("{host}/shop/copy:1");
    let mut arguments = vec!["copy", "--recursive"];
    arguments.extend(options.iter().map(String::as_str));
    arguments.extend([subject.as_str(), there.as_str()]);
    let copied = program_result(server.folder(), "oras", &arguments);
    assert_eq!(copied.code, 0, "{copied:?}");
    let found = done(&server, &admin, &["discover", "--format", "json", &there]);
    assert!(found.contains(&bill), "{found}");
    assert_eq!(digest_in(&done(&server, &admin, &["resolve", &there])), digest, "the digest is kept");
    server.audit();
}
