//! Every refusal has its page, and every page its refusal.

use std::{collections::BTreeSet, fs, path::Path};

use domain::Refusal;

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
        assert!(page.lines().count() <= 25 && page.contains("selfsame "), "{code}: short, and with a command to type");
    }
}
