use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::{ENTRY_BYTES_MAX, EVENT_BYTES_MAX, Entry, Event, EvidenceResult, Request, Steering, Version};
use crate::{
    Contents, Digest, Grant, Party, ProjectName, ReleaseId, Source, StageName, Statement, Status, Timestamp,
    gate::{DecisionRecord, FindingRecord},
    testing::config,
};

fn name<T: std::str::FromStr<Err: std::fmt::Debug> + std::fmt::Debug>(
    pattern: &'static str,
) -> impl Strategy<Value = T> {
    pattern.prop_map(|text| text.parse().expect("a name"))
}

fn project() -> impl Strategy<Value = ProjectName> {
    name("[a-z]{1,9}")
}

fn stage() -> impl Strategy<Value = StageName> {
    name("[a-z]{1,9}")
}

fn party() -> impl Strategy<Value = Party> {
    name("(person|machine):[a-z][a-z0-9._@/+-]{0,9}")
}

fn digest() -> impl Strategy<Value = Digest> {
    (any::<u32>(), any::<bool>()).prop_map(|(seed, long)| {
        if long { Digest::sha512(&seed.to_be_bytes()) } else { Digest::sha256(&seed.to_be_bytes()) }
    })
}

fn release() -> impl Strategy<Value = ReleaseId> {
    digest().prop_map(|digest| digest.as_str().parse().expect("an id"))
}

/// Any text at all: control characters, quotes, all of Unicode.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        any::<String>(),
        "[\"\\\\/\u{0}-\u{1f}\u{7f}-\u{9f}\u{2028}\u{ffff}\u{1f600}a]{0,12}"
    ]
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_millis)
}

fn contents() -> impl Strategy<Value = Contents> {
    let components = prop::collection::btree_map(name("[a-z]{1,9}"), digest(), 0..4);
    (components, prop::option::of(digest())).prop_map(|(components, config)| Contents { components, config })
}

fn grants() -> impl Strategy<Value = Vec<Grant>> {
    prop::collection::vec(name("[a-z]{1,5}@([a-z]{1,5}(/[a-z]{1,5})?|\\*)"), 0..4)
}

fn result() -> impl Strategy<Value = EvidenceResult> {
    prop::sample::select(vec![EvidenceResult::Passed, EvidenceResult::Warned, EvidenceResult::Failed])
}

fn decision() -> impl Strategy<Value = DecisionRecord> {
    let status = prop::sample::select(vec![Status::Met, Status::Unmet, Status::Waived, Status::Unknown]);
    let entries = prop::collection::vec(0..1u64 << 53, 0..4);
    let finding = ("[a-z]{1,9}", status, entries).prop_map(|(requirement, status, entries)| FindingRecord {
        requirement,
        status,
        entries,
    });
    (digest(), digest(), prop::collection::vec(finding, 0..4)).prop_map(|(digest, gate, findings)| DecisionRecord {
        digest,
        gate,
        findings,
    })
}

fn about_artifacts() -> impl Strategy<Value = Event> {
    let repository = || name("[a-z]{1,9}/[a-z]{1,9}");
    let pushed = (
        repository(),
        digest(),
        text(),
        0..1u64 << 53,
        prop::option::of(digest()),
        prop::collection::vec(name("[a-z]{1,9}"), 0..3),
    );
    let attributes = prop::collection::btree_map(any::<String>(), text(), 0..4);
    let named = prop::option::of(name("[a-z]{1,9}"));
    let evidence =
        (project(), digest(), name("[a-z]{1,9}"), named, result(), attributes, prop::option::of(digest()), statement());
    prop_oneof![
        pushed.prop_map(|(repository, digest, media_type, size, subject, tags)| Event::ManifestPushed {
            repository,
            digest,
            media_type,
            size,
            subject,
            tags
        }),
        (repository(), digest()).prop_map(|(repository, digest)| Event::ManifestDeleted { repository, digest }),
        (repository(), name("[a-z]{1,9}")).prop_map(|(repository, tag)| Event::TagDeleted { repository, tag }),
        evidence.prop_map(|(project, subject, kind, name, result, attributes, document, statement)| {
            Event::EvidenceRecorded { project, subject, kind, name, result, attributes, document, statement }
        }),
        (digest(), prop::option::of(project()), text()).prop_map(|(digest, project, reason)| Event::Held {
            digest,
            project,
            reason
        }),
        (digest(), prop::option::of(project()), text()).prop_map(|(digest, project, reason)| Event::Unheld {
            digest,
            project,
            reason
        }),
    ]
}

