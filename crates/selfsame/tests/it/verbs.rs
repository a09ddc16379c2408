//! Every verb, as people and as programs read it: what it answers, how it fails, and with which exit code.

mod table;

use std::{collections::BTreeMap, fs};

use serde_json::Value;
use table::{AFTERWARDS, BREAKS, Line, NO_JSON, OFFLINE, STORY};

use super::server::{Ran, Server, digest_in};

/// The verbs whose answers do not come from the ledger's server, or are of something else than the ledger.
const NOT_AS_OF: [&str; 18] = [
    "push",
    "pull",
    "copy",
    "import",
    "mirror",
    "logout",
    "audit",
    "scan",
    "scrub",
    "backup",
    "restore",
    "doctor",
    "keys",
    "rebuild",
    "receipt get prod --component",
    "verify",
    "apply --schema",
    "completions",
];

/// Types the lines of a table, and remembers what later ones speak of.
struct Typist<'a> {
    server: &'a Server,
    json: bool,
    kept: BTreeMap<&'static str, String>,
}

impl Typist<'_> {
    fn type_in(&mut self, line: &Line) {
        self.kept.extend(self.typed(line));
    }

    /// Types a line; what it made, under its name, if it is to be kept.
    fn typed(&self, &Line { who, line, code, says }: &Line) -> Option<(&'static str, String)> {
        let (name, text) = line.split_once(" <- ").map_or((None, line), |(name, text)| (Some(name), text));
        let mut text = text.replace("{url}", &format!("http://{}", self.server.host()));
        text = text.replace("{data}", self.server.data().to_str().expect("a path"));
        for (name, value) in &self.kept {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        let words: Vec<&str> = text.split(' ').chain(self.json.then_some("--json")).collect();
        let ran = match who {
            "nobody" => self.server.run_alone(&words),
            "admin" => self.server.run(&self.server.admin(), &words),
            who => {
                let token = fs::read_to_string(self.server.folder().join(format!("{who}.token"))).expect("a token");
                self.server.run(token.trim(), &words)
            }
        };
        assert_eq!(ran.code, code, "`selfsame {text}`: {ran:?}");
        let answer = if self.json { as_json(&text, &ran, says) } else { in_words(&text, &ran, says) };
        name.map(|name| (name, subject(&answer, &ran)))
    }
}

/// What a later line speaks of: the id of a token, a release, or an artifact.
fn subject(answer: &Value, ran: &Ran) -> String {
    let member = ["id", "release", "digest"].into_iter().find_map(|name| answer[name].as_str());
    match (member, ran.stdout.strip_prefix("ss_")) {
        (Some(found), _) => found.to_owned(),
        (None, Some(token)) => token.chars().take_while(|c| *c != '_').collect(),
        (None, None) => digest_in(&ran.stdout),
    }
}

/// People read what was done on standard output, and why it was not on standard error.
fn in_words(text: &str, ran: &Ran, says: &str) -> Value {
    let Ran { code, stdout, stderr } = ran;
    match code {
        0 => assert!(format!("{stdout}{stderr}").contains(says), "`selfsame {text}` does not say `{says}`: {ran:?}"),
        1 => assert!(stderr.contains(&format!("refused {says}: ")), "`selfsame {text}`: {ran:?}"),
        _ => assert!(stderr.contains(says), "`selfsame {text}` does not say `{says}`: {ran:?}"),
    }
    assert!(!stderr.contains("panicked"), "`selfsame {text}`: {ran:?}");
    Value::Null
}

