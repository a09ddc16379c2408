use super::*;

fn advisory(affected: &str) -> Advisory {
    let text = format!("{{\"id\":\"X-1\",\"modified\":\"2026-01-01T00:00:00Z\",\"affected\":[{affected}]}}");
    Advisory::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn about(advisory: &Advisory, ecosystem: &str, version: &str) -> Option<Affects> {
    let installed = Installed { package: Package::new(ecosystem, "p"), version: version.to_owned() };
    advisory.about(&installed).map(|answer| answer.affects)
}

/// Versions of package `p` of an ecosystem that are affected, that are not, and of which it cannot be told.
type Case = (&'static str, &'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

const CASES: &[Case] = &[
    (
        "Go",
        r#""ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}]"#,
        &["0.1.0", "v1.1.9", "1.2.0-rc.1"],
        &["1.2.0", "v2.0.0"],
        &[],
    ),
    (
        "Go",
        r#""ranges":[{"type":"SEMVER","events":[{"fixed":"1.2.0"},{"introduced":"2.0.0"},{"introduced":"0"},{"fixed":"2.1.0"}]}]"#,
        &["1.0.0", "2.0.0", "2.0.9"],
        &["1.2.0", "1.9.0", "2.1.0"],
        &[],
    ),
    (
        "npm",
        r#""ranges":[{"type":"SEMVER","events":[{"introduced":"1.0.0"},{"last_affected":"1.5.0"}]}]"#,
        &["1.0.0", "1.5.0"],
        &["0.9.0", "1.5.1"],
        &[],
    ),
    (
        "npm",
        r#""ranges":[{"type":"SEMVER","events":[{"introduced":"1.0.0"},{"last_affected":"1.0.0"}]}]"#,
        &["1.0.0"],
        &["1.0.1"],
        &[],
    ),
    (
        "PyPI",
        r#""ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"limit":"2.0"}]}]"#,
        &["1.9"],
        &["2.0", "2.1"],
        &[],
    ),
    (
        "PyPI",
        r#""ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"limit":"*"}]}]"#,
        &["1.9", "99"],
        &[],
        &[],
    ),
    ("PyPI", r#""versions":["1.0","1.1"]"#, &["1.0", "1.1", "1.0.0"], &["1.2"], &[]),
    (
        "PyPI",
        r#""versions":["3.0"],"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.0"}]}]"#,
        &["3.0", "0.9"],
        &["1.0", "2.0"],
        &[],
    ),
    (
        "Debian:12",
        r#""ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"3.0.11-1~deb12u2"}]}]"#,
        &["3.0.11-1~deb12u1"],
        &["3.0.11-1~deb12u2", "1:0.1"],
        &["x:1"],
    ),
    (
        "Maven",
        r#""ranges":[{"type":"GIT","repo":"https://example.org/p","events":[{"introduced":"0"}]}],"versions":["1.0"]"#,
        &["1.0"],
        &["1.1"],
        &[],
    ),
    ("Unheard of", r#""versions":["a"]"#, &["a"], &["b"], &[]),
    ("Unheard of", r#""ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"b"}]}]"#, &[], &[], &["a"]),
    ("Go", "\"versions\":[]", &["1.0.0"], &[], &[]),
];

#[test]
fn ranges_are_evaluated_as_the_schema_says() {
    for (ecosystem, rest, yes, no, unknown) in CASES {
        let advisory = advisory(&format!("{{\"package\":{{\"ecosystem\":\"{ecosystem}\",\"name\":\"p\"}},{rest}}}"));
        for (versions, expected) in [(yes, Affects::Yes), (no, Affects::No), (unknown, Affects::Unknown)] {
            for version in *versions {
                assert_eq!(about(&advisory, ecosystem, version), Some(expected), "{rest}: {version}");
            }
        }
        assert_eq!(about(&advisory, "Another", "1.0"), None, "{rest}");
    }
}

#[test]
fn the_next_fixed_version_is_told() {
    let affected = r#"{"package":{"ecosystem":"Go","name":"p"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"},{"introduced":"2.0.0"},{"fixed":"2.1.0"}]}]}"#;
    let advisory = advisory(affected);
    for (version, fixed) in [("1.0.0", Some("1.2.0")), ("2.0.5", Some("2.1.0")), ("3.0.0", None)] {
        let installed = Installed { package: Package::new("Go", "p"), version: version.into() };
        assert_eq!(advisory.about(&installed).expect("it is about it").fixed.as_deref(), fixed, "{version}");
    }
}

#[test]
fn what_was_taken_back_is_about_nothing() {
    let text = r#"{"id":"X-1","withdrawn":"2026-01-02T00:00:00Z","affected":[{"package":{"ecosystem":"Go","name":"p"},"versions":["1.0.0"]}]}"#;
    assert_eq!(about(&Advisory::parse(text.as_bytes()).expect("a record"), "Go", "1.0.0"), None);
}

#[test]
fn the_worst_rating_counts_and_a_word_where_there_is_none() {
    let package = r#""package":{"ecosystem":"Go","name":"p"},"versions":["1.0.0"]"#;
    for (rating, severity) in [
        (r#""severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]"#, Severity::High),
        (r#""database_specific":{"severity":"MODERATE"}"#, Severity::Medium),
        (r#""ecosystem_specific":{"severity":"CRITICAL"}"#, Severity::Critical),
        (r#""database_specific":{"severity":7}"#, Severity::Unknown),
        (r#""severity":[{"type":"Ubuntu","score":"low"}]"#, Severity::Low),
    ] {
        let advisory = advisory(&format!("{{{package},{rating}}}"));
        let installed = Installed { package: Package::new("Go", "p"), version: "1.0.0".into() };
        assert_eq!(advisory.about(&installed).expect("it is about it").severity, severity, "{rating}");
    }
}

#[test]
fn what_is_no_record_is_refused() {
    for text in
        ["", "[]", "{}", r#"{"id":7}"#, r#"{"id":"X","id":"Y"}"#, r#"{"id":"X","affected":{}}"#, "{\"id\":\"X\"} x"]
    {
        assert!(Advisory::parse(text.as_bytes()).is_err(), "{text}");
    }
    let deep = format!("{{\"id\":\"X\",\"database_specific\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(Advisory::parse(deep.as_bytes()).is_err(), "depth is limited");
}
