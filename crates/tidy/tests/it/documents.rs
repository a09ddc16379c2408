//! Documents say what is there.

use std::{collections::BTreeSet, os::unix::fs::PermissionsExt, path::Path};

use tidy::{File, Tree};

/// The text of a document without its code blocks.
fn prose(text: &str) -> String {
    let mut in_code = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// Where the links of a document lead: what stands between `](` and `)`.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target.split(' ').next().unwrap_or_default().to_owned()).collect()
}

/// The anchors of a document's headings, as GitHub and others make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text);
    let titles = headings
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().to_lowercase());
    let keep = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    titles.map(|title| title.chars().filter(|c| keep(*c)).collect::<String>().replace(' ', "-")).collect()
}

fn broken(tree: &Tree, file: &File, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
    let full = if path.is_empty() { tree.root.join(&file.path) } else { tree.root.join(folder).join(path) };
    if !full.exists() {
        return Some(format!("{}: `{target}` leads nowhere", file.path));
    }
    let anchor = anchor.filter(|_| full.extension().is_some_and(|extension| extension == "md"))?;
    let text = std::fs::read_to_string(&full).ok()?;
    (!anchors(&text).contains(anchor)).then(|| format!("{}: `{target}` names no heading", file.path))
}

#[test]
fn links_lead_somewhere() {
    let tree = Tree::read();
    let of_file = |file: &File| {
        links(&file.text).into_iter().filter_map(|target| broken(&tree, file, &target)).collect::<Vec<_>>()
    };
    let wrong: Vec<_> = tree.ending(".md").flat_map(of_file).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_map_names_every_crate() {
    let tree = Tree::read();
    let map = tree.text("ARCHITECTURE.md");
    let missing: Vec<_> =
        tree.folders("crates").into_iter().filter(|name| !map.contains(&format!("crates/{name}"))).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md does not name {missing:?}");
}

#[test]
fn the_readme_s_scripts_can_be_run() {
    let tree = Tree::read();
    let readme = tree.text("README.md");
    assert!(readme.contains("cargo run --release -- quickstart"), "the README begins with the quickstart");
    assert!(
        tree.text(".ci/run").lines().any(|line| line.trim_start().starts_with("exec ./test")),
        "`.ci/run` runs the README's test command"
    );
    let scripts: BTreeSet<_> =
        readme.lines().filter_map(|line| line.strip_prefix("./")?.split(' ').next()).chain([".ci/run"]).collect();
    assert!(scripts.contains("test"), "the README says how to run all tests: `./test`");
    for script in scripts {
        let mode = std::fs::metadata(tree.root.join(script))
            .unwrap_or_else(|error| panic!("`{script}`: {error}"))
            .permissions()
            .mode();
        assert!(mode & 0o111 != 0, "`{script}` is not executable");
    }
}

/// The words that the command line knows: the variants of its enumerations as clap spells them, and names given outright.
fn verbs(tree: &Tree) -> BTreeSet<String> {
    let mut verbs = BTreeSet::new();
    for file in tree.files.iter().filter(|file| file.path.starts_with("crates/selfsame/src/")) {
        for line in file.text.lines().map(str::trim_start) {
            let variant: String = line.chars().take_while(char::is_ascii_alphanumeric).collect();
            if variant.starts_with(|c: char| c.is_ascii_uppercase())
                && line[variant.len()..].starts_with(['(', ',', ' '])
            {
                let kebab = variant
                    .chars()
                    .flat_map(|c| if c.is_uppercase() { vec!['-', c.to_ascii_lowercase()] } else { vec![c] });
                verbs.insert(kebab.skip(1).collect());
            }
            let named = line.split("name = \"").skip(1).filter_map(|rest| rest.split('"').next());
            verbs.extend(named.map(str::to_owned));
        }
    }
    verbs
}

#[test]
fn the_commands_of_the_documents_exist() {
    let tree = Tree::read();
    let known = verbs(&tree);
    let mut wrong = Vec::new();
    for file in tree.ending(".md") {
        for (number, line) in file.lines() {
            let typed = line.trim_start().trim_start_matches("$ ");
            let verb = typed.strip_prefix("selfsame ").and_then(|rest| rest.split(' ').next());
            let is_verb =
                |verb: &&str| verb.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') && !verb.starts_with('-');
            if verb.filter(is_verb).is_some_and(|verb| !known.contains(verb)) {
                wrong.push(format!("{}:{number}: `{line}`", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "commands that do not exist:\n{}", wrong.join("\n"));
}

#[test]
fn decisions_are_numbered_without_gaps() {
    let tree = Tree::read();
    let number = |file: &File| file.path.strip_prefix("docs/decisions/")?.get(..4)?.parse().ok();
    let numbers: Vec<usize> = tree.files.iter().filter_map(number).collect();
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
}
