//! What follows from commands, told as stories.

mod claims;
mod deliveries;
mod largest;
mod limits;
mod permissions;
mod projects;
mod releases;
mod retention;
mod stages;

use std::collections::BTreeSet;

use crate::{
    Refusal,
    testing::{Story, check, told},
};

/// Every story there is.
fn all() -> impl Iterator<Item = Story> {
    let here = [
        deliveries::STORIES,
        claims::STORIES,
        limits::STORIES,
        permissions::STORIES,
        projects::STORIES,
        releases::STORIES,
        retention::STORIES,
        stages::STORIES,
    ];
    let elsewhere = crate::gate::tests::STORIES.into_iter().chain([crate::standing::tests::STORIES]);
    here.into_iter().chain(elsewhere).flatten().copied()
}

#[test]
fn limits_hold() {
    check(limits::STORIES);
}

#[test]
fn claims_end_by_themselves() {
    check(claims::STORIES);
}

#[test]
fn deliveries_settle() {
    check(deliveries::STORIES);
}

#[test]
fn retention_takes_what_nothing_saves() {
    check(retention::STORIES);
}

#[test]
fn permissions_are_needed() {
    check(permissions::STORIES);
}

#[test]
fn projects_change() {
    check(projects::STORIES);
}

#[test]
fn releases_move() {
    check(releases::STORIES);
}

#[test]
fn stages_are_steered() {
    check(stages::STORIES);
}

/// Refusals that the shells give.
const OF_THE_SHELLS: [&str; 3] = ["key-reused", "not-in-trash", "part-missing"];

#[test]
fn every_refusal_has_a_story() {
    let told: BTreeSet<&str> = all().filter_map(|(given, asked, _)| told(given, asked).code).collect();
    let codes: BTreeSet<&str> = Refusal::CODES.into_iter().collect();
    assert_eq!(codes.len(), Refusal::CODES.len(), "a code is listed twice");
    let untold: Vec<_> = codes.difference(&told).copied().collect();
    assert_eq!(untold, OF_THE_SHELLS, "these refusals have no story");
    assert!(told.is_subset(&codes), "{:?} is missing from CODES", told.difference(&codes));
}

#[test]
fn the_same_story_ends_the_same_way() {
    for (given, asked, _) in all().step_by(7) {
        let (once, again) = (told(given, asked), told(given, asked));
        assert_eq!((once.answer, once.world.ledger), (again.answer, again.world.ledger), "{given}; {asked}");
    }
}
