//! `scan`: what a bill of materials lists is looked up in advisories, and what was found is evidence that a gate asks for.

use serde_json::Value;

use super::server::Server;

const PROJECT: &str = "\
project: shop
components: { web: {} }
stages:
  dev:
    gate:
      - evidence: { kind: scan, name: osv }
";

/// A bill of materials with `p` of npm at a version, and something that advisories do not know.
fn sbom(version: &str) -> String {
    format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":[
            {{"type":"library","name":"p","version":"{version}","purl":"pkg:npm/p@{version}"}},
            {{"type":"file","name":"a-file"}}]}}"#
    )
}

const ADVISORY: &str = r#"{"id":"GHSA-1","modified":"2026-01-02T00:00:00Z","aliases":["CVE-1"],"summary":"a hole",
    "affected":[{"package":{"ecosystem":"npm","name":"p"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}]}],
    "severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]}"#;

const TRIVY: &str = r#"{"SchemaVersion":2,"ArtifactName":"shop","Results":[{"Target":"package-lock.json","Type":"npm","Vulnerabilities":[
    {"VulnerabilityID":"CVE-1","PkgName":"p","PkgIdentifier":{"PURL":"pkg:npm/p@1.1.0"},"InstalledVersion":"1.1.0","FixedVersion":"1.2.0","Severity":"HIGH"}]}]}"#;

const VEX: &str = r#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://vex.example/1","author":"us","timestamp":"2026-01-03T00:00:00Z","version":1,
    "statements":[{"vulnerability":{"name":"CVE-1"},"status":"not_affected","justification":"vulnerable_code_not_in_execute_path",
    "products":[{"@id":"pkg:oci/shop","subcomponents":[{"@id":"pkg:npm/p"}]}]}]}"#;

/// A zip archive with one file, as OSV publishes them.
fn archive(name: &str, text: &str) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file(name, zip::write::SimpleFileOptions::default()).expect("a file begins");
    std::io::Write::write_all(&mut writer, text.as_bytes()).expect("it is written");
    writer.finish().expect("the archive ends").into_inner()
}

