//! One word per concept: what the glossary says is not our word, nobody writes.

use std::collections::BTreeSet;

use tidy::Tree;

/// The words that the glossary strikes out: `~~word~~`.
fn struck_out(glossary: &str) -> BTreeSet<String> {
    glossary.split("~~").skip(1).step_by(2).map(str::to_lowercase).collect()
}

/// The words of a line, also those inside a name such as `verdict_of` or `VerdictOf`.
fn words(line: &str) -> impl Iterator<Item = String> {
    let mut spaced = String::with_capacity(line.len());
    for c in line.chars() {
        if c.is_uppercase() {
            spaced.push(' ');
        }
        spaced.push(if c.is_alphabetic() { c } else { ' ' });
    }
    spaced.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().into_iter()
}

#[test]
fn only_the_glossary_s_words_are_used() {
    let tree = Tree::read();
    let banned = struck_out(tree.text("docs/glossary.md"));
    assert!(banned.len() > 5, "the glossary strikes out some words");
    let mut wrong = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with(".rs") || file.path.ends_with(".md")) {
        if file.path == "docs/glossary.md" || file.path.starts_with("crates/tidy/") {
            continue;
        }
        for (number, line) in file.lines() {
            let plural = |word: &String| word.strip_suffix('s').is_some_and(|singular| banned.contains(singular));
            let found = words(line).filter(|word| banned.contains(word) || plural(word));
            wrong.extend(
                found.map(|word| format!("{}:{number}: `{word}` is not our word: see docs/glossary.md", file.path)),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn words_are_found_inside_names() {
    assert_eq!(words("let verdict_of = GateVerdict::new();").filter(|word| word == "verdict").count(), 2);
}
