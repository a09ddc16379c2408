//! Reports as their scanners write them, cut down to what tells.

use proptest::prelude::*;

use super::*;

const TRIVY: &str = r#"{"SchemaVersion":2,"Trivy":{"Version":"0.68.1"},"CreatedAt":"2026-01-02T12:20:30.000000005Z","Results":[
  {"Target":"alpine (3.9.4)","Class":"os-pkgs","Type":"alpine","Vulnerabilities":[
    {"VulnerabilityID":"CVE-1","PkgName":"musl","PkgIdentifier":{"PURL":"pkg:apk/alpine/musl@1.1.20-r4?distro=3.9.4"},"InstalledVersion":"1.1.20-r4",
     "FixedVersion":"1.1.20-r5, 1.2.0","Severity":"CRITICAL","CVSS":{"nvd":{"V3Vector":"CVSS:3.1/AV:L/AC:H/PR:L/UI:R/S:U/C:L/I:N/A:N"}}},
    {"VulnerabilityID":"CVE-2","VendorIDs":["GHSA-2"],"PkgName":"x","InstalledVersion":"1","Severity":"UNKNOWN",
     "CVSS":{"ghsa":{"V3Vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"},"nvd":{"V2Vector":"AV:N/AC:M/Au:N/C:N/I:N/A:P"}}}],
   "ExperimentalModifiedFindings":[
    {"Type":"vulnerability","Status":"not_affected","Statement":"vulnerable_code_not_present","Source":"OpenVEX",
     "Finding":{"VulnerabilityID":"CVE-3","PkgName":"y","Severity":"HIGH"}},
    {"Type":"vulnerability","Status":"under_investigation","Statement":"","Source":"OpenVEX",
     "Finding":{"VulnerabilityID":"CVE-4","PkgName":"y","Severity":"HIGH"}},
    {"Type":"secret","Status":"ignored","Statement":"","Source":"x","Finding":{"RuleID":"key"}}]},
  {"Target":"config","Class":"config","Vulnerabilities":null}]}"#;

const GRYPE: &str = r#"{"matches":[
  {"vulnerability":{"id":"GHSA-1","severity":"High","cvss":[],"fix":{"versions":["1.2.0"],"state":"fixed"}},"relatedVulnerabilities":[{"id":"CVE-1"}],
   "artifact":{"name":"p","version":"1.1.0","type":"npm","purl":"pkg:npm/p@1.1.0"}},
  {"vulnerability":{"id":"GHSA-1","severity":"High","fix":{"versions":["1.2.0"]}},"relatedVulnerabilities":[{"id":"CVE-1"}],
   "artifact":{"name":"p","version":"1.1.0","type":"npm","purl":"pkg:npm/p@1.1.0"}},
  {"vulnerability":{"id":"ELSA-1","severity":"","cvss":[{"version":"3.1","vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"}]},
   "relatedVulnerabilities":[{"id":"CVE-2"},{"id":"CVE-3"}],"artifact":{"name":"q","version":"2","type":"rpm","purl":""}},
  {"vulnerability":{"id":"CVE-9","severity":"Negligible"},"relatedVulnerabilities":[{"id":"CVE-9"}],"artifact":{"name":"r","version":"3"}}],
 "ignoredMatches":[{"vulnerability":{"id":"CVE-5","severity":"Critical"},"artifact":{"name":"s","version":"4"},
   "appliedIgnoreRules":[{"vulnerability":"CVE-5","namespace":"vex","vex-status":"not_affected","vex-justification":"component_not_present"}]}],
 "descriptor":{"name":"grype","version":"0.114.0","timestamp":"2026-01-02T10:00:00+01:00",
  "db":{"status":{"schemaVersion":"v6.0.2","built":"2026-01-01T04:00:00Z"}}}}"#;

const OSV_SCANNER: &str = r#"{"results":[{"source":{"path":"/src/go.mod","type":"lockfile"},"packages":[
  {"package":{"name":"p","version":"1.1.0","ecosystem":"npm"},"vulnerabilities":[
     {"id":"GHSA-1","modified":"2026-01-02T00:00:00Z","aliases":["CVE-1"],"affected":[{"package":{"ecosystem":"npm","name":"p"},
      "ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}]}]},
     {"id":"NPM-1","modified":"2026-01-02T00:00:00Z"},
     {"id":"GHSA-2","modified":"2026-01-02T00:00:00Z","database_specific":{"severity":"MODERATE"}}],
   "groups":[{"ids":["GHSA-1","NPM-1"],"aliases":["CVE-1","GHSA-1","NPM-1"],"max_severity":"9.8","experimental_analysis":{"GHSA-1":{"called":false}}},
             {"ids":["GHSA-2"],"aliases":[],"max_severity":""},{"ids":[],"max_severity":"1.0"}]},
  {"package":{"name":"q","version":"2","ecosystem":"PyPI"},"vulnerabilities":[{"id":"PYSEC-1","modified":"2026-01-02T00:00:00Z"}]}]}],
 "experimental_config":{"licenses":{"summary":false,"allowlist":null}}}"#;

