//! Properties of whole ledgers: random commands, and what must be true whatever they are.

use proptest::prelude::*;

use super::State;
use crate::{
    Actor, Command, Entry, Event, Key, Timestamp, gate,
    testing::{Step, World, rows},
};

/// The project's file as it is edited: gates, soak time, roles, stages that come and go, and one more component.
const FILES: [&str; 6] = [
    "{retention: {}, stages: {dev: {deliver: {eu: {registry: eu.example}}}, staging: {after: dev}, prod: {after: staging}}}",
    "{dev: {}, staging: {after: dev, gate: [{evidence: {kind: tests, max_age: 1h}}]}, prod: {after: {all: [staging], soak: 10m}, gate: [{approvals: {count: 1}}]}}",
    "{dev: {gate: [{evidence: {kind: tests, by: ['machine:ci']}}]}, prod: {after: {any: [dev, staging]}}, staging: {}}",
    "{stages: {dev: {}, staging: {}, prod: {after: dev, gate: [{approvals: {count: 2, role: guard, expires: 1h}}]}}, roles: {guard: [approve, hold, promote, issue-tokens]}}",
    "{retention: {open: 1h}, components: {web: {}, api: {}}, stages: {dev: {}, prod: {after: dev}}}",
    "{dev: {deliver: {eu: {registry: eu.example}}}, staging: {after: dev}, prod: {after: dev, deliver: {eu: {registry: eu.example, tags: [live]}, us: {registry: us.example}}}}",
];

fn pick(options: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(options)
}

fn release() -> impl Strategy<Value = &'static str> {
    pick(&["1", "2", "3", "1,api=1"])
}

fn digest() -> impl Strategy<Value = &'static str> {
    pick(&["web-1", "web-2", "web-3", "api-1", "release:1", "release:2", "release:3"])
}

fn stage() -> impl Strategy<Value = &'static str> {
    pick(&["dev", "dev", "staging", "prod"])
}

fn who() -> impl Strategy<Value = &'static str> {
    pick(&[
        "",
        "",
        "",
        " by ada",
        " by ben as admin",
        " by machine:ci",
        " by cleo as guard,reader",
        " by ada as operator@shop/prod",
        " by eve as admin@other",
    ])
}

/// Whether only those do it who may do everything: others would hardly ever get as far as to collect something.
fn by_root(verb: &str) -> bool {
    ["wait", "plan", "carry", "collect", "end", "deliver", "fail", "apply"].iter().any(|known| verb.starts_with(known))
}

/// A step of a story, in a world that is small enough for steps to get in each other's way.
fn step() -> impl Strategy<Value = String> {
    let verb = prop_oneof![
        2 => Just("wait 7m".to_owned()),
        1 => prop::sample::select(&FILES[..]).prop_map(|file| format!("apply {file}")),
        3 => pick(&["web-1", "web-2", "web-3", "api-1"]).prop_map(|artifact| format!("push {artifact}")),
        1 => (pick(&["delete", "push"]), digest()).prop_map(|(verb, digest)| format!("{verb} {digest} from shop/web")),
        4 => release().prop_map(|release| format!("release {release}")),
        3 => (digest(), pick(&["passed", "passed", "warned", "failed"])).prop_map(|(digest, result)| format!("attest {digest} tests {result}")),
        12 => (release(), stage()).prop_map(|(release, stage)| format!("promote {release} {stage}")),
        4 => (release(), stage()).prop_map(|(release, stage)| format!("approve {release} {stage}")),
        3 => stage().prop_map(|stage| format!("rollback {stage}")),
        2 => (stage(), release()).prop_map(|(stage, release)| format!("rollback {stage} to {release}")),
        3 => (pick(&["hold", "unhold", "unhold"]), pick(&["web-1", "release:2"]), pick(&["", " everywhere"]))
            .prop_map(|(verb, digest, place)| format!("{verb} {digest}{place}")),
        3 => (pick(&["veto", "unveto", "unveto"]), pick(&["1", "2"]), pick(&["dev", "staging"])).prop_map(|(verb, release, stage)| format!("{verb} {release} {stage}")),
        2 => (pick(&["pin", "unpin", "pause", "resume"]), stage()).prop_map(|(verb, stage)| format!("{verb} {stage}")),
        2 => (stage(), pick(&["healthy", "unhealthy"])).prop_map(|(stage, health)| format!("report {stage} {health}")),
        1 => (pick(&["a", "b"]), pick(&["reader@shop", "guard@shop", "admin@*"])).prop_map(|(token, grant)| format!("token {token} {grant}")),
        2 => pick(&["a", "b"]).prop_map(|token| format!("revoke {token}")),
        8 => (stage(), pick(&["eu", "us"])).prop_map(|(stage, target)| format!("deliver {stage} {target}")),
        6 => (stage(), pick(&["eu", "us"])).prop_map(|(stage, target)| format!("fail {stage} {target} 3")),
        1 => Just("untag v1".to_owned()),
        4 => pick(&["plan p", "carry p", "carry p", "carry q", "end p"]).prop_map(str::to_owned),
        4 => (pick(&["web-1", "web-3,web-2,web-1", "api-1"]), pick(&["p", "p", "q"])).prop_map(|(what, plan)| format!("collect {what} of {plan}")),
        3 => pick(&["delete web-3", "push web-9", "delete web-9"]).prop_map(str::to_owned),
        2 => (stage(), pick(&["", " web-1", " web-1,web-2"])).prop_map(|(stage, what)| format!("observe {stage}{what}")),
        2 => (pick(&["lease", "unlease"]), pick(&["web-1", "web-3"]), pick(&["", " for dev"])).prop_map(|(verb, digest, place)| format!("{verb} {digest}{place}")),
        3 => (pick(&["keep", "unkeep", "unkeep"]), pick(&["web-1", "release:2"])).prop_map(|(verb, digest)| format!("{verb} {digest}")),
    ];
    (verb, who()).prop_map(|(verb, who)| if by_root(&verb) { verb } else { format!("{verb}{who}") })
}

