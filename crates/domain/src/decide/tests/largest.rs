//! The largest entries that the rules let through.

use std::collections::BTreeMap;

use crate::{
    Actor, Command, Contents, Digest, ENTRY_BYTES_MAX, Entry, Event, EvidenceResult, ProjectConfig, Refusal, Request,
    State, Timestamp, Version,
    config::PIECES_MAX,
    decide,
    gate::DecisionRecord,
    testing::{actor, config},
};

const COMPONENTS: usize = 100;
const KINDS: usize = PIECES_MAX / COMPONENTS;
const STAGES: usize = 100;
const REQUIREMENTS: usize = 64;
const PEOPLE: usize = 20;

/// A name as long as they may be.
fn long(letter: char, number: usize) -> String {
    format!("{letter}{number:0>62}")
}

/// A project with as much of everything as one gate may have.
fn largest() -> ProjectConfig {
    let list = |count: usize, item: &dyn Fn(usize) -> String| (0..count).map(item).collect::<Vec<_>>().join(", ");
    let components = list(COMPONENTS, &|number| format!("{}: {{}}", long('c', number)));
    let stages = list(STAGES, &|number| format!("s{number}: {{}}"));
    let upstream = list(STAGES, &|number| format!("s{number}"));
    let evidence = list(KINDS, &|number| format!("{{evidence: {{kind: k{number}}}}}"));
    let approvals = list(REQUIREMENTS - KINDS, &|number| format!("{{approvals: {{count: {}}}}}", 1 + number % PEOPLE));
    let text = format!(
        "{{components: {{{components}}}, stages: {{{stages}, prod: {{after: [{upstream}], gate: [{evidence}, {approvals}]}}}}}}"
    );
    config(&text).expect("a configuration within its limits")
}

/// Promotes a release whose artifacts have digests by `hash` into the largest gate, in a ledger of a billion entries.
fn promote(hash: fn(&[u8]) -> Digest, reason: String) -> Result<Entry, Refusal> {
    let config = largest();
    let at = Timestamp::from_millis(1_800_000_000_000);
    let mut state = State::resume(1_000_000_000, at);
    let entry = |actor: &Actor, event| Entry { actor: actor.party.clone(), at, event, request: None, v: Version };
    let root = actor("root", "admin@*");
    let project = config.project.clone();
    let components: BTreeMap<_, _> =
        config.components.keys().map(|name| (name.clone(), hash(name.as_str().as_bytes()))).collect();
    let contents = Contents { components, config: Some(hash(b"config")) };
    let release = contents.id();
    state.apply(&entry(&root, Event::ConfigApplied { config: Box::new(config.clone()) }));
    for (component, digest) in &contents.components {
        let pushed = Event::ManifestPushed {
            repository: config.repository(component).expect("a repository"),
            digest: digest.clone(),
            media_type: String::new(),
            size: 1,
            subject: None,
            tags: Vec::new(),
        };
        state.apply(&entry(&root, pushed));
    }
    let created = Event::ReleaseCreated {
        project: project.clone(),
        release: release.clone(),
        contents: contents.clone(),
        source: crate::Source::default(),
    };
    state.apply(&entry(&root, created));
    for subject in contents.components.values() {
        for kind in 0..KINDS {
            let kind = format!("k{kind}").parse().expect("a kind");
            let (project, subject) = (project.clone(), subject.clone());
            let recorded = Event::EvidenceRecorded {
                project,
                subject,
                kind,
                name: None,
                result: EvidenceResult::Passed,
                attributes: BTreeMap::new(),
                document: None,
                statement: None,
            };
            state.apply(&entry(&root, recorded));
        }
    }
    for stage in config.stages.keys().filter(|stage| stage.as_str() != "prod") {
        let decision = DecisionRecord { digest: Digest::sha256(b""), gate: Digest::sha256(b""), findings: Vec::new() };
        let (project, stage, release, contents) = (project.clone(), stage.clone(), release.clone(), contents.clone());
        state.apply(&entry(
            &root,
            Event::Promoted { project, stage, release, replaces: None, contents, decision, reason: String::new() },
        ));
    }
    let prod: crate::StageName = "prod".parse().expect("a name");
    for person in 0..PEOPLE {
        let (project, stage, release) = (project.clone(), prod.clone(), release.clone());
        let gate = config.stages[&prod].full_gate().digest();
        let approved = Event::Approved { project, stage, release, gate, roles: Vec::new(), comment: String::new() };
        state.apply(&entry(&actor(&format!("p{person}"), ""), approved));
    }
    let machine = actor(&format!("machine:{}", "a".repeat(120)), "admin@*");
    let promoted = decide(&state, &machine, Command::Promote { project, stage: prod, release, reason }, at)?;
    let [event] = promoted.try_into().expect("one event");
    let request = Request { command: Digest::sha512(b""), key: "\"".repeat(128).parse().expect("a key") };
    Ok(Entry { request: Some(request), ..entry(&machine, event) })
}

#[test]
fn the_largest_gate_can_be_passed() {
    for (hash, reason) in [
        (Digest::sha256 as fn(&[u8]) -> Digest, "x".repeat(2000)),
        (Digest::sha256, "\u{1}".repeat(2000)),
        (Digest::sha512, "x".repeat(2000)),
    ] {
        let entry = promote(hash, reason).unwrap_or_else(|refusal| panic!("{refusal}"));
        let bytes = entry.encode();
        assert!((45_000..=ENTRY_BYTES_MAX).contains(&bytes.len()), "{} bytes", bytes.len());
        assert_eq!(Entry::decode(&bytes).expect("an entry can be read"), entry);
        let Event::Promoted { decision, .. } = entry.event else { panic!("{}", entry.event.name()) };
        let counts: Vec<_> =
            decision.findings.iter().map(|finding| (finding.requirement.as_str(), finding.entries.len())).collect();
        assert_eq!(counts, [("not-held", 0), ("upstream", STAGES), ("evidence", PIECES_MAX), ("approvals", PEOPLE)]);
    }
}

#[test]
fn what_is_larger_is_refused_and_never_written() {
    let refusal = promote(Digest::sha512, "\u{1}".repeat(2000)).expect_err("too large");
    assert_eq!(refusal.to_string(), "an entry of the ledger has at most 65535 bytes");
}

#[test]
fn a_configuration_at_its_limit_can_be_applied() {
    let mut config = largest();
    let prod = config.stages[&"prod".parse().expect("a name")].clone();
    let mut number = 0;
    while crate::canonical::to_vec(&config).len() < crate::config::CONFIG_BYTES_MAX {
        config.stages.insert(format!("t{number}").parse().expect("a name"), prod.clone());
        number += 1;
    }
    assert!(config.check().is_err());
    config.stages.remove(&format!("t{}", number - 1).parse().expect("a name"));
    let answer = decide(
        &State::default(),
        &actor("root", "admin@*"),
        Command::ApplyConfig { config: Box::new(config.clone()), expect: None },
        Timestamp::default(),
    );
    config.check().expect("at the limit");
    assert_eq!(answer.map(|events| events.len()), Ok(1));
}
