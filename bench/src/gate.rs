//! A gate with 100 pieces of evidence, asked in process: nothing is stored, so this is what every question costs.

use std::{collections::BTreeMap, time::Instant};

use domain::{
    Contents, Digest, Entry, Event, EvidenceResult, Party, ProjectConfig, Source, State, Timestamp, Version, gate,
};

use crate::table;

/// How many requirements the gate has, and pieces of evidence the release.
const PIECES: usize = 50;
const COMPONENTS: usize = 2;
const QUESTIONS: usize = 2000;

/// Asks and prints.
pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    table::heading("Gate check, 100 pieces of evidence (2 components, 50 requirements)");
    let (state, config, release) = prepare()?;
    let (stage, asker): (domain::StageName, Party) = ("prod".parse()?, "person:ada".parse()?);
    let now = Timestamp::from_millis(1_800_000_000_000);
    let mut times = Vec::with_capacity(QUESTIONS);
    for _ in 0..QUESTIONS {
        let begun = Instant::now();
        let decision = gate::evaluate(&state, &config.project, &stage, &release, &asker, now)?;
        times.push(begun.elapsed().as_secs_f64() * 1e6);
        assert!(
            decision.lets_in() && decision.findings.len() == 1 + PIECES * COMPONENTS,
            "the gate was to let it in: {decision:?}"
        );
    }
    let (half, most) = (table::percentile(&mut times, 0.5), table::percentile(&mut times, 0.99));
    table::figure("one decision, p50", &format!("{half:.0} us"), "promised: under 1 ms");
    table::figure("one decision, p99", &format!("{most:.0} us"), "");
    Ok(())
}

fn prepare() -> Result<(State, ProjectConfig, domain::ReleaseId), Box<dyn std::error::Error>> {
    let requirements: Vec<_> = (0..PIECES)
        .map(|number| serde_json::json!({"evidence": {"kind": "tests", "name": format!("suite-{number}"), "max_age": "7d"}}))
        .collect();
    let config: ProjectConfig = serde_json::from_value(serde_json::json!({
        "project": "shop",
        "components": {"web": {}, "api": {}},
        "stages": {"prod": {"gate": requirements}},
    }))?;
    let digests = [Digest::sha256(b"web"), Digest::sha256(b"api")];
    let names = ["web", "api"];
    let mut components = BTreeMap::new();
    for (name, digest) in names.iter().zip(&digests) {
        components.insert(name.parse()?, digest.clone());
    }
    let contents = Contents { components, config: None };
    let release = contents.id();
    let project = config.project.clone();
    let mut events = vec![
        Event::ConfigApplied { config: Box::new(config.clone()) },
        Event::ReleaseCreated {
            project: project.clone(),
            release: release.clone(),
            contents,
            source: Source::default(),
        },
    ];
    for subject in &digests {
        for number in 0..PIECES {
            events.push(Event::EvidenceRecorded {
                project: project.clone(),
                subject: subject.clone(),
                kind: "tests".parse()?,
                name: Some(format!("suite-{number}").parse()?),
                result: EvidenceResult::Passed,
                attributes: BTreeMap::new(),
                document: None,
            });
        }
    }
    let mut state = State::default();
    for event in events {
        let at = Timestamp::from_millis(1_799_999_000_000);
        state.apply(&Entry { actor: "machine:ci".parse()?, at, event, request: None, v: Version });
    }
    Ok((state, config, release))
}
