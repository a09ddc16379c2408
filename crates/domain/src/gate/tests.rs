//! What gates say, told as stories.

use crate::testing::{Story, check};

mod attestations;

pub(crate) const STORIES: [&[Story]; 5] = [EVIDENCE, attestations::STORIES, UPSTREAM, APPROVALS, HOLDS];

const EVIDENCE: &[Story] = &[
    // A gate without requirements is open, and says what it always looks at.
    ("apply dev; push web-1; release 1", "gate 1 dev", "open: nothing in the release is held"),
    (
        "apply {dev: {gate: [{evidence: {kind: tests}}]}}; push web-1; release 1",
        "gate 1 dev",
        "closed: there is no evidence `tests` of `web`",
    ),
    (
        "apply {dev: {gate: [{evidence: {kind: tests}}]}}; push web-1; release 1; attest web-1 tests passed by machine:ci; wait 90s",
        "gate 1 dev",
        "open: nothing in the release is held; evidence `tests` of `web` passed 1m30s ago, says machine:ci",
    ),
    // Kind and name.
    (
        "apply {dev: {gate: [{evidence: {kind: tests, name: unit}}]}}; push web-1; release 1; attest web-1 tests/e2e passed; attest web-1 scan/unit passed",
        "gate 1 dev",
        "closed: there is no evidence `tests` (`unit`) of `web`",
    ),
    (
        "apply {dev: {gate: [{evidence: {kind: tests, name: unit}}]}}; push web-1; release 1; attest web-1 tests/unit passed",
        "gate 1 dev",
        "open...",
    ),
    (
        "apply {dev: {gate: [{evidence: {kind: tests, name: unit}}, {evidence: {kind: tests, name: e2e}}]}}; push web-1; release 1; \
         attest web-1 tests/unit passed; attest web-1 tests/e2e failed",
        "gate 1 dev",
        "closed: evidence `tests` (`e2e`) of `web` failed, says person:root",
    ),
    // The latest wins, both ways, whoever gave it.
    (
        "apply {dev: {gate: [{evidence: {kind: tests}}]}}; push web-1; release 1; attest web-1 tests passed by machine:a; attest web-1 tests failed by machine:b",
        "gate 1 dev",
        "closed: evidence `tests` of `web` failed, says machine:b",
    ),
    (
        "apply {dev: {gate: [{evidence: {kind: tests}}]}}; push web-1; release 1; attest web-1 tests failed by machine:a; attest web-1 tests passed by machine:b",
        "gate 1 dev",
        "open...",
    ),
    (
        "apply {dev: {gate: [{evidence: {kind: tests}}]}}; push web-1; release 1; attest web-1 tests passed; attest web-1 tests passed; \
         attest web-1 tests passed; attest web-1 tests failed; attest web-1 tests passed; attest web-1 tests failed",
        "gate 1 dev",
        "closed: evidence `tests` of `web` failed, says person:root",
    ),
    // Where no name is asked for, the latest of every name counts.
    (
        "apply {dev: {gate: [{evidence: {kind: tests}}]}}; push web-1; release 1; attest web-1 tests/unit failed; attest web-1 tests/e2e passed",
        "gate 1 dev",
        "closed: evidence `tests` (`unit`) of `web` failed, says person:root",
    ),
    (
        "apply {dev: {gate: [{evidence: {kind: tests}}]}}; push web-1; release 1; attest web-1 tests/unit failed; attest web-1 tests/e2e passed; attest release:1 tests/unit passed",
        "gate 1 dev",
        "open...",
    ),
    (
        "apply {dev: {gate: [{evidence: {kind: tests, max_age: 1h}}]}}; push web-1; release 1; attest web-1 tests/unit passed; wait 2h; attest web-1 tests/e2e passed",
        "gate 1 dev",
        "closed: evidence `tests` (`unit`) of `web` is 2h old, at most 1h allowed",
    ),
    // Only those named may say so, and nobody else can spoil it.
    (
        "apply {dev: {gate: [{evidence: {kind: tests, by: ['machine:ci', 'machine:lab']}}]}}; push web-1; release 1; attest web-1 tests passed by eve",
        "gate 1 dev",
        "closed: evidence `tests` of `web` was recorded, but not by machine:ci or machine:lab",
    ),
    (
        "apply {dev: {gate: [{evidence: {kind: tests, by: ['machine:ci']}}]}}; push web-1; release 1; attest web-1 tests passed by machine:ci; attest web-1 tests failed by eve",
        "gate 1 dev",
        "open...",
    ),
    // Results.
    (
        "apply {dev: {gate: [{evidence: {kind: scan}}]}}; push web-1; release 1; attest web-1 scan warned",
        "gate 1 dev",
        "closed: evidence `scan` of `web` warned, says person:root",
    ),
    (
        "apply {dev: {gate: [{evidence: {kind: scan, result: warned}}]}}; push web-1; release 1; attest web-1 scan warned",
        "gate 1 dev",
        "open...",
    ),
    (
        "apply {dev: {gate: [{evidence: {kind: scan, result: warned}}]}}; push web-1; release 1; attest web-1 scan failed",
        "gate 1 dev",
        "closed: evidence `scan` of `web` failed, says person:root",
    ),
    // Age, to the millisecond.
    (
        "apply {dev: {gate: [{evidence: {kind: scan, max_age: 1h}}]}}; push web-1; release 1; attest web-1 scan passed; wait 1h",
        "gate 1 dev",
        "open...",
    ),
    (
        "apply {dev: {gate: [{evidence: {kind: scan, max_age: 1h}}]}}; push web-1; release 1; attest web-1 scan passed; wait 1h1ms",
        "gate 1 dev",
        "closed: evidence `scan` of `web` is 1h old, at most 1h allowed",
    ),
    (
        "apply {dev: {gate: [{evidence: {kind: scan, max_age: 1h}}]}}; push web-1; release 1; attest web-1 scan passed; wait 2h; attest web-1 scan passed",
        "gate 1 dev",
        "open...",
    ),
    // Every component, or the release as a whole; of both the latest.
    (
        "apply {components: {web: {}, api: {}}, stages: {dev: {gate: [{evidence: {kind: tests}}]}}}; push web-1; push api-1; release web=1,api=1; attest web-1 tests passed",
        "gate web=1,api=1 dev",
        "closed: there is no evidence `tests` of `api`",
    ),
    (
        "apply {components: {web: {}, api: {}}, stages: {dev: {gate: [{evidence: {kind: tests}}]}}}; push web-1; push api-1; release web=1,api=1; attest release:web=1,api=1 tests passed",
        "gate web=1,api=1 dev",
        "open: nothing in the release is held; evidence `tests` of the release passed 0s ago, says person:root",
    ),
    (
        "apply {components: {web: {}, api: {}}, stages: {dev: {gate: [{evidence: {kind: tests}}]}}}; push web-1; push api-1; release web=1,api=1; \
         attest release:web=1,api=1 tests passed; attest web-1 tests failed",
        "gate web=1,api=1 dev",
        "closed: evidence `tests` of `web` failed, says person:root",
    ),
    (
        "apply {components: {web: {}, api: {}}, stages: {dev: {gate: [{evidence: {kind: tests}}]}}}; push web-1; push api-1; release web=1,api=1; \
         attest web-1 tests passed; attest api-1 tests passed; attest release:web=1,api=1 tests failed",
        "gate web=1,api=1 dev",
        "closed: evidence `tests` of the release failed, says person:root",
    ),
    (
        "apply {components: {web: {}, api: {}}, stages: {dev: {gate: [{evidence: {kind: tests}}]}}}; push web-1; push api-1; release web=1,api=1; \
         attest release:web=1,api=1 tests failed; attest web-1 tests passed",
        "gate web=1,api=1 dev",
        "closed: evidence `tests` of the release failed, says person:root",
    ),
    // Evidence may come before the release, and counts in its own project only.
    (
        "apply {dev: {gate: [{evidence: {kind: tests}}]}}; push web-1; attest release:1 tests failed; attest web-1 tests passed",
        "release 1",
        "release-created",
    ),
    (
        "apply {dev: {gate: [{evidence: {kind: tests}}]}}; apply {project: other, stages: {dev: {}}}; push web-1; release 1; attest web-1 tests passed in other",
        "gate 1 dev",
        "closed: there is no evidence `tests` of `web`",
    ),
];

