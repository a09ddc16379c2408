//! Reports as the usual programs write them, cut down to what tells.

use proptest::prelude::*;

use super::*;

const SUREFIRE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" name="com.x.CalcTest" time="0.1" tests="4" errors="0" skipped="1" failures="1">
  <properties><property name="java.version" value="21"/></properties>
  <testcase name="adds" classname="com.x.CalcTest" time="0.03">
    <flakyFailure message="expected: &lt;3&gt;" type="E"><stackTrace><![CDATA[at <x>]]></stackTrace></flakyFailure></testcase>
  <testcase name="divides" classname="com.x.CalcTest"><failure message="no" type="E">x</failure><rerunFailure message="no" type="E"/></testcase>
  <testcase name="waits" classname="com.x.CalcTest"><skipped message="later"/></testcase>
  <testcase name="subtracts" classname="com.x.CalcTest"><system-out><![CDATA[<failure/>]]></system-out></testcase>
</testsuite>"#;

const PYTEST: &str = r#"<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests">
  <testsuite name="pytest" errors="1" failures="0" skipped="0" tests="3" hostname="h">
  <testcase classname="tests.test_a" name="test_one[1-2]" time="0.001"/>
  <testcase classname="tests.test_a" name="test_two"><rerun message="x"/></testcase>
  <testcase classname="" name="tests.test_b" time="0.000"><error message="collection failure">ImportError</error></testcase>
  </testsuite></testsuites>"#;

const NESTED: &str = r#"<testsuites tests="3"><testsuite name="outer"><testsuite name="inner" failures="0"><testcase name="a"/></testsuite>
  <testcase name="b" status="notrun" result="suppressed"/><testcase name="c" status="fail"/></testsuite></testsuites>"#;

