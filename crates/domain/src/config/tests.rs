use proptest::prelude::*;

use super::{CONFIG_BYTES_MAX, PIECES_MAX};
use crate::testing::config;

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (file, problem) in [
        ("{stages: {}}", "stages: a project has 1 to 200 stages"),
        ("{components: {}, stages: {dev: {}}}", "components: a project has 1 to 100 components"),
        ("{dev: {after: live}, prod: {}}", "stages.dev.after: unknown stage `live`; the other stages are: prod"),
        ("{a: {after: a}}", "stages.a.after: the stages go in a circle: a after a"),
        (
            "{a: {after: c}, b: {after: a}, c: {after: b}, d: {after: a}, e: {}}",
            "stages.a.after: the stages go in a circle: a after c after b after a",
        ),
        ("{dev: {}, prod: {after: [dev, dev]}}", "stages.prod.after: stage `dev` is named twice"),
        ("{dev: {}, prod: {after: {all: [dev], any: [dev]}}}", "stages.prod.after: stage `dev` is named twice"),
        (
            "{dev: {after: {soak: 1h}}}",
            "stages.dev.after: `soak` needs `all` or `any` beside it: soak time is spent in an upstream stage",
        ),
        (
            "{dev: {gate: [{evidence: {kind: tests, result: failed}}]}}",
            "stages.dev.gate.0: `result: failed` would let everything in...",
        ),
        (
            "{dev: {gate: [{evidence: {kind: tests, max_age: 0s}}]}}",
            "stages.dev.gate.0: `max_age` must be longer than `0s`...",
        ),
        (
            "{dev: {gate: [{evidence: {kind: tests}}, {approvals: {count: 0}}]}}",
            "stages.dev.gate.1: `count` must be between 1 and 20",
        ),
        ("{dev: {gate: [{approvals: {count: 21}}]}}", "stages.dev.gate.0: `count` must be between 1 and 20"),
        (
            "{dev: {gate: [{approvals: {count: 1, expires: 0s}}]}}",
            "stages.dev.gate.0: `expires` must be longer than `0s`...",
        ),
        (
            "{dev: {gate: [{approvals: {count: 1, role: qa}}]}}",
            "stages.dev.gate.0: unknown role `qa`: use a built-in one, or define it under `roles`",
        ),
        (
            "{stages: {dev: {}}, roles: {approver: [approve]}}",
            "roles.approver: role `approver` is built in and cannot be defined anew: choose another name",
        ),
        (
            "{components: {web: {repository: other/web}}, stages: {dev: {}}}",
            "components.web.repository: repository `other/web` must begin with `shop/`: a project owns only its own repositories",
        ),
        (
            "{components: {web: {repository: shop/x}, api: {repository: shop/x}}, stages: {dev: {}}}",
            "components.web.repository: repository `shop/x` already belongs to component `api`",
        ),
        (
            "{stages: {dev: {}}, public: {repositories: [shop/web, other/web]}}",
            "public.repositories: repository `other/web` must begin with `shop/`: a project opens only its own repositories",
        ),
        (
            "{stages: {dev: {}}, public: {stages: [dev, prod]}}",
            "public.stages: unknown stage `prod`; the stages are: dev",
        ),
        // A field that nobody knows is never passed over.
        ("{dev: {gates: []}}", "unknown field `gates`..."),
        ("{dev: {gate: [{evidence: {kind: tests, maxage: 1h}}]}}", "unknown field `maxage`..."),
        ("{dev: {gate: [{signature: {}}]}}", "unknown variant `signature`..."),
        ("{dev: {}, prod: {after: {all: [dev], sok: 1h}}}", "data did not match any variant..."),
        ("{stages: {dev: {}}, owner: ada}", "unknown field `owner`..."),
        ("{stages: {dev: {}}, roles: {qa: [fly]}}", "unknown variant `fly`..."),
    ] {
        is_wrong(file, problem);
    }
}

