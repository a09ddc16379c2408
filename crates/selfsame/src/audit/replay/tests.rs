use domain::{Contents, Digest, Entry, Event, State, Timestamp, Version, gate};
use serde_json::json;

use super::{Comparison, replay};
use crate::audit::{
    Source,
    tests::{ORIGIN, checkpoint, publish},
};

const ARTIFACT: &[u8] = b"an artifact";

fn entry(index: usize, event: serde_json::Value) -> Entry {
    let at = Timestamp::from_millis(1_800_000_000_000 + i64::try_from(index).expect("a small number"));
    let event: Event = serde_json::from_value(event).expect("an event");
    Entry { actor: "person:ada".parse().expect("a party"), at, event, request: None, v: Version }
}

/// What comes before a promotion into `dev`, whose gate asks for tests; they say `result`.
fn before(result: &str) -> Vec<Entry> {
    let artifact = Digest::sha256(ARTIFACT);
    let contents = Contents { components: [("web".parse().expect("a name"), artifact.clone())].into(), config: None };
    let config = json!({
        "project": "shop", "components": {"web": {}},
        "stages": {"dev": {"gate": [{"evidence": {"kind": "tests"}}]}},
    });
    let events = [
        json!({"type": "ledger-opened", "origin": ORIGIN}),
        json!({"type": "config-applied", "config": config}),
        json!({"type": "manifest-pushed", "repository": "shop/web", "digest": artifact, "media_type": "application/vnd.oci.image.manifest.v1+json", "size": 11}),
        json!({"type": "release-created", "project": "shop", "release": contents.id(), "contents": contents, "source": {}}),
        json!({"type": "evidence-recorded", "project": "shop", "subject": artifact, "kind": "tests", "result": result}),
    ];
    events.into_iter().enumerate().map(|(index, event)| entry(index, event)).collect()
}

/// The promotion, with what the gate says once `before` has happened.
fn promotion(before: &[Entry]) -> serde_json::Value {
    let mut state = State::default();
    before.iter().for_each(|entry| state.apply(entry));
    let Event::ReleaseCreated { release, contents, .. } = &before[3].event else { panic!("the release") };
    let (project, stage) = ("shop".parse().expect("a project"), "dev".parse().expect("a stage"));
    let at = entry(before.len(), json!({"type": "ledger-opened", "origin": ORIGIN})).at;
    let decision = gate::evaluate(&state, &project, &stage, release, &before[0].actor, at).expect("an answer");
    json!({"type": "promoted", "project": "shop", "stage": "dev", "release": release, "contents": contents, "decision": decision.record()})
}

#[tokio::test]
async fn a_decision_that_does_not_follow_is_found() {
    let other = Digest::sha256(b"other");
    let changed = |path: &str, value: serde_json::Value| {
        let mut promotion = promotion(&before("passed"));
        *promotion.pointer_mut(path).expect(path) = value;
        promotion
    };
    for (what, result, promoted, comparison, problem) in [
        ("as it was", "passed", promotion(&before("passed")), Comparison::Same, None),
        ("in other words", "passed", changed("/decision/digest", json!(other)), Comparison::Reworded, None),
        (
            "by another gate",
            "passed",
            changed("/decision/gate", json!(other)),
            Comparison::Differs,
            Some("the gate was"),
        ),
        (
            "on other evidence",
            "passed",
            changed("/decision/findings/1/entries", json!([3])),
            Comparison::Differs,
            Some("a requirement stands otherwise, or on other entries"),
        ),
        (
            "through a closed gate, as if it were open",
            "failed",
            promotion(&before("passed")),
            Comparison::Differs,
            Some("a requirement stands otherwise, or on other entries"),
        ),
        (
            "through a closed gate, in other words",
            "failed",
            {
                let mut promotion = promotion(&before("failed"));
                promotion["decision"]["digest"] = json!(other);
                promotion
            },
            Comparison::Differs,
            Some("the gate was not met"),
        ),
        (
            "through a closed gate",
            "failed",
            promotion(&before("failed")),
            Comparison::Differs,
            Some("the gate was not met"),
        ),
    ] {
        let mut entries = before(result);
        entries.push(entry(entries.len(), promoted));
        let folder = tempfile::tempdir().expect("a folder");
        publish(folder.path(), &entries.iter().map(Entry::encode).collect::<Vec<_>>());
        let source = Source::Directory(folder.path().to_owned());
        let replayed = replay(&source, &checkpoint(folder.path()), &[], |_| {}).await.expect("it is read");
        assert_eq!(replayed.len(), 1, "{what}");
        assert_eq!(replayed[0].comparison, comparison, "{what}: {:?}", replayed[0]);
        let found = replayed[0].problem.as_deref();
        assert_eq!(found.is_some(), problem.is_some(), "{what}: {found:?}");
        assert!(found.unwrap_or_default().contains(problem.unwrap_or_default()), "{what}: {found:?}");
    }
}

#[tokio::test]
async fn entries_that_do_not_lead_to_the_signed_root_prove_nothing() {
    let mut entries = before("passed");
    let promoted = promotion(&entries);
    entries.push(entry(entries.len(), promoted));
    let folder = tempfile::tempdir().expect("a folder");
    publish(folder.path(), &entries.iter().map(Entry::encode).collect::<Vec<_>>());
    let signed = checkpoint(folder.path());
    let mut others = before("failed");
    let promoted = promotion(&others);
    others.push(entry(others.len(), promoted));
    publish(folder.path(), &others.iter().map(Entry::encode).collect::<Vec<_>>());
    let source = Source::Directory(folder.path().to_owned());
    let refused = replay(&source, &signed, &[], |_| {}).await.expect_err("they are others");
    assert!(refused.to_string().contains("do not lead to the signed root"), "{refused}");
}
