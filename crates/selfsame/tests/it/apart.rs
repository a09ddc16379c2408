//! Servers that share nothing but a PostgreSQL database, a bucket and keys that they are handed; and the verbs that work on such storage.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use services::{Base, ObjectServer, Postgres};

use super::{
    http::send,
    server::{PROGRAM, Ran, Server},
};

/// A database, a place in a bucket, and keys.
struct Shared {
    folder: tempfile::TempDir,
    base: Base,
    more: Vec<String>,
}

impl Shared {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let keys = folder.path().join("keys");
        create(&keys);
        // As a mounted secret is: nobody can make anything in it.
        for file in fs::read_dir(&keys).expect("the keys") {
            let file = file.expect("a file").path();
            fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o400)).expect("its mode");
        }
        Self::with_keys(folder, &keys)
    }

    fn with_keys(folder: tempfile::TempDir, keys: &Path) -> Self {
        let base = Postgres::shared().base();
        let (bucket, endpoint) = (ObjectServer::shared().new_place(), ObjectServer::shared().endpoint());
        let database = Postgres::shared().url(&base);
        let more = ["--database", &database, "--objects", &bucket, "--objects-endpoint", &endpoint, "--keys"];
        let more = more.into_iter().chain([keys.to_str().expect("a path")]).map(str::to_owned).collect();
        Self { folder, base, more }
    }

    fn more(&self) -> Vec<&str> {
        self.more.iter().map(String::as_str).collect()
    }

    /// A server with a data directory of its own.
    fn start(&self) -> Server {
        let own = tempfile::tempdir().expect("a folder");
        let data = own.path().join("data");
        Server::start_elsewhere(own, data, &self.more())
    }

    fn key(&self) -> String {
        self.folder.path().join("keys/ledger.pub").display().to_string()
    }

    /// Runs a verb on the storage, from a folder that knows nothing of it; without the keys where the verb needs none.
    fn verb(&self, words: &[&str]) -> Ran {
        let new = tempfile::tempdir().expect("a folder");
        let mut verb = Command::new(PROGRAM);
        verb.args(words).arg("--data").arg(new.path().join("data"));
        verb.args(match words[0] {
            "doctor" | "token" => &self.more[..],
            // All that is to be kept is in the bucket.
            "backup" => &self.more[2..],
            _ => &self.more[..self.more.len() - 2],
        });
        Ran::from(verb.envs(ObjectServer::environment()).current_dir(new.path()).output().expect("the program runs"))
    }

    /// The same until the database has noticed that no server is there any more.
    fn verb_alone(&self, words: &[&str]) -> Ran {
        let begun = Instant::now();
        loop {
            let ran = self.verb(words);
            if ran.code == 0 || !ran.stderr.contains("stop the servers first") {
                return ran;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{ran:?}");
        }
    }

    fn cut_off(&self) {
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        Postgres::shared().run(&self.base, cut);
    }
}

/// Makes keys of a new ledger.
fn create(keys: &Path) {
    let mut create = Command::new(PROGRAM);
    create.args(["keys", "create", "--origin", "example.org/apart", "--to"]).arg(keys);
    sound(&Ran::from(create.output().expect("the program runs")));
}

#[track_caller]
fn sound(ran: &Ran) {
    assert_eq!(ran.code, 0, "{ran:?}");
}

fn shown(server: &Server) -> String {
    server.done(&["history"]) + &server.done(&["release", "list"])
}

#[test]
fn servers_that_share_no_folder_are_one() {
    let shared = Shared::new();
    // Both begin the ledger.
    let (mut here, there) = std::thread::scope(|scope| {
        let here = scope.spawn(|| shared.start());
        (here.join().expect("a server"), shared.start())
    });
    here.apply_project();
    let (artifact, release) = here.release(&"a build ".repeat(50_000));
    there.done(&["promote", &release, "--to", "dev"]);
    there.done(&["attest", &artifact, "--kind", "tests", "--name", "unit", "--result", "passed"]);
    here.done(&["promote", &release, "--to", "staging"]);
    // An upload that begins on one server goes on on the other.
    let ask = |server: &Server, method: &str, path: &str, body: &[u8]| {
        send(&server.host(), &server.admin(), method, path, &[], body).expect("the server answers")
    };
    let bytes = vec![7; 3_000_000];
    let digest = domain::Digest::sha256(&bytes);
    let begun = ask(&here, "POST", "/v2/shop/web/blobs/uploads/", b"");
    let upload = begun.header("location").expect("a location").to_owned();
    assert_eq!(ask(&there, "PATCH", &upload, &bytes[..1_000_000]).status, 202);
    assert_eq!(ask(&here, "PATCH", &upload, &bytes[1_000_000..]).status, 202);
    assert_eq!(ask(&there, "PUT", &format!("{upload}?digest={digest}"), b"").status, 201);
    assert!(ask(&here, "GET", &format!("/v2/shop/web/blobs/{digest}"), b"").body == bytes);
    // A server and all that it has is lost; another one takes its place.
    here.kill();
    fs::remove_dir_all(here.data()).expect("its folder is lost");
    there.done(&["status"]);
    here.restart();
    let (_, newer) = here.release("another build");
    there.done(&["promote", &newer, "--to", "dev"]);
    assert_eq!(shown(&here), shown(&there));
    for left in ["keys", "blobs", "ledger", "selfsame.db"] {
        assert!(!here.data().join(left).exists(), "`{left}` is in the folder of a server that shares nothing");
    }
}

