//! A gate with 100 pieces of evidence: the decision by itself, and asked over HTTP. Nothing is stored, so this is what every question costs.

use std::{collections::BTreeMap, error::Error, fs, path::Path, time::Instant};

use domain::{
    Contents, Digest, Entry, Event, EvidenceResult, Party, ProjectConfig, Source, State, Timestamp, Version, gate,
};

use crate::{
    http::{Body, Connection},
    process::Server,
    table::{self, Promise, Table},
    world::World,
};

/// How many requirements the gate has, and pieces of evidence the release.
const PIECES: usize = 50;
const COMPONENTS: usize = 2;
const QUESTIONS: usize = 2000;

/// Asks and prints.
pub fn run(program: &Path, table: &mut Table) -> Result<(), Box<dyn Error>> {
    table.heading("Gate check, 100 pieces of evidence (2 components, 50 requirements)");
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
    table.figure("one decision, p50", half, "us", Promise::AtMost(1000.0));
    table.figure("one decision, p99", most, "us", Promise::None);
    let mut times = over_http(program)?;
    let (half, most) = (table::percentile(&mut times, 0.5), table::percentile(&mut times, 0.99));
    table.figure("asked over HTTP, p50", half, "us", Promise::AtMost(1000.0));
    table.figure("asked over HTTP, p99", most, "us", Promise::None);
    Ok(())
}

/// Asks a server the same question, with the same evidence, and takes the whole answer; how long each took, in microseconds.
fn over_http(program: &Path) -> Result<Vec<f64>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let server = Server::selfsame(program, &data)?;
    let world = World::new(program, folder.path(), &data, &server.address)?;
    let project = serde_json::json!({
        "project": "bench",
        "components": {"app": {}, "api": {}},
        "stages": {"prod": {"gate": requirements()}},
    });
    fs::write(folder.path().join("selfsame.yaml"), project.to_string())?;
    world.run(&["apply", "selfsame.yaml", "--yes"])?;
    let (release, artifacts) = world.release_of(&["app", "api"])?;
    let mut connection = Connection::open(&server.address, Some(&world.token))?;
    let headers = [("Content-Type", "application/json")];
    for (artifact, number) in artifacts.iter().flat_map(|artifact| (0..PIECES).map(move |number| (artifact, number))) {
        let evidence = serde_json::json!({
            "subject": artifact, "kind": "tests", "name": format!("suite-{number}"), "result": "passed",
        });
        let body = evidence.to_string();
        let answer = connection.send("POST", "/v1/projects/bench/evidence", &headers, body.as_bytes(), Body::Keep)?;
        if answer.status != 201 {
            return Err(format!("evidence: {}", answer.status).into());
        }
    }
    let path = format!("/v1/projects/bench/stages/prod/gate?release={release}");
    let mut times = Vec::with_capacity(QUESTIONS);
    for _ in 0..QUESTIONS {
        let begun = Instant::now();
        let answer = connection.send("GET", &path, &[], b"", Body::Keep)?;
        times.push(begun.elapsed().as_secs_f64() * 1e6);
        let found: serde_json::Value = serde_json::from_slice(&answer.body)?;
        if found["lets_in"] != true
            || found["decision"]["findings"].as_array().map(Vec::len) != Some(1 + PIECES * COMPONENTS)
        {
            return Err(format!("the gate was to let it in: {found}").into());
        }
    }
    Ok(times)
}

fn requirements() -> Vec<serde_json::Value> {
    let one =
        |number| serde_json::json!({"evidence": {"kind": "tests", "name": format!("suite-{number}"), "max_age": "7d"}});
    (0..PIECES).map(one).collect()
}

fn prepare() -> Result<(State, ProjectConfig, domain::ReleaseId), Box<dyn Error>> {
    let config: ProjectConfig = serde_json::from_value(serde_json::json!({
        "project": "shop",
        "components": {"web": {}, "api": {}},
        "stages": {"prod": {"gate": requirements()}},
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
                statement: None,
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