fn statement() -> impl Strategy<Value = Option<Statement>> {
    let signers = prop::collection::btree_set(name("key:[0-9a-f]{64}"), 1..3);
    let claims = prop::collection::btree_map(any::<String>(), text(), 0..3);
    let statement = (digest(), name("https://[a-z]{1,9}/[!-~]{0,9}"), signers, claims);
    prop::option::of(statement.prop_map(|(digest, predicate, signers, claims)| Statement {
        digest,
        predicate,
        signers,
        claims,
    }))
}

fn about_releases() -> impl Strategy<Value = Event> {
    let place = || (project(), stage(), release(), text());
    let source = (prop::option::of(text()), prop::option::of(text()), prop::option::of(text()));
    let source = source.prop_map(|(repository, commit, build)| Source { repository, commit, build });
    prop_oneof![
        (project(), release(), contents(), source).prop_map(|(project, release, contents, source)| {
            Event::ReleaseCreated { project, release, contents, source }
        }),
        (place(), prop::option::of(release()), contents(), decision()).prop_map(
            |((project, stage, release, reason), replaces, contents, decision)| {
                Event::Promoted { project, stage, release, replaces, contents, decision, reason }
            }
        ),
        (place(), release(), contents()).prop_map(|((project, stage, release, reason), from, contents)| {
            Event::RolledBack { project, stage, release, from, contents, reason }
        }),
        (place(), digest(), prop::collection::vec(name("[a-z]{1,9}"), 0..3)).prop_map(
            |((project, stage, release, comment), gate, roles)| Event::Approved {
                project,
                stage,
                release,
                gate,
                roles,
                comment
            }
        ),
        place().prop_map(|(project, stage, release, reason)| Event::Vetoed { project, stage, release, reason }),
        place().prop_map(|(project, stage, release, reason)| Event::Unvetoed { project, stage, release, reason }),
        (place(), any::<bool>()).prop_map(|((project, stage, release, reason), healthy)| Event::HealthReported {
            project,
            stage,
            release,
            healthy,
            reason
        }),
    ]
}

fn about_the_rest() -> impl Strategy<Value = Event> {
    let files = [
        "dev > prod",
        "{a: {}, b: {after: {any: [a], soak: 1h30m}, gate: [{evidence: {kind: tests, name: unit, result: warned, max_age: 7d, by: ['machine:ci']}}]}}",
        "{components: {web: {repository: shop/x}}, stages: {a: {gate: [{approvals: {count: 2, role: qa, expires: 1h}}]}}, roles: {qa: [approve]}}",
        "{a: {deliver: {eu: {registry: 'r.example:5000/shop', tags: [a, b]}, us: {registry: 'http://u.example', repositories: {web: x/y}}}}}",
    ];
    let change = prop::sample::select(vec![Steering::Pinned, Steering::Unpinned, Steering::Paused, Steering::Resumed]);
    let issued = (name("[0-9a-f]{16}"), digest(), party(), grants(), time());
    prop_oneof![
        text().prop_map(|origin| Event::LedgerOpened { origin }),
        prop::sample::select(files.to_vec())
            .prop_map(|file| Event::ConfigApplied { config: Box::new(config(file).expect("a configuration")) }),
        issued.prop_map(|(token, hash, party, grants, expires)| Event::TokenIssued {
            token,
            hash,
            party,
            grants,
            expires
        }),
        (name("[0-9a-f]{16}"), text()).prop_map(|(token, reason)| Event::TokenRevoked { token, reason }),
        (project(), stage(), change, text()).prop_map(|(project, stage, change, reason)| Event::Steered {
            project,
            stage,
            change,
            reason
        }),
    ]
}

