//! Real bills of materials against the Go vulnerability database, and advisories of our own.

use evidence::{
    advisory::Advisory,
    sbom::{Component, Sbom},
    scan::Advisories,
    severity::Severity,
};

use super::data;

fn sbom(purls: &[&str]) -> Sbom {
    let component = |purl: &&str| Component {
        name: (*purl).into(),
        version: String::new(),
        purl: Some((*purl).into()),
        licenses: Vec::new(),
    };
    Sbom { format: "a test".into(), components: purls.iter().map(component).collect() }
}

fn advisories(records: &[&str]) -> Advisories {
    let mut advisories = Advisories::default();
    for record in records {
        advisories.add(Advisory::parse(record.as_bytes()).expect("a record"));
    }
    advisories
}

const HIGH: &str = r#"{"id":"GHSA-1","modified":"2026-01-02T00:00:00Z","aliases":["CVE-1"],"summary":"a hole","affected":[{"package":{"ecosystem":"npm","name":"p"},
    "ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}],"database_specific":{"severity":"HIGH"}}]}"#;
const SAME: &str = r#"{"id":"NPM-9","modified":"2026-01-03T00:00:00Z","aliases":["CVE-1"],"affected":[{"package":{"ecosystem":"npm","name":"p"},
    "ranges":[{"type":"SEMVER","events":[{"introduced":"1.0.0"}]}],"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"}]}]}"#;

#[test]
fn one_vulnerability_in_several_databases_is_one_finding() {
    let report = advisories(&[HIGH, SAME]).scan(&sbom(&[
        "pkg:npm/p@1.1.0",
        "pkg:npm/p@1.1.0",
        "pkg:npm/p@1.2.0",
        "pkg:npm/q@1.0.0",
        "pkg:oci/x@1",
    ]));
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|found| (found.purl.as_str(), found.id.as_str(), found.severity, found.fixed.as_deref()))
        .collect();
    let expected = [
        ("pkg:npm/p@1.1.0", "GHSA-1", Severity::Critical, Some("1.2.0")),
        ("pkg:npm/p@1.2.0", "NPM-9", Severity::Critical, None),
    ];
    assert_eq!(found, expected);
    assert_eq!(report.findings[0].aliases, ["CVE-1", "NPM-9"]);
    assert_eq!((report.matched, report.unmatched.len()), (4, 1), "{report:?}");
}

#[test]
fn the_newer_record_counts_whatever_comes_first() {
    let taken_back = HIGH
        .replace("2026-01-02", "2026-02-02")
        .replace("\"aliases\"", "\"withdrawn\":\"2026-02-02T00:00:00Z\",\"aliases\"");
    for records in [[HIGH, taken_back.as_str()], [taken_back.as_str(), HIGH]] {
        let report = advisories(&records).scan(&sbom(&["pkg:npm/p@1.1.0"]));
        assert_eq!(report.findings, [], "it was withdrawn");
    }
}

#[test]
fn the_age_of_advisories_is_that_of_the_newest_and_unknown_is_not_old() {
    let unknown = HIGH.replace("2026-01-02", "0001-01-01");
    assert_eq!(advisories(&[&unknown]).newest(), "");
    assert_eq!(advisories(&[&unknown, SAME]).newest(), "2026-01-03T00:00:00Z");
    assert_eq!(advisories(&[SAME, HIGH]).newest(), "2026-01-03T00:00:00Z");
}

#[test]
#[cfg_attr(not(test_data), ignore = "the bills of materials are not there")]
fn bills_of_materials_are_read_in_each_form() {
    for (file, format, components, with_purl) in [
        ("cyclonedx/SBOM/dropwizard-1.3.15/bom.json", "CycloneDX 1.2", 167, 167),
        ("cyclonedx/SBOM/dropwizard-1.3.15/bom.xml", "CycloneDX 1.2", 167, 167),
        ("cyclonedx/SBOM/juice-shop/v11.1.2/bom.json", "CycloneDX 1.2", 840, 840),
        ("cyclonedx/SBOM/keycloak-10.0.2/bom.json", "CycloneDX 1.2", 903, 903),
        ("cyclonedx/SBOM/laravel-7.12.0/bom.1.4.json", "CycloneDX 1.4", 62, 62),
        ("spdx/SPDXJSONExample-v2.2.spdx.json", "SPDX 2.2", 4, 1),
    ] {
        let bytes = std::fs::read(data::path("sbom").join(file)).expect("a readable file");
        let sbom = Sbom::parse(&bytes).unwrap_or_else(|error| panic!("{file}: {error}"));
        let purls = sbom.components.iter().filter(|component| component.purl.is_some()).count();
        assert_eq!((sbom.format.as_str(), sbom.components.len(), purls), (format, components, with_purl), "{file}");
        let named = sbom.components.iter().filter(|component| component.installed().is_some()).count();
        assert_eq!(named, with_purl, "{file}: each package URL names a package of a known ecosystem");
    }
}

#[test]
#[cfg_attr(not(test_data), ignore = "the bills of materials are not there")]
fn one_bill_of_materials_lists_the_same_in_both_its_forms() {
    let read = |form: &str| {
        let path = data::path("sbom").join(format!("cyclonedx/SBOM/dropwizard-1.3.15/bom.{form}"));
        Sbom::parse(&std::fs::read(path).expect("a readable file")).expect("a bill of materials").components
    };
    let (of_xml, of_json) = (read("xml"), read("json"));
    // Of one component only the JSON form tells the licence.
    let differ: Vec<_> = of_xml.iter().zip(&of_json).filter(|(xml, json)| xml != json).collect();
    let without_licenses = |component: &Component| Component { licenses: Vec::new(), ..component.clone() };
    assert_eq!((of_xml.len(), differ.len()), (of_json.len(), 1));
    assert_eq!(*differ[0].0, without_licenses(differ[0].1));
    assert_eq!(differ[0].1.name, "org.glassfish.hk2/osgi-resource-locator");
}

#[test]
fn what_is_no_bill_of_materials_is_refused() {
    for text in [
        "",
        "{}",
        r#"{"bomFormat":"CycloneDX","specVersion":"9.0"}"#,
        r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":{}}"#,
        r#"{"spdxVersion":"SPDX-1.0"}"#,
    ] {
        assert!(Sbom::parse(text.as_bytes()).is_err(), "{text}");
    }
}