const UPSTREAM: &[Story] = &[
    ("apply dev > prod; push web-1; release 1", "gate 1 prod", "closed: it has not been in `dev`"),
    (
        "apply dev > prod; push web-1; release 1; promote 1 dev",
        "gate 1 prod",
        "open: nothing in the release is held; it has been in `dev` since 2026-01-01T00:00:00.000Z",
    ),
    // A release that was replaced upstream has been there all the same.
    (
        "apply dev > prod; push web-1; push web-2; release 1; release 2; promote 1 dev; promote 2 dev",
        "gate 1 prod",
        "open...",
    ),
    // All, and any.
    (
        "apply {a: {}, b: {}, prod: {after: [a, b]}}; push web-1; release 1; promote 1 a",
        "gate 1 prod",
        "closed: it has not been in `b`",
    ),
    (
        "apply {a: {}, b: {}, prod: {after: {any: [a, b]}}}; push web-1; release 1; promote 1 b",
        "gate 1 prod",
        "open...",
    ),
    (
        "apply {a: {}, b: {}, prod: {after: {any: [a, b]}}}; push web-1; release 1",
        "gate 1 prod",
        "closed: none of these holds: it has not been in `a`; it has not been in `b`",
    ),
    (
        "apply {a: {}, b: {}, c: {}, prod: {after: {all: [c], any: [a, b], soak: 1h}}}; push web-1; release 1; promote 1 b; promote 1 c; wait 20m",
        "gate 1 prod",
        "closed: it has been well in `c` for 20m of 1h; none of these holds: it has been well in `b` for 20m of 1h; it has not been in `a`; opens in 40m",
    ),
    // Soak time.
    (
        "apply {dev: {}, prod: {after: {all: [dev], soak: 10m}}}; push web-1; release 1; promote 1 dev; wait 9m59s",
        "gate 1 prod",
        "closed: it has been well in `dev` for 9m59s of 10m; opens in 1s",
    ),
    (
        "apply {dev: {}, prod: {after: {all: [dev], soak: 10m}}}; push web-1; release 1; promote 1 dev; wait 10m",
        "gate 1 prod",
        "open: nothing in the release is held; it has been well in `dev` for 10m, 10m required",
    ),
    // It stands still while the stage is unhealthy, and goes on afterwards.
    (
        "apply {dev: {}, prod: {after: {all: [dev], soak: 10m}}}; push web-1; release 1; promote 1 dev; wait 4m; report dev unhealthy; wait 1h",
        "gate 1 prod",
        "closed: `dev` is reported unhealthy with it, after being well for 4m of 10m",
    ),
    (
        "apply {dev: {}, prod: {after: {all: [dev], soak: 10m}}}; push web-1; release 1; promote 1 dev; wait 4m; report dev unhealthy; wait 1h; report dev healthy; wait 5m",
        "gate 1 prod",
        "closed: it has been well in `dev` for 9m of 10m; opens in 1m",
    ),
    (
        "apply {dev: {}, prod: {after: {all: [dev], soak: 10m}}}; push web-1; release 1; promote 1 dev; wait 4m; report dev unhealthy; wait 1h; report dev healthy; wait 6m",
        "gate 1 prod",
        "open...",
    ),
    // A stage that is unhealthy now passes nothing on, however long it was well before, and with soak time or without.
    (
        "apply {dev: {}, prod: {after: {all: [dev], soak: 10m}}}; push web-1; release 1; promote 1 dev; wait 1h; report dev unhealthy",
        "gate 1 prod",
        "closed: `dev` is reported unhealthy with it, after being well for 1h of 10m",
    ),
    (
        "apply dev > prod; push web-1; release 1; promote 1 dev; report dev unhealthy",
        "gate 1 prod",
        "closed: `dev` is reported unhealthy with it",
    ),
    (
        "apply dev > prod; push web-1; push web-2; release 1; release 2; promote 1 dev; report dev unhealthy; promote 2 dev",
        "gate 1 prod",
        "closed: `dev` was reported unhealthy with it when it left",
    ),
    (
        "apply dev > prod; push web-1; push web-2; release 1; release 2; promote 1 dev; report dev unhealthy; promote 2 dev; promote 1 dev",
        "gate 1 prod",
        "open...",
    ),
    // Another release's health is none of its business.
    (
        "apply dev > prod; push web-1; push web-2; release 1; release 2; promote 1 dev; promote 2 dev; report dev unhealthy",
        "gate 1 prod",
        "open...",
    ),
    // Soak time ends when the release leaves, and begins anew when it comes back.
    (
        "apply {dev: {}, prod: {after: {all: [dev], soak: 10m}}}; push web-1; push web-2; release 1; release 2; promote 1 dev; wait 4m; promote 2 dev; wait 1h",
        "gate 1 prod",
        "closed: it has been well in `dev` for 4m of 10m, and it has left",
    ),
    (
        "apply {dev: {}, prod: {after: {all: [dev], soak: 10m}}}; push web-1; push web-2; release 1; release 2; promote 1 dev; wait 8m; promote 2 dev; promote 1 dev; wait 8m",
        "gate 1 prod",
        "closed: it has been well in `dev` for 8m of 10m; opens in 2m",
    ),
    // What upstream rolled back from does not count, until it is there again.
    (
        "apply dev > prod; push web-1; push web-2; release 1; release 2; promote 1 dev; promote 2 dev; rollback dev",
        "gate 2 prod",
        "closed: `dev` was rolled back from it",
    ),
    (
        "apply dev > prod; push web-1; push web-2; release 1; release 2; promote 1 dev; promote 2 dev; rollback dev; promote 2 dev",
        "gate 2 prod",
        "open...",
    ),
    (
        "apply dev > prod; push web-1; push web-2; release 1; release 2; promote 1 dev; promote 2 dev; rollback dev",
        "gate 1 prod",
        "open...",
    ),
];