/// Programs read the answer on standard output and the failure on standard error: one JSON text each, and nothing else.
fn as_json(text: &str, ran: &Ran, says: &str) -> Value {
    let read = |printed: &str| -> Value {
        serde_json::from_str(printed).unwrap_or_else(|error| panic!("`selfsame {text} --json`: {error}: {ran:?}"))
    };
    let answer = if ran.stdout.is_empty() { Value::Null } else { read(&ran.stdout) };
    if ran.code == 0 {
        assert!(ran.stderr.is_empty(), "`selfsame {text} --json` talks beside its answer: {ran:?}");
        let is_of_ledger = !NOT_AS_OF.iter().any(|verb| text.starts_with(verb));
        assert_eq!(is_of_ledger, answer["as_of"].is_u64(), "`selfsame {text} --json`: {ran:?}");
        return answer;
    }
    let failure = read(&ran.stderr);
    assert_eq!(failure["exit_code"], ran.code, "`selfsame {text} --json`: {ran:?}");
    assert!(failure["detail"].as_str().is_some_and(|detail| detail.len() > 10), "`selfsame {text} --json`: {ran:?}");
    assert!(failure.get("hint").is_none_or(Value::is_string), "`selfsame {text} --json`: {ran:?}");
    match ran.code {
        1 => assert_eq!(failure["code"], says, "`selfsame {text} --json`"),
        2 => assert_eq!(failure["code"], "broken", "`selfsame {text} --json`"),
        _ => assert_eq!(failure["code"], "usage", "`selfsame {text} --json`"),
    }
    answer
}

/// Types everything on one server, which runs, is down, and runs again.
fn type_all(json: bool) {
    let mut server = Server::start();
    server.write("one", "the first build");
    server.write("two", "the second build");
    let mirrors = format!("mirrors:\n- repositories: hub\n  upstream: http://{}/shop\n  tag-age: 5m\n", server.host());
    server.write("mirrors.yaml", mirrors);
    server.write("not-mirrors.yaml", "mirrors:\n- repositories: hub\n  upsteam: x\n");
    server.write("broken.yaml", "project: shop\ncomponents: { web: {} }\nstages: { dev: { afer: x } }\n");
    server.write("selfsame.yaml", super::server::PROJECT);
    server.write("bom.json", r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[]}"#);
    server.write("osv.json", r#"{"id":"X-1","modified":"2026-01-01T00:00:00Z"}"#);
    server.write("admin.token", server.admin());
    server.write("wrong.token", "ss_0000000000000000_wrong");
    let mut kept = BTreeMap::new();
    for part in STORY {
        let mut typist = Typist { server: &server, json, kept };
        part.iter().for_each(|line| typist.type_in(line));
        kept = typist.kept;
        server.audit();
    }
    server.kill();
    let mut typist = Typist { server: &server, json, kept };
    // Each asks several times before it gives up, so they do it side by side.
    std::thread::scope(|scope| {
        let asking: Vec<_> = BREAKS.iter().map(|line| scope.spawn(|| typist.typed(line))).collect();
        assert!(asking.into_iter().all(|one| one.join().is_ok()), "see above");
    });
    OFFLINE.iter().for_each(|line| typist.type_in(line));
    let kept = typist.kept;
    server.restart();
    let mut typist = Typist { server: &server, json, kept };
    AFTERWARDS.iter().for_each(|line| typist.type_in(line));
    server.audit();
}

#[test]
fn every_verb_answers_people() {
    type_all(false);
}

#[test]
fn every_verb_answers_programs() {
    type_all(true);
}

#[test]
fn verbs_without_an_answer_in_json_say_so() {
    let server = Server::start();
    let mut typist = Typist { server: &server, json: true, kept: BTreeMap::new() };
    NO_JSON.iter().for_each(|line| typist.type_in(line));
    let script = server.run_alone(&["completions", "bash"]);
    assert_eq!((script.code, script.stdout.contains("selfsame")), (0, true), "{script:?}");
}

#[test]
fn no_verb_is_forgotten() {
    let server = Server::start();
    let help = server.run_alone(&["help"]);
    let listed = help.stdout.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("verbs");
    let known = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let known = known.filter(|verb| !verb.is_empty() && *verb != "help");
    let lines: Vec<_> = STORY.iter().copied().flatten().chain(OFFLINE).chain(NO_JSON).collect();
    let is_typed = |verb: &str| {
        lines
            .iter()
            .any(|line| line.line.rsplit(" <- ").next().is_some_and(|text| text.split(' ').next() == Some(verb)))
    };
    let forgotten: Vec<_> = known.filter(|verb| !is_typed(verb)).collect();
    assert!(forgotten.is_empty(), "nobody types {forgotten:?}:\n{}", help.stdout);
}
