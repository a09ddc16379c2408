use crate::testing::Story;

/// Three releases, of which dev has had all and has the third.
macro_rules! three {
    ($then:literal) => {
        concat!(
            "apply dev > prod; push web-1; push web-2; push web-3; release 1; release 2; release 3; ",
            "promote 1 dev; promote 2 dev; promote 3 dev",
            $then
        )
    };
}

pub(super) const STORIES: &[Story] = &[
    // Artifacts and releases.
    ("apply dev", "push web-1 tagged v1,latest by machine:ci as publisher", "manifest-pushed"),
    ("", "push web-1", "manifest-pushed"),
    ("apply dev", "push web-1 from tools_x/web as admin@*", "manifest-pushed"),
    ("apply dev; push web-1", "release 1 by machine:ci as publisher", "release-created"),
    ("apply dev; push web-1; release 1", "release 1 commit abc", "nothing"),
    (
        "apply dev",
        "release 1",
        "refused artifact-unknown: `web-1` was never pushed to `shop/web`, the repository of component `web`",
    ),
    (
        "apply {components: {web: {}, api: {}}, stages: {dev: {}}}; push web-1; push web-1 from shop/api",
        "release web=1,api=1",
        "refused artifact-unknown: `api-1` was never pushed to `shop/api`, the repository of component `api`",
    ),
    ("apply dev; push web-1 from shop/other", "release 1", "refused artifact-unknown..."),
    ("apply dev; push web-1; delete web-1", "release 1", "refused artifact-unknown..."),
    (
        "apply {components: {web: {repository: shop/front/end}}, stages: {dev: {}}}; push web-1 from shop/front/end",
        "release 1",
        "release-created",
    ),
    (
        "apply {components: {web: {}, api: {}}, stages: {dev: {}}}; push web-1",
        "release 1",
        "refused component-missing: the release names no artifact for component `api`",
    ),
    (
        "apply dev; push web-1; push api-1",
        "release web=1,api=1",
        "refused component-unknown: project `shop` has no component `api`; it has: `web`",
    ),
    ("apply dev; push web-1; release 1,config=a", "promote 1,config=a dev", "promoted 1,config=a to dev"),
    ("apply dev; push web-1; release 1,config=a", "release 1", "release-created"),
    ("apply dev; push web-1", "delete web-1", "manifest-deleted"),
    (
        "apply dev; push web-1; release 1",
        "delete web-1",
        "refused artifact-in-use: `web-1` is part of a release and cannot be deleted",
    ),
    (
        "apply dev; push web-1; release 1; push web-1 from shop/copy",
        "delete web-1 from shop/copy",
        "refused artifact-in-use...",
    ),
    (
        "apply dev; push web-1; release 1; push web-1 from other/copy",
        "delete web-1 from other/copy",
        "manifest-deleted",
    ),
    // Only whole artifacts make a release.
    (
        "apply dev; push web-1 of layer-a,layer-b lacking layer-b",
        "release 1",
        "refused artifact-incomplete: `web-1` of component `web` is not whole: its part `layer-b` is not in the repository",
    ),
    ("apply dev; push web-1 of layer-a lacking layer-a; push web-1 of layer-a", "release 1", "release-created"),
    (
        "apply dev; push web-1 of layer*2001",
        "release 1",
        "refused limit-reached: an artifact of a release has at most 2000 parts, counting those of its children",
    ),
    (
        "apply dev; push web-1 of layer-a; push web-2; release 1; release 2; promote 1 dev; promote 2 dev; hold layer-a because malware",
        "rollback dev to 1",
        "refused held: `layer-a` is held: malware",
    ),
    (
        "apply dev; push web-1 of layer-a; push web-2; release 1; release 2; promote 1 dev; promote 2 dev; hold layer-a",
        "rollback dev",
        "refused nothing-earlier...",
    ),
    // Promotion.
    (
        "apply dev; push web-1; release 1; apply {components: {web: {}, api: {}}, stages: {dev: {}}}",
        "promote 1 dev",
        "refused component-missing: the release names no artifact for component `api`",
    ),
    ("apply dev > prod; push web-1; release 1", "promote 1 dev by machine:ci as promoter", "promoted 1 to dev"),
    (
        "apply dev; push web-1; push web-2; release 1; release 2; promote 1 dev",
        "promote 2 dev",
        "promoted 2 to dev, replacing 1",
    ),
    (
        "apply dev; push web-1; push web-2; release 1; release 2; promote 1 dev; promote 2 dev",
        "promote 1 dev",
        "promoted 1 to dev, replacing 2",
    ),
    (
        "apply dev; push web-1; release 1; promote 1 dev",
        "promote 1 dev",
        "refused already-current: release 1 is already current in `dev`",
    ),
    (
        "apply dev > prod; push web-1; release 1",
        "promote 1 prod",
        "refused gate-unmet: `prod` stays closed: it has not been in `dev`",
    ),
    (
        "apply dev; push web-1; release 1; hold web-1 because malware",
        "promote 1 dev",
        "refused gate-unmet: `dev` stays closed: `web-1` is held by person:root: malware",
    ),
    (
        "apply {prod: {gate: [{evidence: {kind: tests}}, {approvals: {count: 1}}]}}; push web-1; release 1",
        "promote 1 prod",
        "refused gate-unmet: `prod` stays closed: there is no evidence `tests` of `web`; 0 of 1 people have approved",
    ),
    ("apply dev", "promote 1 dev", "refused release-unknown: project `shop` has no release `1`"),
    (
        "apply dev; push web-1; release 1",
        "promote 1 live",
        "refused stage-unknown: project `shop` has no stage `live`; it has: `dev`",
    ),
    ("", "promote 1 dev", "refused project-unknown: there is no project `shop`"),
    (
        "apply dev; push web-1; release 1; apply {project: other, stages: {dev: {}}}",
        "promote 1 dev in other",
        "refused release-unknown...",
    ),
    (
        "apply {components: {web: {}, api: {}}, stages: {dev: {}}}; push web-1; push api-1; push api-2; release web=1,api=1; release web=1,api=2; promote web=1,api=1 dev",
        "promote web=1,api=2 dev",
        "promoted web=1,api=2 to dev, replacing web=1,api=1",
    ),
    // Approval.
    (
        "apply dev; push web-1; release 1",
        "approve 1 dev by ben as approver,reader@*",
        "approved as approver and reader",
    ),
    (
        "apply dev; push web-1; release 1",
        "approve 1 dev by machine:ci",
        "refused approver-not-person: only a person can approve, and you act as a machine",
    ),
    ("apply dev; push web-1; release 1", "approve 1 dev seen current by ben", "approved as admin"),
    (
        "apply dev; push web-1; release 1",
        "approve 1 dev seen older by ben",
        "refused gate-changed: the gate of `dev` has changed since you looked at it",
    ),
    ("apply dev", "approve 1 dev", "refused release-unknown..."),
    // Rollback.
    (three!(""), "rollback dev by ada as operator", "rolled back dev from 3 to 2"),
    (three!(""), "rollback dev to 1", "rolled back dev from 3 to 1"),
    (three!(""), "rollback dev to 3", "refused already-current..."),
    (
        three!("; push web-4; release 4"),
        "rollback dev to 4",
        "refused never-current: release 4 was never current in `dev`: a rollback goes only to what the stage has had",
    ),
    (three!(""), "rollback dev to 9", "refused release-unknown..."),
    (three!(""), "rollback prod", "refused stage-empty: stage `prod` has no release yet"),
    (
        "apply dev; push web-1; release 1; promote 1 dev",
        "rollback dev",
        "refused nothing-earlier: stage `dev` has no earlier release to go back to",
    ),
    // Twice in a row it goes further back, never to what was just found bad.
    (three!("; rollback dev"), "rollback dev", "rolled back dev from 2 to 1"),
    (three!("; rollback dev; rollback dev"), "rollback dev", "refused nothing-earlier..."),
    (three!("; rollback dev; rollback dev"), "rollback dev to 3", "rolled back dev from 1 to 3"),
    (three!("; rollback dev; promote 3 dev"), "rollback dev", "rolled back dev from 3 to 2"),
    // By default it passes over what is vetoed or held; asked for by name, that is refused.
    (three!("; veto 2 dev"), "rollback dev", "rolled back dev from 3 to 1"),
    (three!("; veto 2 dev because slow"), "rollback dev to 2", "refused vetoed: release 2 is vetoed for `dev`: slow"),
    (three!("; hold web-2"), "rollback dev", "rolled back dev from 3 to 1"),
    (three!("; hold release:2 everywhere"), "rollback dev", "rolled back dev from 3 to 1"),
    (three!("; hold web-2 because malware"), "rollback dev to 2", "refused held: `web-2` is held: malware"),
    (three!("; hold release:2 because slow"), "rollback dev to 2", "refused held: `2` is held: slow"),
    (three!("; hold web-1; veto 2 dev"), "rollback dev", "refused nothing-earlier..."),
    // The gate is not asked: what the stage has had may come back.
    (
        three!("; apply {dev: {gate: [{evidence: {kind: tests}}]}, prod: {after: dev}}"),
        "rollback dev",
        "rolled back dev from 3 to 2",
    ),
    (three!("; pause dev"), "rollback dev", "rolled back dev from 3 to 2"),
    // One that did badly when it left is no good target, but can be named.
    (three!("; promote 1 dev; report dev unhealthy; promote 3 dev"), "rollback dev", "rolled back dev from 3 to 2"),
    (
        three!("; promote 1 dev; report dev unhealthy; promote 3 dev"),
        "rollback dev to 1",
        "rolled back dev from 3 to 1",
    ),
    // Two people who see the same trouble go back once.
    (three!(""), "rollback dev seen 3", "rolled back dev from 3 to 2"),
    (
        three!("; rollback dev seen 3"),
        "rollback dev seen 3",
        "refused stage-moved: stage `dev` has release 2 by now, not 3",
    ),
    (
        three!("; pin dev because audit"),
        "rollback dev",
        "refused stage-pinned: stage `dev` is pinned to what it has: audit",
    ),
    (three!("; pause dev because audit"), "promote 1 dev", "refused stage-paused: stage `dev` is paused: audit"),
];