#[test]
fn what_a_scan_finds_opens_or_closes_a_gate() {
    let server = Server::start();
    server.write("selfsame.yaml", PROJECT);
    server.done(&["apply", "selfsame.yaml", "--yes"]);
    server.write("bad.json", sbom("1.1.0"));
    server.write("good.json", sbom("1.2.0"));
    std::fs::create_dir_all(server.folder().join("osv/npm")).expect("a folder");
    server.write("osv/npm/GHSA-1.json", ADVISORY);
    server.write("npm.zip", archive("GHSA-1.json", ADVISORY));
    server.write("trivy.json", TRIVY);
    server.write("vex.json", VEX);
    let (_, release) = server.release("a build");
    // Nothing of this asks the server.
    for advisories in ["osv", "npm.zip", "osv/npm/GHSA-1.json"] {
        let ran = server.run_alone(&["scan", "bad.json", "--advisories", advisories, "--json"]);
        assert_eq!(ran.code, 1, "{advisories}: {ran:?}");
        let answer: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!(answer["findings"][0]["id"], "GHSA-1", "{answer}");
        assert_eq!(answer["findings"][0]["fixed"], "1.2.0", "{answer}");
        assert_eq!((&answer["counts"]["high"], &answer["matched"]), (&1.into(), &1.into()), "{answer}");
        assert_eq!(answer["unmatched"], serde_json::json!(["a-file"]), "what was not looked up is said");
    }
    for (line, code, says) in [
        ("scan bad.json --advisories osv", 1, "1 vulnerability counts as high or worse"),
        ("scan bad.json --advisories osv --fail-on critical", 0, "1 vulnerabilities of 1 packages"),
        (
            "scan good.json --advisories osv",
            0,
            "0 vulnerabilities of 1 packages, by 1 advisories, the newest of 2026-01-02T00:00:00Z",
        ),
        ("scan good.json --advisories nothing-there", 2, "nothing-there"),
        ("scan good.json --advisories selfsame.yaml", 2, "it is no OSV record"),
        ("scan npm.zip --advisories osv", 2, "it is no bill of materials"),
        ("scan good.json", 64, "--advisories"),
        ("scan good.json --advisories osv --name osv", 64, "--attest"),
        ("scan", 64, "<SBOM>"),
        ("scan bad.json --report trivy.json --advisories osv", 64, "cannot be used with"),
        ("scan --report bad.json", 2, "bad.json"),
        ("scan --report trivy.json", 1, "1 vulnerabilities, says Trivy, by a database of unknown age"),
        ("scan --report trivy.json --fail-on critical", 0, "CVE-1"),
        (
            "scan --report trivy.json --vex vex.json --product pkg:oci/shop",
            0,
            "CVE-1 of pkg:npm/p@1.1.0 does not count: not_affected (vulnerable_code_not_in_execute_path)",
        ),
        (
            "scan --report trivy.json --vex vex.json --product pkg:oci/other",
            1,
            "1 vulnerability counts as high or worse",
        ),
        (
            "scan bad.json --advisories osv --vex vex.json --product pkg:oci/shop",
            0,
            "GHSA-1 of pkg:npm/p@1.1.0 does not count: not_affected",
        ),
        ("scan bad.json --advisories osv --vex selfsame.yaml", 2, "selfsame.yaml"),
    ] {
        let ran = server.run_alone(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(ran.code, code, "`{line}`: {ran:?}");
        assert!(format!("{}{}", ran.stdout, ran.stderr).contains(says), "`{line}`: {ran:?}");
    }
    server.refused(&server.admin(), "gate-unmet", &["promote", &release, "--to", "dev"]);
    let ran = server.run(&server.admin(), &["scan", "bad.json", "--advisories", "osv", "--attest", &release]);
    assert!(ran.code == 1 && ran.stdout.contains("scan failed: entry"), "what is bad is recorded, too: {ran:?}");
    server.audit();
    server.refused(&server.admin(), "gate-unmet", &["promote", &release, "--to", "dev"]);
    server.done(&["scan", "good.json", "--advisories", "npm.zip", "--attest", &release]);
    server.done(&["promote", &release, "--to", "dev"]);
}

#[test]
fn a_report_of_tests_says_what_became_of_them() {
    let server = Server::start();
    let gate = "      - evidence: { kind: tests, name: unit }\n";
    server.write("selfsame.yaml", PROJECT.replace("      - evidence: { kind: scan, name: osv }\n", gate));
    server.done(&["apply", "selfsame.yaml", "--yes"]);
    let (artifact, release) = server.release("a build");
    let junit = |inner: &str| {
        format!(r#"<testsuites><testsuite name="s"><testcase name="a"/>{inner}</testsuite></testsuites>"#)
    };
    server.write("good.xml", junit(r#"<testcase name="b"><skipped/></testcase>"#));
    server.write("bad.xml", junit(r#"<testcase name="b"><failure message="no"/></testcase>"#));
    server.write("nothing.xml", "<testsuites/>");
    let attest = |file: &str| server.run(&server.admin(), &["attest", &artifact, "--report", file, "--name", "unit"]);
    for (file, code, says) in [
        ("bad.xml", 0, "tests `unit` failed for"),
        ("nothing.xml", 0, "tests `unit` failed for"),
        ("selfsame.yaml", 2, "neither JUnit XML"),
        ("absent.xml", 2, "absent.xml"),
    ] {
        let ran = attest(file);
        assert_eq!(ran.code, code, "{file}: {ran:?}");
        assert!(format!("{}{}", ran.stdout, ran.stderr).contains(says), "{file}: {ran:?}");
        server.refused(&server.admin(), "gate-unmet", &["promote", &release, "--to", "dev"]);
        server.audit();
    }
    let ran = attest("good.xml");
    assert!(ran.code == 0 && ran.stdout.contains("tests `unit` passed for"), "{ran:?}");
    server.done(&["promote", &release, "--to", "dev"]);
    server.audit();
}