/// Steps in batches, as the writer takes them.
fn batches() -> impl Strategy<Value = Vec<Vec<String>>> {
    prop::collection::vec(prop::collection::vec(step(), 1..5), 1..20)
}

/// Lives through the batches. [`World`] itself checks that states which load only what is needed decide and write the same.
fn live(batches: &[Vec<String>]) -> World {
    let mut world = World::new();
    world.take(&format!("apply {}", FILES[0]));
    for step in
        ["push web-1", "push web-2", "release 1", "release 2", "promote 1 dev", "deliver dev eu", "plan p", "carry p"]
    {
        world.take(step);
    }
    for batch in batches {
        let mut commands = Vec::new();
        for step in batch {
            match Step::parse(&mut world, step) {
                Step::Wait(span) => world.now = world.now + span,
                // The writer decides a collection only once all before it is committed.
                Step::Ask(actor, command) if matches!(*command, Command::Collect { .. }) => {
                    world.submit_batch(&std::mem::take(&mut commands));
                    commands.push((actor, *command));
                }
                Step::Ask(actor, command) => commands.push((actor, *command)),
                Step::Gate(..) | Step::Standing(..) => {}
            }
        }
        world.submit_batch(&commands);
    }
    world
}

/// Replays a ledger, and says what was wrong about what it lets into stages.
fn audit(ledger: &[Vec<u8>]) -> Result<State, TestCaseError> {
    let mut state = State::default();
    for bytes in ledger {
        let entry = Entry::decode(bytes).expect("an entry can be read");
        match &entry.event {
            Event::Promoted { project, stage, release, contents, decision, .. } => {
                let asked = gate::evaluate(&state, project, stage, release, &entry.actor, entry.at).expect("an answer");
                prop_assert!(asked.lets_in(), "entry {} went through a closed gate", state.size());
                prop_assert_eq!(&asked.record(), decision);
                prop_assert_eq!(&contents.id(), release);
                let there = state.project(project).expect("the project").stage(stage);
                prop_assert!(there.pinned.is_none() && there.paused.is_none());
            }
            Event::RolledBack { project, stage, release, from, .. } => {
                let there = state.project(project).expect("the project").stage(stage);
                prop_assert!(there.pinned.is_none());
                prop_assert_eq!(there.current.as_ref().map(|current| &current.release), Some(from));
                let known = state.release(project, release).and_then(|known| known.presence(stage));
                prop_assert!(known.is_some_and(crate::Presence::has_settled));
            }
            Event::Settled { project, stage, release } => {
                let known = state.project(project).expect("the project");
                let there = known.stage(stage);
                let current = there.current.as_ref().expect("a release");
                prop_assert!(current.unsettled && current.release == *release);
                prop_assert!(known.config.targets(stage).keys().all(|target| there.is_delivered(target)));
            }
            _ => {}
        }
        if let Event::Promoted { project, stage, release, contents, .. }
        | Event::RolledBack { project, stage, release, contents, .. } = &entry.event
        {
            let known = state.release(project, release).expect("the release");
            prop_assert!(known.in_stage(stage).is_none_or(|there| there.veto.is_none()), "a vetoed release entered");
            for digest in contents.digests().chain([release.digest()]) {
                prop_assert!(state.system().hold_on(digest, project).is_none(), "a held digest entered");
            }
        }
        state.apply(&entry);
    }
    Ok(state)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_ledger_says_is_what_is_true(batches in batches()) {
        let world = live(&batches);
        let replayed = audit(&world.ledger)?;
        prop_assert_eq!(rows(&replayed), world.rows);
        // What is current came in by the entry that it names.
        for project in world.full.system().projects.iter().filter_map(|name| world.full.project(name)) {
            for (stage, there) in &project.stages {
                for tenure in there.recent() {
                    let entry = Entry::decode(&world.ledger[tenure.mark.index as usize]).expect("an entry can be read");
                    match entry.event {
                        Event::Promoted { stage: into, release, .. } | Event::RolledBack { stage: into, release, .. } => {
                            prop_assert_eq!((&into, &release), (stage, &tenure.release));
                        }
                        other => prop_assert!(false, "`{}` put a release into {stage}", other.name()),
                    }
                }
                prop_assert!(there.earlier.len() <= super::HISTORY_MAX);
                let Some(current) = &there.current else { continue };
                let release = world.full.release(&project.config.project, &current.release).expect("the release");
                let presence = release.presence(stage).expect("it is there");
                prop_assert_eq!(presence.unsettled, current.unsettled);
                let lacking = project.due().into_iter().any(|due| due.stage == *stage);
                prop_assert!(lacking || !current.unsettled, "nothing is missing, and it is not settled");
            }
        }
    }

    #[test]
    fn the_same_commands_make_the_same_ledger(batches in batches()) {
        prop_assert_eq!(live(&batches).ledger, live(&batches).ledger);
    }

    #[test]
    fn keys_are_read_as_they_are_written(text in "(system|(project|stage|release|subject|token)/[a-z/]{0,8}).{0,4}") {
        if let Ok(key) = text.parse::<Key>() {
            prop_assert_eq!(key.to_string(), text);
        }
    }
}

