//! Packs for auditors: checked where no server ever was, and any change is named.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::server::{Ran, Server};

const PROJECT: &str = "\
project: shop
components:
  web: {}
stages:
  dev: {}
  prod:
    after: dev
    gate:
      - evidence: { kind: tests, name: unit }
      - approvals: { count: 1 }
";

/// A server on which a release went to `prod`, and its id; and the keys that an auditor believes.
fn shop() -> (Server, String) {
    let server = Server::start();
    server.write("selfsame.yaml", PROJECT);
    server.done(&["apply", "selfsame.yaml", "--yes"]);
    let (artifact, release) = server.release("a build");
    server.done(&["promote", &release, "--to", "dev"]);
    server.write(
        "report.xml",
        r#"<testsuite name="unit" tests="2"><testcase name="a"/><testcase name="b"/></testsuite>"#,
    );
    server.done(&["attest", &artifact, "--kind", "tests", "--name", "unit", "--report", "report.xml"]);
    let ben = server.token("person:ben", &["approver@shop", "reader@shop"]);
    server.done_as(&ben, &["approve", &release, "--project", "shop", "--for", "prod"]);
    server.done(&["promote", &release, "--to", "prod"]);
    for key in ["ledger.pub", "receipts.pub"] {
        fs::copy(server.data().join("keys").join(key), server.folder().join(key)).expect("a key");
    }
    (server, release)
}

#[track_caller]
fn export(server: &Server, name: &str, more: &[&str]) -> PathBuf {
    server.done(&[&["audit", "export", "--project", "shop", "-o", name], more].concat());
    server.folder().join(name)
}

fn verify(server: &Server, pack: &str) -> Ran {
    server.run_alone(&["verify", pack, "--ledger-key", "ledger.pub", "--key", "receipts.pub"])
}

/// The names of all files of the pack.
fn files(pack: &Path) -> Vec<String> {
    let index: Value = serde_json::from_slice(&fs::read(pack.join("pack.json")).expect("the list")).expect("JSON");
    index["files"].as_object().expect("files").keys().cloned().chain(["pack.json".into()]).collect()
}

/// Changes the list so that it fits the file again, as whoever changes a pack would.
fn list_again(pack: &Path, file: &str) {
    let text = fs::read_to_string(pack.join("pack.json")).expect("the list");
    let index: Value = serde_json::from_str(&text).expect("JSON");
    let listed = index["files"][file].as_str().expect("a digest");
    let now = domain::Digest::sha256(&fs::read(pack.join(file)).expect("the file"));
    fs::write(pack.join("pack.json"), text.replace(listed, now.as_str())).expect("the list");
}

/// Takes the file out of the pack and its list, or lists it as absent.
fn leave_out(pack: &Path, file: &str, absent: bool) {
    fs::remove_file(pack.join(file)).expect("the file was there");
    let mut index: BTreeMap<String, Value> =
        serde_json::from_slice(&fs::read(pack.join("pack.json")).expect("the list")).expect("JSON");
    index.get_mut("files").and_then(Value::as_object_mut).expect("files").remove(file);
    if absent {
        index.get_mut("absent").and_then(Value::as_array_mut).expect("absent").push(json!(file));
    }
    // In the order and form in which the list is written.
    let part = |name: &str| serde_json::to_string_pretty(&index[name]).expect("JSON").replace('\n', "\n  ");
    let names = ["format", "project", "origin", "size", "files", "absent"];
    let parts: Vec<_> = names.iter().map(|name| format!("  \"{name}\": {}", part(name))).collect();
    fs::write(pack.join("pack.json"), format!("{{\n{}\n}}\n", parts.join(",\n"))).expect("the list");
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    for file in files(from) {
        let target = to.join(&file);
        fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        fs::copy(from.join(&file), target).expect("a file");
    }
}

#[track_caller]
fn names(ran: &Ran, file: &str, what: &str) {
    assert_eq!(ran.code, 1, "{what} {file}: {ran:?}");
    let named = ran.stdout.lines().any(|line| line.trim_start().starts_with(&format!("WRONG   {file}:")));
    assert!(named, "{what} {file}: {ran:?}");
}

