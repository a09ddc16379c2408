//! Telling a story, and comparing how it ends.

use super::{Story, World, parse::Step};
use crate::{Actor, Command, Key, ProjectName, ReleaseId, StageName, State, gate, standing};

/// How a story ended.
pub(crate) struct Told {
    /// The answer, in words.
    pub answer: String,
    /// The code of the refusal, if it was one.
    pub code: Option<&'static str>,
    /// What was true in the end.
    pub world: World,
}

/// Tells the stories, and compares how each ends with how it should.
#[track_caller]
pub(crate) fn check(stories: &[Story]) {
    let mut wrong = Vec::new();
    for (given, asked, then) in stories {
        let answer = told(given, asked).answer;
        let right = then.strip_suffix("...").map_or(answer == **then, |beginning| answer.starts_with(beginning));
        if !right {
            wrong.push(format!("given {given}\n  ask {asked}\n then {answer}\n  not {then}\n"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} stories end otherwise:\n{}", wrong.len(), stories.len(), wrong.join("\n"));
}

/// Tells a story: every step of `given` has to succeed.
pub(crate) fn told(given: &str, asked: &str) -> Told {
    let mut world = World::new();
    for step in given.split(';').filter(|step| !step.trim().is_empty()) {
        let (answer, code) = world.take(step);
        assert!(code.is_none(), "`{step}` of `{given}` was {answer}");
    }
    let (answer, code) = world.take(asked);
    Told { answer, code, world }
}

impl World {
    /// Takes one step; the answer in words, with the code of a refusal.
    pub fn take(&mut self, step: &str) -> (String, Option<&'static str>) {
        match Step::parse(self, step) {
            Step::Wait(span) => {
                self.now = self.now + span;
                ("time went by".into(), None)
            }
            Step::Ask(actor, command) => {
                let outcome = self.submit(&actor, &command);
                (self.describe(&outcome), outcome.err().map(|refusal| refusal.code()))
            }
            Step::Gate(actor, command) => {
                self.question(&actor, &command, |world, state, actor, (project, stage, release)| {
                    gate::evaluate(state, project, stage, release, &actor.party, world.now)
                        .map(|decision| world.describe_decision(&decision))
                })
            }
            Step::Standing(actor, command) => {
                self.question(&actor, &command, |world, state, actor, (project, stage, release)| {
                    let place = standing(state, project, stage, release, &actor.party, world.now)?;
                    Ok(format!("{:?}", place.standing).to_lowercase())
                })
            }
        }
    }

    /// Asks a state that loaded what the question needs, and the one that holds everything.
    fn question(
        &self,
        actor: &Actor,
        command: &Command,
        ask: impl Fn(&Self, &State, &Actor, (&ProjectName, &StageName, &ReleaseId)) -> Result<String, crate::Refusal>,
    ) -> (String, Option<&'static str>) {
        let Command::Promote { project, stage, release, .. } = command else { panic!("{command:?} is no question") };
        let sparse = self.sparse(|state| {
            let current = state.project(project).and_then(|known| known.stage(stage).current.as_ref());
            let current = current.map(|settled| Key::Release(project.clone(), settled.release.clone()));
            state.gate_needs(project, release).into_iter().chain(state.missing(current)).collect()
        });
        let mut full = self.full.clone();
        full.forget_artifacts();
        self.load_wanted(&mut full, |state| super::artifacts(state.gate_needs(project, release)));
        let answer = ask(self, &full, actor, (project, stage, release));
        assert_eq!(answer, ask(self, &sparse, actor, (project, stage, release)), "gate_needs names too little");
        match answer {
            Ok(answer) => (answer, None),
            Err(refusal) => (self.describe(&Err(refusal.clone())), Some(refusal.code())),
        }
    }
}