const SARIF: &str = r#"{"version":"2.1.0","$schema":"x","runs":[{"tool":{
   "driver":{"name":"grype","version":"0.114.0","rules":[
     {"id":"CVE-1-p","properties":{"security-severity":"9.8","purls":["pkg:npm/p@1.1.0"]}},
     {"id":"CVE-2-q","properties":{"security-severity":0.0}},{"id":"lint"}]},
   "extensions":[{"name":"more","rules":[{"id":"CVE-3","properties":{"security-severity":"5.0"}}]}]},
  "invocations":[{"executionSuccessful":true,"startTimeUtc":"2026-01-02T09:00:00Z","endTimeUtc":"2026-01-02T09:01:00Z"}],
  "results":[
    {"ruleId":"CVE-1-p","ruleIndex":0,"level":"error","message":{"text":"x"}},
    {"ruleId":"CVE-2-q","message":{"text":"x"},"suppressions":[{"kind":"external","status":"accepted","justification":"not reachable"}]},
    {"ruleId":"lint","ruleIndex":-1,"message":{"text":"x"},"suppressions":[{"kind":"inSource"},{"kind":"external","status":"underReview"}]},
    {"rule":{"index":0,"toolComponent":{"index":0}},"message":{"text":"x"}},
    {"ruleId":"lint","kind":"pass","message":{"text":"x"}},
    {"ruleId":"lint","baselineState":"absent","message":{"text":"x"}},
    {"ruleId":"CVE-1-p","ruleIndex":7,"properties":{"security-severity":"2.5"},"message":{"text":"x"}}]}]}"#;

const VULNS: &str = r#"{"scanner":{"uri":"pkg:github/aquasecurity/trivy@244fd47","version":"0.19.2",
   "db":{"uri":"pkg:github/aquasecurity/trivy-db/commit/4c76bb5","lastUpdate":"2021-08-06T17:45:50.52Z"},
   "result":[{"id":"CVE-1","severity":[{"method":"nvd","score":"medium"},{"method":"cvss_score","score":"7.2"}]},
             {"id":"CVE-2","severity":[{"method":"epss","score":"0.95"}],"annotations":[{"package":"pkg:npm/p@1"}]},
             {"id":"CVE-3","severity":[{"method":"selfsame","score":"high"}],
              "annotations":[{"package":"pkg:npm/p@1","aliases":["GHSA-3"],"fixed":"2","uncertain":false}]}]},
  "metadata":{"scanStartedOn":"2021-08-06T17:45:50.52Z","scanFinishedOn":"2021-08-06T17:50:50.52Z"}}"#;

/// Severity, id, aliases, package (URL, or else name and version), versions in which it is fixed, and why it is suppressed.
fn rows(read: &Findings) -> Vec<String> {
    let row = |found: &Finding| {
        let named = format!("{} {}", found.package.as_deref().unwrap_or("-"), found.version.as_deref().unwrap_or("-"));
        let place = found.purl.clone().unwrap_or(named);
        let why = found.suppressed.as_deref().unwrap_or("-");
        let severity = found.severity.as_str();
        format!("{severity} | {} | {} | {place} | {} | {why}", found.id, found.aliases.join(","), found.fixed.join(","))
    };
    read.findings.iter().map(row).collect()
}

fn head(read: &Findings) -> String {
    let time = |time: Option<Time>| time.map_or_else(|| "-".to_owned(), |time| time.to_string());
    let version = read.scanner_version.as_deref().unwrap_or("-");
    format!("{} | {} | {version} | {} | {}", read.format, read.scanner, time(read.database), time(read.scanned))
}

