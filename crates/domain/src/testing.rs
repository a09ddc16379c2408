//! The language in which the tests tell stories: what was given, what is asked, what then follows.
//!
//! ```text
//! apply dev > prod; push web-1; release 1; promote 1 dev by machine:ci as promoter@shop/dev; wait 10m
//! ```
//!
//! Every command is decided three times: with everything in memory; by a state that loads from rows what [`State::needs`] names and
//! nothing else; and its events are applied once more by a state that loads what [`State::needs_for_event`] names. All must agree, and
//! leave the same rows. So each story also tests which aggregates a command reads and an event writes.

mod ask;
mod describe;
mod parse;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use ask::{check, told};
pub(crate) use parse::{Step, actor, config};

use crate::{
    About, Actor, Artifact, Command, Digest, Entry, Event, Key, Placed, Refusal, RepositoryName, State, Subject,
    Timestamp, Version, decide,
};

/// A story in one line: what was given, what is asked, and what then follows. An answer that ends in `...` is the beginning of one.
pub(crate) type Story = (&'static str, &'static str, &'static str);

/// The rows of storage, by the texts of their keys.
pub(crate) type Rows = BTreeMap<String, Vec<u8>>;

/// A ledger with its rows, and a state that holds all of it.
#[derive(Default)]
pub(crate) struct World {
    /// Everything in memory.
    pub full: State,
    /// What storage has.
    pub rows: Rows,
    /// Every entry so far, encoded.
    pub ledger: Vec<Vec<u8>>,
    /// What the clock says.
    pub now: Timestamp,
    /// What the catalog knows of artifacts.
    artifacts: BTreeMap<(RepositoryName, Digest), Artifact>,
    /// What manifests are attached to.
    attached: BTreeMap<(RepositoryName, Digest), BTreeSet<Digest>>,
    /// What the stories call a digest.
    labels: BTreeMap<Digest, String>,
}

impl World {
    /// A world whose ledger was opened on the first of January.
    pub fn new() -> Self {
        let now = "2026-01-01T00:00:00Z".parse().expect("a time");
        let mut world = Self { now, ..Self::default() };
        let event = Event::LedgerOpened { origin: "ledger.example/log".into() };
        let opened =
            Entry { actor: "machine:selfsame".parse().expect("a party"), at: now, event, request: None, v: Version };
        let mut writer = State::default();
        writer.apply(&opened);
        world.full.apply(&opened);
        world.ledger.push(opened.encode());
        world.keep(writer, &[opened]);
        world
    }

    /// A state that has loaded the system aggregate and what `wanted` asks for, again and again until that is nothing.
    pub fn sparse(&self, wanted: impl Fn(&State) -> Vec<Key>) -> State {
        let mut state = State::resume(self.full.size(), self.full.time());
        self.load(&mut state, &[Key::System]);
        self.load_wanted(&mut state, wanted);
        state
    }

    fn load(&self, state: &mut State, keys: &[Key]) {
        for key in keys {
            if let Key::Artifact(repository, digest) = key {
                let artifact = self.artifacts.get(&(repository.clone(), digest.clone()));
                let known = artifact.map(|artifact| serde_json::to_vec(artifact).expect("an artifact"));
                state.load(key, known.as_deref()).expect("an artifact can be read");
                continue;
            }
            if let Key::Manifest(repository, digest) = key {
                let placed = serde_json::to_vec(&self.placed(repository, digest)).expect("a place");
                state.load(key, Some(&placed)).expect("a place can be read");
                continue;
            }
            if let Key::Tag(_, tag) = key {
                let about = match tag.about() {
                    Some(About::Digest(about)) => Some(about),
                    _ => None,
                };
                let about = serde_json::to_vec(&about).expect("a digest");
                state.load(key, Some(&about)).expect("a digest can be read");
                continue;
            }
            let row = self.rows.get(&key.to_string());
            state.load(key, row.map(Vec::as_slice)).expect("a row that was written can be read");
        }
    }

    /// What the catalog says of a manifest's place.
    fn placed(&self, repository: &RepositoryName, digest: &Digest) -> Placed {
        let is_there = |digest: &Digest| {
            let key = Key::Subject(repository.project().expect("a project"), digest.clone()).to_string();
            let row = self.rows.get(&key).map(|row| serde_json::from_slice::<Subject>(row).expect("a row"));
            row.is_some_and(|subject| subject.repositories.contains(repository))
        };
        let here = self.artifacts.iter().filter(|((place, other), _)| place == repository && other != digest);
        let containers = here.filter(|((_, other), artifact)| artifact.parts.contains(digest) && is_there(other));
        let artifact = self.artifacts.get(&(repository.clone(), digest.clone()));
        Placed {
            there: is_there(digest),
            containers: containers.map(|((_, other), _)| other.clone()).collect(),
            parts: artifact.map(|artifact| artifact.parts.clone()).unwrap_or_default(),
            attached_to: self.attached.get(&(repository.clone(), digest.clone())).cloned().unwrap_or_default(),
            ..Placed::default()
        }
    }

    fn load_wanted(&self, state: &mut State, wanted: impl Fn(&State) -> Vec<Key>) {
        for _ in 0..5 {
            let missing = wanted(state);
            if missing.is_empty() {
                return;
            }
            self.load(state, &missing);
        }
        panic!("needs never end: {:?}", wanted(state));
    }

    /// Decides a command, and makes what follows true.
    pub fn submit(&mut self, actor: &Actor, command: &Command) -> Result<Vec<Event>, Refusal> {
        let [outcome] = self.submit_batch(&[(actor.clone(), command.clone())]).try_into().expect("one outcome");
        outcome
    }

    /// Decides commands as the writer does: all that they need is loaded before the first, the rows are written after the last.
    pub fn submit_batch(&mut self, batch: &[(Actor, Command)]) -> Vec<Result<Vec<Event>, Refusal>> {
        let mut writer = self.sparse(|state| {
            let needs = batch.iter().flat_map(|(_, command)| state.needs(command));
            needs.collect()
        });
        let mut everything = std::mem::take(&mut self.full);
        everything.forget_artifacts();
        for (_, command) in batch {
            self.load_wanted(&mut everything, |state| artifacts(state.needs(command)));
        }
        self.full = everything;
        let mut outcomes = Vec::new();
        let mut events = Vec::new();
        for (actor, command) in batch {
            let outcome = decide(&self.full, actor, command.clone(), self.now);
            let sparsely = decide(&writer, actor, command.clone(), self.now);
            assert_eq!(outcome, sparsely, "{command:?} needs more than it says");
            for event in outcome.iter().flatten() {
                let entry =
                    Entry { actor: actor.party.clone(), at: self.now, event: event.clone(), request: None, v: Version };
                let bytes = entry.encode();
                assert_eq!(Entry::decode(&bytes).expect("an entry can be read"), entry);
                writer.apply(&entry);
                self.full.apply(&entry);
                events.push(entry);
                self.ledger.push(bytes);
            }
            outcomes.push(outcome);
        }
        self.keep(writer, &events);
        outcomes
    }

    /// Writes the rows that the writer changed, after comparing them with those of a follower and of the state that holds everything.
    fn keep(&mut self, mut writer: State, entries: &[Entry]) {
        let mut follower = State::resume(self.full.size() - entries.len() as u64, Timestamp::default());
        self.load(&mut follower, &[Key::System]);
        for entry in entries {
            self.load_wanted(&mut follower, |state| state.needs_for_event(&entry.event));
            follower.apply(entry);
        }
        let changed = writer.take_changed();
        assert_eq!(follower.take_changed(), changed);
        for key in changed {
            let row = writer.row(&key);
            assert_eq!(text(follower.row(&key)), text(row.clone()), "a follower folds `{key}` otherwise");
            assert_eq!(Ok(&key), key.to_string().parse().as_ref());
            match row {
                Some(row) => drop(self.rows.insert(key.to_string(), row)),
                None => drop(self.rows.remove(&key.to_string())),
            }
        }
        let everything: Vec<_> = rows(&self.full).into_iter().map(|(key, row)| (key, text(Some(row)))).collect();
        let kept: Vec<_> = self.rows.clone().into_iter().map(|(key, row)| (key, text(Some(row)))).collect();
        assert_eq!(kept, everything, "the rows are not those of the whole state");
    }
}

/// All rows of a state that holds everything.
pub(crate) fn rows(state: &State) -> Rows {
    state.keys().filter_map(|key| Some((key.to_string(), state.row(&key)?))).collect()
}

/// What even a state that holds everything has to look up.
fn artifacts(keys: Vec<Key>) -> Vec<Key> {
    keys.into_iter().filter(|key| matches!(key, Key::Artifact(..) | Key::Manifest(..) | Key::Tag(..))).collect()
}

fn text(row: Option<Vec<u8>>) -> Option<String> {
    row.map(|row| String::from_utf8(row).expect("rows are text"))
}
