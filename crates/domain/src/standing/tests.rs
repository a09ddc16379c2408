//! How releases stand, told as stories.

use crate::testing::{Story, check};

/// Three releases, of which dev has had the first two and has the second.
macro_rules! given {
    ($then:literal) => {
        concat!(
            "apply dev > prod; push web-1; push web-2; push web-3; release 1; release 2; release 3; promote 1 dev; promote 2 dev",
            $then
        )
    };
}

pub(crate) const STORIES: &[Story] = &[
    (given!(""), "standing 2 dev", "current"),
    (given!(""), "standing 1 dev", "previous"),
    (given!("; promote 3 dev"), "standing 1 dev", "superseded"),
    (given!("; promote 3 dev; promote 2 prod"), "standing 1 prod", "superseded"),
    (given!("; promote 3 dev; promote 2 prod"), "standing 3 prod", "eligible"),
    (given!(""), "standing 3 dev", "eligible"),
    (given!(""), "standing 2 prod", "eligible"),
    (given!(""), "standing 3 prod", "blocked"),
    (given!("; pause dev"), "standing 3 dev", "blocked"),
    (given!("; pin dev"), "standing 3 dev", "blocked"),
    (given!("; pause dev; pin dev; resume dev; unpin dev"), "standing 3 dev", "eligible"),
    (given!("; veto 3 dev"), "standing 3 dev", "vetoed"),
    (given!("; veto 2 dev"), "standing 2 dev", "vetoed"),
    (given!("; veto 3 dev"), "standing 3 prod", "blocked"),
    (given!("; hold web-2"), "standing 2 dev", "held"),
    (given!("; hold release:3; veto 3 dev"), "standing 3 dev", "held"),
    (given!("; hold web-3; unhold web-3"), "standing 3 dev", "eligible"),
    (given!("; rollback dev"), "standing 2 dev", "previous"),
    (given!("; rollback dev"), "standing 1 dev", "current"),
    (given!("; promote 3 dev; rollback dev to 1; rollback dev to 2"), "standing 3 dev", "superseded"),
    (given!(""), "standing 9 dev", "refused release-unknown..."),
    (given!(""), "standing 1 live", "refused stage-unknown..."),
    ("", "standing 1 live", "refused project-unknown..."),
];

#[test]
fn standings() {
    check(STORIES);
}