#[test]
fn targets_that_cannot_be_are_told_with_their_place() {
    for (file, problem) in [
        (
            "{dev: {deliver: {eu: {registry: r.example, repositories: {api: x}}}}}",
            "stages.dev.deliver.eu.repositories: unknown component `api`; the components are: web",
        ),
        (
            "{components: {web: {}, api: {}}, stages: {dev: {deliver: {eu: {registry: r.example, repositories: {api: web}}}}}}",
            "stages.dev.deliver.eu.repositories: `web` and `api` both go to the repository `web`",
        ),
        (
            "{dev: {deliver: {eu: {registry: r.example, tags: [sha256-0000000000000000000000000000000000000000000000000000000000000000]}}}}",
            "stages.dev.deliver.eu.tags: under the tag `sha256-0000000000000000000000000000000000000000000000000000000000000000`, registries keep evidence",
        ),
        (
            "{a: {deliver: {eu: {registry: r.example/shop}}}, b: {deliver: {eu: {registry: r.example/shop, tags: [x, a]}}}}",
            "stages.b.deliver.eu: `eu` sets the tag `a` in `r.example/shop/web`, where component `web` of stage `a` sets it, too",
        ),
        ("{dev: {deliver: {eu: {}}}}", "data did not match any variant..."),
        ("{dev: {deliver: {eu: {registry: r.example, tag: x}}}}", "data did not match any variant..."),
        ("{dev: {deliver: {eu: {registry: Example}}}}", "data did not match any variant..."),
    ] {
        is_wrong(file, problem);
    }
}

/// The problem is said so, or begins so where it ends in `...`.
#[track_caller]
fn is_wrong(file: &str, problem: &str) {
    let said = config(file).expect_err(file);
    let right = problem.strip_suffix("...").map_or(said == problem, |beginning| said.starts_with(beginning));
    assert!(right, "{file}\n says {said}\n  not {problem}");
}

#[test]
fn limits_hold() {
    let many = |count: usize, what: &str| {
        (0..count).map(|number| what.replace('#', &number.to_string())).collect::<Vec<_>>().join(", ")
    };
    for (good, bad) in [
        (format!("{{{}}}", many(200, "s#: {}")), format!("{{{}}}", many(201, "s#: {}"))),
        (
            format!("{{components: {{{}}}, stages: {{dev: {{}}}}}}", many(100, "c#: {}")),
            format!("{{components: {{{}}}, stages: {{dev: {{}}}}}}", many(101, "c#: {}")),
        ),
        (
            format!("{{dev: {{deliver: {{{}}}}}}}", many(16, "t#: {registry: r#.example}")),
            format!("{{dev: {{deliver: {{{}}}}}}}", many(17, "t#: {registry: r#.example}")),
        ),
        (
            format!("{{dev: {{deliver: {{eu: {{registry: r.example, tags: [{}]}}}}}}}}", many(16, "t#")),
            format!("{{dev: {{deliver: {{eu: {{registry: r.example, tags: [{}]}}}}}}}}", many(17, "t#")),
        ),
        (
            format!("{{dev: {{deliver: {{eu: {{registry: r.example/{}}}}}}}}}", "b".repeat(251)),
            format!("{{dev: {{deliver: {{eu: {{registry: r.example/{}}}}}}}}}", "b".repeat(252)),
        ),
        (
            "{a: {deliver: {eu: {registry: r.example}}}, b: {deliver: {eu: {registry: r.example}}}}".into(),
            "{a: {deliver: {eu: {registry: r.example, tags: [b]}}}, b: {deliver: {eu: {registry: r.example}}}}".into(),
        ),
        (
            format!("{{dev: {{gate: [{}]}}}}", many(64, "{evidence: {kind: k#}}")),
            format!("{{dev: {{gate: [{}]}}}}", many(65, "{evidence: {kind: k#}}")),
        ),
        (
            format!(
                "{{components: {{{}}}, stages: {{dev: {{gate: [{}]}}}}}}",
                many(100, "c#: {}"),
                many(PIECES_MAX / 100, "{evidence: {kind: k#}}")
            ),
            format!(
                "{{components: {{{}}}, stages: {{dev: {{gate: [{}]}}}}}}",
                many(100, "c#: {}"),
                many(PIECES_MAX / 100 + 1, "{evidence: {kind: k#}}")
            ),
        ),
    ] {
        config(&good).expect("at the limit");
        config(&bad).expect_err("over the limit");
    }
    let long = |count| {
        format!("{{dev: {{gate: [{}]}}}}", many(count, &format!("{{evidence: {{kind: {}#}}}}", "k".repeat(100))))
    };
    let stages = |count: usize| format!("{{{}}}", many(count, &format!("s#: {}", &long(60)[6..long(60).len() - 1])));
    assert!(config(&stages(6)).is_ok());
    assert!(config(&stages(9)).expect_err("over the limit").contains(&format!("over {CONFIG_BYTES_MAX} bytes")));
}

