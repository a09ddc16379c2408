use crate::testing::Story;

/// Three stages, of which `prod` delivers to `eu` and `us`; release 1 is in `prod`.
macro_rules! two {
    ($then:literal) => {
        concat!(
            "apply {dev: {}, prod: {after: dev, deliver: {eu: {registry: eu.example/shop}, us: {registry: us.example/shop}}}, live: {after: {all: [prod], soak: 10m}}}; ",
            "push web-1; release 1; push web-2; release 2; promote 1 dev; promote 2 dev; promote 1 prod",
            $then
        )
    };
}

pub(super) const STORIES: &[Story] = &[
    // Delivered to all is settled, and not before.
    (two!(""), "deliver prod eu", "delivered"),
    (two!("; deliver prod eu"), "deliver prod us", "delivered, settled"),
    (two!("; deliver prod eu"), "deliver prod eu", "nothing"),
    (two!("; deliver prod eu; deliver prod us"), "deliver prod us", "nothing"),
    (two!(""), "deliver prod eu by ada as operator", "refused permission-missing..."),
    (two!(""), "deliver prod asia", "nothing"),
    (two!(""), "deliver prod eu from r.example/elsewhere", "nothing"),
    (two!(""), "deliver live eu", "nothing"),
    ("apply dev > prod; push web-1; release 1", "promote 1 dev", "promoted 1 to dev"),
    // What was read back must be what the release is.
    (two!("; fail prod eu 3"), "deliver prod eu of 2", "nothing"),
    (two!(""), "deliver prod eu 1 of 2", "nothing"),
    (two!(""), "deliver prod eu 3 of 2", "delivery-failed"),
    (
        two!("; deliver prod us; deliver prod eu 3 of web=1,api=1"),
        "promote 1 live",
        "refused gate-unmet: `live` stays closed: `prod` is still delivering it to `eu` (after 3 tries: it has `api`, too)",
    ),
    // Failures are told rarely.
    (two!(""), "fail prod eu 1 because down", "nothing"),
    (two!(""), "fail prod eu 2 because down", "nothing"),
    (two!(""), "fail prod eu 3 because down", "delivery-failed"),
    (two!("; fail prod eu 3"), "fail prod us 3", "delivery-failed"),
    (two!("; fail prod eu 3; wait 9m"), "fail prod eu 40", "nothing"),
    (two!("; fail prod eu 3; wait 10m"), "fail prod eu 1", "delivery-failed"),
    (two!("; fail prod eu 3; wait 10m; fail prod eu 9; wait 9m"), "fail prod eu 9", "nothing"),
    (
        two!("; fail prod eu 3; wait 10m; fail prod eu 9; wait 10m; fail prod eu 9; wait 19m"),
        "fail prod eu 9",
        "nothing",
    ),
    (
        two!("; fail prod eu 3; wait 10m; fail prod eu 9; wait 10m; fail prod eu 9; wait 20m"),
        "fail prod eu 9",
        "delivery-failed",
    ),
    (two!(""), "fail prod eu 3 because 2001_bytes", "refused limit-reached..."),
    (two!("; fail prod eu 3"), "deliver prod eu", "delivered"),
    (two!("; deliver prod eu"), "fail prod eu 9", "nothing"),
    // Another release ends what was under way.
    (two!("; promote 2 prod"), "deliver prod eu seen 1", "nothing"),
    (two!("; promote 2 prod"), "fail prod eu 3 seen 1", "nothing"),
    (two!("; deliver prod eu; promote 2 prod"), "deliver prod eu", "delivered"),
    (two!("; deliver prod eu; promote 2 prod"), "deliver prod us", "delivered"),
    // Downstream counts from when it was settled.
    (two!(""), "gate 1 live", "closed: `prod` is still delivering it to `eu`, `us`"),
    (
        two!("; deliver prod eu; fail prod us 4 because 503"),
        "gate 1 live",
        "closed: `prod` is still delivering it to `us` (after 4 tries: 503)",
    ),
    (
        two!("; wait 1h; deliver prod eu; deliver prod us"),
        "gate 1 live",
        "closed: it has been well in `prod` for 0s of 10m; opens in 10m",
    ),
    (two!("; wait 1h; deliver prod eu; deliver prod us; wait 10m"), "promote 1 live", "promoted 1 to live"),
    (
        two!(
            "; report prod unhealthy; wait 1h; report prod healthy; wait 1h; deliver prod eu; deliver prod us; wait 1m"
        ),
        "gate 1 live",
        "closed: it has been well in `prod` for 1m of 10m; opens in 9m",
    ),
    (
        two!("; report prod unhealthy; deliver prod eu; deliver prod us; wait 1h"),
        "gate 1 live",
        "closed: `prod` is reported unhealthy with it, after being well for 0s of 10m",
    ),
    (two!("; wait 1h; promote 2 prod"), "gate 1 live", "closed: it left `prod` before it was delivered everywhere"),
    (two!("; deliver prod eu; deliver prod us; wait 10m; promote 2 prod"), "promote 1 live", "promoted 1 to live"),
    // A rollback goes to what was settled.
    (two!("; promote 2 prod"), "rollback prod", "refused nothing-earlier..."),
    (
        two!("; promote 2 prod"),
        "rollback prod to 1",
        "refused never-settled: release 1 never settled in `prod`: it left before it was delivered everywhere",
    ),
    (two!("; deliver prod eu; deliver prod us; promote 2 prod"), "rollback prod", "rolled back prod from 2 to 1"),
    (
        two!("; deliver prod eu; deliver prod us; promote 2 prod; rollback prod"),
        "gate 1 live",
        "closed: `prod` is still delivering it...",
    ),
    (
        two!("; deliver prod eu; deliver prod us; promote 2 prod; rollback prod; deliver prod us"),
        "deliver prod eu",
        "delivered, settled",
    ),
    // Settled before, and brought back, and not delivered again in time: it is good enough to go back to.
    (
        two!(
            "; deliver prod eu; deliver prod us; promote 2 prod; rollback prod; push web-3; release 3; promote 3 dev; promote 3 prod"
        ),
        "rollback prod",
        "rolled back prod from 3 to 1",
    ),
    // Targets come and go.
    (
        two!("; deliver prod eu"),
        "apply {dev: {}, prod: {after: dev, deliver: {eu: {registry: eu.example/shop}}}, live: {after: prod}}",
        "config-applied, settled",
    ),
    (two!(""), "apply {dev: {}, prod: {after: dev}, live: {after: prod}}", "config-applied, settled"),
    (
        two!(""),
        "apply {dev: {}, prod: {after: dev, deliver: {eu: {registry: eu.example/shop}}}, live: {after: prod}}",
        "config-applied",
    ),
    (
        two!("; deliver prod eu"),
        "apply {dev: {}, prod: {after: dev, deliver: {eu: {registry: eu.example/other}}}, live: {after: prod}}",
        "config-applied",
    ),
    (
        two!(
            "; deliver prod eu; apply {dev: {}, prod: {after: dev, deliver: {eu: {registry: eu.example/other}}}, live: {after: prod}}"
        ),
        "deliver prod eu",
        "delivered, settled",
    ),
    (
        two!(
            "; deliver prod eu; deliver prod us; apply {dev: {}, prod: {after: dev, deliver: {eu: {registry: eu.example/other}}}, live: {after: prod}}"
        ),
        "promote 1 live",
        "promoted 1 to live",
    ),
    (
        two!(
            "; deliver prod eu; deliver prod us; apply {dev: {}, prod: {after: dev, deliver: {eu: {registry: eu.example/other}}}, live: {after: prod}}"
        ),
        "deliver prod eu",
        "delivered",
    ),
    // A stage that had no targets when the release came in.
    (
        "apply dev > prod; push web-1; release 1; promote 1 dev; apply {dev: {deliver: {eu: {registry: eu.example}}}, prod: {after: dev}}",
        "promote 1 prod",
        "promoted 1 to prod",
    ),
    (
        "apply dev > prod; push web-1; release 1; promote 1 dev; apply {dev: {deliver: {eu: {registry: eu.example}}}, prod: {after: dev}}",
        "deliver dev eu",
        "delivered",
    ),
];