#[test]
fn random_ledgers_see_every_kind_of_event() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..1000 {
        let world = live(&batches().new_tree(&mut runner).expect("batches").current());
        seen.extend(world.ledger.iter().map(|bytes| Entry::decode(bytes).expect("an entry can be read").event.name()));
    }
    assert_eq!(seen.len(), 30, "{seen:?}");
}

#[test]
fn a_stage_keeps_its_window_and_rolls_back_beyond_it() {
    let mut world = World::new();
    world.take("apply dev");
    for number in 0..super::HISTORY_MAX + 5 {
        for step in [format!("push web-{number}"), format!("release {number}"), format!("promote {number} dev")] {
            assert_eq!(world.take(&step).1, None);
        }
    }
    let shop = "shop".parse().expect("a name");
    let there = world.full.project(&shop).expect("the project").stage(&"dev".parse().expect("a name")).clone();
    assert_eq!(there.earlier.len(), super::HISTORY_MAX);
    let digest = |number: usize| crate::Digest::sha256(format!("web-{number}").as_bytes());
    assert!(there.has_promoted(&digest(9)) && there.has_promoted(&digest(4)) && !there.has_promoted(&digest(3)));
    assert_eq!(world.take("rollback dev to 0").0, "rolled back dev from 9 to 0");
}

#[test]
fn readers_follow_the_writer() {
    let mut world = World::new();
    let mut reader = world.full.clone();
    for step in [
        "apply dev > prod",
        "push web-1",
        "release 1",
        "promote 1 dev",
        "pin prod",
        "apply dev",
        "hold web-1",
        "token a reader@*",
    ] {
        world.full.take_changed();
        assert_eq!(world.take(step).1, None, "{step}");
        let changed = world.full.take_changed();
        reader.adopt(&world.full, &changed);
        assert_eq!(rows(&reader), world.rows, "{step}");
        assert_eq!((reader.size(), reader.time()), (world.full.size(), world.full.time()));
    }
    assert!(reader.loaded() > 0);
    reader.unload();
    assert_eq!(reader.loaded(), 0, "only the system stays");
}