const GO: &str = r#"{"Time":"2026-01-01T00:00:00Z","Action":"start","Package":"x/p"}
{"Action":"run","Package":"x/p","Test":"TestA"}
{"Action":"output","Package":"x/p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"run","Package":"x/p","Test":"TestA/sub"}
{"Action":"pass","Package":"x/p","Test":"TestA/sub","Elapsed":0}
{"Action":"pass","Package":"x/p","Test":"TestA","Elapsed":0}
{"Action":"skip","Package":"x/p","Test":"TestB","Elapsed":0}
{"Action":"pass","Package":"x/p","Elapsed":0.1}
{"Action":"skip","Package":"x/none","Elapsed":0}
"#;

/// What they come to, and what passed, was flaky, failed, was skipped.
fn told(report: &str) -> Result<String, String> {
    let report = TestReport::parse(report.as_bytes()).map_err(|error| error.to_string())?;
    let lists = [&report.passed, &report.flaky, &report.failed, &report.skipped].map(|list| list.join(", "));
    Ok(format!("{:?} | {}", report.outcome(), lists.join(" | ")))
}

#[test]
fn junit_reports_are_read_whoever_wrote_them() {
    let suite = |attributes: &str, inside: &str| format!(r#"<testsuite name="s" {attributes}>{inside}</testsuite>"#);
    for (report, expected) in [
        (
            SUREFIRE.to_owned(),
            "Failed | com.x.CalcTest.subtracts | com.x.CalcTest.adds | com.x.CalcTest.divides | com.x.CalcTest.waits",
        ),
        (
            SUREFIRE
                .replace("failure ", "properties ")
                .replace("</failure>", "</properties>")
                .replace("failures=\"1\"", ""),
            "Warned | com.x.CalcTest.subtracts | com.x.CalcTest.adds, com.x.CalcTest.divides |  | com.x.CalcTest.waits",
        ),
        (PYTEST.to_owned(), "Failed | tests.test_a.test_one[1-2] | tests.test_a.test_two | pytest.tests.test_b | "),
        (NESTED.to_owned(), "Failed | inner.a |  | outer.c | outer.b"),
        (suite("", r#"<testcase name="a"/>"#), "Passed | s.a |  |  | "),
        (suite("", r#"<testcase name="a"/><testcase name="b"><skipped/></testcase>"#), "Passed | s.a |  |  | s.b"),
        (suite("", r#"<testcase name="a"><skipped/></testcase>"#), "Failed |  |  |  | s.a"),
        (suite("", ""), "Failed |  |  |  | "),
        ("<testsuites/>".into(), "Failed |  |  |  | "),
        (suite(r#"errors="1""#, r#"<testcase name="a"/>"#), "Failed | s.a |  | s | "),
        (suite(r#"errors="1""#, r#"<testcase name="a"><error/></testcase>"#), "Failed |  |  | s.a | "),
        (suite("", r#"<testcase name="a"/><error message="no database"/>"#), "Failed | s.a |  | s | "),
        (suite("", r#"<properties><testcase name="a"/></properties>"#), "Failed |  |  |  | "),
    ] {
        assert_eq!(told(&report).as_deref(), Ok(expected), "{report}");
    }
    for (report, problem) in [
        ("<html/>".to_owned(), "a JUnit report does not begin with `html`"),
        (suite("", "<testcase/>"), "a test case has no name"),
        (suite(r#"failures="many""#, ""), "`failures` is no number: `many`"),
        (format!("<!DOCTYPE x>{NESTED}"), "document types are not read"),
        (NESTED.replace("</testsuites>", ""), "it ends before its elements do"),
    ] {
        let error = told(&report).expect_err(&report);
        assert!(error.ends_with(problem), "{report}: {error}");
    }
}

#[test]
fn tap_is_read_to_its_plan() {
    for (lines, expected) in [
        ("1..2\nok 1 - a\nok 2", Ok("Passed | a, test 2 |  |  | ")),
        ("ok 1 - a\nnot ok 2 - b\n  ---\n  message: x\n  ...\n1..2", Ok("Failed | a |  | b | ")),
        (
            "1..4\nok 1 a # SKIP no net\nnot ok 2 - b # todo later\nok c \\# d\n    not ok 1 - sub\nok # Skipped: x",
            Ok("Passed | c # d |  |  | a, b, test 4"),
        ),
        ("1..1\nnot ok 1 - a # SKIP", Ok("Failed |  |  | a | ")),
        ("1..3\nok\nok", Ok("Failed | test 1, test 2 |  | the plan: 2 of 3 tests are told | ")),
        ("1..1\nok - a\nBail out! no net", Ok("Failed | a |  | bail out: no net | ")),
        ("1..0 # SKIP all", Ok("Failed |  |  |  | ")),
        ("ok - a", Err("it has no plan, so it may have ended too early")),
        ("1..1\nok\n1..1", Err("it has more than one plan")),
        ("1..x", Err("`1..x` is no plan")),
    ] {
        for version in ["13", "14"] {
            match (told(&format!("TAP version {version}\n{lines}\n")), expected) {
                (Ok(told), Ok(expected)) => assert_eq!(told, expected, "{lines}"),
                (Err(error), Err(problem)) => assert_eq!(error, format!("it is no test report: {problem}"), "{lines}"),
                (told, _) => panic!("{lines}: {told:?}"),
            }
        }
    }
    assert_eq!(
        told("TAP version 12\n1..0\n").expect_err("old"),
        "it is no test report: of TAP, only versions 13 and 14 are read"
    );
}

#[test]
fn go_s_events_are_heard_to_their_end() {
    let without = |line: &str| {
        GO.lines().filter(|known| !known.contains(line)).map(|line| format!("{line}\n")).collect::<String>()
    };
    let passed = r#""pass","Package":"x/p","Test":"TestA","#;
    for (report, expected) in [
        (GO.to_owned(), "Passed | x/p.TestA, x/p.TestA/sub |  |  | x/p.TestB"),
        (
            GO.replace(passed, &passed.replace("pass", "fail"))
                .replace(r#""pass","Package":"x/p","Elapsed""#, r#""fail","Package":"x/p","Elapsed""#),
            "Failed | x/p.TestA/sub |  | x/p.TestA | x/p.TestB",
        ),
        (without(passed), "Failed | x/p.TestA/sub |  | x/p.TestA | x/p.TestB"),
        (without(r#""pass","Package":"x/p","Elapsed""#), "Failed | x/p.TestA, x/p.TestA/sub |  | x/p | x/p.TestB"),
        (
            format!("{GO}{}", r#"{"Action":"fail","Package":"x/p","Test":"TestA"}"#),
            "Failed | x/p.TestA/sub |  | x/p.TestA | x/p.TestB",
        ),
        (
            r#"{"ImportPath":"x/q","Action":"build-fail"}
            {"Action":"start","Package":"x/q"}
            {"Action":"fail","Package":"x/q","Elapsed":0,"FailedBuild":"x/q"}"#
                .into(),
            "Failed |  |  | x/q (build), x/q | ",
        ),
        (r#"{"Action":"start"}"#.into(), "Failed |  |  |  | "),
    ] {
        assert_eq!(told(&report).as_deref(), Ok(expected), "{report}");
    }
    assert!(told(&format!("{GO}FAIL\n")).is_err(), "what is no event is not passed over");
    assert!(told("{}").is_err());
}

#[test]
fn what_is_no_report_is_refused() {
    for bytes in [&b""[..], b"ok", b"[]", b"PASS", b"\xff<testsuite/>"] {
        assert!(TestReport::parse(bytes).is_err(), "{}", bytes.escape_ascii());
    }
    let many = format!("TAP version 14\n1..{0}\n{1}", TESTS_MAX + 1, "ok\n".repeat(TESTS_MAX + 1));
    let error = Unreadable::TooLarge { what: "tests", found: TESTS_MAX + 1, limit: TESTS_MAX };
    assert_eq!(TestReport::parse(many.as_bytes()), Err(error));
    let long = format!(r#"<testsuite name="{}"><testcase name="a"/></testsuite>"#, "s".repeat(4095));
    let error = Unreadable::TooLarge { what: "bytes of a test's name", found: 4097, limit: 4096 };
    assert_eq!(TestReport::parse(long.as_bytes()), Err(error));
    let large = vec![b' '; BYTES_MAX + 1];
    let error = Unreadable::TooLarge { what: "bytes", found: BYTES_MAX + 1, limit: BYTES_MAX };
    assert_eq!(TestReport::parse(&large), Err(error));
}

#[test]
fn the_predicate_says_what_the_report_says() {
    let report = TestReport::parse(SUREFIRE.as_bytes()).expect("a report");
    let configuration = Configuration {
        uri: Some("https://shop.example/ci.yaml".into()),
        digest: BTreeMap::from([("sha256".into(), "ab".into())]),
        ..Configuration::default()
    };
    let predicate = report.predicate(vec![configuration], Some("https://ci.example/1".into()));
    let written = serde_json::to_string(&predicate).expect("JSON");
    let expected = concat!(
        r#"{"result":"FAILED","configuration":[{"uri":"https://shop.example/ci.yaml","digest":{"sha256":"ab"}}],"url":"https://ci.example/1","#,
        r#""passedTests":["com.x.CalcTest.subtracts"],"warnedTests":["com.x.CalcTest.adds"],"failedTests":["com.x.CalcTest.divides"]}"#
    );
    assert_eq!(written, expected);
    for (predicate, is_read) in [
        (r#"{"result":"PASSED","configuration":[]}"#, true),
        (r#"{"result":"FAILED","configuration":[],"failedTests":["a"],"more":1}"#, true),
        (r#"{"result":"PASSED","configuration":[],"failedTests":["a"]}"#, false),
        (r#"{"result":"passed","configuration":[]}"#, false),
        (r#"{"result":"PASSED"}"#, false),
        ("{}", false),
    ] {
        assert_eq!(TestResult::parse(predicate.as_bytes()).is_ok(), is_read, "{predicate}");
    }
}

proptest! {
    /// What is written as a predicate is read as it was.
    #[test]
    fn predicates_are_read_as_they_were_written(
        passed in prop::collection::vec(".*", 0..5),
        flaky in prop::collection::vec(".*", 0..5),
        failed in prop::collection::vec(".*", 0..5),
        url in prop::option::of(".*"),
    ) {
        let report = TestReport { passed, flaky, failed, ..TestReport::default() };
        let passes = report.outcome() == TestOutcome::Passed;
        prop_assert_eq!(passes, report.failed.is_empty() && report.flaky.is_empty() && !report.passed.is_empty());
        let predicate = report.predicate(Vec::new(), url);
        prop_assert_eq!(TestResult::parse(&serde_json::to_vec(&predicate).expect("JSON")), Ok(predicate));
    }

    /// A report that ends too early never passes. (Of Go's, that of one package: where a package is not begun, nothing tells of it.)
    #[test]
    fn what_ends_too_early_does_not_pass(which in 0usize..4, at in any::<prop::sample::Index>()) {
        let tap = "TAP version 14\nok 1 - a\nok 2 - b\n1..2\n";
        let (one_package, _) = GO.trim_end().rsplit_once('\n').expect("several lines");
        let report = [PYTEST, NESTED, one_package, tap][which].trim_end();
        let cut = &report[..at.index(report.len())];
        if let Ok(read) = TestReport::parse(cut.as_bytes()) {
            prop_assert_ne!(read.outcome(), TestOutcome::Passed, "{}", cut);
        }
    }
}
