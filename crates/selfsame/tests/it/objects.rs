//! What only object storage can get wrong: damage in the bucket, a storage that dies, a place that cannot be used.

use std::process::{Command, Stdio};

use services::ObjectServer;

use super::{
    http::{Answer, send},
    server::{Column, PROGRAM, Server},
};

fn ask(server: &Server, method: &str, path: &str, body: &[u8]) -> Answer {
    send(&server.host(), &server.admin(), method, path, &[], body).expect("the server answers")
}

#[test]
fn what_is_damaged_in_the_bucket_is_never_served() {
    let storage = ObjectServer::shared();
    let place = storage.new_place();
    let mut server = Server::start_at(storage, &place);
    server.apply_project();
    let text = "a build ".repeat(100_000);
    let (artifact, release) = server.release(&text);
    server.done(&["promote", &release, "--to", "dev"]);
    for folder in ["blobs", "sums", "uploads", "ledger"] {
        assert!(!server.data().join(folder).exists(), "the data directory has no `{folder}`");
    }
    let layer = domain::Digest::sha256(text.as_bytes());
    let (path, name) = (format!("/v2/shop/web/blobs/{layer}"), format!("blobs/sha256/{}", layer.hex()));
    assert_eq!(ask(&server, "GET", &path, b"").body, text.as_bytes());
    let mut spoiled = text.clone().into_bytes();
    spoiled[500_000] ^= 1;
    storage.overwrite(&place, &name, &spoiled);
    let read = send(&server.host(), &server.admin(), "GET", &path, &[], b"");
    let served = read.map(|answer| answer.body).unwrap_or_default();
    assert!(served.len() <= 500_000 && text.as_bytes().starts_with(&served), "no wrong byte is served");
    let audit = server.audit_result();
    assert!(audit.code == 1 && audit.stdout.contains(layer.as_str()), "an audit finds it: {audit:?}");
    server.kill();
    let audit = server.audit_directory();
    assert!(audit.code == 1 && audit.stdout.contains(layer.as_str()), "so does one without a server: {audit:?}");
    let data = server.data().to_str().expect("a path").to_owned();
    let doctor = server.run("", &["doctor", "--data", &data]);
    assert!(doctor.code == 0 && doctor.stdout.contains("object storage"), "{doctor:?}");
    let scrub = server.run("", &["scrub", "--data", &data]);
    assert!(scrub.code == 1 && scrub.stdout.contains(layer.as_str()), "{scrub:?}");
    server.restart();
    assert_eq!(ask(&server, "HEAD", &path, b"").status, 404, "it is set aside");
    server.write("artifact", &text);
    server.done(&["push", "artifact", "--component", "web"]);
    assert_eq!(ask(&server, "GET", &path, b"").body, text.as_bytes(), "pushing it again heals it");
    assert_eq!(ask(&server, "GET", &format!("/v2/shop/web/manifests/{artifact}"), b"").status, 200);
    server.kill();
    let (audit, scrub) = (server.audit_directory(), server.run("", &["scrub", "--data", &data]));
    assert_eq!((audit.code, scrub.code), (0, 0), "{audit:?} {scrub:?}");
}

#[test]
fn a_storage_that_dies_in_an_upload_loses_nothing() {
    let mut storage = ObjectServer::start();
    let server = Server::start_at(&storage, &storage.new_place());
    server.apply_project();
    let (_, release) = server.release("a build");
    let whole: Vec<u8> = (0..10_000_000_u32).map(|number| (number % 251) as u8).collect();
    let digest = domain::Digest::sha256(&whole);
    let begun = ask(&server, "POST", "/v2/shop/web/blobs/uploads/", b"");
    let upload = begun.header("location").expect("a location").to_owned();
    assert_eq!(ask(&server, "PATCH", &upload, &whole[..9_000_000]).status, 202);
    storage.kill();
    let refused = ask(&server, "PATCH", &upload, &whole[9_000_000..]);
    let said = String::from_utf8_lossy(&refused.body).into_owned();
    assert!(refused.status == 500 && said.contains("safe to ask again"), "{} {said}", refused.status);
    let promoted = server.run(&server.admin(), &["promote", &release, "--to", "dev"]);
    assert_eq!(promoted.code, 0, "what needs no blob goes on: {promoted:?}");
    storage.restart();
    let standing = ask(&server, "GET", &upload, b"");
    assert_eq!(standing.header("range"), Some("0-8999999"), "what was acknowledged is there");
    assert_eq!(ask(&server, "PATCH", &upload, &whole[9_000_000..]).status, 202);
    assert_eq!(ask(&server, "PUT", &format!("{upload}?digest={digest}"), b"").status, 201);
    assert!(ask(&server, "GET", &format!("/v2/shop/web/blobs/{digest}"), b"").body == whole);
    server.audit();
}

#[test]
fn a_place_that_cannot_be_used_is_refused_at_once() {
    let server = Server::start_on(Column::Objects);
    let embedded = Server::start();
    let bucket = ObjectServer::shared().new_place();
    let endpoint = ObjectServer::shared().endpoint();
    let folder = tempfile::tempdir().expect("a folder");
    let new = folder.path().join("new").display().to_string();
    let of = |server: &Server| server.data().display().to_string();
    let known = Column::Objects.environment();
    for (what, data, objects, environment, said) in [
        ("no credentials", &new, [&bucket, &endpoint], &[][..], "AWS_ACCESS_KEY_ID"),
        ("no bucket", &format!("{new}2"), [&"s3://missing/x".to_owned(), &endpoint], &known[..], "make the bucket"),
        ("blobs elsewhere", &of(&server), [&bucket, &endpoint], &known[..], "leave `--objects` out"),
        ("blobs in the directory", &of(&embedded), [&bucket, &endpoint], &known[..], "in its folder `blobs` already"),
        ("nothing there", &format!("{new}3"), [&bucket, &"http://127.0.0.1:9".to_owned()], &known[..], "storage is up"),
    ] {
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data", data, "--objects", objects[0]]);
        command.args(["--objects-endpoint", objects[1]]).stdin(Stdio::null());
        for (name, _) in ObjectServer::environment() {
            command.env_remove(name);
        }
        let ran = command.envs(environment.iter().copied()).output().expect("the program runs");
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.code() == Some(2) && stderr.contains(said), "{what}: {stderr}");
        assert!(!stderr.contains("only-for-tests"), "no secret is said: {stderr}");
    }
}