const APPROVALS: &[Story] = &[
    (
        "apply {prod: {gate: [{approvals: {count: 1}}]}}; push web-1; release 1",
        "gate 1 prod by ada",
        "closed: 0 of 1 people have approved",
    ),
    (
        "apply {prod: {gate: [{approvals: {count: 1}}]}}; push web-1; release 1; approve 1 prod by ben",
        "gate 1 prod by ada",
        "open: nothing in the release is held; 1 of 1 people have approved: person:ben",
    ),
    // A rollback takes back what people had said of what it leaves, and of nothing else.
    (
        "apply {prod: {gate: [{approvals: {count: 1}}]}}; push web-1; push web-2; release 1; release 2; approve 1 prod by ben; approve 2 prod by ben; \
         promote 1 prod by ada; promote 2 prod by ada; rollback prod",
        "gate 2 prod by ada",
        "closed: 0 of 1 people have approved",
    ),
    (
        "apply {prod: {gate: [{approvals: {count: 1}}]}}; push web-1; push web-2; release 1; release 2; approve 1 prod by ben; approve 2 prod by ben; \
         promote 1 prod by ada; promote 2 prod by ada; rollback prod",
        "gate 1 prod by ada",
        "open...",
    ),
    // Distinct people, and never the one who asks.
    (
        "apply {prod: {gate: [{approvals: {count: 2}}]}}; push web-1; release 1; approve 1 prod by ben; approve 1 prod by ben",
        "gate 1 prod by ada",
        "closed: 1 of 2 people have approved",
    ),
    (
        "apply {prod: {gate: [{approvals: {count: 2}}]}}; push web-1; release 1; approve 1 prod by ben; approve 1 prod by ada",
        "gate 1 prod by ada",
        "closed: 1 of 2 people have approved; person:ada does not count: who asks cannot approve",
    ),
    (
        "apply {prod: {gate: [{approvals: {count: 2}}]}}; push web-1; release 1; approve 1 prod by ben; approve 1 prod by ada",
        "promote 1 prod by machine:ci",
        "promoted 1 to prod",
    ),
    // With a role, which the person had when saying yes.
    (
        "apply {stages: {prod: {gate: [{approvals: {count: 1, role: qa}}]}}, roles: {qa: [approve]}}; push web-1; release 1; approve 1 prod by ben as approver",
        "gate 1 prod by ada",
        "closed: 0 of 1 people with role `qa` have approved; person:ben does not count: it was given without the role",
    ),
    (
        "apply {stages: {prod: {gate: [{approvals: {count: 1, role: qa}}]}}, roles: {qa: [approve]}}; push web-1; release 1; approve 1 prod by ben as reader,qa@shop/prod",
        "gate 1 prod by ada",
        "open: nothing in the release is held; 1 of 1 people with role `qa` have approved: person:ben",
    ),
    // For one stage and one release.
    (
        "apply {prod: {gate: [{approvals: {count: 1}}]}, live: {gate: [{approvals: {count: 1}}]}}; push web-1; release 1; approve 1 live by ben",
        "gate 1 prod by ada",
        "closed: 0 of 1 people have approved",
    ),
    (
        "apply {prod: {gate: [{approvals: {count: 1}}]}}; push web-1; push web-2; release 1; release 2; approve 1 prod by ben",
        "gate 2 prod by ada",
        "closed: 0 of 1 people have approved",
    ),
    // A changed gate asks anew; another stage's change does not.
    (
        "apply {prod: {gate: [{approvals: {count: 1}}]}}; push web-1; release 1; approve 1 prod by ben; \
         apply {prod: {gate: [{approvals: {count: 1}}, {evidence: {kind: tests}}]}}; attest web-1 tests passed",
        "gate 1 prod by ada",
        "closed: 0 of 1 people have approved; person:ben does not count: the gate has changed since",
    ),
    (
        "apply {prod: {gate: [{approvals: {count: 1}}]}}; push web-1; release 1; approve 1 prod by ben; \
         apply {live: {}, prod: {gate: [{approvals: {count: 1}}]}}",
        "gate 1 prod by ada",
        "open...",
    ),
    (
        "apply {prod: {gate: [{approvals: {count: 1}}]}}; push web-1; release 1; approve 1 prod by ben; \
         apply {prod: {gate: [{approvals: {count: 2}}]}}; approve 1 prod by ben; approve 1 prod by cleo",
        "gate 1 prod by ada",
        "open: nothing in the release is held; 2 of 2 people have approved: person:ben, person:cleo",
    ),
    // It expires, and can be given again.
    (
        "apply {prod: {gate: [{approvals: {count: 1, expires: 1h}}]}}; push web-1; release 1; approve 1 prod by ben; wait 1h",
        "gate 1 prod by ada",
        "open...",
    ),
    (
        "apply {prod: {gate: [{approvals: {count: 1, expires: 1h}}]}}; push web-1; release 1; approve 1 prod by ben; wait 1h1ms",
        "gate 1 prod by ada",
        "closed: 0 of 1 people have approved; person:ben does not count: it has expired",
    ),
    (
        "apply {prod: {gate: [{approvals: {count: 1, expires: 1h}}]}}; push web-1; release 1; approve 1 prod by ben; wait 2h; approve 1 prod by ben",
        "gate 1 prod by ada",
        "open...",
    ),
];

