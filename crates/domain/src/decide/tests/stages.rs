use crate::testing::Story;

/// One release, in dev.
macro_rules! one {
    ($then:literal) => {
        concat!("apply dev > prod; push web-1; release 1; promote 1 dev", $then)
    };
}

pub(super) const STORIES: &[Story] = &[
    // Vetoes.
    (one!(""), "veto 1 prod by ben as approver", "vetoed"),
    (one!("; veto 1 prod"), "veto 1 prod", "nothing"),
    (one!("; veto 1 prod because slow"), "promote 1 prod", "refused vetoed: release 1 is vetoed for `prod`: slow"),
    (one!("; veto 1 dev"), "promote 1 prod", "promoted 1 to prod"),
    (one!("; veto 1 prod; unveto 1 prod"), "promote 1 prod", "promoted 1 to prod"),
    (one!("; push web-2; release 2; promote 2 dev; veto 1 prod"), "promote 2 prod", "promoted 2 to prod"),
    (one!(""), "unveto 1 prod", "refused not-vetoed: release 1 is not vetoed for `prod`"),
    (one!(""), "veto 2 prod", "refused release-unknown..."),
    (one!(""), "veto 1 live", "refused stage-unknown..."),
    // Holds.
    (one!(""), "hold web-1 by ada as operator", "held"),
    (one!("; hold web-1"), "hold web-1 because again", "nothing"),
    (one!("; hold web-1"), "hold web-1 everywhere", "held"),
    (one!("; hold web-1"), "unhold web-1", "unheld"),
    (one!("; hold web-1"), "unhold web-1 everywhere", "refused not-held: `web-1` is not held for all projects"),
    (one!("; hold web-1 everywhere"), "unhold web-1", "refused not-held: `web-1` is not held for project `shop`"),
    (one!(""), "unhold web-1", "refused not-held..."),
    (one!(""), "hold web-1 in nowhere", "refused project-unknown: there is no project `nowhere`"),
    (one!(""), "hold web-9", "held"),
    // Pins and pauses.
    (one!(""), "pin dev by ada as operator", "steered"),
    (one!("; pin dev"), "pin dev because again", "nothing"),
    (
        one!("; pin prod because audit"),
        "promote 1 prod",
        "refused stage-pinned: stage `prod` is pinned to what it has: audit",
    ),
    (one!("; pin dev"), "promote 1 prod", "promoted 1 to prod"),
    (one!("; pin prod; unpin prod"), "promote 1 prod", "promoted 1 to prod"),
    (one!("; pause prod"), "pause prod", "nothing"),
    (one!("; pause prod; resume prod"), "promote 1 prod", "promoted 1 to prod"),
    (one!("; pause prod because lunch; pin prod because audit"), "promote 1 prod", "refused stage-pinned..."),
    (one!("; pause prod; pin prod; unpin prod"), "promote 1 prod", "refused stage-paused..."),
    (one!(""), "unpin dev", "refused not-steered: stage `dev` is not pinned"),
    (one!(""), "resume dev", "refused not-steered: stage `dev` is not paused"),
    (one!("; pin dev"), "resume dev", "refused not-steered: stage `dev` is not paused"),
    (one!(""), "pin live", "refused stage-unknown..."),
    // Health: good until reported otherwise, of the current release only.
    (one!(""), "report dev healthy by machine:probe as observer@shop/dev", "nothing"),
    (one!(""), "report dev unhealthy by machine:probe as observer@shop/dev", "health-reported"),
    (one!(""), "report dev unhealthy seen 1", "health-reported"),
    (
        one!("; push web-2; release 2; promote 2 dev"),
        "report dev unhealthy seen 1",
        "refused stage-moved: stage `dev` has release 2 by now, not 1",
    ),
    (one!("; report dev unhealthy"), "report dev unhealthy", "nothing"),
    (one!("; report dev unhealthy"), "report dev healthy", "health-reported"),
    (one!("; report dev unhealthy; push web-2; release 2; promote 2 dev"), "report dev healthy", "nothing"),
    (one!(""), "report prod unhealthy", "refused stage-empty: stage `prod` has no release yet"),
    // Tags of stages follow from promotions.
    (
        one!(""),
        "push web-2 tagged v2,prod",
        "refused stage-tag: tag `prod` of `shop/web` is the tag of a stage: it follows from promotions and cannot be set or deleted",
    ),
    (one!(""), "push web-2 tagged production", "manifest-pushed"),
    (one!(""), "push web-2 from other/web tagged prod", "manifest-pushed"),
    (one!(""), "untag prod", "refused stage-tag..."),
    (one!(""), "untag v1", "tag-deleted"),
    ("", "untag prod", "tag-deleted"),
];
