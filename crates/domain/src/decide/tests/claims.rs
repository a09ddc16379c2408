//! What was seen running, and leases: both end by themselves.

use crate::testing::{Story, told};

macro_rules! given {
    ($then:literal) => {
        concat!("apply {retention: {running: 2d}, stages: {dev: {}}}; push web-1; push web-2", $then)
    };
}

pub const STORIES: &[Story] = &[
    (given!(""), "observe dev web-1", "observed"),
    (given!(""), "observe dev web-1 by m as observer@shop/dev", "observed"),
    (given!(""), "observe dev web-1 by ada as reader", "refused permission-missing..."),
    (given!(""), "observe prod web-1", "refused stage-unknown..."),
    (given!(""), "observe dev", "nothing"),
    (given!(""), "observe dev web*200", "observed"),
    (given!(""), "observe dev web*201", "refused limit-reached: an observation has at most 200 digests"),
    // The same again is no news for an hour.
    (given!("; observe dev web-1"), "observe dev web-1", "nothing"),
    (given!("; observe dev web-1"), "observe dev web-1 by m as observer", "observed"),
    (given!("; observe dev web-1; wait 1h"), "observe dev web-1", "observed"),
    (given!("; observe dev web-1"), "observe dev web-2", "observed"),
    (given!("; observe dev web-1"), "observe dev", "observed"),
    // What runs stays, for as long as the policy says.
    (
        given!("; observe dev web-1"),
        "delete web-1",
        "refused running: `web-1` runs in `dev`: it was seen there at 2026-01-01T00:00:00.000Z",
    ),
    (given!("; observe dev web-1; wait 47h"), "delete web-1", "refused running..."),
    (given!("; observe dev web-1; wait 48h"), "delete web-1", "manifest-deleted"),
    ("apply dev; push web-1; observe dev web-1; wait 6d", "delete web-1", "refused running..."),
    ("apply dev; push web-1; observe dev web-1; wait 7d", "delete web-1", "manifest-deleted"),
    (given!("; observe dev web-1; observe dev web-2"), "delete web-1", "manifest-deleted"),
    (given!("; observe dev web-1 by m; observe dev web-2"), "delete web-1", "refused running..."),
    (given!("; push web-3 of web-1; observe dev web-3"), "delete web-1", "refused running: `web-3` runs in `dev`..."),
    (
        given!("; push web-3 about web-1; observe dev web-1"),
        "delete web-3",
        "refused running: `web-1` runs in `dev`...",
    ),
    (given!("; plan p; carry p; observe dev web-1"), "collect web-1,web-2 of p", "manifest-collected"),
    (given!("; observe dev web-1; plan p; carry p; wait 2d"), "collect web-1 of p", "manifest-collected"),
    // So does what is leased.
    (given!(""), "lease web-1", "leased"),
    (given!(""), "lease web-9", "leased"),
    (given!(""), "lease web-1 by ada as reader", "leased"),
    (given!(""), "lease web-1 by ada as observer", "refused permission-missing..."),
    (given!(""), "lease web-1 lasting 30d", "leased"),
    (given!(""), "lease web-1 lasting 31d", "refused limit-reached: a lease has at most 30d, and lasts some time"),
    (given!(""), "lease web-1 lasting 0s", "refused limit-reached..."),
    (given!("; hold web-1 because malware"), "lease web-1", "refused held: `web-1` is held: malware"),
    (given!("; lease web-1"), "lease web-1", "nothing"),
    (given!("; lease web-1"), "lease web-1 lasting 1h", "nothing"),
    (given!("; lease web-1"), "lease web-1 lasting 3h", "leased"),
    (given!("; lease web-1"), "lease web-1 by ada", "leased"),
    (
        given!("; lease web-1 by ada because delivery"),
        "delete web-1",
        "refused leased: `web-1` is leased until 2026-01-01T02:00:00.000Z by person:ada: delivery",
    ),
    (given!("; lease web-1; wait 2h"), "delete web-1", "manifest-deleted"),
    (given!("; lease web-1; wait 1h; lease web-1; wait 1h"), "delete web-1", "refused leased..."),
    (given!("; push web-3 of web-1; lease web-3"), "delete web-1", "refused leased: `web-3` is leased..."),
    (given!("; plan p; carry p; lease web-1"), "collect web-1,web-2 of p", "manifest-collected"),
    (given!("; lease web-1; plan p; carry p; wait 2h"), "collect web-1 of p", "manifest-collected"),
    // Of a stage, what the stage has, or had been leased for it.
    (given!(""), "lease web-1 for dev", "refused not-promoted: `web-1` is not promoted to `dev`"),
    (given!("; release 1; promote 1 dev"), "lease web-1 for dev", "leased"),
    (given!("; release 1; promote 1 dev"), "lease web-1 for dev by m as puller@shop/dev", "leased"),
    (given!("; release 1; promote 1 dev"), "lease web-1 by m as puller@shop/dev", "refused permission-missing..."),
    // They end before their time.
    (given!("; lease web-1; unlease web-1"), "delete web-1", "manifest-deleted"),
    (given!("; lease web-1 by ada"), "unlease web-1", "refused not-leased: person:root has no lease of `web-1`"),
    (given!("; lease web-1 by ada"), "unlease web-1 from ada", "unleased"),
    (given!("; lease web-1 by ada"), "unlease web-1 from ada by ben as reader", "refused permission-missing..."),
    (given!("; lease web-1; wait 2h"), "unlease web-1", "refused not-leased..."),
];

/// So many digests, leased one after the other by one party.
fn leased(digests: usize) -> String {
    let leases = (0..digests).map(|number| format!("; lease web-{number} by ada"));
    format!("apply dev{}", leases.collect::<String>())
}

#[test]
fn leases_are_few() {
    let of_one = "refused limit-reached: one party has at most 100 leases of a project";
    let one = leased(100);
    for (given, asked, expected) in [
        (leased(99), "lease web-99 by ada", "leased"),
        (one.clone(), "lease web-100 by ada", of_one),
        (one.clone(), "lease web-0 by ada", "nothing"),
        (one.clone(), "lease web-0 lasting 3h by ada", "leased"),
        (one.clone(), "lease web-100 by ben", "leased"),
        (one.clone() + "; unlease web-5 by ada", "lease web-100 by ada", "leased"),
        (one.clone() + "; wait 2h", "lease web-100 by ada", "leased"),
    ] {
        assert_eq!(told(&given, asked).answer, expected, "{asked}");
    }
}
