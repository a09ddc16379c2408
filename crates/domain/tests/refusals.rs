//! Every refusal has its page, and every page its refusal.

use std::{collections::BTreeSet, fs, path::Path};

use domain::Refusal;

/// What can follow `selfsame` on the command line.
const VERBS: [&str; 30] = [
    "apply",
    "approve",
    "attest",
    "audit",
    "gate check",
    "history",
    "hold",
    "pause",
    "pin",
    "promote",
    "pull",
    "push",
    "release create",
    "resume",
    "retention apply",
    "retention plan",
    "retention restore",
    "retention status",
    "retention unkeep",
    "rollback",
    "running",
    "status",
    "token issue",
    "token revoke",
    "token roles",
    "trace",
    "unhold",
    "unlease",
    "unpin",
    "unveto",
];

#[test]
fn codes_and_pages_belong_together() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/refusals");
    let pages: BTreeSet<String> = fs::read_dir(&folder)
        .expect("the folder of the pages")
        .map(|entry| entry.expect("an entry of the folder").file_name().to_string_lossy().into_owned())
        .collect();
    let wanted: BTreeSet<String> = Refusal::CODES.iter().map(|code| format!("{code}.md")).collect();
    assert_eq!(pages, wanted, "pages on the left, refusals on the right");
    for code in Refusal::CODES {
        let page = fs::read_to_string(folder.join(format!("{code}.md"))).expect("a page");
        assert!(page.starts_with(&format!("# `{code}`\n")), "{code}: the page begins with its code");
        let parts: Vec<_> = page.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(parts, ["## Why there is this rule", "## What to do", "## Example"], "{code}");
        for command in page.split("selfsame ").skip(1) {
            assert!(
                VERBS.iter().any(|verb| command.starts_with(verb)),
                "{code}: `selfsame {}` is no command",
                command.lines().next().unwrap_or_default()
            );
        }
        assert!(page.lines().count() <= 25 && page.contains("selfsame "), "{code}: short, and with a command to type");
    }
}
