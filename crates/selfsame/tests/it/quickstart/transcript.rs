//! The README's transcript: what quickstart prints, with everything that differs from one run to the next replaced.

use std::{fs, path::Path};

use super::super::server::PROGRAM;

/// The sections of which the README shows the first line only.
const SHORTENED: [&str; 3] = ["It is put in force.", "Staging demands", "A second build"];
/// Set to anything, it writes the transcript into the README instead of comparing.
const RENEW: &str = "SELFSAME_RENEW_TRANSCRIPT";

/// Compares what was told in `folder` with the README.
pub fn compare_with_readme(told: &str, folder: &Path) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(&file).expect("the README");
    let (before, rest) = readme.split_once("<!-- transcript -->\n").expect("the transcript begins");
    let (shown, after) = rest.split_once("<!-- /transcript -->").expect("the transcript ends");
    let expected = format!("```text\n{}```\n", excerpt(&Normalizer::new(told, folder).whole(told)));
    if std::env::var_os(RENEW).is_some() {
        let renewed = format!("{before}<!-- transcript -->\n{expected}<!-- /transcript -->{after}");
        fs::write(&file, renewed).expect("the README can be written");
        return;
    }
    for (number, (shown, expected)) in shown.lines().zip(expected.lines()).enumerate() {
        assert_eq!(
            shown, expected,
            "line {number} of the README's transcript is not what quickstart prints; {RENEW}=1 renews it"
        );
    }
    assert_eq!(shown, expected, "the README's transcript ends elsewhere; {RENEW}=1 renews it");
}

/// About a minute's read: every section, some of them by their first line only.
fn excerpt(told: &str) -> String {
    let mut sections: Vec<String> = told.trim_end().split("\n\n# ").map(ToOwned::to_owned).collect();
    for shortened in SHORTENED {
        let section = sections.iter_mut().find(|section| section.starts_with(shortened));
        let section = section.unwrap_or_else(|| panic!("the story has no section `{shortened}`"));
        let heading = section.lines().next().unwrap_or_default();
        *section = format!("{heading}\n    …");
    }
    sections.join("\n\n# ") + "\n"
}

/// Replaces what differs from run to run by what never does.
struct Normalizer {
    /// Texts that stand for themselves, with what is shown instead.
    fixed: Vec<(String, &'static str)>,
    /// The first digits of the digests that were met, in the order of the story.
    met: Vec<String>,
}

impl Normalizer {
    fn new(told: &str, folder: &Path) -> Self {
        let programs = Path::new(PROGRAM).parent().expect("a folder");
        let url = told.split("SELFSAME_SERVER=").nth(1).and_then(|rest| rest.lines().next()).expect("an address");
        let path = |path: &Path| fs::canonicalize(path).expect("a folder").display().to_string();
        let fixed = vec![
            (path(folder), "~/selfsame"),
            (path(programs), "~/selfsame/target/release"),
            (programs.display().to_string(), "~/selfsame/target/release"),
            (url.to_owned(), "http://127.0.0.1:8420"),
            (concat!("selfsame ", env!("CARGO_PKG_VERSION")).to_owned(), "selfsame X.Y.Z"),
        ];
        Self { fixed, met: Vec::new() }
    }

    fn whole(mut self, told: &str) -> String {
        let mut text = told.to_owned();
        for (found, shown) in &self.fixed {
            text = text.replace(found, shown);
        }
        // Whether Ada has to wait still, and how long, is a matter of the machine's speed.
        text.lines().filter(|line| !line.starts_with("    waiting: ")).map(|line| self.line(line) + "\n").collect()
    }

    fn line(&mut self, line: &str) -> String {
        if line.contains("  upstream: ") {
            return "      UNMET    upstream: it has been well in `staging` for 0s of 3s".into();
        }
        let line = between(line, "well in `staging` for ", " of ", "0s");
        let line = between(&line, "of the release passed ", " ago", "80ms");
        let mut shown = String::new();
        for part in line.split_inclusive([' ', '=', '@', '`', '(', ')', ',']) {
            let word = part.trim_end_matches([' ', '=', '@', '`', '(', ')', ',', ':']);
            match self.word(word) {
                Some(other) => shown.push_str(&part.replacen(word, &other, 1)),
                None => shown.push_str(part),
            }
        }
        shown
    }

    /// What is shown instead of a word, if it differs from run to run.
    fn word(&mut self, word: &str) -> Option<String> {
        if word.parse::<domain::Timestamp>().is_ok() {
            return Some("2026-11-24T09:30:00.000Z".into());
        }
        if let Some((name, rest)) = word.split_once('+')
            && let Some((id, key)) = rest.split_once('+')
            && (is_hex(id, 8) && key.len() >= 40)
        {
            return Some(format!("{name}+0a1b2c3d+AZ9k…"));
        }
        if word.len() == 43 && !word.contains('.') && word.bytes().any(|b| b.is_ascii_uppercase()) {
            return Some("rZ9k…".into());
        }
        if let Some(digits) = word.strip_prefix("sha256:").filter(|digits| is_hex(digits, 64)) {
            return Some(format!("sha256:{}…", self.digits(&digits[..12])));
        }
        (is_hex(word, 12) || is_hex(word, 16)).then(|| self.digits(word))
    }

    /// Digits that stand for the digest that begins like this: the same for the same one.
    fn digits(&mut self, beginning: &str) -> String {
        let known = self.met.iter().position(|met| met == beginning);
        let number = known.unwrap_or_else(|| {
            self.met.push(beginning.to_owned());
            self.met.len() - 1
        });
        domain::Digest::sha256(&[u8::try_from(number).expect("a short story")]).hex()[..beginning.len()].to_owned()
    }
}

fn is_hex(word: &str, length: usize) -> bool {
    word.len() == length && word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Replaces what stands between two texts.
fn between(line: &str, before: &str, after: &str, shown: &str) -> String {
    let replaced = line.split_once(before).and_then(|(left, rest)| {
        let (_, right) = rest.split_once(after)?;
        Some(format!("{left}{before}{shown}{after}{right}"))
    });
    replaced.unwrap_or_else(|| line.to_owned())
}