#[test]
fn each_scanner_s_own_report_is_read() {
    for (report, expected) in [
        (
            TRIVY,
            &[
                "Trivy | Trivy | 0.68.1 | - | 2026-01-02T12:20:30.000000005Z",
                "critical | CVE-1 |  | pkg:apk/alpine/musl@1.1.20-r4?distro=3.9.4 | 1.1.20-r5,1.2.0 | -",
                "high | CVE-2 | GHSA-2 | x 1 |  | -",
                "high | CVE-3 |  | y - |  | not_affected: vulnerable_code_not_present",
                "high | CVE-4 |  | y - |  | -",
            ][..],
        ),
        (
            GRYPE,
            &[
                "Grype | grype | 0.114.0 | 2026-01-01T04:00:00Z | 2026-01-02T09:00:00Z",
                "critical | ELSA-1 |  | q 2 |  | -",
                "critical | CVE-5 |  | s 4 |  | not_affected: component_not_present",
                "high | GHSA-1 | CVE-1 | pkg:npm/p@1.1.0 | 1.2.0 | -",
                "none | CVE-9 |  | r 3 |  | -",
            ],
        ),
        (
            OSV_SCANNER,
            &[
                "OSV-Scanner | OSV-Scanner | - | - | -",
                "critical | GHSA-1 | CVE-1,NPM-1 | p 1.1.0 | 1.2.0 | -",
                "medium | GHSA-2 |  | p 1.1.0 |  | -",
                "unknown | PYSEC-1 |  | q 2 |  | -",
            ],
        ),
        (
            SARIF,
            &[
                "SARIF 2.1.0 | grype | 0.114.0 | - | 2026-01-02T09:01:00Z",
                "critical | CVE-1-p |  | pkg:npm/p@1.1.0 |  | -",
                "medium | CVE-3 |  | - - |  | -",
                "low | CVE-1-p |  | - - |  | -",
                "unknown | CVE-2-q |  | - - |  | not reachable",
                "unknown | lint |  | - - |  | -",
            ],
        ),
    ] {
        let read = Findings::parse(report.as_bytes()).unwrap_or_else(|error| panic!("{error}: {report}"));
        let found: Vec<_> = std::iter::once(head(&read)).chain(rows(&read)).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn predicates_are_read_by_their_type() {
    let wrapped =
        VULNS.replace(r#"{"id":"CVE-1""#, r#"{"vulnerability":{"id":"CVE-1""#).replace(r#""7.2"}]}"#, r#""7.2"}]}}"#);
    let cosign = |result: &str| {
        format!(
            r#"{{"invocation":{{"uri":"x"}},"scanner":{{"uri":"pkg:github/x","version":"1",
            "db":{{"lastUpdate":"2026-01-01T00:00:00Z"}},"result":{result}}},
            "metadata":{{"scanFinishedOn":"2026-01-02T13:00:00Z"}}}}"#
        )
    };
    let rows_of_vulns = [
        "high | CVE-1 |  | - - |  | -",
        "high | CVE-3 | GHSA-3 | pkg:npm/p@1 | 2 | -",
        "unknown | CVE-2 |  | - - |  | -",
    ];
    let times = "2021-08-06T17:45:50.52Z | 2021-08-06T17:50:50.52Z";
    for (kind, predicate, expected) in [
        (
            "vulns/v0.1",
            wrapped.clone(),
            format!("in-toto vulns v0.1 | pkg:github/aquasecurity/trivy@244fd47 | 0.19.2 | {times}"),
        ),
        (
            "vulns/v0.1",
            VULNS.into(),
            format!("in-toto vulns v0.1 | pkg:github/aquasecurity/trivy@244fd47 | 0.19.2 | {times}"),
        ),
        (
            "vulns/v0.2",
            VULNS.into(),
            format!("in-toto vulns v0.2 | pkg:github/aquasecurity/trivy@244fd47 | 0.19.2 | {times}"),
        ),
    ] {
        let kind = format!("https://in-toto.io/attestation/{kind}");
        let read = Findings::of_predicate(&kind, predicate.as_bytes()).expect("a known type").expect("a predicate");
        let mut found = rows(&read);
        found.sort();
        assert_eq!((head(&read), found), (expected, rows_of_vulns.map(String::from).to_vec()));
    }
    let read = |result: &str| {
        let kind = "https://cosign.sigstore.dev/attestation/vuln/v1";
        Findings::of_predicate(kind, cosign(result).as_bytes()).expect("a known type")
    };
    let of_trivy = read(TRIVY).expect("a predicate");
    assert_eq!(
        head(&of_trivy),
        "cosign vuln v1: Trivy | Trivy | 0.68.1 | 2026-01-01T00:00:00Z | 2026-01-02T12:20:30.000000005Z"
    );
    assert_eq!(of_trivy.findings.len(), 4);
    let of_osv = read(r#"{"results":[]}"#).expect("a predicate");
    assert_eq!(
        head(&of_osv),
        "cosign vuln v1: OSV-Scanner | OSV-Scanner | 1 | 2026-01-01T00:00:00Z | 2026-01-02T13:00:00Z"
    );
    for result in ["{}", "null", "[]", "\"\""] {
        assert!(read(result).is_err(), "{result} tells nothing");
    }
    assert_eq!(Findings::of_predicate("https://slsa.dev/provenance/v1", b"{}"), None);
}

