//! Directions: which crate may know which.

use std::{collections::BTreeSet, path::Path, process::Command};

use tidy::Tree;

/// Each crate of ours, and those of ours that it may use. `domain` stands alone; only the program, the tests' world and the benchmarks see storage.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("tlog", &[]),
    ("evidence", &["tlog"]),
    ("engine", &["domain", "evidence", "tlog"]),
    ("store", &["domain", "engine", "tlog"]),
    ("connect", &["domain", "engine"]),
    ("registry", &["domain", "engine"]),
    ("api", &["domain"]),
    ("server", &["api", "domain", "engine", "registry", "tlog"]),
    ("selfsame", &["api", "connect", "domain", "engine", "evidence", "registry", "server", "store", "tlog"]),
    ("services", &[]),
    ("testkit", &["api", "connect", "domain", "engine", "registry", "server", "services", "store", "tlog"]),
    ("bench", &["domain", "engine", "services", "store", "tlog"]),
    ("tidy", &[]),
];

/// The crates without I/O, clock or randomness.
const PURE: &[&str] = &["domain", "evidence", "tlog"];

/// What a pure crate must not be built on, not even through another.
const IMPURE: &[&str] = &[
    "async-trait",
    "futures",
    "getrandom",
    "hyper",
    "mio",
    "rand",
    "reqwest",
    "ring",
    "rusqlite",
    "tokio",
    "tracing",
    "uuid",
];

/// What a pure crate must not say, and what to say instead.
const IMPURE_WORDS: &[(&str, &str)] = &[
    ("std::fs", "take bytes as an argument"),
    ("std::net", "take bytes as an argument"),
    ("std::env", "take the value as an argument"),
    ("std::process", "leave it to the shell"),
    ("std::thread", "leave it to the shell"),
    ("tokio", "leave it to the shell"),
    ("SystemTime", "take a `Timestamp` as an argument"),
    ("Instant::now", "take a `Timestamp` as an argument"),
    ("Timestamp::now", "take a `Timestamp` as an argument"),
    ("thread_rng", "take a seed as an argument"),
    ("println!", "return it"),
    ("async fn", "a pure function needs no waiting"),
    ("HashMap", "use `BTreeMap`: its order is the same on every run"),
    ("HashSet", "use `BTreeSet`: its order is the same on every run"),
];

fn cargo(arguments: &[&str]) -> String {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).arg("--offline").arg("--manifest-path").arg(Tree::read().root.join("Cargo.toml"));
    let output = command.output().expect("cargo runs");
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

fn short(package: &str) -> &str {
    package.strip_prefix("selfsame-").unwrap_or(package)
}

#[test]
fn crates_use_only_what_they_may() {
    let metadata: serde_json::Value =
        serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps"])).expect("cargo writes JSON");
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = short(package["name"].as_str().expect("a name"));
        let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| *known == name) else {
            wrong.push(format!("crate `{name}` is not in the table of directions"));
            continue;
        };
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let is_ours = dependency["path"].is_string();
            let for_tests = dependency["kind"] == "dev" && !PURE.contains(&name);
            let used = short(dependency["name"].as_str().expect("a name"));
            if is_ours && !for_tests && !allowed.contains(&used) {
                wrong.push(format!("`{name}` must not use `{used}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_crates_are_built_on_nothing_impure() {
    for name in PURE {
        let tree = cargo(&[
            "tree",
            "--package",
            &format!("selfsame-{name}"),
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ]);
        let built_on: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
        let wrong: Vec<_> = IMPURE.iter().filter(|impure| built_on.contains(*impure)).collect();
        assert!(wrong.is_empty(), "`{name}` is built on {wrong:?}");
    }
}

#[test]
fn pure_crates_speak_of_nothing_impure() {
    let tree = Tree::read();
    let mut wrong = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_production_rust()) {
        if !PURE.iter().any(|name| file.path.starts_with(&format!("crates/{name}/src/"))) {
            continue;
        }
        for (number, line) in file.lines().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            let said = IMPURE_WORDS.iter().filter(|(word, _)| line.contains(word));
            wrong.extend(said.map(|(word, instead)| format!("{}:{number}: no `{word}` here: {instead}", file.path)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_package_comes_from_the_public_index() {
    let tree = Tree::read();
    for lock in tree.ending("Cargo.lock") {
        let wrong: BTreeSet<_> = lock
            .text
            .lines()
            .filter(|line| line.starts_with("source = ") && !line.contains("/rust-lang/crates.io-index\""))
            .collect();
        assert!(wrong.is_empty(), "{}: {wrong:?}", lock.path);
    }
}

/// The names of the dependencies that a manifest lists in sections with this name.
fn listed<'a>(manifest: &'a str, section: &str) -> BTreeSet<&'a str> {
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == format!("[{section}]");
        } else if inside && !line.starts_with('#') {
            names.extend(line.split(['=', '.', ' ']).next().filter(|name| !name.is_empty()));
        }
    }
    names
}

#[test]
fn what_is_listed_is_used() {
    let tree = Tree::read();
    let mut wrong = Vec::new();
    let mut wanted = BTreeSet::new();
    for manifest in tree.ending("/Cargo.toml") {
        let folder = manifest.path.trim_end_matches("Cargo.toml");
        for section in ["dependencies", "dev-dependencies"] {
            for name in listed(&manifest.text, section) {
                wanted.insert(name);
                let spelled = name.replace('-', "_");
                let mut sources = tree.ending(".rs").filter(|file| file.path.starts_with(folder));
                if !sources.any(|file| file.text.contains(&spelled)) {
                    wrong.push(format!("{}: `{name}` is listed and not used", manifest.path));
                }
            }
        }
    }
    let offered = listed(tree.text("Cargo.toml"), "workspace.dependencies");
    let is_ours = |name: &str| MAY_USE.iter().any(|(known, _)| *known == name);
    let unwanted = offered.difference(&wanted).filter(|name| !is_ours(name));
    wrong.extend(unwanted.map(|name| format!("Cargo.toml: `{name}` is offered and no crate wants it")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn fuzz_targets_and_their_list_agree() {
    let tree = Tree::read();
    let manifest = tree.text("fuzz/Cargo.toml");
    let listed: BTreeSet<&str> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\""))
        .collect();
    let there: BTreeSet<&str> = tree
        .files
        .iter()
        .filter_map(|file| Path::new(&file.path).strip_prefix("fuzz/fuzz_targets").ok()?.to_str()?.strip_suffix(".rs"))
        .collect();
    assert_eq!(listed, there);
    assert!(!listed.is_empty(), "`fuzz/Cargo.toml` lists no target");
}

/// `cargo run`, as the README has it, has to know what to run.
#[test]
fn there_is_one_program_to_run() {
    let metadata: serde_json::Value =
        serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps"])).expect("cargo writes JSON");
    let defaults = metadata["workspace_default_members"].as_array().expect("default members");
    let packages = metadata["packages"].as_array().expect("packages");
    let programs: Vec<_> = packages
        .iter()
        .filter(|package| defaults.contains(&package["id"]))
        .flat_map(|package| package["targets"].as_array().expect("targets"))
        .filter(|target| target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "bin")))
        .map(|target| target["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(programs, ["selfsame"], "the root's `default-members` name the one package that `cargo run` runs");
}
