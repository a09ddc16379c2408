//! Sizes, and what no source may hold. (Functions of at most 70 lines: `clippy.toml`.)

use tidy::Tree;

/// How many lines a file has at most, tests aside.
const LINES_MAX: usize = 500;
/// How many lines half of the files have at most.
const LINES_MEDIAN_MAX: usize = 150;

/// What no Rust source holds, and what to do instead.
const BANNED: &[(&str, &str)] = &[
    ("todo!", "do it, or write an issue"),
    ("unimplemented!", "do it, or write an issue"),
    ("dbg!", "use `tracing`"),
    ("#[ignore", "mend the test, or remove it"),
    ("#[allow(", "use `#[expect(..., reason = \"...\")]`, which says why and ends when it is no longer needed"),
    ("FIXME", "mend it, or write an issue"),
    ("TODO", "do it, or write an issue"),
    ("XXX", "say what is the matter"),
    ("laceholder.", "write what belongs here"),
];

/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &["utils.rs", "util.rs", "helpers.rs", "helper.rs", "common.rs", "misc.rs", "manager.rs"];

/// What no file holds, and why: it works on one machine only.
const LOCAL: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/ho", "me/"), "a path of one machine"),
    (concat!("/Us", "ers/"), "a path of one machine"),
    (concat!(".inter", "nal/"), "an address of one network"),
    (concat!(".inter", "nal:"), "an address of one network"),
    (concat!("http://1", "0."), "an address of one network"),
    (concat!("http://1", "92.168."), "an address of one network"),
    (concat!("http://1", "72.16."), "an address of one network"),
    (concat!("https://1", "0."), "an address of one network"),
];

#[test]
fn files_are_short() {
    let tree = Tree::read();
    let mut sizes: Vec<_> = tree
        .files
        .iter()
        .filter(|file| file.is_production_rust())
        .map(|file| (file.lines().count(), &file.path))
        .collect();
    sizes.sort();
    let long: Vec<_> = sizes.iter().filter(|(lines, _)| *lines > LINES_MAX).collect();
    assert!(long.is_empty(), "more than {LINES_MAX} lines: {long:?}");
    let median = sizes[sizes.len() / 2].0;
    assert!(
        median <= LINES_MEDIAN_MAX,
        "half of the files have more than {median} lines, {LINES_MEDIAN_MAX} are allowed"
    );
}

#[test]
fn nothing_is_left_undone() {
    let tree = Tree::read();
    let mut wrong = Vec::new();
    for file in tree.ending(".rs").filter(|file| !file.path.starts_with("crates/tidy/")) {
        for (number, line) in file.lines() {
            let found = BANNED.iter().filter(|(word, _)| line.contains(word));
            wrong.extend(found.map(|(word, instead)| format!("{}:{number}: no `{word}`: {instead}", file.path)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_named_for_what_they_hold() {
    let tree = Tree::read();
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let wrong: Vec<_> = tree
        .ending(".rs")
        .filter(|file| EMPTY_NAMES.contains(&name(&file.path).as_str()))
        .map(|file| &file.path)
        .collect();
    assert!(wrong.is_empty(), "these names say nothing: {wrong:?}");
}

#[test]
fn nothing_belongs_to_one_machine() {
    let tree = Tree::read();
    let mut wrong = Vec::new();
    for file in &tree.files {
        for (number, line) in file.lines() {
            let found = LOCAL.iter().filter(|(word, _)| line.contains(word));
            wrong.extend(found.map(|(word, what)| format!("{}:{number}: `{word}` is {what}", file.path)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