fn about_deliveries() -> impl Strategy<Value = Event> {
    let target = || (project(), stage(), release(), name("[a-z]{1,9}"));
    let found = || prop::collection::btree_map(name("[a-z]{1,9}"), digest(), 0..4);
    prop_oneof![
        (target(), text(), found()).prop_map(|((project, stage, release, target), place, found)| Event::Delivered {
            project,
            stage,
            release,
            target,
            place,
            found
        }),
        (target(), 0..1u64 << 53, text()).prop_map(|((project, stage, release, target), tries, reason)| {
            Event::DeliveryFailed { project, stage, release, target, tries, reason }
        }),
        (project(), stage(), release()).prop_map(|(project, stage, release)| Event::Settled {
            project,
            stage,
            release
        }),
    ]
}

fn about_retention() -> impl Strategy<Value = Event> {
    let number = || 0..1u64 << 53;
    let counts = (number(), number(), number(), number(), number());
    let tags = prop::collection::vec(name("[a-z]{1,9}"), 0..3);
    prop_oneof![
        (project(), digest(), counts).prop_map(|(project, plan, (as_of, kept, archived, trashed, frees))| {
            Event::RetentionPlanned { project, plan, as_of, kept, archived, trashed, frees }
        }),
        (project(), digest()).prop_map(|(project, plan)| Event::RetentionApplied { project, plan }),
        (name("[a-z]{1,9}/[a-z]{1,9}"), digest(), digest(), tags).prop_map(|(repository, digest, plan, tags)| {
            Event::ManifestCollected { repository, digest, plan, tags }
        }),
        (project(), digest(), number(), number()).prop_map(|(project, plan, collected, saved)| Event::RetentionEnded {
            project,
            plan,
            collected,
            saved
        }),
        (project(), digest(), text()).prop_map(|(project, digest, reason)| Event::Kept { project, digest, reason }),
        (project(), digest(), text()).prop_map(|(project, digest, reason)| Event::Unkept { project, digest, reason }),
        (project(), stage(), prop::collection::btree_set(digest(), 0..4))
            .prop_map(|(project, stage, digests)| Event::Observed { project, stage, digests }),
        (project(), digest(), prop::option::of(stage()), time(), text()).prop_map(
            |(project, digest, stage, until, reason)| Event::Leased { project, digest, stage, until, reason }
        ),
        (project(), digest(), party()).prop_map(|(project, digest, party)| Event::Unleased { project, digest, party }),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    let event =
        prop_oneof![about_artifacts(), about_releases(), about_deliveries(), about_retention(), about_the_rest()];
    let request = prop::option::of((digest(), name("[!-~]{1,9}")).prop_map(|(command, key)| Request { command, key }));
    (party(), time(), event, request).prop_map(|(actor, at, event, request)| Entry {
        actor,
        at,
        event,
        request,
        v: Version,
    })
}

/// Every object within a value, by its path.
fn objects(value: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            found.push(path.into());
            members.iter().for_each(|(key, value)| {
                objects(value, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), found)
            });
        }
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| objects(item, &format!("{path}/{at}"), found))
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn entries_are_read_as_they_are_written(entry in entry()) {
        let bytes = entry.encode();
        let read = Entry::decode(&bytes).expect("an entry");
        prop_assert_eq!(&read, &entry);
        prop_assert_eq!(read.encode(), bytes);
        let value = serde_json::to_value(&entry.event).expect("JSON");
        prop_assert_eq!(value["type"].as_str(), Some(entry.event.name()));
    }

    #[test]
    fn any_other_spelling_is_refused(entry in entry()) {
        let bytes = entry.encode();
        let text = String::from_utf8(bytes).expect("text");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let spellings = [
            serde_json::to_string_pretty(&value).expect("JSON"),
            format!("{text}\n"),
            format!(" {text}"),
            text.replacen(':', ": ", 1),
            text.replacen('{', "{\"v\":1,", 1),
            text.replacen("\"v\":1", "\"v\":1.0", 1),
            text.replacen("\"v\":1}", "\"v\":2}", 1),
            text.replacen("\"actor\"", "\"\\u0061ctor\"", 1),
            text.replacen("\"actor\":\"", "\"actor\":\"\\u0070", 1).replacen("\\u0070p", "\\u0070", 1),
        ];
        for spelling in spellings {
            prop_assert!(spelling == text || Entry::decode(spelling.as_bytes()).is_err(), "{}", spelling);
        }
    }

    #[test]
    fn an_unknown_member_is_refused_wherever_it_is(entry in entry()) {
        let value = serde_json::to_value(&entry).expect("JSON");
        let mut places = Vec::new();
        objects(&value, "", &mut places);
        for place in places {
            let mut more = value.clone();
            let object = more.pointer_mut(&place).and_then(serde_json::Value::as_object_mut).expect("an object");
            object.insert("zz".into(), 1.into());
            prop_assert!(Entry::decode(&crate::canonical::to_vec(&more)).is_err(), "{} {}", place, more);
        }
    }

    #[test]
    fn damage_is_refused_or_is_another_entry(entry in entry(), at: prop::sample::Index, byte: u8, cut: bool) {
        let mut bytes = entry.encode();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if let Ok(read) = Entry::decode(&bytes) {
            prop_assert_eq!(read.encode(), bytes);
        }
    }

    #[test]
    fn no_bytes_make_decoding_panic(bytes: Vec<u8>) {
        let _ = Entry::decode(&bytes);
    }
}

