//! Plans, what goes by them, and what is kept by hand.

use crate::testing::Story;

const POLICY: &str = "apply {retention: {}, stages: {dev: {}}}";

macro_rules! given {
    ($then:literal) => {
        concat!("apply {retention: {}, stages: {dev: {}}}; push web-1; push web-2", $then)
    };
}

pub const STORIES: &[Story] = &[
    ("apply dev", "plan p", "refused retention-unset: project `shop` has no retention policy, so nothing of it goes"),
    (POLICY, "plan p", "retention-planned"),
    (POLICY, "plan p by ada as operator", "refused permission-missing..."),
    (POLICY, "carry p", "refused retention-plan-stale..."),
    (given!("; plan p"), "carry p", "retention-applied"),
    (given!("; plan p; plan q"), "carry p", "refused retention-plan-stale..."),
    (given!("; plan p; wait 24h"), "carry p", "refused retention-plan-stale..."),
    (given!("; plan p; carry p"), "carry p", "nothing"),
    (given!("; plan p; carry p"), "plan q", "refused retention-running: the retention plan `p` is being carried out"),
    (given!("; plan p; carry p; end p"), "plan q", "retention-planned"),
    (given!("; plan p"), "end p", "refused retention-plan-stale..."),
    (given!("; plan p"), "collect web-1 of p", "refused retention-plan-stale..."),
    (given!("; plan p; carry p; end p"), "collect web-1 of p", "refused retention-plan-stale..."),
    (given!("; plan p; carry p"), "collect web-1 of q", "refused retention-plan-stale..."),
    (given!("; plan p; carry p"), "collect web-1 of p by ada as operator", "refused permission-missing..."),
    (given!("; plan p; carry p"), "collect web-1,web-2 of p", "manifest-collected, manifest-collected"),
    (given!("; plan p; carry p; collect web-1 of p"), "collect web-1,web-2 of p", "manifest-collected"),
    (given!("; plan p; carry p"), "collect web-3 of p", "nothing"),
    // Whatever happens to it since the plan was made saves it.
    (given!("; plan p; push web-1; carry p"), "collect web-1,web-2 of p", "manifest-collected"),
    (given!("; plan p; carry p; push web-1 tagged v1"), "collect web-1 of p", "nothing"),
    (given!("; plan p; carry p; release 1"), "collect web-1 of p", "nothing"),
    (given!("; release 1; plan p; carry p"), "collect web-1 of p", "manifest-collected"),
    (given!("; release 1; plan p; carry p; promote 1 dev"), "collect web-1 of p", "nothing"),
    (given!("; release 1; release 2; promote 1 dev; promote 2 dev; plan p; carry p"), "collect web-1 of p", "nothing"),
    (given!("; plan p; carry p; hold web-1"), "collect web-1 of p", "nothing"),
    (given!("; plan p; carry p; hold web-1 everywhere"), "collect web-1 of p", "nothing"),
    (given!("; plan p; carry p; hold web-1; unhold web-1"), "collect web-1 of p", "manifest-collected"),
    (given!("; release 1; plan p; carry p; hold release:1"), "collect web-1,web-2 of p", "manifest-collected"),
    (given!("; plan p; carry p; keep web-1"), "collect web-1 of p", "nothing"),
    (given!("; release 1; keep release:1; plan p; carry p"), "collect web-1 of p", "nothing"),
    (given!("; push web-3 of layer; plan p; carry p; hold layer"), "collect web-3 of p", "nothing"),
    // Containers go first.
    (given!("; push web-3 of web-1; plan p; carry p"), "collect web-1 of p", "nothing"),
    (given!("; push web-3 of web-1; plan p; carry p"), "collect web-1,web-3 of p", "manifest-collected"),
    (
        given!("; push web-3 of web-1; plan p; carry p"),
        "collect web-3,web-1 of p",
        "manifest-collected, manifest-collected",
    ),
    // What went does not come back into a stage, unless it is pushed again.
    (given!("; release 1; plan p; carry p; collect web-1 of p"), "promote 1 dev", "refused artifact-unknown..."),
    (given!("; release 1; plan p; carry p; collect web-1 of p; push web-1"), "promote 1 dev", "promoted 1 to dev"),
    // Kept by hand.
    (given!(""), "keep web-1 because lawsuit", "kept"),
    (given!("; keep web-1"), "keep web-1", "nothing"),
    (given!(""), "keep web-1 by ada as reader", "refused permission-missing..."),
    (given!("; keep web-1 because lawsuit"), "delete web-1", "refused kept: `web-1` is kept: lawsuit"),
    (given!("; keep web-1; unkeep web-1"), "delete web-1", "manifest-deleted"),
    (
        given!("; push web-3 of layer; keep layer because lawsuit"),
        "delete web-3",
        "refused kept: `layer` is kept: lawsuit",
    ),
    (given!("; hold web-1 because malware"), "delete web-1", "refused held: `web-1` is held: malware"),
    (given!("; hold web-1 everywhere because malware"), "delete web-1", "refused held: `web-1` is held: malware"),
    (given!("; hold web-1; unhold web-1"), "delete web-1", "manifest-deleted"),
    (given!("; delete web-1"), "delete web-1", "nothing"),
    // An index is whole.
    (given!("; push web-3 of web-1"), "delete web-1", "refused index-names: `web-1` stays: the index `web-3` names it"),
    (given!("; push web-3 of web-1; delete web-3"), "delete web-1", "manifest-deleted"),
    (
        given!("; push web-3 of web-1; release 3"),
        "delete web-1",
        "refused artifact-in-use: `web-1` is part of a release...",
    ),
    (
        given!("; push web-3 of web-1; keep web-3 because lawsuit"),
        "delete web-1",
        "refused kept: `web-3` is kept: lawsuit",
    ),
    // What is attached goes with its subject, by whatever it was attached and by however many steps.
    (
        given!("; push web-3 about web-1; release 1"),
        "delete web-3",
        "refused artifact-in-use: `web-3` is part of a release...",
    ),
    (
        given!("; push web-3 about web-1; keep web-1 because lawsuit"),
        "delete web-3",
        "refused kept: `web-1` is kept: lawsuit",
    ),
    (given!("; push web-3 about web-1"), "delete web-3", "manifest-deleted"),
    (given!("; push web-3 attaching web-1; release 1"), "delete web-3", "refused artifact-in-use: `web-3` is..."),
    (
        given!("; push web-3 of web-1; push web-4 about web-1; push web-5 about web-4; release 3"),
        "delete web-5",
        "refused artifact-in-use: `web-5` is...",
    ),
    (given!("; push web-3 about web-4; push web-4 about web-3"), "delete web-3", "manifest-deleted"),
    (
        given!("; push web-3 attaching web-1; release 1"),
        "untag attaching web-1",
        "refused artifact-in-use: `web-1` is...",
    ),
    (given!("; push web-3 attaching web-1"), "untag attaching web-1", "tag-deleted"),
    (
        given!("; push web-3 about web-1; push web-4 attaching web-3; hold web-1 because malware"),
        "untag attaching web-3",
        "refused held: `web-1` is held: malware",
    ),
    (given!("; push web-3 tagged v1; release 3"), "untag v1", "tag-deleted"),
    (given!(""), "unkeep web-1", "refused not-kept: `web-1` is not kept by hand"),
    (
        "apply {retention: {}, stages: {dev: {}}}; push web-0; release 0; promote 0 dev; push web-1; release 1; promote 1 dev; push web-2; release 2; promote 2 dev; push web-3; release 3; promote 3 dev; push web-4; release 4; promote 4 dev; push web-5; release 5; promote 5 dev; push web-6; release 6; promote 6 dev; plan p; carry p; collect web-0,web-1 of p",
        "rollback dev to 0",
        "refused artifact-gone: `web-0` of component `web` is no longer here",
    ),
];