#[test]
fn verbs_work_on_what_servers_share() {
    let shared = Shared::new();
    let mut server = shared.start();
    server.apply_project();
    let (artifact, release) = server.release(&"a build ".repeat(50_000));
    server.done(&["promote", &release, "--to", "dev"]);
    server.done(&["attest", &artifact, "--kind", "tests", "--name", "unit", "--result", "passed"]);
    let before = shown(&server);
    // What must be alone is refused while a server is there, and what need not be is done.
    for words in [&["rebuild"][..], &["scrub"], &["audit", "verify", "--key", &shared.key()]] {
        let refused = shared.verb(words);
        assert!(refused.code == 2 && refused.stderr.contains("stop the servers first"), "{words:?}: {refused:?}");
    }
    sound(&shared.verb(&["doctor"]));
    let backup = shared.folder.path().join("backup").display().to_string();
    sound(&shared.verb(&["backup", "--with-key", "--to", &backup]));
    let issue = ["token", "issue", "person:back", "--grant", "admin@*", "--expires", "30d"];
    let issued = shared.verb(&issue);
    sound(&issued);
    sound(&server.run(issued.stdout.trim(), &["status"]));
    // A server that was stopped, and cut off, while a rebuild went on.
    server.signal("STOP");
    shared.cut_off();
    sound(&shared.verb_alone(&["rebuild"]));
    server.signal("CONT");
    server.done(&["promote", &release, "--to", "staging"]);
    assert_eq!(server.stop(), Some(0));
    sound(&shared.verb_alone(&["audit", "verify", "--key", &shared.key()]));
    sound(&shared.verb_alone(&["scrub"]));
    sound(&shared.verb(&["doctor"]));
    // A rebuild that broke off: no server decides on rows that are missing.
    Postgres::shared().run(&shared.base, "INSERT INTO rebuild VALUES (1); DELETE FROM state");
    let doctor = shared.verb(&["doctor"]);
    assert!(doctor.code == 1 && doctor.stdout.contains("selfsame rebuild"), "{doctor:?}");
    sound(&shared.verb_alone(&["rebuild"]));
    server.restart();
    assert!(shown(&server).contains("staging"), "it went on after the rebuild");

    goes_on_elsewhere(&shared, &backup, &before);
}

/// A backup of what is shared becomes a folder, and becomes another database and bucket.
fn goes_on_elsewhere(shared: &Shared, backup: &str, before: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let restore = |more: &[&str], data: &Path| {
        let mut restore = Command::new(PROGRAM);
        restore.args(["restore", "--from", backup, "--key", &shared.key(), "--data"]).arg(data).args(more);
        Ran::from(restore.envs(ObjectServer::environment()).output().expect("the program runs"))
    };
    sound(&restore(&[], &data));
    let keys = shared.folder.path().join("keys");
    let one = Server::start_with(folder, data, &["--keys", keys.to_str().expect("a path")]);
    assert_eq!(shown(&one), before);
    let other = Shared::with_keys(tempfile::tempdir().expect("a folder"), &keys);
    let more = other.more();
    sound(&restore(&more[..more.len() - 2], &other.folder.path().join("data")));
    let servers = [other.start(), other.start()];
    for server in &servers {
        assert_eq!(shown(server), before);
    }
}

/// Keys that are handed to a server are only read, and another ledger's are refused.
#[test]
fn keys_that_do_not_fit_are_refused() {
    let shared = Shared::new();
    drop(shared.start());
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    ["other", "mixed", "no-token"].into_iter().for_each(|name| create(&path(name)));
    fs::create_dir(path("empty")).expect("a folder");
    fs::copy(path("other").join("ledger.pub"), path("mixed").join("ledger.pub")).expect("a copy");
    fs::remove_file(path("no-token").join("admin.token")).expect("it goes");
    let serve = |keys: PathBuf, more: &[&str], said_by: &str| {
        let mut serve = Command::new(PROGRAM);
        serve.args(["serve", "--listen", "127.0.0.1:0", "--keys"]).arg(keys).args(more);
        serve.arg("--data").arg(path("data").join(said_by)).envs(ObjectServer::environment());
        Ran::from(serve.output().expect("the program runs"))
    };
    let more = shared.more();
    for (keys, more, said) in [
        ("other", &more[..more.len() - 2], "was begun with"),
        ("mixed", &[], "it is not the private key of `ledger.pub`"),
        ("no-token", &[], "`selfsame keys create` makes"),
        ("empty", &[], "`selfsame keys create` makes"),
    ] {
        let ran = serve(path(keys), more, keys);
        assert!(ran.code == 2 && ran.stderr.contains(said), "{keys}: {ran:?}");
    }
    assert_eq!(fs::read_dir(path("empty")).expect("a folder").count(), 0, "nothing is made in it");
}