#[test]
fn what_is_suppressed_is_not_counted() {
    let counts = |report: &str| Findings::parse(report.as_bytes()).expect("a report").counts();
    assert_eq!(counts(TRIVY), BTreeMap::from([(Severity::Critical, 1), (Severity::High, 2)]));
    assert_eq!(counts(GRYPE), BTreeMap::from([(Severity::Critical, 1), (Severity::High, 1), (Severity::None, 1)]));
    // It is suppressed in one place only.
    let seen_again = GRYPE
        .replace(r#"{"id":"CVE-9","severity":"Negligible"}"#, r#"{"id":"CVE-5","severity":"Low"}"#)
        .replace(r#""name":"r","version":"3""#, r#""name":"s","version":"4""#);
    assert_eq!(counts(&seen_again), BTreeMap::from([(Severity::Critical, 2), (Severity::High, 1)]));
}

#[test]
fn what_tells_of_no_whole_scan_is_refused() {
    let at = "it is no scan report: ";
    let none = "it is no report of Trivy, Grype or OSV-Scanner, nor SARIF";
    let failed = SARIF.replace(r#""executionSuccessful":true"#, r#""executionSuccessful":false"#);
    let nameless = GRYPE.replace(r#""id":"GHSA-1""#, r#""id":"""#);
    let run = |rest: &str| format!(r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"t"}}}}{rest}}}]}}"#);
    for (report, problem) in [
        ("{}".to_owned(), none),
        (r#"{"matches":[],"runs":[]}"#.into(), none),
        (r#"{"SchemaVersion":1}"#.into(), "Trivy's schema 1 is not read, but 2"),
        (r#"{"version":"2.0.0","runs":[]}"#.into(), "SARIF `2.0.0` is not read, but 2.1.0"),
        (r#"{"version":"2.1.0","runs":[]}"#.into(), "it tells of no run"),
        (run(""), "`t` says that it did not look"),
        (run(r#","results":[{"message":{}}]"#), "a result names no rule"),
        (failed, "`grype` says that it did not succeed"),
        (nameless, "a vulnerability has no id"),
        (r#"{"matches":[]}"#.into(), "missing field `descriptor` at line 1 column 14"),
        (r#"{"results":{}}"#.into(), "invalid type: map, expected a sequence at line 1 column 11"),
        ("[]".into(), "missing field"),
        (String::new(), "EOF while parsing a value at line 1 column 0"),
    ] {
        let error = Findings::parse(report.as_bytes()).expect_err(&report).to_string();
        let told = error.strip_prefix(at).unwrap_or_else(|| panic!("{error}"));
        assert!(told == problem || problem == "missing field", "{report}: {told}");
    }
    assert_eq!(Findings::parse(run(r#","results":[]"#).as_bytes()).expect("a report").findings, []);
    let long = SARIF.replace(r#""ruleId":"CVE-1-p""#, &format!(r#""ruleId":"{}""#, "p".repeat(4097)));
    let error = Unreadable::TooLarge { what: "bytes of names of a vulnerability", found: 4112, limit: 4096 };
    assert_eq!(Findings::parse(long.as_bytes()), Err(error));
    let large = vec![b' '; BYTES_MAX + 1];
    assert_eq!(
        Findings::parse(&large),
        Err(Unreadable::TooLarge { what: "bytes", found: BYTES_MAX + 1, limit: BYTES_MAX })
    );
}

#[test]
fn what_our_own_scan_found_counts_alike() {
    let ours = scan::Finding {
        id: "GHSA-1".into(),
        aliases: vec!["CVE-1".into()],
        summary: String::new(),
        purl: "pkg:npm/p@1.1.0".into(),
        version: "1.1.0".into(),
        fixed: Some("1.2.0".into()),
        severity: Severity::High,
        uncertain: true,
    };
    let findings = vec![Finding::from(&ours)];
    let read = Findings { findings, ..Findings::default() };
    assert_eq!(rows(&read), ["high | GHSA-1 | CVE-1 | pkg:npm/p@1.1.0 | 1.2.0 | -"]);
    assert_eq!(read.counts(), BTreeMap::from([(Severity::High, 1)]));
}

proptest! {
    /// A report that was cut short or changed in one place is read or refused, and never gains what nobody told.
    #[test]
    fn damage_is_no_harm(which in 0usize..4, at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = [TRIVY, GRYPE, OSV_SCANNER, SARIF][which].as_bytes().to_vec();
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
            prop_assert!(Findings::parse(&bytes).is_err());
        } else {
            bytes[at] = byte;
            if let Ok(read) = Findings::parse(&bytes) {
                prop_assert!(read.findings.len() <= 7);
            }
        }
    }
}