#[test]
fn damaged_rows_are_refused_by_name() {
    let keys = ["system", "project/shop", "token/0123456789abcdef"];
    for key in keys.map(|key| key.parse::<Key>().expect("a key")) {
        for row in [&b""[..], b"{", b"[]", b"{\"unknown\":1}"] {
            let mut state = State::resume(3, Timestamp::default());
            let error = state.load(&key, Some(row)).expect_err("a damaged row");
            assert!(error.to_string().contains(&key.to_string()), "{error}");
        }
    }
    for text in [
        "",
        "system/",
        "project",
        "project/UPPER",
        "stage/shop",
        "stage/shop/dev/more",
        "token/abc",
        "release/shop/sha1:00",
    ] {
        assert!(text.parse::<Key>().is_err(), "{text}");
    }
}

#[test]
fn many_approvals_and_much_evidence_reach_their_limits() {
    let mut world = World::new();
    for step in ["apply dev", "push web-1", "release 1"] {
        world.take(step);
    }
    let mut state = world.full.clone();
    let mut ask = |step: &str| {
        let Step::Ask(actor, command) = Step::parse(&mut world, step) else { panic!("{step} asks for nothing") };
        decide_and_apply(&mut state, &actor, *command)
    };
    for number in 0..200 {
        assert_eq!(ask(&format!("approve 1 dev by p{number}")), None);
    }
    assert_eq!(ask("approve 1 dev by one-more"), Some("a release has at most 200 approvals for a stage".into()));
    assert_eq!(ask("approve 1 dev by p7"), None, "who has said yes may say it again");
    for number in 0..super::GROUPS_MAX {
        assert_eq!(ask(&format!("attest web-1 scan/n{number} passed")), None);
    }
    assert_eq!(
        ask("attest web-1 scan passed"),
        Some("a digest has at most 1000 groups of evidence (kind, name, who)".into())
    );
    assert_eq!(ask("attest web-1 scan/n7 failed"), None, "a group that is there goes on");
    for number in 1..100 {
        assert_eq!(ask(&format!("push web-1 from shop/r{number}")), None);
    }
    assert_eq!(
        ask("push web-1 from shop/one-more"),
        Some("an artifact has at most 100 repositories of one project that hold it".into())
    );
    assert_eq!(ask("push web-1 from shop/r7"), None);
}

fn decide_and_apply(state: &mut State, actor: &Actor, command: Command) -> Option<String> {
    let at = state.time();
    match crate::decide(state, actor, command, at) {
        Ok(events) => {
            for event in events {
                state.apply(&Entry { actor: actor.party.clone(), at, event, request: None, v: crate::Version });
            }
            None
        }
        Err(refusal) => Some(refusal.to_string()),
    }
}

/// What one batch of the writer answers, after a story.
fn batch(given: &str, steps: &[&str]) -> Vec<Option<&'static str>> {
    let mut world = World::new();
    for step in given.split(';') {
        assert_eq!(world.take(step).1, None, "{step}");
    }
    let commands: Vec<_> = steps
        .iter()
        .map(|step| match Step::parse(&mut world, step) {
            Step::Ask(actor, command) => (actor, *command),
            _ => panic!("`{step}` asks for nothing"),
        })
        .collect();
    world.submit_batch(&commands).into_iter().map(|outcome| outcome.err().map(|refusal| refusal.code())).collect()
}

/// Rows are loaded before a batch and written after it: what its own commands change must not be missed in between.
#[test]
fn commands_of_one_batch_see_each_other() {
    for (given, steps, codes) in [
        (
            "apply {dev: {gate: [{evidence: {kind: tests}}]}}; push web-1; attest web-1 tests passed; attest release:1 tests failed",
            &["release 1", "promote 1 dev"][..],
            &[None, Some("gate-unmet")][..],
        ),
        (
            "apply dev > prod; pin prod",
            &["apply dev", "apply dev > prod", "pause prod", "unpin prod"],
            &[None, None, None, Some("not-steered")],
        ),
        (
            "apply dev; push web-1; push web-2; release 1; release 2; promote 1 dev",
            &[
                "promote 2 dev",
                "rollback dev",
                "rollback dev",
                "promote 2 dev",
                "report dev unhealthy",
                "hold web-1",
                "rollback dev",
            ],
            &[None, None, Some("nothing-earlier"), None, None, None, Some("nothing-earlier")],
        ),
        (
            "apply {stages: {dev: {}}, roles: {lead: [issue-tokens]}}",
            &["token a lead@shop", "revoke a by ben as lead", "token a lead@shop"],
            &[None, None, Some("token-exists")],
        ),
        (
            "push web-1",
            &["apply dev", "release 1", "promote 1 dev", "delete web-1"],
            &[None, None, None, Some("artifact-in-use")],
        ),
    ] {
        assert_eq!(batch(given, steps), codes, "{given}: {steps:?}");
    }
}
