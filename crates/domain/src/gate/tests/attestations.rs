//! What gates say of signed statements.

use crate::testing::Story;

pub(crate) const STORIES: &[Story] = &[
    (
        "apply {trust: {keys: {ci: {key: pem/ci, attests: [type/build]}}}, stages: {dev: {gate: [{attestation: {type: type/build}}]}}}; push web-1; release 1",
        "gate 1 dev",
        "closed: there is no `https://types.example/build` of `web`",
    ),
    (
        "apply {trust: {keys: {ci: {key: pem/ci, attests: [type/build]}}}, stages: {dev: {gate: [{attestation: {type: type/build}}]}}}; push web-1; release 1; \
         attest web-1 provenance passed signed ci:build; wait 90s",
        "gate 1 dev",
        "open: nothing in the release is held; `https://types.example/build` of `web` is signed by `ci` 1m30s ago",
    ),
    // Who brings it does not matter; who has signed it does.
    (
        "apply {trust: {keys: {ci: {key: pem/ci, attests: ['*']}}}, stages: {dev: {gate: [{attestation: {type: type/build}}]}}}; push web-1; release 1; \
         attest web-1 provenance passed signed ci:build by eve as publisher",
        "gate 1 dev",
        "open...",
    ),
    (
        "apply {trust: {keys: {m: {key: pem/mallory, attests: ['*']}}}, stages: {dev: {}}}; push web-1; release 1; attest web-1 provenance passed signed mallory:build; \
         apply {trust: {keys: {ci: {key: pem/ci, attests: ['*']}}}, stages: {dev: {gate: [{attestation: {type: type/build}}]}}}",
        "gate 1 dev",
        "closed: `https://types.example/build` of `web` is signed, but not by a key that the project trusts with it",
    ),
    // Evidence that nobody signed is none, whatever it says it is.
    (
        "apply {trust: {keys: {ci: {key: pem/ci, attests: ['*']}}}, stages: {dev: {gate: [{attestation: {type: type/build}}]}}}; push web-1; release 1; \
         attest web-1 provenance passed",
        "gate 1 dev",
        "closed: there is no `https://types.example/build` of `web`",
    ),
    // A key for one thing is no key for another.
    (
        "apply {trust: {keys: {lab: {key: pem/lab, attests: ['*']}}}, stages: {dev: {}}}; push web-1; release 1; attest web-1 provenance passed signed lab:build; \
         apply {trust: {keys: {ci: {key: pem/ci, attests: [type/build]}, lab: {key: pem/lab, attests: [type/test]}}}, \
         stages: {dev: {gate: [{attestation: {type: type/build}}]}}}",
        "gate 1 dev",
        "closed: `https://types.example/build` of `web` does not do: the key `lab` is not trusted with that",
    ),
    (
        "apply {trust: {keys: {ci: {key: pem/ci, attests: ['*']}, lab: {key: pem/lab, attests: ['*']}}}, \
         stages: {dev: {gate: [{attestation: {type: type/build, by: [ci]}}]}}}; push web-1; release 1; attest web-1 provenance passed signed lab:build",
        "gate 1 dev",
        "closed: `https://types.example/build` of `web` is signed, but not by a key that the project trusts with it",
    ),
    // Of each key the latest word counts, both ways; what strangers sign neither helps nor harms.
    (
        "apply {trust: {keys: {lab: {key: pem/lab, attests: ['*']}}}, stages: {dev: {gate: [{attestation: {type: type/test}}]}}}; push web-1; release 1; \
         attest web-1 tests passed signed lab:test; attest web-1 tests failed signed lab:test by machine:ci",
        "gate 1 dev",
        "closed: `https://types.example/test` of `web` does not do: `lab`: it says failed",
    ),
    (
        "apply {trust: {keys: {lab: {key: pem/lab, attests: ['*']}, e: {key: pem/eve, attests: ['*']}}}, stages: {dev: {gate: [{attestation: {type: type/test, by: [lab]}}]}}}; \
         push web-1; release 1; attest web-1 tests failed signed lab:test; attest web-1 tests passed signed lab:test; attest web-1 tests failed signed eve:test",
        "gate 1 dev",
        "open...",
    ),
    (
        "apply {trust: {keys: {lab: {key: pem/lab, attests: ['*']}, ci: {key: pem/ci, attests: ['*']}}}, \
         stages: {dev: {gate: [{attestation: {type: type/test}}]}}}; push web-1; release 1; \
         attest web-1 tests failed signed lab:test; attest web-1 tests passed signed ci:test",
        "gate 1 dev",
        "closed: `https://types.example/test` of `web` does not do: `lab`: it says failed",
    ),
    // An old word that is brought once more is no new one, whoever brings it; with another signer it is a word of that one.
    (
        "apply {trust: {keys: {lab: {key: pem/lab, attests: ['*']}}}, stages: {dev: {gate: [{attestation: {type: type/test}}]}}}; push web-1; release 1; \
         attest web-1 tests passed signed lab:test; attest web-1 tests failed signed lab:test; attest web-1 tests passed signed lab:test by eve as publisher",
        "gate 1 dev",
        "closed: `https://types.example/test` of `web` does not do: `lab`: it says failed",
    ),
    (
        "apply {trust: {keys: {lab: {key: pem/lab, attests: ['*']}, ci: {key: pem/ci, attests: ['*']}}}, \
         stages: {dev: {gate: [{attestation: {type: type/test}}]}}}; push web-1; release 1; \
         attest web-1 tests passed signed lab:test; attest web-1 tests failed signed lab:test; attest web-1 tests passed signed lab,ci:test",
        "gate 1 dev",
        "closed: `https://types.example/test` of `web` does not do: `lab`: it says failed",
    ),
    (
        "apply {trust: {keys: {lab: {key: pem/lab, attests: ['*']}}}, stages: {dev: {gate: [{attestation: {type: type/test}}]}}}; push web-1; release 1; \
         attest web-1 tests passed signed lab:test; attest web-1 tests failed signed lab:test; attest web-1 tests passed signed lab:test#2",
        "gate 1 dev",
        "open...",
    ),
    (
        "apply {trust: {keys: {lab: {key: pem/lab, attests: ['*']}}}, stages: {dev: {}}}; push web-1; attest web-1 tests passed signed lab:test",
        "attest web-1 tests passed signed lab:test by machine:ci",
        "nothing...",
    ),
    // Somebody who re-records old words of one signer does not push out those of another.
    (
        "apply {trust: {keys: {lab: {key: pem/lab, attests: ['*']}, e: {key: pem/eve, attests: ['*']}}}, stages: {dev: {gate: [{attestation: {type: type/test, by: [lab]}}]}}}; \
         push web-1; release 1; attest web-1 tests passed signed lab:test; attest web-1 tests passed signed eve:test; attest web-1 tests passed signed eve:test; \
         attest web-1 tests passed signed lab:other; attest web-1 tests passed signed lab:other",
        "gate 1 dev",
        "open...",
    ),
    // Several keys; one that signs twice is one.
    (
        "apply {trust: {keys: {a: {key: pem/a, attests: ['*']}, b: {key: pem/b, attests: ['*']}}}, \
         stages: {dev: {gate: [{attestation: {type: type/review, threshold: 2}}]}}}; push web-1; release 1; \
         attest web-1 review passed signed a:review; attest web-1 review passed signed a:review by machine:ci",
        "gate 1 dev",
        "closed: `https://types.example/review` of `web` is signed by 1 of 2 trusted keys",
    ),
    (
        "apply {trust: {keys: {a: {key: pem/a, attests: ['*']}, b: {key: pem/b, attests: ['*']}}}, \
         stages: {dev: {gate: [{attestation: {type: type/review, threshold: 2}}]}}}; push web-1; release 1; \
         attest web-1 review passed signed a:review; attest web-1 review passed signed b:review",
        "gate 1 dev",
        "open: nothing in the release is held; `https://types.example/review` of `web` is signed by `a` 0s ago and `b` 0s ago",
    ),
    (
        "apply {trust: {keys: {a: {key: pem/a, attests: ['*']}, b: {key: pem/b, attests: ['*']}}}, \
         stages: {dev: {gate: [{attestation: {type: type/review, threshold: 2}}]}}}; push web-1; release 1; attest web-1 review passed signed a,b:review",
        "gate 1 dev",
        "open...",
    ),
    // Age, from when it was recorded.
    (
        "apply {trust: {keys: {ci: {key: pem/ci, attests: ['*']}}}, stages: {dev: {gate: [{attestation: {type: type/build, max_age: 1h}}]}}}; push web-1; release 1; \
         attest web-1 provenance passed signed ci:build; wait 2h",
        "gate 1 dev",
        "closed: `https://types.example/build` of `web` does not do: `ci`: it is 2h old, at most 1h allowed",
    ),
    // What it claims.
    (
        "apply {trust: {keys: {ci: {key: pem/ci, attests: ['*']}}}, stages: {dev: {gate: [{attestation: {type: type/build, where: {builder: b, source: 'git://x/*'}}}]}}}; \
         push web-1; release 1; attest web-1 provenance passed signed ci:build claiming builder=b,source=git://x/y",
        "gate 1 dev",
        "open...",
    ),
    (
        "apply {trust: {keys: {ci: {key: pem/ci, attests: ['*']}}}, stages: {dev: {gate: [{attestation: {type: type/build, where: {builder: b, source: 'git://x/*'}}}]}}}; \
         push web-1; release 1; attest web-1 provenance passed signed ci:build claiming builder=b,source=git://y/x",
        "gate 1 dev",
        "closed: `https://types.example/build` of `web` does not do: `ci`: its `source` is `git://y/x`, and `git://x/*` is required",
    ),
    (
        "apply {trust: {keys: {ci: {key: pem/ci, attests: ['*']}}}, stages: {dev: {gate: [{attestation: {type: type/build, where: {builder: b}}}]}}}; \
         push web-1; release 1; attest web-1 provenance passed signed ci:build",
        "gate 1 dev",
        "closed: `https://types.example/build` of `web` does not do: `ci`: it claims no `builder`, and `b` is required",
    ),
    // A key that is retired or revoked: what was recorded before counts, what came from then on does not, and a later change of the file tells.
    (
        "apply {trust: {keys: {ci: {key: pem/ci, attests: ['*'], retired: '2026-01-01T01:00:00Z'}}}, stages: {dev: {gate: [{attestation: {type: type/build}}]}}}; \
         push web-1; release 1; attest web-1 provenance passed signed ci:build; wait 2h",
        "gate 1 dev",
        "open...",
    ),
    (
        "apply {trust: {keys: {ci: {key: pem/ci, attests: ['*']}}}, stages: {dev: {}}}; push web-1; release 1; wait 1h; attest web-1 provenance passed signed ci:build; \
         apply {trust: {keys: {ci: {key: pem/ci, attests: ['*'], retired: '2026-01-01T01:00:00Z'}}}, stages: {dev: {gate: [{attestation: {type: type/build}}]}}}",
        "gate 1 dev",
        "closed: `https://types.example/build` of `web` does not do: the key `ci` is retired since 2026-01-01T01:00:00.000Z",
    ),
    (
        "apply {trust: {keys: {ci: {key: pem/ci, attests: ['*']}}}, stages: {dev: {gate: [{attestation: {type: type/build}}]}}}; \
         push web-1; release 1; wait 2h; attest web-1 provenance passed signed ci:build; \
         apply {trust: {keys: {ci: {key: pem/ci, attests: ['*'], revoked: '2026-01-01T01:00:00Z'}}}, stages: {dev: {gate: [{attestation: {type: type/build}}]}}}",
        "gate 1 dev",
        "closed: `https://types.example/build` of `web` does not do: the key `ci` is revoked since 2026-01-01T01:00:00.000Z",
    ),
    // Rotation: both keys for a while, and what either has signed counts.
    (
        "apply {trust: {keys: {old: {key: pem/old, attests: ['*'], retired: '2026-01-01T01:00:00Z'}, new: {key: pem/new, attests: ['*']}}}, \
         stages: {dev: {gate: [{attestation: {type: type/build}}]}}}; push web-1; release 1; wait 2h; attest web-1 provenance passed signed new:build",
        "gate 1 dev",
        "open...",
    ),
    // About the release as a whole, it is about each component.
    (
        "apply {components: {web: {}, api: {}}, trust: {keys: {ci: {key: pem/ci, attests: ['*']}}}, stages: {dev: {gate: [{attestation: {type: type/build}}]}}}; \
         push web-1; push api-1; release web=1,api=1; attest web-1 provenance passed signed ci:build",
        "gate web=1,api=1 dev",
        "closed: there is no `https://types.example/build` of `api`",
    ),
    (
        "apply {components: {web: {}, api: {}}, trust: {keys: {ci: {key: pem/ci, attests: ['*']}}}, stages: {dev: {gate: [{attestation: {type: type/build}}]}}}; \
         push web-1; push api-1; release web=1,api=1; attest release:web=1,api=1 provenance passed signed ci:build",
        "gate web=1,api=1 dev",
        "open...",
    ),
    // What counts as signed counts as evidence of its kind, too, and no longer than that.
    (
        "apply {trust: {keys: {ci: {key: pem/ci, attests: ['*']}}}, stages: {dev: {gate: [{evidence: {kind: tests}}]}}}; push web-1; release 1; \
         attest web-1 tests passed signed ci:test",
        "gate 1 dev",
        "open...",
    ),
    (
        "apply {trust: {keys: {ci: {key: pem/ci, attests: ['*']}}}, stages: {dev: {gate: [{evidence: {kind: tests}}]}}}; push web-1; release 1; \
         attest web-1 tests passed signed ci:test; apply {stages: {dev: {gate: [{evidence: {kind: tests}}]}}}",
        "gate 1 dev",
        "closed: evidence `tests` of `web` was recorded, and is signed by nobody whom the project trusts with it now",
    ),
    // Recording: whoever may push may bring what is signed, and only that; and only what somebody trusted has signed.
    (
        "apply {roles: {pusher: [push]}, trust: {keys: {ci: {key: pem/ci, attests: [type/test]}}}, stages: {dev: {}}}; push web-1",
        "attest web-1 tests passed by eve as pusher",
        "refused...",
    ),
    (
        "apply {roles: {pusher: [push]}, trust: {keys: {ci: {key: pem/ci, attests: [type/test]}}}, stages: {dev: {}}}; push web-1",
        "attest web-1 tests passed signed ci:test by eve as pusher",
        "evidence-recorded",
    ),
    (
        "apply {roles: {pusher: [push]}, trust: {keys: {ci: {key: pem/ci, attests: [type/test]}}}, stages: {dev: {}}}; push web-1",
        "attest web-1 tests passed signed ci:test by eve as reader",
        "refused...",
    ),
    (
        "apply {trust: {keys: {ci: {key: pem/ci, attests: [type/test]}}}, stages: {dev: {}}}; push web-1",
        "attest web-1 build passed signed ci:build",
        "refused...",
    ),
    (
        "apply {trust: {keys: {ci: {key: pem/ci, attests: ['*'], revoked: '2026-01-01T01:00:00Z'}}}, stages: {dev: {}}}; push web-1; wait 1h",
        "attest web-1 build passed signed ci:build",
        "refused...",
    ),
    ("apply dev; push web-1", "attest web-1 tests passed signed ci:test", "refused..."),
];