#[test]
fn components_go_where_the_target_says() {
    let config = config(
        "{components: {web: {}, api: {}}, stages: {dev: {deliver: {eu: {registry: 'http://r.example:5000/team', repositories: {api: back/end}}, us: {registry: u.example, tags: []}}}}}",
    )
    .expect("a configuration");
    let dev = "dev".parse().expect("a name");
    let said: Vec<_> = config
        .targets(&dev)
        .values()
        .flat_map(|target| {
            let super::Target::Registry(registry) = target;
            let tags: Vec<_> = registry.tags(&dev).iter().map(ToString::to_string).collect();
            config
                .components
                .keys()
                .map(move |component| {
                    let repository = registry.repository(component).expect("a name");
                    format!("{} {repository} {}", registry.registry.host(), tags.join(","))
                })
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(
        said,
        [
            "http://r.example:5000 back/end dev",
            "http://r.example:5000 team/web dev",
            "u.example api ",
            "u.example web "
        ]
    );
    assert!(config.targets(&"prod".parse().expect("a name")).is_empty());
}

#[test]
fn stages_come_after_their_upstream_stages() {
    let config = config("{a: {after: c}, b: {}, c: {after: {any: [b, e]}}, d: {after: [a, b]}, e: {}}")
        .expect("a configuration");
    let order: Vec<_> = config.stages_in_order().iter().map(ToString::to_string).collect();
    assert_eq!(order, ["b", "e", "c", "a", "d"]);
}

#[test]
fn spellings_of_after_mean_the_same_gate() {
    let gate = |after: &str| {
        config(&format!("{{dev: {{}}, prod: {{after: {after}}}}}")).expect("a configuration").stages
            [&"prod".parse().expect("a name")]
            .full_gate()
    };
    assert_eq!(gate("dev"), gate("[dev]"));
    assert_eq!(gate("dev"), gate("{all: [dev]}"));
    assert_ne!(gate("dev").digest(), gate("{any: [dev]}").digest());
    assert_ne!(gate("dev").digest(), gate("{all: [dev], soak: 1s}").digest());
}

#[test]
fn a_repository_belongs_to_one_component() {
    let config = config("{components: {web: {}, api: {repository: shop/back/api}}, stages: {dev: {}}}")
        .expect("a configuration");
    for (repository, component) in
        [("shop/web", Some("web")), ("shop/back/api", Some("api")), ("shop/api", None), ("other/web", None)]
    {
        let repository = repository.parse().expect("a repository");
        assert_eq!(config.component_of(&repository).map(ToString::to_string).as_deref(), component);
    }
}

proptest! {
    /// Any graph of stages is put in order, or a circle is named that is there.
    #[test]
    fn every_graph_is_ordered_or_a_circle_is_named(edges in prop::collection::btree_set((0..6usize, 0..6usize), 0..12)) {
        let stages: Vec<_> = (0..6usize).map(|stage| {
            let upstream: Vec<_> = edges.iter().filter(|(to, _)| *to == stage).map(|(_, from)| format!("s{from}")).collect();
            format!("s{stage}: {{after: [{}]}}", upstream.join(", "))
        }).collect();
        match config(&format!("{{{}}}", stages.join(", "))) {
            Ok(config) => {
                let order = config.stages_in_order();
                let position = |name: &str| order.iter().position(|stage| stage.as_str() == name);
                for (to, from) in &edges {
                    let (before, after) = (position(&format!("s{from}")), position(&format!("s{to}")));
                    prop_assert!(before < after);
                }
            }
            Err(problem) => {
                let (_, circle) = problem.split_once("in a circle: ").expect("a circle");
                let circle: Vec<_> = circle.split(" after ").map(|stage| stage[1..].parse::<usize>().unwrap()).collect();
                prop_assert!(circle.len() > 1 && circle.first() == circle.last());
                prop_assert!(circle.windows(2).all(|pair| edges.contains(&(pair[0], pair[1]))), "{problem}");
            }
        }
    }
}