#[test]
fn a_pack_is_sound_without_a_server_and_any_change_is_named() {
    let (mut server, release) = shop();
    let pack = export(&server, "pack", &["--release", &release]);
    server.stop();
    let ran = verify(&server, "pack");
    assert!(ran.code == 0 && ran.stdout.ends_with("sound\n"), "{ran:?}");
    let found: Value =
        serde_json::from_str(&server.run_alone(&["verify", "pack", "--ledger-key", "ledger.pub", "--json"]).stdout)
            .expect("JSON");
    assert_eq!((&found["promotions"], &found["receipts"], &found["documents"]), (&json!(2), &json!(2), &json!(1)));
    let all = files(&pack);
    let kinds = ["entries/", "documents/", "receipts/", "checkpoint", "ledger.pub", "receipts.pub", "pack.json"];
    assert!(kinds.iter().all(|kind| all.iter().any(|file| file.starts_with(kind))), "{all:?}");

    let changed = server.folder().join("changed");
    for file in &all {
        copy(&pack, &changed);
        let mut bytes = fs::read(changed.join(file)).expect("a file");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(changed.join(file), &bytes).expect("a file");
        names(&verify(&server, "changed"), file, "one bit of");
        if file != "pack.json" {
            list_again(&changed, file);
            // What is wrong with a proof shows at its entry.
            let at = file.replace(".tlog-proof", ".json");
            names(&verify(&server, "changed"), &at, "one bit of, and its digest,");
            copy(&pack, &changed);
            fs::remove_file(changed.join(file)).expect("it was there");
            names(&verify(&server, "changed"), file, "without");
        }
    }
    copy(&pack, &changed);
    fs::write(changed.join("entries/more.json"), "{}").expect("a file");
    names(&verify(&server, "changed"), "entries/more.json", "with");
    // Whatever promotions stand on is missed, whoever leaves it out.
    let cited = all.iter().filter(|file| file.starts_with("documents/") || file.starts_with("receipts/"));
    for file in cited {
        copy(&pack, &changed);
        leave_out(&changed, file, false);
        names(&verify(&server, "changed"), file, "without, and without its digest,");
        copy(&pack, &changed);
        leave_out(&changed, file, true);
        let ran = verify(&server, "changed");
        assert!(ran.code == 2 && ran.stdout.ends_with("INCOMPLETE\n"), "{ran:?}");
        assert!(ran.stdout.contains(&format!("absent  {file}")), "{ran:?}");
    }
    for kind in ["config-applied", "release-created", "evidence-recorded", "approved"] {
        let is_it = |file: &&String| {
            let bytes = fs::read_to_string(pack.join(file)).unwrap_or_default();
            file.ends_with(".json") && bytes.contains(&format!("\"type\":\"{kind}\""))
        };
        let file = all.iter().filter(|file| file.starts_with("entries/")).rfind(is_it).expect(kind);
        copy(&pack, &changed);
        leave_out(&changed, file, false);
        leave_out(&changed, &file.replace(".json", ".tlog-proof"), false);
        let ran = verify(&server, "changed");
        assert!(ran.code == 1 && ran.stdout.contains("is not there"), "{kind}: {ran:?}");
    }
}

#[test]
fn a_pack_of_a_period_brings_what_it_stands_on_and_is_of_one_ledger() {
    let (server, _) = shop();
    let history = server.run(&server.admin(), &["history", "prod", "--project", "shop", "--json"]);
    let history: Value = serde_json::from_str(&history.stdout).expect("JSON");
    let promoted = history["items"][0]["at"].as_str().expect("a time").to_owned();
    export(&server, "period", &["--since", &promoted]);
    export(&server, "before", &["--until", &promoted]);
    export(&server, "nothing", &["--since", "2099-01-01T00:00:00Z"]);
    // The promotion into `prod` stands on that into `dev`.
    for (pack, promotions) in [("period", 2), ("before", 1), ("nothing", 0)] {
        let ran = server.run_alone(&["verify", pack, "--ledger-key", "ledger.pub", "--json"]);
        let found: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!((ran.code, &found["promotions"]), (0, &json!(promotions)), "{pack}: {ran:?}");
    }
    let other = server.run_alone(&["keys", "create", "--to", "strangers", "--origin", "example.org/other"]);
    assert_eq!(other.code, 0, "{other:?}");
    let by_others = ["verify", "period", "--ledger-key", "strangers/ledger.pub"];
    names(&server.run_alone(&by_others), "checkpoint", "by the key of others,");
    let by_others = ["verify", "period", "--ledger-key", "ledger.pub", "--key", "strangers/receipts.pub"];
    names(&server.run_alone(&by_others), "receipts.pub", "by the key of others,");
    let other_project = ["verify", "period", "--ledger-key", "ledger.pub", "--project", "other"];
    names(&server.run_alone(&other_project), "pack.json", "about another project,");
    for (arguments, because) in [
        (&["verify", "period"][..], "no key of a ledger was given"),
        (&["verify", "nothing-there", "--ledger-key", "ledger.pub"], "no key was given"),
        (&["verify", "period", "--ledger-key", "ledger.pub", "--stage", "prod"], "are about receipts"),
    ] {
        let ran = server.run_alone(arguments);
        assert!(ran.code == 64 && ran.stderr.contains(because), "{arguments:?}: {ran:?}");
    }
}