const HOLDS: &[Story] = &[
    // What an artifact consists of is judged with it.
    (
        "apply dev; push web-1 of layer-a,layer-b; release 1; hold layer-b because malware",
        "gate 1 dev",
        "closed: `layer-b`, a part of it, is held by person:root: malware",
    ),
    ("apply dev; push web-1 of layer-a,layer-b; release 1; hold layer-c because malware", "gate 1 dev", "open..."),
    (
        "apply dev; push web-1 of layer-a; release 1; hold layer-a; unhold layer-a; hold layer-c",
        "gate 1 dev",
        "open...",
    ),
    // What people have closed by hand.
    (
        "apply dev; push web-1; release 1; pin dev by sue because launch; pause dev because lunch",
        "gate 1 dev",
        "closed: `dev` is pinned to what it has by person:sue: launch; `dev` is paused by person:root: lunch",
    ),
    (
        "apply dev; push web-1; release 1; veto 1 dev because slow",
        "gate 1 dev",
        "closed: the release is vetoed for `dev` by person:root: slow",
    ),
    (
        "apply dev; push web-1; release 1; hold web-1 by sue because malware",
        "gate 1 dev",
        "closed: `web-1` is held by person:sue: malware",
    ),
    (
        "apply dev; push web-1; release 1; hold release:1 because slow",
        "gate 1 dev",
        "closed: `1` is held by person:root: slow",
    ),
    (
        "apply dev; push web-1; release 1,config=a; hold config-a because secret",
        "gate 1,config=a dev",
        "closed: `config-a` is held by person:root: secret",
    ),
    (
        "apply dev; push web-1; release 1; hold web-1 everywhere because malware",
        "gate 1 dev",
        "closed: `web-1` is held by person:root: malware",
    ),
    (
        "apply dev; apply {project: other, stages: {dev: {}}}; push web-1; release 1; hold web-1 in other because malware",
        "gate 1 dev",
        "open...",
    ),
    ("apply dev; push web-1; release 1; hold web-1; unhold web-1", "gate 1 dev", "open..."),
    (
        "apply dev; push web-1; release 1; hold web-1; hold web-1 everywhere because malware; unhold web-1",
        "gate 1 dev",
        "closed: `web-1` is held by person:root: malware",
    ),
    // Components are judged together: one held part keeps the whole release out.
    (
        "apply {components: {web: {}, api: {}}, stages: {dev: {}}}; push web-1; push api-1; push api-2; release web=1,api=1; release web=1,api=2; hold api-1 because bad",
        "gate web=1,api=1 dev",
        "closed: `api-1` is held by person:root: bad",
    ),
    (
        "apply {components: {web: {}, api: {}}, stages: {dev: {}}}; push web-1; push api-1; push api-2; release web=1,api=1; release web=1,api=2; hold api-1 because bad",
        "gate web=1,api=2 dev",
        "open...",
    ),
];

#[test]
fn evidence() {
    check(EVIDENCE);
}

#[test]
fn attestations() {
    check(attestations::STORIES);
}

#[test]
fn upstream() {
    check(UPSTREAM);
}

#[test]
fn approvals() {
    check(APPROVALS);
}

#[test]
fn holds() {
    check(HOLDS);
}