#[test]
fn random_entries_are_of_every_kind() {
    let mut runner = TestRunner::deterministic();
    let kinds: BTreeSet<_> =
        (0..1000).map(|_| entry().new_tree(&mut runner).expect("an entry").current().event.name()).collect();
    assert_eq!(kinds.len(), 30, "{kinds:?}");
}

#[test]
fn events_name_what_they_are_about() {
    let web = Digest::sha256(b"web-1");
    let contents = Contents {
        components: BTreeMap::from([("web".parse().expect("a name"), web.clone())]),
        config: Some(Digest::sha256(b"c")),
    };
    let release = contents.id();
    let (project, stage): (ProjectName, StageName) = ("shop".parse().expect("a name"), "dev".parse().expect("a name"));
    let created = Event::ReleaseCreated {
        project: project.clone(),
        release: release.clone(),
        contents: contents.clone(),
        source: Source::default(),
    };
    assert_eq!(created.digests(), [release.digest().clone(), web.clone(), Digest::sha256(b"c")]);
    assert_eq!((created.project(), created.blob()), (Some(project.clone()), None));
    let pushed = Event::ManifestPushed {
        repository: "a__b/web".parse().expect("a name"),
        digest: web.clone(),
        media_type: String::new(),
        size: 1,
        subject: Some(release.digest().clone()),
        tags: Vec::new(),
    };
    assert_eq!(pushed.digests(), [web.clone(), release.digest().clone()]);
    assert_eq!((pushed.project(), pushed.blob()), (None, Some(&web)));
    let steered = Event::Steered { project: project.clone(), stage, change: Steering::Pinned, reason: String::new() };
    assert_eq!((steered.project(), steered.digests()), (Some(project), Vec::new()));
}

/// What stands around an event is within what [`EVENT_BYTES_MAX`] leaves for it.
#[test]
fn the_largest_event_fits_into_an_entry() {
    let largest = |origin: String| Entry {
        actor: format!("machine:{}", "a".repeat(120)).parse().expect("a party"),
        at: Timestamp::from_millis(i64::MAX),
        event: Event::LedgerOpened { origin },
        request: Some(Request { command: Digest::sha512(b""), key: "\"".repeat(128).parse().expect("a key") }),
        v: Version,
    };
    let around = largest(String::new()).encode().len() - crate::canonical::to_vec(&largest(String::new()).event).len();
    assert!(EVENT_BYTES_MAX + around <= ENTRY_BYTES_MAX, "{around} bytes stand around an event");
}
