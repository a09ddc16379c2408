//! Every problem has its page, and every page its problem.

use std::{collections::BTreeSet, fs, path::Path};

use server::Problem;

#[test]
fn codes_and_pages_belong_together() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/problems");
    let pages: BTreeSet<String> = fs::read_dir(&folder)
        .expect("the folder of the pages")
        .map(|entry| entry.expect("an entry of the folder").file_name().to_string_lossy().into_owned())
        .collect();
    let wanted: BTreeSet<String> = Problem::CODES.iter().map(|code| format!("{code}.md")).collect();
    assert_eq!(pages, wanted, "pages on the left, problems on the right");
    for code in Problem::CODES {
        let page = fs::read_to_string(folder.join(format!("{code}.md"))).expect("a page");
        assert!(page.starts_with(&format!("# `{code}`\n")), "{code}: the page begins with its code");
        assert!(page.contains("\n## What to do\n") && page.lines().count() <= 20, "{code}: short, and with what to do");
        assert!(!domain::Refusal::CODES.contains(&code), "{code} is a refusal, too");
    }
}
